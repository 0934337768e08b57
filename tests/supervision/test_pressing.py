"""The first page of supervision: tallies that agree with their lists, rows that say what they are about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gongzhi.cases import actions
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case
from gongzhi.errors import Invalid
from gongzhi.registry.models import Person
from gongzhi.supervision import clocks, pressing
from gongzhi.supervision.models import CallBack, Clock, Escalation, FollowUp, Rating

pytestmark = pytest.mark.django_db
LIGHTS = {"late": 1.2, "red": 0.85, "amber": 0.6, "green": 0.1}


@pytest.fixture
def supervisor(staff) -> Client:  # type: ignore[no-untyped-def]
    client = Client(headers={"accept-language": "en"})
    client.force_login(Person.objects.get(username="supervisor"), "django.contrib.auth.backends.ModelBackend")
    return client


def held(submit, staff, *shares: float) -> list[Case]:  # type: ignore[no-untyped-def]
    """Open cases of the worker's organisation whose clocks have used these shares of their time."""
    whole, now = timedelta(days=10), timezone.now()
    cases = []
    for n, share in enumerate(shares):
        case = Case.objects.get(number=submit(f"第{n}号楼门口路灯坏了").number)
        actions.accept(staff("worker"), case)
        started = now - whole * share
        Case.objects.filter(pk=case.pk).update(due_at=started + whole)
        cases.append(case)
    clocks.follow()
    for case, share in zip(cases, shares, strict=True):
        Clock.objects.filter(case=case).update(started_at=now - whole * share)
    return cases


def test_every_tally_counts_what_its_list_shows(submit, staff) -> None:  # type: ignore[no-untyped-def]
    held(submit, staff, *LIGHTS.values(), 0.9)
    actor = staff("supervisor")
    counted = pressing.tallies(actor)
    for light in LIGHTS:
        rows, _page = pressing.matters(actor, light)
        assert len(rows) == getattr(counted, light)
        assert {row.light for row in rows} == {light}
    assert (counted.open, counted.red) == (5, 2)
    with pytest.raises(Invalid):
        pressing.matters(actor, "purple")


def test_a_paused_clock_keeps_the_light_it_stopped_at(submit, staff) -> None:  # type: ignore[no-untyped-def]
    (case,) = held(submit, staff, 1.2)
    Clock.objects.filter(case=case).update(paused_at=timezone.now() - timedelta(days=8))
    assert pressing.tallies(staff("supervisor")).late == 0
    (row,) = pressing.matters(staff("supervisor"), "green")[0]
    assert row.share == pytest.approx(0.4, abs=0.01)


def test_a_case_that_was_pushed_twice_stands_once_with_its_newest_step(submit, staff, supervisor) -> None:  # type: ignore[no-untyped-def]
    (case,) = held(submit, staff, 0.85)
    actor, now = staff("supervisor"), timezone.now()
    for percent, when in ((50, now - timedelta(days=2)), (80, now)):
        Escalation.objects.create(
            case=case, clock_due_at=case.due_at, percent=percent, level="head", at=when,
            organisation_id=actor.organisation_id, post_id=actor.post_id,
        )  # fmt: skip
    assert pressing.tallies(actor).pushed == 1
    shown = supervisor.get("/supervision/?light=pushed").content.decode()
    assert shown.count(f"/desk/cases/{case.number}/") == 1
    assert "路灯坏了" in shown and "Pushed at 80% of the time" in shown and "pushed to you" in shown
    assert supervisor.post("/supervision/").status_code == 302
    assert pressing.tallies(actor).pushed == 0


def test_a_worker_sees_no_matter_of_another_organisation(submit, staff) -> None:  # type: ignore[no-untyped-def]
    held(submit, staff, 0.1)
    outsider = staff("operator")
    assert outsider.organisation_id != staff("worker").organisation_id
    assert pressing.tallies(outsider).open == 0 and pressing.matters(outsider)[0] == []
    assert pressing.tallies(staff("dispatcher")).open == 1


def test_the_page_costs_the_same_however_much_presses(submit, staff, supervisor) -> None:  # type: ignore[no-untyped-def]
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert supervisor.get("/supervision/").status_code == 200
        return len(seen)

    held(submit, staff, 0.1)
    queries()
    few = queries()
    held(submit, staff, *([0.9] * 12))
    assert queries() <= few <= 12


def test_a_call_is_written_down_with_a_level_or_without(submit, staff, supervisor) -> None:  # type: ignore[no-untyped-def]
    cases = []
    for _n in range(2):
        case = Case.objects.get(number=submit(contact=Contact(phone="13812345678")).number)
        actions.accept(staff("worker"), case)
        actions.resolve(staff("worker"), case, "灯已换好", at=timezone.now() - timedelta(days=2))
        cases.append(case)
    page = "/supervision/calls/"
    assert "Calls to make" in supervisor.get(page).content.decode()
    first, second = (case.parties.get() for case in cases)
    kept = supervisor.post(page, {"do": "call", "id": first.pk, "came": "", "text": "说灯又灭了"})
    assert kept.status_code == 422 and "说灯又灭了" in kept.content.decode(), "what was typed is kept"
    assert (
        supervisor.post(page, {"do": "call", "id": first.pk, "came": "1", "text": "又灭了"}).status_code
        == 302
    )
    assert supervisor.post(page, {"do": "call", "id": second.pk, "came": "declined"}).status_code == 302
    assert Rating.objects.get().level == 1 and FollowUp.objects.count() == 2
    settle = {"do": "settle", "id": CallBack.objects.get().pk, "outcome": "put_right", "text": "换了镇流器"}
    assert supervisor.post(page, settle | {"promised_on": "soon"}).status_code == 422
    assert supervisor.post(page, settle).status_code == 302
    assert pressing.tallies(staff("supervisor")).bad_ratings == 0
