"""Returns and arbiters, parts of other organisations, splitting, undoing a merge, reopening."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from gongzhi.cases import actions, parts
from gongzhi.cases.models import Case, Party, Task
from gongzhi.errors import GongzhiError, Invalid, NotAllowed, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry.models import Organisation
from tests.cases.builders import MONDAY, a_case, at, requester_of

pytestmark = pytest.mark.django_db


def org(code: str) -> Organisation:
    return Organisation.objects.get(code=code)


def returned_twice(submit: Any, staff: Any) -> Case:
    case = a_case(submit, staff)
    actions.return_(staff("worker"), case, reason_code="not_ours", reason="属交通部门", at=MONDAY)
    actions.assign(staff("dispatcher"), case, org("transport"), reason="道路设施", at=MONDAY)
    actions.return_(staff("worker-transport"), case, reason_code="not_ours", reason="不属我局", at=MONDAY)
    return case


def test_a_returned_case_has_a_dispatcher_with_a_deadline(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff)
    actions.return_(staff("worker"), case, reason_code="not_ours", reason="属交通部门", at=MONDAY)
    task = Task.objects.get(case=case, state="open")
    assert (task.role, task.organisation.code) == ("dispatch", "hotline")
    assert task.due_at == at("2026-11-03 18:00")


def test_the_second_return_goes_to_an_arbiter_whose_decision_binds(submit: Any, staff: Any) -> None:
    case = returned_twice(submit, staff)
    assert Task.objects.get(case=case, state="open").role == "arbiter"
    with pytest.raises(WrongState):
        actions.assign(staff("dispatcher"), case, org("urban"), reason="再派一次")
    with pytest.raises(Invalid):
        actions.arbitrate(staff("dispatcher"), case, org("urban"), reason="")
    with pytest.raises(NotAllowed):
        actions.arbitrate(staff("worker"), case, org("transport"), reason="按清单")
    actions.arbitrate(staff("dispatcher"), case, org("urban"), reason="按权责清单第三条", at=MONDAY)
    assert (case.state, case.organisation_id) == ("assigned", org("urban").pk)
    assert Task.objects.get(case=case, role="arbiter").state == "done"
    for attempt in (
        lambda: actions.return_(staff("worker"), case, reason_code="not_ours", reason="不归我们", at=MONDAY),
        lambda: actions.transfer(staff("worker"), case, org("transport"), reason="归他们", at=MONDAY),
    ):
        with pytest.raises(WrongState):
            attempt()
    act = Act.objects.filter(verb="case.arbitrate", subject_id=case.pk).get()
    assert act.reason == "按权责清单第三条" and act.details["returns"] == 2


def test_an_arbiter_is_not_needed_after_one_return(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff)
    actions.return_(staff("worker"), case, reason_code="not_ours", reason="属交通部门", at=MONDAY)
    with pytest.raises(WrongState):
        actions.arbitrate(staff("dispatcher"), case, org("transport"), reason="按清单")


def test_nothing_is_resolved_while_a_required_part_is_open(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(staff("worker"), case, org("power"), request="请查供电线路", at=MONDAY)
    with pytest.raises(WrongState, match="供电|power|Power"):
        actions.resolve(staff("worker"), case, "已修好")
    with pytest.raises(WrongState):
        actions.finish_part(staff("worker-power"), part, "线路正常")
    actions.accept_part(staff("worker-power"), part)
    actions.finish_part(staff("worker-power"), part, "线路正常，已更换熔断器")
    assert (part.state, part.post_id) == ("done", staff("worker-power").post_id)
    actions.resolve(staff("worker"), case, "线路与灯头均已修复")
    assert case.state == "resolved"


def test_an_optional_part_ends_with_the_case(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(
        staff("worker"), case, org("power"), request="请查供电线路", is_required=False, at=MONDAY
    )
    actions.resolve(staff("worker"), case, "已修好")
    part.refresh_from_db()
    assert part.state == "cancelled"
    with pytest.raises(WrongState):
        actions.accept_part(staff("worker-power"), part)


def test_an_assisting_organisation_acts_on_its_part_only(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(staff("worker"), case, org("power"), request="请查供电线路", at=MONDAY)
    helper, stranger = staff("worker-power"), staff("worker-water")
    for attempt in (
        lambda: actions.resolve(helper, case, "已修好"),
        lambda: actions.reply(helper, case, "马上来"),
        lambda: actions.note(helper, case, "看过了"),
        lambda: actions.cancel_part(helper, case, part, reason="不需要"),
        lambda: actions.accept_part(stranger, part),
        lambda: actions.accept_part(staff("worker"), part),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    seen = parts.part_of(helper, part.pk)
    assert seen.request == "请查供电线路"
    assert not hasattr(seen, "phone") and "13812345678" not in repr(seen)
    with pytest.raises(NotAllowed):
        parts.part_of(stranger, part.pk)
    assert [p.task_id for p in parts.parts(helper)] == [part.pk]
    assert parts.parts(stranger) == []


def test_a_part_does_not_disturb_who_works_on_the_case(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(staff("worker"), case, org("power"), request="请查供电线路", at=MONDAY)
    seen_by_lead = Case.objects.get(pk=case.pk)
    actions.accept_part(staff("worker-power"), part)
    actions.note(staff("worker"), seen_by_lead, "已联系居民")


def test_a_returned_part_frees_the_lead_and_an_unneeded_one_is_cancelled(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(staff("worker"), case, org("power"), request="请查供电线路", at=MONDAY)
    with pytest.raises(WrongState):
        actions.ask_part(staff("worker"), case, org("power"), request="再查一次", at=MONDAY)
    actions.return_part(staff("worker-power"), part, reason_code="not_ours", reason="属用户资产")
    again = actions.ask_part(staff("worker"), case, org("water"), request="请查积水", at=MONDAY)
    actions.cancel_part(staff("worker"), case, again, reason="现场已干")
    actions.resolve(staff("worker"), case, "已修好")


@pytest.mark.parametrize("hours", [-1, 24 * 30])
def test_a_part_is_due_in_the_future_and_before_the_case(submit: Any, staff: Any, hours: int) -> None:
    case = a_case(submit, staff, in_state="under_way")
    with pytest.raises(Invalid):
        actions.ask_part(
            staff("worker"),
            case,
            org("power"),
            request="请查",
            due_at=MONDAY + timedelta(hours=hours),
            at=MONDAY,
        )


def test_parts_outlive_a_transfer_of_the_lead(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(staff("worker"), case, org("power"), request="请查供电线路", at=MONDAY)
    actions.transfer(staff("worker"), case, org("transport"), reason="道路设施", at=MONDAY)
    actions.accept_part(staff("worker-power"), part)
    actions.accept(staff("worker-transport"), case, at=MONDAY)
    with pytest.raises(WrongState):
        actions.resolve(staff("worker-transport"), case, "已修好")


def test_a_case_is_split_and_everybody_follows_both(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    secret = bytes(case.parties.get().secret_hash)
    new = actions.split(
        staff("worker"), case, "路面也坏了，电话13812345678", org("transport"), reason="两件事", at=MONDAY
    )
    assert new.number != case.number and new.split_from_id == case.pk
    assert (new.state, new.organisation_id) == ("assigned", org("transport").pk)
    assert "13812345678" not in new.public_text
    assert new.parties.filter(secret_hash=secret).exists()
    assert case.state == "under_way"
    opened = Act.objects.get(verb="case.open", subject_id=new.pk)
    assert opened.details["split_from"] == case.number
    actions.accept(staff("worker-transport"), new, at=MONDAY)


def test_a_merge_is_undone_and_nobody_is_lost(submit: Any, staff: Any) -> None:
    case, other = a_case(submit, staff), a_case(submit, staff)
    actions.merge(staff("worker"), case, other, reason="同一盏路灯", at=MONDAY)
    other.refresh_from_db()
    assert (other.supporters, other.parties.count()) == (1, 2)
    actions.unmerge(staff("dispatcher"), case, reason="不是同一盏", at=MONDAY)
    other.refresh_from_db()
    assert (case.state, case.closure, case.merged_into_id) == ("assigned", "", None)
    assert (other.supporters, other.parties.count()) == (0, 1)
    assert Task.objects.filter(case=case, state="open").count() == 1
    assert Act.objects.filter(verb="case.let_go", subject_id=other.pk).exists()
    with pytest.raises(WrongState):
        actions.unmerge(staff("dispatcher"), case, reason="再来一次")


def test_who_spoke_on_the_other_case_stays_its_supporter(submit: Any, staff: Any) -> None:
    case, other = a_case(submit, staff), a_case(submit, staff)
    secret = bytes(case.parties.get().secret_hash)
    actions.merge(staff("worker"), case, other, reason="同一盏路灯", at=MONDAY)
    other.refresh_from_db()
    speaker = Party.objects.get(case=other, secret_hash=secret)
    from gongzhi.registry.authority import Actor

    actions.say(Actor(kind="anonymous", party_ids=frozenset({speaker.pk})), other, "我家门口也是", at=MONDAY)
    actions.unmerge(staff("dispatcher"), case, reason="不是同一盏", at=MONDAY)
    assert Party.objects.filter(pk=speaker.pk).exists()


def test_a_supervisor_opens_an_ended_case_again(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="resolved")
    with pytest.raises(NotAllowed):
        actions.reopen(staff("worker"), case, reason="没修好")
    with pytest.raises(NotAllowed):
        actions.reopen(staff("supervisor-water"), case, reason="没修好")
    actions.reopen(staff("supervisor"), case, reason="现场回访仍不亮", at=at("2026-11-04 10:00"))
    assert (case.state, case.closure) == ("under_way", "")
    assert case.due_at == at("2026-11-11 18:00")


def test_a_withdrawn_or_merged_case_is_not_reopened(submit: Any, staff: Any) -> None:
    case, other = a_case(submit, staff), a_case(submit, staff)
    actions.merge(staff("worker"), case, other, reason="同一盏路灯")
    other.refresh_from_db()
    actions.withdraw(requester_of(other), other)
    for ended in (case, other):
        with pytest.raises(WrongState):
            actions.reopen(staff("supervisor"), ended, reason="再看一次")


def test_a_closure_is_contested_only_while_there_is_time(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="resolved")
    with pytest.raises(WrongState):
        actions.contest(requester_of(case), case, "还是不亮", at=MONDAY + timedelta(days=16))
    actions.contest(requester_of(case), case, "还是不亮", at=MONDAY + timedelta(days=14))
    assert case.state == "under_way"


def test_circulation_is_counted_for_everybody_to_see(submit: Any, staff: Any) -> None:
    from gongzhi.cases.circulation import circulation

    returned_twice(submit, staff)
    a_case(submit, staff)
    found = circulation(MONDAY - timedelta(days=1))
    assert (found.cases, found.by_handovers[0], found.by_handovers[2]) == (2, 1, 1)
    rows = {row.organisation_id: row for row in found.organisations}
    assert rows[org("urban").pk].returned == 1 and rows[org("transport").pk].returned == 1


@pytest.mark.usefixtures("committed")
@pytest.mark.django_db(transaction=True)
def test_of_two_who_finish_a_part_at_once_one_is_told(submit: Any, staff: Any) -> None:
    from django.db import connection

    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(staff("worker"), case, org("power"), request="请查供电线路", at=MONDAY)
    actions.accept_part(staff("worker-power"), part)
    helper, outcomes = staff("worker-power"), []
    gate = threading.Barrier(2)

    def finish(words: str) -> None:
        mine = Task.objects.get(pk=part.pk)
        gate.wait()
        try:
            actions.finish_part(helper, mine, words)
            outcomes.append("done")
        except GongzhiError as problem:
            outcomes.append(problem.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=finish, args=(f"结果{n}",)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "wrong-state"]
    assert Act.objects.filter(verb="case.finish_part", subject_id=case.pk).count() == 1
