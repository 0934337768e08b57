"""What Open311 clients ask of the cases: requests by period and updates by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from gongzhi.api.open311.asking import Period
from gongzhi.api.open311.documents import GENERAL, UPDATE_VERBS
from gongzhi.cases import numbers
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Attachment, Case, Message
from gongzhi.errors import Invalid
from gongzhi.ledger.models import Act
from gongzhi.registry.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Update:
    """A public step of a public case: the act and what was told with it."""

    act_id: int
    number: str
    verb: str
    details: dict[str, Any]
    at: datetime
    text: str


def by_numbers(written: Sequence[str]) -> list[Case]:
    """Public cases with these numbers, newest first; unknown numbers are left out."""
    wanted = [number for number in map(numbers.parse, written) if number]
    return list(Case.objects.filter(is_public=True, number__in=wanted).order_by("-opened_at", "-pk"))


def by_period(
    period: Period,
    codes: Sequence[str],
    statuses: Sequence[str],
    registry: Snapshot,
    *,
    offset: int,
    limit: int,
) -> list[Case]:
    """Public cases opened in a period, newest first.

    Raises:
        Invalid: an unknown service code or status.
    """
    rows = Case.objects.filter(is_public=True, opened_at__gte=period.start, opened_at__lte=period.end)
    if codes:
        views = [registry.function_by_code.get(code) for code in codes if code != GENERAL]
        if None in views:
            raise Invalid(fields={"service_code": _("There is no such service.")})
        ids = [view.id for view in views if view is not None]
        general = rows.filter(function=None) if GENERAL in codes else rows.none()
        rows = rows.filter(function_id__in=ids) | general
    if statuses:
        if set(statuses) - {"open", "closed"}:
            raise Invalid(fields={"status": _("Choose one of: %(values)s.") % {"values": "open, closed"}})
        if set(statuses) == {"open"}:
            rows = rows.filter(state__in=OPEN_STATES)
        elif set(statuses) == {"closed"}:
            rows = rows.exclude(state__in=OPEN_STATES)
    return list(rows.order_by("-opened_at", "-pk")[offset : offset + limit])


def photos(cases: Sequence[Case], public_url: str) -> dict[int, str]:
    """Case id → address of its first public photo."""
    rows = (
        Attachment.objects.filter(case__in=[c.pk for c in cases], is_public=True)
        .order_by("case_id", "pk")
        .distinct("case_id")
        .values_list("case_id", "pk")
    )
    return {case_id: f"{public_url}/attachments/{pk}/file" for case_id, pk in rows}


def updates(period: Period, written: Sequence[str], *, offset: int, limit: int) -> list[Update]:
    """Public steps in a period, oldest first, of all public cases or of those with these numbers."""
    acts = Act.objects.filter(
        subject_kind="case",
        verb__in=[f"case.{verb}" for verb in UPDATE_VERBS],
        recorded_at__gte=period.start,
        recorded_at__lte=period.end,
    )
    shown = Case.objects.filter(is_public=True)
    if written:
        shown = shown.filter(number__in=[n for n in map(numbers.parse, written) if n])
    found = list(
        acts.filter(subject_id__in=shown.values("pk"))
        .order_by("recorded_at", "pk")[offset : offset + limit]
        .values_list("pk", "subject_id", "subject_key", "verb", "details", "recorded_at")
    )
    said = {
        (case_id, at): text
        for case_id, at, text in Message.objects.filter(
            case_id__in={row[1] for row in found},
            audience="public",
            said_at__in={row[5] for row in found},
        ).values_list("case_id", "said_at", "public_text")
    }
    return [
        Update(pk, number, verb.removeprefix("case."), details, at, said.get((case_id, at), ""))
        for pk, case_id, number, verb, details, at in found
    ]
