"""What is known that helps with a case: duplicates, similar answers, a draft, wordings, the requester's other matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from gongzhi.cases import queries, reply_wordings
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case, Party, ReplyWording
from gongzhi.cases.requesters import other_matters
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Subject
from gongzhi.understanding import drafting, duplicates
from gongzhi.understanding.similar import Similar, similar_answered
from gongzhi.web.desk.entering import staff


@require_safe
def fragment(request: HttpRequest, number: str) -> HttpResponse:
    """The part of the case page that is fetched when the rest is already there."""
    actor = staff(request)
    case = queries.case_by_number(number)
    parties = list(Party.objects.filter(case=case).order_by("pk"))
    subject = Subject(case.organisation_id, frozenset(p.pk for p in parties))
    is_private = authority.may(actor, "case.see_private", subject)
    if not (is_private or case.is_public):
        authority.require(actor, "case.see_private", subject)
    return render(request, "desk/known.html", context(actor, case, parties, is_private) | {"case": case})


def context(actor: Actor, case: Case, parties: Sequence[Party], is_private: bool) -> dict[str, Any]:
    """All of it, as far as the actor may see the case."""
    similar = _similar(case)
    alike = []
    if case.state in OPEN_STATES:
        found = duplicates.candidates(
            case.text if is_private else case.public_text,
            case.public_lng if not is_private else case.lng,
            case.public_lat if not is_private else case.lat,
            timezone.now(),
            case.function_id,
            most=4,
        )
        alike = [candidate for candidate in found if candidate.case_id != case.pk]
    subject = Subject(case.organisation_id)
    return {
        "is_known": True,
        "is_private": is_private,
        "duplicates": alike,
        "may_merge": authority.may(actor, "case.merge", subject) and case.state in OPEN_STATES,
        "similar": similar,
        "draft": _draft(case, similar) if is_private else None,
        "wordings": _wordings(actor, case) if authority.may(actor, "case.reply", subject) else [],
        "other_matters": other_matters(actor, case, parties) if is_private else [],
    }


def taken(request: HttpRequest, actor: Actor, case: Case, is_private: bool) -> str:
    """The text that a link asks to be put into the answer, for pages without scripts."""
    asked = request.GET.get("take", "")
    if not asked or not is_private:
        return ""
    kind, _colon, key = asked.partition(":")
    if kind == "draft":
        draft = _draft(case, _similar(case))
        return draft.text if draft else ""
    if kind == "answer":
        return next((s.answer for s in _similar(case) if s.number == key), "")
    return next((w.text for w in _wordings(actor, case) if w.key == key), "")


def _similar(case: Case) -> list[Similar]:
    return similar_answered(case.public_text, most=5, least=0.32, except_case=case.pk)


def _draft(case: Case, similar: list[Similar]) -> drafting.Draft | None:
    view = snapshot.current()
    found = drafting.draft(similar, view, function_id=case.function_id, language=case.language)
    return replace(found, text=reply_wordings.filled(found.text, case, view)) if found else None


def _wordings(actor: Actor, case: Case) -> list[reply_wordings.Wording]:
    view = snapshot.current()
    own = ReplyWording.objects.filter(organisation_id=actor.organisation_id or 0).order_by("title")
    mine = [
        reply_wordings.Wording(f"own-{w.pk}", w.title, reply_wordings.filled(w.text, case, view)) for w in own
    ]
    return [*mine, *reply_wordings.built_in(case, view)]
