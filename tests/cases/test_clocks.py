"""Clocks that stand still, run out, or are given more: nothing is outside of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from hypothesis import given, settings
from hypothesis import strategies as st

from gongzhi.cases import actions, clocks, notices
from gongzhi.cases.deadlines import Calendar
from gongzhi.cases.models import Extension, Notice, Task
from gongzhi.errors import Invalid, NotAllowed, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry import queries as registry
from gongzhi.registry.models import Person
from tests.cases.builders import MONDAY, a_case, at, requester_of

CITY = Calendar()
moments = st.datetimes(
    min_value=at("2025-01-01 00:00").replace(tzinfo=None),
    max_value=at("2026-12-20 00:00").replace(tzinfo=None),
).map(lambda m: m.replace(tzinfo=MONDAY.tzinfo))


@settings(deadline=None)
@given(start=moments, hours=st.floats(0, 400))
def test_moving_by_working_time_is_the_inverse_of_measuring_it(start: Any, hours: float) -> None:
    wanted = timedelta(seconds=round(hours * 3600))
    moved = CITY.plus_working_time(start, wanted)
    assert moved >= start
    assert CITY.working_time_between(start, moved) == wanted


@settings(deadline=None)
@given(start=moments, hours=st.floats(0, 48))
def test_an_office_always_answers_while_it_is_open(start: Any, hours: float) -> None:
    by = CITY.answer_by(start, hours)
    assert by >= start
    assert CITY.is_open(by) or CITY.is_open(by - timedelta(seconds=1))
    assert CITY.answer_by(start, hours, day_and_night=True) - start == timedelta(hours=hours)


pytestmark = pytest.mark.django_db


def test_the_clock_stands_still_until_the_requester_answers(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    due = case.due_at
    actions.ask(staff("worker"), case, "请问是哪一盏灯？", at=at("2026-11-03 10:00"))
    assert (case.state, case.due_at) == ("under_way", due), "the deadline moves when it is known by how much"
    actions.say(requester_of(case), case, "小区门口第二盏", at=at("2026-11-04 10:00"))
    assert case.paused_at is None
    assert CITY.working_time_between(due, case.due_at) == timedelta(hours=9.5), "one day of service hours"
    verbs = (
        Act.objects.filter(subject_id=case.pk, subject_kind="case")
        .order_by("pk")
        .values_list("verb", flat=True)
    )
    assert list(verbs)[-3:] == ["case.ask", "case.say", "case.resume"]
    assert Task.objects.get(case=case).due_at == case.due_at


def test_without_an_answer_the_clock_starts_by_itself_and_once(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    actions.ask(staff("worker"), case, "请问是哪一盏灯？", at=at("2026-11-03 10:00"))
    limit, due = case.paused_until, case.due_at
    assert clocks.run(limit - timedelta(minutes=1))["resumed"] == 0
    late = limit + timedelta(days=3)
    assert [clocks.run(late)["resumed"], clocks.run(late)["resumed"]] == [1, 0]
    case.refresh_from_db()
    stopped = CITY.working_time_between(at("2026-11-03 10:00"), limit)
    assert case.due_at == CITY.plus_working_time(due, stopped), "a late job gives no more time"


def test_the_requester_is_asked_only_as_often_as_the_city_permits(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    for hour in (10, 12):
        actions.ask(staff("worker"), case, "还有照片吗？", at=at(f"2026-11-03 {hour}:00"))
        with pytest.raises(WrongState):
            actions.ask(staff("worker"), case, "还有吗？", at=at(f"2026-11-03 {hour}:10"))
        actions.say(requester_of(case), case, "没有", at=at(f"2026-11-03 {hour}:30"))
    with pytest.raises(WrongState):
        actions.ask(staff("worker"), case, "真的没有？", at=at("2026-11-03 15:00"))


def test_a_matter_resolved_while_the_clock_stands_still_is_no_longer_paused(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    actions.ask(staff("worker"), case, "是哪一盏？", at=at("2026-11-03 10:00"))
    actions.resolve(staff("worker"), case, "已全部检修", at=at("2026-11-03 12:00"))
    assert (case.state, case.paused_at) == ("resolved", None)


def test_only_who_holds_the_case_asks_and_only_when_it_is_under_way(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff)
    with pytest.raises(WrongState):
        actions.ask(staff("worker"), case, "是哪一盏？")
    actions.accept(staff("worker"), case)
    with pytest.raises(NotAllowed):
        actions.ask(staff("worker-water"), case, "是哪一盏？")


def test_a_supervisor_gives_more_time_and_the_person_is_told(submit: Any, staff: Any) -> None:
    from django.utils import timezone

    case = a_case(submit, staff, in_state="under_way", when=timezone.now())
    due = case.due_at
    asked = actions.ask_time(staff("worker"), case, working_days=3, reason="等配件到货")
    assert asked.decide_by <= due
    with pytest.raises(NotAllowed):
        actions.grant_time(staff("worker"), case)
    actions.grant_time(staff("supervisor"), case)
    assert case.due_at == CITY.due(due, 3)
    assert Task.objects.get(case=case).due_at == case.due_at
    notice = Notice.objects.get(case=case, verb="grant_time")
    notices.deliver(notice.pk)
    assert "延期" in mail.outbox[-1].subject
    with pytest.raises(WrongState):
        actions.ask_time(staff("worker"), case, working_days=1, reason="还要几天")


def test_more_time_is_refused_with_a_reason(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    due = case.due_at
    actions.ask_time(staff("worker"), case, working_days=3, reason="等配件", at=at("2026-11-03 10:00"))
    with pytest.raises(Invalid):
        actions.refuse_time(staff("supervisor"), case, reason=" ")
    actions.refuse_time(staff("supervisor"), case, reason="配件库里有", at=at("2026-11-03 11:00"))
    assert case.due_at == due
    assert Extension.objects.get(case=case).state == "refused"


def test_more_time_is_asked_for_before_the_deadline_and_within_the_limit(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    for days in (0, 6):
        with pytest.raises(Invalid):
            actions.ask_time(staff("worker"), case, working_days=days, reason="等配件", at=MONDAY)
    with pytest.raises(WrongState):
        actions.ask_time(staff("worker"), case, working_days=1, reason="等配件", at=case.due_at)


def test_who_asks_for_more_time_does_not_decide_on_it(submit: Any, staff: Any) -> None:
    from gongzhi.registry.authority import actor_of

    person = Person.objects.get(username="worker")
    post = person.posts.get()
    post.roles = ["worker", "supervisor"]
    post.save()
    case = a_case(submit, staff, in_state="under_way")
    both = actor_of(person)
    actions.ask_time(both, case, working_days=1, reason="等配件", at=MONDAY)
    with pytest.raises(NotAllowed):
        actions.grant_time(both, case, at=MONDAY)


def test_a_request_that_nobody_decides_is_refused_by_itself_once(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    asked = actions.ask_time(
        staff("worker"), case, working_days=2, reason="等配件", at=at("2026-11-03 10:00")
    )
    assert clocks.run(asked.decide_by - timedelta(minutes=1))["refused"] == 0
    assert [clocks.run(asked.decide_by)["refused"], clocks.run(asked.decide_by)["refused"]] == [1, 0]


def test_no_answer_in_time_counts_as_accepted_by_a_named_post_once(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff)
    by = at("2026-11-02 17:00")
    assert clocks.run(by - timedelta(minutes=1))["lapsed"] == 0
    assert [clocks.run(by)["lapsed"], clocks.run(by)["lapsed"]] == [1, 0]
    case.refresh_from_db()
    post = registry.first_post_for(case.organisation_id)
    assert (case.state, case.post_id) == ("under_way", post.pk)
    with pytest.raises(WrongState):
        actions.return_(
            staff("worker"), case, reason_code="not_ours", reason="不归我们", at=by + timedelta(hours=1)
        )


def test_what_comes_on_friday_evening_is_answered_on_monday(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, when=at("2026-11-06 17:30"))
    assert clocks.run(at("2026-11-08 23:00"))["lapsed"] == 0
    assert clocks.run(at("2026-11-09 10:30"))["lapsed"] == 1
    case.refresh_from_db()
    assert case.state == "under_way"
