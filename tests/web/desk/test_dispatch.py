"""The dispatcher's desk: what waits and why, deciding one or many, with the mandates or against them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gongzhi.cases import actions
from gongzhi.cases.models import Case, Task
from gongzhi.ledger.models import Act
from gongzhi.registry.models import Organisation
from gongzhi.routing.models import Finding

pytestmark = pytest.mark.django_db

DESK, DECIDE, MERGE = "/desk/dispatch/", "/desk/dispatch/decide", "/desk/dispatch/merge"
UNCLEAR = "嗯嗯那个事情你们看看吧"


def _numbers(page: str) -> list[str]:
    return re.findall(r'href="/desk/cases/(\d+)/" class="title"', page)


def _seen(case: Case) -> str:
    return f"{case.number}:{case.version}"


def _unclear(submit, text: str = UNCLEAR, **fields: object) -> Case:  # type: ignore[no-untyped-def]
    return Case.objects.get(number=submit(text, **fields).number)


def _returned(case: Case, staff, *, to: str = "") -> Case:  # type: ignore[no-untyped-def]
    """A lamp case that came back; a second time from `to`, when given."""
    actions.return_(staff("worker"), case, reason_code="not_ours", reason="不归我们")
    if to:
        actions.assign(staff("dispatcher"), case, Organisation.objects.get(code=to), reason="先看看")
        actions.return_(staff(f"worker-{to}"), case, reason_code="wrong_area", reason="不在我辖区")
    return case


def test_each_list_says_why_a_matter_waits(a_case, submit, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    unclear = _unclear(submit)
    once = _returned(a_case(), staff)
    twice = _returned(a_case("南门路灯不亮"), staff, to="transport")
    gap = _unclear(submit, "楼下共享单车堆了一地", function_code="bikes-shared")
    desk = desk_of("dispatcher")
    lists = {
        tab: desk.get(f"{DESK}?tab={tab}").content.decode()
        for tab in ("all", "unclear", "returned", "arbitration", "gap")
    }
    assert set(_numbers(lists["all"])) == {c.number for c in (unclear, once, twice, gap)}
    assert _numbers(lists["unclear"]) == [unclear.number] and "% only; from 30 % on" in lists["unclear"]
    assert _numbers(lists["returned"]) == [once.number]
    assert (
        "City Management Bureau returned it just now: Not our responsibility – 不归我们" in lists["returned"]
    )
    assert _numbers(lists["arbitration"]) == [twice.number]
    assert "Transport Bureau returned it" in lists["arbitration"] and "不在我辖区" in lists["arbitration"]
    assert _numbers(lists["gap"]) == [gap.number]
    assert "No organisation has a mandate for “" in lists["gap"]


def test_the_oldest_waits_first_unless_deadlines_are_asked_for(submit, desk_of) -> None:  # type: ignore[no-untyped-def]
    first, second = _unclear(submit), _unclear(submit, UNCLEAR + "啊")
    now = timezone.now()
    Case.objects.filter(pk=second.pk).update(
        opened_at=now - timedelta(days=2), due_at=now + timedelta(days=9)
    )
    Case.objects.filter(pk=first.pk).update(due_at=now + timedelta(days=1))
    desk = desk_of("dispatcher")
    assert _numbers(desk.get(DESK).content.decode()) == [second.number, first.number]
    assert _numbers(desk.get(f"{DESK}?order=due").content.decode()) == [first.number, second.number]
    assert desk.get(f"{DESK}?order=sideways").status_code == 422


def test_the_list_is_narrowed_by_words_area_function_and_urgency(submit, desk_of) -> None:  # type: ignore[no-untyped-def]
    here = _unclear(submit, UNCLEAR + "快点")
    elsewhere = _unclear(submit, lng=None, lat=None)
    Case.objects.filter(pk=here.pk).update(urgency="urgent")
    area = here.area.code  # type: ignore[union-attr]
    desk = desk_of("dispatcher")
    for query in ("q=快点", f"area={area}", "urgency=urgent"):
        assert _numbers(desk.get(f"{DESK}?{query}").content.decode()) == [here.number], query
    assert len(_numbers(desk.get(DESK).content.decode())) == 2
    assert _numbers(desk.get(f"{DESK}?q={elsewhere.number}").content.decode()) == [elsewhere.number]
    assert "Nothing fits" in desk.get(f"{DESK}?q=没有这样的话").content.decode()


def test_who_gave_a_case_back_is_not_suggested_for_it_again(a_case, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    _returned(a_case(), staff)
    page = desk_of("dispatcher").get(DESK).content.decode()
    assert "to=urban&" not in page


def test_where_no_mandate_names_anybody_precedents_do(a_case, submit, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    done = _unclear(submit, "楼下共享单车堆了一地", function_code="bikes-shared")
    transport = Organisation.objects.get(code="transport")
    actions.assign(staff("dispatcher"), done, transport)
    actions.accept(staff("worker-transport"), done)
    actions.resolve(staff("worker-transport"), done, "已通知企业清运，今天下午清理完毕。")
    _unclear(submit, "路口共享单车挡住盲道", function_code="bikes-shared")
    page = desk_of("dispatcher").get(DESK).content.decode()
    assert "to=transport&" in page and "no mandate · did 1 of the last 1" in page


def test_what_will_happen_is_said_before_it_does(submit, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = _unclear(submit)
    asked = {"case": _seen(case), "to": "urban", "function": "lighting"}
    page = desk_of("dispatcher").get(DECIDE, asked).content.decode()
    assert "To City Management Bureau" in page and "To be done by" in page
    assert "It leads this here" in page and "the system learns from that" in page
    case.refresh_from_db()
    assert case.state == "received"


def test_a_decision_classifies_and_assigns(submit, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = _unclear(submit)
    sent = {"case": _seen(case), "to": "urban", "function": "lighting"}
    answer = desk_of("dispatcher").post(DECIDE, sent, follow=True)
    assert "assigned to City Management Bureau" in answer.content.decode()
    case.refresh_from_db()
    assert (case.organisation.code, case.function.code, case.state) == ("urban", "lighting", "assigned")  # type: ignore[union-attr]


def test_several_are_assigned_at_once_and_what_has_changed_is_told(submit, desk_of) -> None:  # type: ignore[no-untyped-def]
    cases = [_unclear(submit, f"{UNCLEAR}{n}") for n in range(3)]
    Case.objects.filter(pk=cases[2].pk).update(version=7)
    sent = {"case": [_seen(c) for c in cases], "to": "urban", "function": "lighting"}
    page = desk_of("dispatcher").post(DECIDE, sent, follow=True).content.decode()
    assert "2 cases assigned to City Management Bureau" in page
    assert "This case was changed while you were working on it" in page
    states = list(Case.objects.order_by("pk").values_list("state", flat=True))
    assert states == ["assigned", "assigned", "received"]


def test_against_the_mandates_a_reason_is_needed_and_it_becomes_a_finding(a_case, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = _returned(a_case(), staff)
    desk = desk_of("dispatcher")
    sent = {"case": _seen(case), "to": "housing", "back": DESK}
    page = desk.get(DECIDE, sent).content.decode()
    assert "By the mandates City Management Bureau leads “Street light out” here" in page
    refused = desk.post(DECIDE, sent | {"text": "  "})
    assert refused.status_code == 422 and "Say why you decide otherwise" in refused.content.decode()
    assert Case.objects.get().state == "received" and not Finding.objects.filter(kind="against").exists()
    desk.post(DECIDE, sent | {"text": "灯在小区里，由物业维护"})
    finding = Finding.objects.get(kind="against")
    assert (finding.function_id, finding.times) == (case.function_id, 1)
    assert finding.organisation_id == Organisation.objects.get(code="housing").pk
    assert Act.objects.get(verb="case.assign").reason == "灯在小区里，由物业维护"


def test_the_case_page_keeps_the_same_rule(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case()
    sent = {"verb": "assign", "version": case.version, "to": "housing", "text": ""}
    assert desk_of("dispatcher").post(f"/desk/cases/{case.number}/", sent).status_code == 422
    desk_of("dispatcher").post(f"/desk/cases/{case.number}/", sent | {"text": "小区内路灯"})
    assert Finding.objects.get(kind="against").times == 1


def test_what_came_back_twice_is_ruled_for_good_with_a_reason(a_case, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = _returned(a_case(), staff, to="transport")
    desk = desk_of("dispatcher")
    sent = {"case": _seen(case), "to": "urban"}
    assert "your decision is final" in desk.get(DECIDE, sent).content.decode()
    assert desk.post(DECIDE, sent).status_code == 422
    desk.post(DECIDE, sent | {"text": "按权责清单由城管负责"})
    case.refresh_from_db()
    assert case.bound_at is not None and Act.objects.filter(verb="case.arbitrate").count() == 1
    assert Finding.objects.get(kind="ruling").times == 1
    assert Task.objects.get(case=case, state="open").organisation.code == "urban"


def test_without_a_choice_one_is_told_what_to_choose(submit, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = _unclear(submit)
    desk = desk_of("dispatcher")
    for asked, told in (
        ({"to": "urban"}, "Choose at least one case"),
        ({"case": _seen(case), "to": "nobody"}, "Choose an organisation from the list"),
        ({"case": "123:1", "to": "urban"}, "There is no case with this number"),
        ({"case": _seen(case), "to": "urban", "function": "x"}, "Choose a function from the list"),
    ):
        assert told in desk.get(DECIDE, asked, follow=True).content.decode()
    assert "Choose at least two" in desk.get(MERGE, {"case": _seen(case)}, follow=True).content.decode()


def test_several_are_worked_as_one(submit, desk_of) -> None:  # type: ignore[no-untyped-def]
    cases = [_unclear(submit, f"{UNCLEAR}{n}") for n in range(3)]
    desk = desk_of("dispatcher")
    sent = {"case": [_seen(c) for c in cases], "into": cases[1].number}
    assert "Which goes on?" in desk.get(MERGE, sent).content.decode()
    assert desk.post(MERGE, sent | {"text": ""}).status_code == 422
    page = desk.post(MERGE, sent | {"text": "同一处"}, follow=True).content.decode()
    assert "Merged into" in page and _numbers(page) == [cases[1].number]
    assert Case.objects.filter(merged_into=cases[1]).count() == 2


def test_only_dispatchers_decide(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case()
    sent = {"case": _seen(case), "to": "housing", "text": "改派"}
    for username in ("worker", "operator", "supervisor", "leader"):
        desk = desk_of(username)
        assert desk.get(DESK).status_code == 403
        for address in (DECIDE, MERGE):
            assert desk.get(address, sent).status_code == 403
            assert desk.post(address, sent).status_code == 403
    assert Case.objects.get().organisation.code == "urban"  # type: ignore[union-attr]


def _queries(desk, address: str) -> int:  # type: ignore[no-untyped-def]
    desk.get(address)
    with CaptureQueriesContext(connection) as asked:
        desk.get(address)
    return len(asked)


def test_the_desk_asks_the_database_the_same_few_times_whatever_waits(a_case, submit, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("dispatcher")

    def fill(n: int) -> str:
        _unclear(submit, f"{UNCLEAR} {n}")
        _returned(a_case(f"路灯坏了 {n}"), staff)
        _returned(a_case(f"路灯不亮 {n}"), staff, to="transport")
        chosen = "&".join(f"case={_seen(c)}" for c in Case.objects.filter(state="received"))
        return f"{DECIDE}?{chosen}&to=urban"

    decide = fill(0)
    few = [_queries(desk, DESK), _queries(desk, decide)]
    for n in range(1, 5):
        decide = fill(n)
    many = [_queries(desk, DESK), _queries(desk, decide)]
    assert all(m <= f + 1 for m, f in zip(many, few, strict=True)), (few, many)
    assert max(many) <= 14
