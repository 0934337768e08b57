"""Organisations merge, posts end, people move: open work goes on, history stays."""

from __future__ import annotations

from typing import Any

import pytest

from gongzhi.cases import actions
from gongzhi.cases.models import Case, Task
from gongzhi.coordination.actions import reorganising
from gongzhi.errors import Invalid, NotAllowed, NotFound, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry import snapshot
from gongzhi.registry.authority import actor_of
from gongzhi.registry.models import Mandate, Organisation, Person, Post
from tests.cases.builders import a_case
from tests.coordination.builders import org

pytestmark = pytest.mark.django_db


def merged(staff: Any) -> dict[str, int]:
    return reorganising.merge_organisations(
        staff("administrator"), org("urban"), org("transport"), reason="机构改革"
    )


def test_open_work_moves_and_history_stays(submit: Any, staff: Any) -> None:
    done = a_case(submit, staff, in_state="resolved")
    under_way = a_case(submit, staff, in_state="under_way")
    waiting = a_case(submit, staff)
    worker = staff("worker")
    posts = Post.objects.filter(organisation__code="urban", is_active=True).count()
    moved = merged(staff)
    assert moved["cases"] == 2 and moved["posts"] == posts > 0
    for case in (done, under_way, waiting):
        case.refresh_from_db()
    urban, transport = Organisation.objects.get(code="urban"), org("transport")
    assert (done.organisation_id, done.state) == (urban.pk, "resolved")
    assert (under_way.organisation_id, under_way.state) == (transport.pk, "under_way")
    assert (waiting.organisation_id, waiting.state) == (transport.pk, "assigned")
    assert Act.objects.filter(subject_id=done.pk, verb="case.resolve").get().organisation_id == urban.pk
    assert not urban.is_active
    with pytest.raises(NotAllowed):
        actions.note(worker, under_way, "旧岗位")
    moved_worker = actor_of(Person.objects.get(username="worker"))
    assert moved_worker.organisation_id == transport.pk
    actions.resolve(moved_worker, under_way, "已修好")


def test_new_matters_go_to_the_successor(submit: Any, staff: Any) -> None:
    merged(staff)
    snapshot.forget()
    case = Case.objects.get(number=submit(function_code="lighting").number)
    assert case.organisation_id == org("transport").pk
    assert Mandate.objects.filter(organisation=org("transport"), function__code="lighting").exists()


def test_parts_go_to_the_successor(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(staff("worker"), case, org("water"), request="查积水")
    reorganising.merge_organisations(staff("administrator"), org("water"), org("housing"), reason="机构改革")
    part.refresh_from_db()
    assert part.organisation_id == org("housing").pk
    actions.accept_part(staff("worker-housing"), part)


@pytest.mark.parametrize(("gone", "into"), [("urban", "urban"), ("gov-429001", "gov-429001001")])
def test_what_cannot_be_merged(staff: Any, gone: str, into: str) -> None:
    with pytest.raises(Invalid):
        reorganising.merge_organisations(staff("administrator"), org(gone), org(into), reason="改革")


def test_the_first_desk_is_not_merged_away_and_only_administrators_reorganise(staff: Any) -> None:
    with pytest.raises(WrongState):
        reorganising.merge_organisations(staff("administrator"), org("hotline"), org("urban"), reason="改革")
    for username in ("leader", "supervisor", "worker"):
        with pytest.raises(NotAllowed):
            reorganising.merge_organisations(staff(username), org("urban"), org("transport"), reason="改革")


def test_a_post_that_ended_acts_no_more_and_its_work_has_an_owner(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    post = Post.objects.get(person__username="worker")
    reorganising.end_post(staff("administrator"), post, reason="退休")
    case.refresh_from_db()
    assert case.post_id not in (None, post.pk)
    assert Task.objects.get(case=case).post_id == case.post_id
    person = Person.objects.get(username="worker")
    assert actor_of(person).post_id is None
    post.refresh_from_db()
    with pytest.raises(NotAllowed):
        actor_of(person, post)
    with pytest.raises(WrongState):
        reorganising.end_post(staff("administrator"), post, reason="再来")


def test_a_person_who_moves_leaves_the_acts_with_the_post_of_that_time(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    old, person = Post.objects.get(person__username="worker"), Person.objects.get(username="worker")
    new = reorganising.move_person(staff("administrator"), person, old, org("water"), reason="轮岗")
    assert actor_of(person).post_id == new.pk
    act = Act.objects.get(verb="case.accept", subject_id=case.pk)
    assert (act.post_id, act.organisation_id) == (old.pk, org("urban").pk)
    with pytest.raises(NotAllowed):
        actions.note(actor_of(person), Case.objects.get(pk=case.pk), "旧案")
    with pytest.raises((NotFound, WrongState)):
        reorganising.move_person(staff("administrator"), person, old, org("housing"), reason="再来")
