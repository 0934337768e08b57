"""Crews: who may send them, what being sent does, and what the page suggests."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gongzhi.cases import actions
from gongzhi.cases.models import Case, StaffNotice, Task
from gongzhi.coordination import crew_work
from gongzhi.coordination.actions import crews
from gongzhi.coordination.crew_plans import Why
from gongzhi.errors import Invalid, NotAllowed, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry import packs
from gongzhi.registry.models import Crew, Post
from tests.conftest import HERE, PACK

pytestmark = pytest.mark.django_db


def _lamp(submit: Any, **fields: Any) -> Case:
    return Case.objects.get(number=submit(function_code="lighting", **fields).number)


def _task(case: Case) -> Task:
    return Task.objects.get(case=case, state__in=("open", "accepted"), role="lead")


def _post(username: str) -> Post:
    return Post.objects.get(person__username=username)


def _sheet(actor: Any, **more: Any) -> crew_work.Sheet:
    return crew_work.sheet(actor, timezone.now(), **more)


def test_being_sent_makes_the_crew_responsible_and_tells_it(submit: Any, staff: Any) -> None:
    case = _lamp(submit)
    post = _post("crew-lamps-north")
    crews.send(staff("supervisor"), case, _task(case), post)
    case.refresh_from_db()
    task = _task(case)
    assert (case.state, case.post_id, task.post_id, task.state) == ("under_way", post.pk, post.pk, "accepted")
    act = Act.objects.get(verb="case.entrust")
    assert (act.details["post"], act.details["task"]) == (post.pk, task.pk)
    (notice,) = StaffNotice.objects.filter(post=post)
    assert (notice.kind, notice.link) == ("errand", f"/desk/cases/{case.number}/")
    assert case.text not in notice.about


def test_another_crew_can_be_sent_instead(submit: Any, staff: Any) -> None:
    case = _lamp(submit)
    crews.send(staff("supervisor"), case, _task(case), _post("crew-lamps-north"))
    with pytest.raises(WrongState):
        crews.send(staff("supervisor"), case, _task(case), _post("crew-lamps-north"))
    crews.send(staff("supervisor"), case, _task(case), _post("crew-lamps-south"))
    case.refresh_from_db()
    assert case.post_id == _post("crew-lamps-south").pk
    assert StaffNotice.objects.filter(post=_post("crew-lamps-south")).count() == 1


def test_only_those_who_lead_or_dispatch_for_the_organisation_send_its_crews(submit: Any, staff: Any) -> None:
    case, post = _lamp(submit), _post("crew-lamps-north")
    for username in ("worker", "dispatcher", "operator", "supervisor-housing", "crew-lamps-north"):
        with pytest.raises(NotAllowed):
            crews.send(staff(username), case, _task(case), post)
    Post.objects.filter(person__username="worker-housing").update(roles=["dispatcher"])
    with pytest.raises(NotAllowed):
        crews.send(staff("worker-housing"), case, _task(case), post)
    Post.objects.filter(person__username="worker").update(roles=["dispatcher"])
    crews.send(staff("worker"), case, _task(case), post)
    assert Case.objects.get().post_id == post.pk


def test_the_crew_belongs_to_the_organisation_that_does_the_task(submit: Any, staff: Any) -> None:
    case = _lamp(submit)
    with pytest.raises(Invalid):
        crews.send(staff("supervisor"), case, _task(case), _post("worker-housing"))
    Post.objects.filter(pk=_post("crew-green").pk).update(is_active=False)
    with pytest.raises(Invalid):
        crews.send(staff("supervisor"), case, _task(case), _post("crew-green"))


def test_a_part_is_given_to_a_crew_of_the_assisting_organisation(submit: Any, staff: Any) -> None:
    case = Case.objects.get(number=submit("门口噪声很大", function_code="noise-social").number)
    case = actions.assign(staff("dispatcher"), case, _post("worker-housing").organisation, reason="核定")
    case = actions.accept(staff("worker-housing"), case)
    part = actions.ask_part(staff("worker-housing"), case, _post("worker").organisation, request="请查看")
    case.refresh_from_db()
    crews.send(staff("supervisor"), case, part, _post("crew-order"))
    part.refresh_from_db()
    assert (part.post_id, part.state) == (_post("crew-order").pk, "accepted")
    assert Case.objects.get(pk=case.pk).post_id == case.post_id
    assert Act.objects.filter(verb="case.entrust_part").count() == 1


def test_the_plan_names_a_near_crew_with_the_skill_and_leaves_the_rest(submit: Any, staff: Any) -> None:
    lamp = _lamp(submit, lng=111.372, lat=30.545)
    other = Case.objects.get(number=submit("希望公开财政预算", function_code="noise-construction").number)
    actions.assign(staff("dispatcher"), other, _post("worker").organisation, reason="核定")
    sheet = _sheet(staff("supervisor"))
    (one,) = sheet.proposals
    assert one.task.case_id == lamp.pk and one.suggestion is not None
    assert one.suggestion.crew == _post("crew-lamps-north").pk and one.suggestion.km == pytest.approx(
        0, abs=0.01
    )
    assert {crew.post.code for crew in one.able} == {f"crew-lamps-{n}-1" for n in ("north", "south", "late")}
    assert sheet.elsewhere == 1
    assert _sheet(staff("supervisor-housing")).forces == []


def test_who_is_off_duty_or_full_gets_nothing(submit: Any, staff: Any) -> None:
    _lamp(submit, lng=111.372, lat=30.545)
    lamps = [_post(f"crew-lamps-{n}").pk for n in ("north", "south", "late")]
    (one,) = _sheet(staff("supervisor"), off_duty=lamps[:1]).proposals
    assert one.suggestion is not None and one.suggestion.crew in lamps[1:]
    (one,) = _sheet(staff("supervisor"), off_duty=lamps).proposals
    assert one.suggestion is None and one.why == Why.SKILL
    Crew.objects.filter(post__in=lamps).update(capacity=1)
    for pk in lamps:
        case = _lamp(submit)
        crews.send(staff("supervisor"), case, _task(case), Post.objects.get(pk=pk))
    (one,) = _sheet(staff("supervisor")).proposals
    assert one.why == Why.FULL


def test_a_paused_case_is_not_planned(submit: Any, staff: Any) -> None:
    case = actions.accept(staff("worker"), _lamp(submit))
    actions.ask(staff("worker"), case, "请问是哪一盏灯？")
    assert _sheet(staff("supervisor")).proposals == []


def test_the_sheet_asks_the_same_few_times_whatever_is_open(submit: Any, staff: Any) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            _sheet(staff("supervisor"))
        return len(seen)

    _lamp(submit)
    asked()
    few = asked()
    for n in range(12):
        case = _lamp(submit)
        if n % 3 == 0:
            crews.send(staff("supervisor"), case, _task(case), _post("crew-lamps-south"))
    assert asked() <= few + 1 and few <= 14


def test_crews_survive_export_and_loading_and_wrong_ones_are_named(tmp_path: Any, db: None) -> None:
    before = sorted(Crew.objects.values_list("post__code", "lng", "lat", "opens", "closes", "capacity"))
    assert len(before) == 7
    packs.export(tmp_path)
    Crew.objects.all().delete()
    packs.load(tmp_path)
    assert (
        sorted(Crew.objects.values_list("post__code", "lng", "lat", "opens", "closes", "capacity")) == before
    )
    assert Crew.objects.get(post__code="crew-streets-1").functions.count() == 4
    staff_file = tmp_path / "staff.yaml"
    text = (PACK / "staff.yaml").read_text(encoding="utf-8")
    text = text.replace("base: [111.372, 30.545]", "base: [30.545, 111.372]").replace(
        'hours: ["08:30", "18:00"], capacity: 8', 'hours: ["18:00", "08:30"], capacity: 8'
    )
    staff_file.write_text(text.replace("functions: [appearance]", "functions: [nothing]"), encoding="utf-8")
    with pytest.raises(packs.PackInvalid) as wrong:
        packs.load(tmp_path)
    told = json.dumps([str(fault) for fault in wrong.value.faults], ensure_ascii=False)
    for part in ("longitude, latitude", "the end must lie after", "there is no function nothing"):
        assert part in told, told


def test_late_work_is_told_as_late(submit: Any, staff: Any) -> None:
    case = _lamp(submit, lng=HERE[0], lat=HERE[1])
    Task.objects.filter(case=case).update(due_at=timezone.now() - timedelta(hours=1))
    (one,) = _sheet(staff("supervisor")).proposals
    assert one.suggestion is not None and one.suggestion.minutes_to_spare < 0
