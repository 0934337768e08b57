"""Emergency mode changes deadlines and gives them back, collects reports and ends with a review."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.coordination import clocks
from gongzhi.coordination.actions import incidents
from gongzhi.coordination.actions.incidents import Measures
from gongzhi.coordination.models import Affected, Incident, SituationReport
from gongzhi.errors import Invalid, NotAllowed, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry.models import Area
from tests.coordination.builders import org

pytestmark = pytest.mark.django_db


def lamp(submit: Any) -> Case:
    return Case.objects.get(number=submit(function_code="lighting").number)


def storm(staff: Any, *, area: str = "429000", functions: tuple[str, ...] = ("street-lighting",)) -> Incident:
    measures = Measures(resolve_hours=6, report_hours=4, functions=functions)
    return incidents.declare(staff("leader"), "暴雨红色预警", Area.objects.get(code=area), 1, measures)


def test_deadlines_come_nearer_and_go_back(submit: Any, staff: Any) -> None:
    case = lamp(submit)
    before = case.due_at
    incident = storm(staff)
    case.refresh_from_db()
    assert case.due_at == incident.began_at + timedelta(hours=6)
    assert case.tasks.get().due_at == case.due_at
    act = Act.objects.get(verb="case.set_due", subject_id=case.pk)
    assert act.details["why"] == f"incident:{incident.pk}"
    incidents.end(staff("leader"), incident, reason="雨停")
    case.refresh_from_db()
    assert case.due_at == before


def test_matters_of_other_functions_and_places_stay_as_they_are(submit: Any, staff: Any) -> None:
    other = Case.objects.get(number=submit(function_code="manhole").number)
    before = other.due_at
    storm(staff)
    elsewhere = lamp(submit)
    due = elsewhere.due_at
    storm(staff, area="429004")
    other.refresh_from_db()
    assert other.due_at == before
    assert not Affected.objects.filter(case=elsewhere, incident__area__code="429004").exists()
    elsewhere.refresh_from_db()
    assert elsewhere.due_at == due


def test_a_matter_that_comes_in_meanwhile_is_hastened_once(submit: Any, staff: Any) -> None:
    incident = storm(staff)
    case = lamp(submit)
    assert [clocks.run()["hastened"], clocks.run()["hastened"]] == [1, 0]
    case.refresh_from_db()
    assert case.due_at == case.opened_at + timedelta(hours=6)
    actions.accept(staff("worker"), case)
    actions.resolve(staff("worker"), case, "已修好")
    ended = incidents.end(staff("leader"), incident, reason="雨停")
    assert Act.objects.get(verb="incident.end").details["restored"] == 0
    assert ended.state == "review"


def test_all_levels_are_asked_every_few_hours_and_silence_is_seen(staff: Any) -> None:
    incident = storm(staff, area="429001")
    first = SituationReport.objects.filter(incident=incident, period=1)
    asked = set(first.values_list("organisation__code", flat=True))
    assert {"gov-429001", "gov-429001001", "urban"} <= asked and "gov-429002" not in asked
    street = first.get(organisation__code="gov-429001001")
    incidents.report(staff("worker-429001001"), street, "已转移12人", figures={"moved": 12})
    with pytest.raises(WrongState):
        incidents.report(staff("worker-429001001"), street, "再报一次")
    later = incident.began_at + timedelta(hours=4, minutes=1)
    done = clocks.run(later)
    assert (done["periods"], done["reports"]) == (1, len(asked) - 1)
    again = clocks.run(later)
    assert (again["periods"], again["reports"]) == (0, 0)
    assert SituationReport.objects.filter(incident=incident, period=2).count() == len(asked)


def test_only_its_own_organisation_reports(staff: Any) -> None:
    incident = storm(staff, area="429001")
    street = SituationReport.objects.get(incident=incident, organisation=org("gov-429001001"))
    for username in ("worker-429001", "worker-429001002", "leader"):
        with pytest.raises(NotAllowed):
            incidents.report(staff(username), street, "代报")
    with pytest.raises(Invalid):
        incidents.report(staff("worker-429001001"), street, "报", figures={"人数": 1})


def test_the_public_part_names_nobody_and_only_the_lead_writes(staff: Any) -> None:
    incident = storm(staff)
    entry = incidents.say(staff("leader"), incident, "请联系王科长13812345678", is_public=True)
    assert "13812345678" not in entry.text
    with pytest.raises(NotAllowed):
        incidents.say(staff("supervisor"), incident, "已出动", is_public=True)


def test_an_incident_ends_with_a_review(staff: Any) -> None:
    incident = storm(staff)
    with pytest.raises(WrongState):
        incidents.review(staff("leader"), incident, "总体平稳")
    over = incidents.end(staff("leader"), incident, reason="雨停")
    assert over.review_by is not None and over.review_by > timezone.now()
    with pytest.raises(WrongState):
        incidents.say(staff("leader"), incident, "补充", is_public=False)
    done = incidents.review(staff("leader"), incident, "总体平稳，泵站需增容。")
    assert done.state == "reviewed"


@pytest.mark.parametrize("username", ["worker", "dispatcher", "administrator"])
def test_who_may_declare(staff: Any, username: str) -> None:
    with pytest.raises(NotAllowed):
        incidents.declare(staff(username), "暴雨", Area.objects.get(code="429000"), 1, Measures(6, 4))


@pytest.mark.parametrize(("level", "hours", "every"), [(0, 6, 4), (5, 6, 4), (1, 0, 4), (1, 6, 0)])
def test_measures_that_make_no_sense_are_refused(staff: Any, level: int, hours: int, every: int) -> None:
    with pytest.raises(Invalid):
        incidents.declare(
            staff("leader"), "暴雨", Area.objects.get(code="429000"), level, Measures(hours, every)
        )
