"""Seeing what is stuck: loads, the overview, figures of the week."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from gongzhi.cases import actions, workload
from gongzhi.cases.models import Case
from gongzhi.registry.models import Organisation

pytestmark = pytest.mark.django_db


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


def test_a_case_leads_to_what_its_reader_may_do_in_supervision(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case()
    pages = {
        who: desk_of(who).get(f"/desk/cases/{case.number}/").content.decode()
        for who in ("worker", "supervisor")
    }
    urge, account, leave_out = (
        f'href="/supervision/{page}"'
        for page in (
            f"urgings/?number={case.number}",
            f"cases/{case.number}/",
            f"exclusions/?number={case.number}",
        )
    )
    assert [link in pages["supervisor"] for link in (urge, account, leave_out)] == [True] * 3
    assert [link in pages["worker"] for link in (urge, account, leave_out)] == [False, False, True]
    leader = desk_of("leader")
    for address in re.findall(r'href="(/supervision/[^"]+)"', pages["supervisor"]):
        assert leader.get(address).status_code == 200, address
    shown = leader.get(f"/desk/cases/{case.number}/").content.decode()
    assert 'href="/desk/oversight/" data-key="u"' in shown, (
        "a leader came from the overview, not from a worklist"
    )
