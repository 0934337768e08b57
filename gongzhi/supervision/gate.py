"""The gate every answer passes (答复把关): one that does not fit, repeats or promises without a date is held back.

A named person may send it all the same with a reason; how often that happens is public.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from gongzhi.cases.models import Case
from gongzhi.cases.personal_text import masked
from gongzhi.errors import Invalid
from gongzhi.registry.authority import Actor
from gongzhi.supervision import answers, settings
from gongzhi.supervision.models import AnswerCheck

_RECENT = timedelta(days=90)
_CHANGING = re.compile(r"[\W\d_]+")
_REPEAT_FROM_CHARACTERS = 20


class Held(Invalid):
    """An answer is held back; the sentences say why, and how to send it all the same."""

    code = "answer-held"


def check(actor: Actor, case: Case, text: str, override_reason: str, at: datetime) -> dict[str, Any]:
    """Look at an answer before it leaves; see `cases.answering.Check`.

    Raises:
        Held: it does not fit, repeats or promises without a date, and nobody says why it should leave.
    """
    rules = settings.current()
    scores = answers.score(case.text, text)
    print_ = fingerprint(text)
    held: dict[str, str] = {}
    if answers.does_not_fit(case.text, text, below=rules.relevance_below):
        held["not_fitting"] = _("It does not seem to speak of what was asked.")
    if len(answers.substance(text)) >= _REPEAT_FROM_CHARACTERS:
        # Answers to the same case may repeat each other.
        repeats = (
            AnswerCheck.objects.filter(
                organisation=case.organisation, fingerprint=print_, at__gte=at - _RECENT, at__lte=at
            )
            .exclude(case_id=case.pk)
            .values("case_id")
            .distinct()
            .count()
        )
        if repeats >= rules.repeats_from:
            held["repeated"] = _("The same was answered to %(n)d other matters lately.") % {"n": repeats}
    if scores.has_promise_without_date:
        held["no_date"] = _("It promises something without saying by when. Name a day.")
    reason = override_reason.strip()[:500]
    if held and not reason:
        raise Held(
            _("The answer is held back. Change it, or give a reason for sending it all the same."),
            fields={"text": " ".join(held.values())},
        )
    if held and actor.person_id is None:
        raise Held(_("Only a named person can send an answer that is held back."))
    AnswerCheck.objects.create(
        case_id=case.pk,
        organisation_id=case.organisation_id,
        post_id=actor.post_id,
        at=at,
        fingerprint=print_,
        scores=scores.as_json(),
        held_for=list(held),
        override_reason=reason if held else "",
    )
    return {"held_for": list(held), "override": masked(reason)} if held else {}


def fingerprint(text: str) -> int:
    """The same for answers that differ only in greetings, numbers and punctuation."""
    plain = _CHANGING.sub("", answers.substance(text)).lower()
    return int.from_bytes(hashlib.sha256(plain.encode()).digest()[:8], "big", signed=True)


def override_rates(since: datetime) -> list[dict[str, Any]]:
    """For each organisation: answers, those held back, those sent all the same. Public."""
    rows = (
        AnswerCheck.objects.filter(at__gte=since)
        .values("organisation_id")
        .annotate(answers=Count("pk"), overridden=Count("pk", filter=~Q(override_reason="")))
        .order_by("-answers", "organisation_id")
    )
    return [dict(row) for row in rows]
