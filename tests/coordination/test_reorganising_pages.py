"""The administrator sees what will move, confirms with a reason, and only then it moves."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.coordination import what_moves
from gongzhi.coordination.actions import reorganising
from gongzhi.coordination.models import Agreement
from gongzhi.registry.models import Organisation, Person, Post
from tests.cases.builders import a_case
from tests.coordination.builders import an_agreement, org

pytestmark = pytest.mark.django_db


def signed_in(username: str) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(
        Person.objects.get(username=username), backend="django.contrib.auth.backends.ModelBackend"
    )
    return client


def test_the_preview_counts_what_a_merger_moves(submit: Any, staff: Any) -> None:
    a_case(submit, staff, in_state="under_way")
    a_case(submit, staff)
    a_case(submit, staff, in_state="resolved")
    seen = what_moves.of_organisation(org("urban"))
    page = signed_in("administrator").get("/desk/reorganise/?gone=urban&into=transport").content.decode()
    assert "Open cases that move" in page and f"<dd>{seen.cases}</dd>" in page
    moved = reorganising.merge_organisations(
        staff("administrator"), org("urban"), org("transport"), reason="机构改革"
    )
    assert (seen.cases, seen.parts, seen.mandates, seen.posts) == tuple(moved.values())
    assert seen.stays == 1


def test_nothing_moves_without_confirmation_and_reason() -> None:
    admin = signed_in("administrator")
    form = {"verb": "merge", "gone": "urban", "into": "transport", "reason": "机构改革"}
    refused = admin.post("/desk/reorganise/", form)
    assert refused.status_code == 422 and "Confirm that you have seen" in refused.content.decode()
    assert admin.post("/desk/reorganise/", form | {"confirm": "yes", "reason": " "}).status_code == 422
    assert Organisation.objects.get(code="urban").is_active
    done = admin.post("/desk/reorganise/", form | {"confirm": "yes"}, follow=True)
    assert "Merged:" in done.content.decode() and not Organisation.objects.get(code="urban").is_active


def test_a_post_ends_and_a_person_moves_from_the_page(submit: Any, staff: Any) -> None:
    case = Case.objects.get(number=submit(function_code="lighting").number)
    actions.accept(staff("worker"), case)
    admin = signed_in("administrator")
    post = Post.objects.get(pk=staff("worker").post_id or 0)
    assert post.code in admin.get("/desk/reorganise/?house=urban").content.decode()
    page = admin.get(f"/desk/reorganise/?post={post.code}").content.decode()
    successor = what_moves.of_post(post).successor
    assert successor is not None and successor.person is not None and successor.person.name_en in page
    form = {"verb": "move", "post": post.code, "to": "housing", "reason": "调动", "confirm": "yes"}
    assert admin.post("/desk/reorganise/", form).status_code == 302
    case.refresh_from_db()
    assert case.post_id == successor.pk
    assert Person.objects.get(username="worker").posts.get(is_active=True).organisation == org("housing")
    assert admin.post("/desk/reorganise/", form).status_code == 404
    ended = {"verb": "end", "post": successor.code, "reason": "撤岗", "confirm": "yes"}
    assert admin.post("/desk/reorganise/", ended).status_code == 302
    assert not Post.objects.get(pk=successor.pk).is_active


def test_an_agreement_ends_after_its_open_tasks_were_shown(submit: Any, staff: Any) -> None:
    agreement = an_agreement(staff)
    case = Case.objects.get(number=submit(function_code="lighting").number)
    actions.assign(staff("dispatcher"), case, org("power"), reason="按协议")
    leader = signed_in("leader")
    page = leader.get(f"/desk/settlements/?end={agreement.pk}").content.decode()
    assert "Open tasks of the partner under it" in page and "<dd>1</dd>" in page
    form = {"verb": "end_agreement", "agreement": agreement.pk, "reason": "到期改签", "confirm": "yes"}
    assert signed_in("supervisor-power").post("/desk/settlements/", form).status_code == 403
    assert leader.post("/desk/settlements/", form | {"confirm": ""}).status_code == 422
    assert leader.post("/desk/settlements/", form).status_code == 302
    assert Agreement.objects.get(pk=agreement.pk).ended_at is not None
