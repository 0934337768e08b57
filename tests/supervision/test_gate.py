from __future__ import annotations

import pytest

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.ledger.models import Act
from gongzhi.supervision import answers, gate

pytestmark = pytest.mark.django_db
ABOUT_LAMPS = "经现场查看，门口路灯因线路老化熄灭，已于今日更换线路和灯头，现在恢复照明。"
ABOUT_SCHOOLS = "您咨询的小学入学报名条件为年满六周岁并持有居住证，请于八月到教育局办事大厅登记注册学籍。"


@pytest.fixture
def accepted(submit, staff):  # type: ignore[no-untyped-def]
    def _accepted(text: str = "门口的路灯坏了好几天，晚上很黑，老人小孩出行不安全") -> Case:
        case = Case.objects.get(number=submit(text).number)
        actions.accept(staff("worker"), case)
        return case

    return _accepted


def test_an_answer_about_something_else_is_held_back(accepted, staff) -> None:  # type: ignore[no-untyped-def]
    case = accepted()
    with pytest.raises(gate.Held):
        actions.reply(staff("worker"), case, ABOUT_SCHOOLS)
    actions.reply(staff("worker"), Case.objects.get(pk=case.pk), ABOUT_LAMPS)


def test_a_named_person_overrides_with_a_reason_that_is_recorded(accepted, staff) -> None:  # type: ignore[no-untyped-def]
    case = accepted()
    actions.reply(staff("worker"), case, ABOUT_SCHOOLS, override_reason="来电补充咨询了入学")
    act = Act.objects.get(verb="case.reply", subject_id=case.pk)
    assert act.details["held_for"] == ["not_fitting"]
    (row,) = gate.override_rates(case.opened_at)
    assert (row["answers"], row["overridden"]) == (1, 1)


def test_the_same_answer_for_the_fourth_matter_is_held_back(accepted, staff) -> None:  # type: ignore[no-untyped-def]
    for n in range(4):
        case = accepted(f"门口的路灯坏了好几天，晚上很黑，{n}号楼前")
        if n < 3:
            actions.reply(staff("worker"), case, ABOUT_LAMPS)
        else:
            with pytest.raises(gate.Held):
                actions.reply(staff("worker"), case, ABOUT_LAMPS)


@pytest.mark.parametrize(
    ("text", "is_held"),
    [
        ("我局将尽快安排人员修复路灯。", True),
        ("我局将尽快安排人员修复路灯，最迟11月28日完成。", False),
        ("路灯已修复。", False),
        ("We will repair the lamp as soon as possible.", True),
        ("We will repair the lamp as soon as possible, by 3 December at the latest.", False),
    ],
)
def test_a_promise_needs_a_date(text: str, is_held: bool) -> None:
    assert answers.promises_without_date(text) is is_held


def test_scores_say_what_they_are_made_of() -> None:
    found = answers.score("路灯坏了", ABOUT_LAMPS, days=20, limit_days=10).as_json()
    assert found["timeliness"]["score"] == 0 and found["explanation"]["causes"] >= 1  # type: ignore[index]
