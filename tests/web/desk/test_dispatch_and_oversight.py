"""Deciding what no rule could decide, and seeing what is stuck."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from gongzhi.cases import actions, workload
from gongzhi.cases.models import Case
from gongzhi.registry.models import Organisation

pytestmark = pytest.mark.django_db


def _numbers(page: str) -> list[str]:
    return re.findall(r'href="/desk/cases/(\d+)/" class="title"', page)


def test_the_queue_shows_what_is_unclear_and_what_came_back(a_case, submit, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    unclear = submit("嗯嗯那个事情你们看看吧").number
    returned = a_case()
    actions.return_(staff("worker"), returned, reason_code="not_ours", reason="不归我们")
    desk = desk_of("dispatcher")
    assert set(_numbers(desk.get("/desk/dispatch/").content.decode())) == {unclear, returned.number}
    assert _numbers(desk.get("/desk/dispatch/?tab=unclear").content.decode()) == [unclear]
    assert _numbers(desk.get("/desk/dispatch/?tab=returned").content.decode()) == [returned.number]
    assert _numbers(desk.get("/desk/dispatch/?tab=arbitration").content.decode()) == []


def test_a_suggestion_is_assigned_with_one_click_and_classifies(submit, desk_of) -> None:  # type: ignore[no-untyped-def]
    number = submit("嗯嗯那个事情你们看看吧").number
    case = Case.objects.get(number=number)
    sent = {"number": number, "version": case.version, "to": "urban", "function": "lighting"}
    desk_of("dispatcher").post("/desk/dispatch/assign", sent)
    case.refresh_from_db()
    assert (case.organisation.code, case.function.code, case.state) == ("urban", "lighting", "assigned")  # type: ignore[union-attr]


def test_deciding_without_an_organisation_keeps_what_was_typed(submit, desk_of) -> None:  # type: ignore[no-untyped-def]
    number = submit("嗯嗯那个事情你们看看吧").number
    sent = {"number": number, "version": 1, "to": "nobody", "text": "我看应当归他们"}
    answer = desk_of("dispatcher").post("/desk/dispatch/assign", sent)
    assert answer.status_code == 422 and "我看应当归他们" in answer.content.decode()


def test_only_dispatchers_decide(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case()
    sent = {"number": case.number, "version": 1, "to": "housing"}
    for username in ("worker", "operator", "supervisor", "leader"):
        assert desk_of(username).get("/desk/dispatch/").status_code == 403
        assert desk_of(username).post("/desk/dispatch/assign", sent).status_code in (403, 422)
    assert Case.objects.get().organisation.code == "urban"  # type: ignore[union-attr]


def test_the_queue_asks_the_database_the_same_few_times(
    submit, desk_of, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("dispatcher")
    for n in range(5):
        submit(f"嗯嗯那个事情你们看看吧 {n}")
    with django_assert_max_num_queries(12):
        desk.get("/desk/dispatch/")


def _late(case: Case, days: int = 3) -> None:
    now = timezone.now()
    Case.objects.filter(pk=case.pk).update(
        opened_at=now - timedelta(days=days + 5), due_at=now - timedelta(days=days)
    )


def test_loads_count_late_at_risk_and_not_taken_up(a_case, staff) -> None:  # type: ignore[no-untyped-def]
    now = timezone.now()
    late, risky, fresh = a_case("路灯一"), a_case("路灯二"), a_case("路灯三")
    _late(late)
    Case.objects.filter(pk=risky.pk).update(opened_at=now - timedelta(days=9), due_at=now + timedelta(days=1))
    actions.accept(staff("worker"), fresh)
    urban = Organisation.objects.get(code="urban")
    (load,) = workload.loads({urban.pk})
    assert (load.open, load.to_accept, load.at_risk, load.overdue, load.in_time) == (3, 2, 1, 1, 1)
    assert workload.loads({Organisation.objects.get(code="housing").pk}) == []


def test_a_leader_reaches_a_single_case_in_three_clicks(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case()
    _late(case)
    desk = desk_of("leader")
    overview = desk.get("/desk/", follow=True).content.decode()
    (to_late,) = set(re.findall(r'href="(/desk/oversight/urban/\?light=late)"', overview))
    (to_case,) = set(
        re.findall(r'href="(/desk/cases/\d+/)" class="title"', desk.get(to_late).content.decode())
    )
    assert "What has happened" in desk.get(to_case).content.decode()


def test_a_supervisor_sees_the_own_organisation_and_below_only(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    a_case()
    assert "City Management Bureau" in desk_of("supervisor").get("/desk/oversight/").content.decode()
    assert desk_of("supervisor").get("/desk/oversight/housing/").status_code == 403
    other = desk_of("supervisor-housing").get("/desk/oversight/").content.decode()
    assert "/desk/oversight/urban/" not in other
    assert desk_of("worker").get("/desk/oversight/").status_code == 403
    assert desk_of("leader").get("/desk/oversight/nowhere/").status_code == 404


def test_the_overview_asks_the_database_the_same_few_times(
    a_case, desk_of, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    for n in range(4):
        _late(a_case(f"路灯 {n}"))
    for username in ("leader", "supervisor"):
        desk = desk_of(username)
        with django_assert_max_num_queries(16):
            desk.get("/desk/oversight/")
        with django_assert_max_num_queries(12):
            desk.get("/desk/oversight/urban/?light=late")


def test_figures_of_the_week_stand_beside_the_week_before(a_case) -> None:  # type: ignore[no-untyped-def]
    now = timezone.now()
    for n, days in enumerate((1, 2, 8, 364)):
        case = a_case(f"路灯 {n}")
        Case.objects.filter(pk=case.pk).update(opened_at=now - timedelta(days=days + 0.5))
    flows = workload.flows({Organisation.objects.get(code="urban").pk}, "urban")
    assert (flows.now.received, flows.last_week.received, flows.last_year.received) == (2, 1, 1)
