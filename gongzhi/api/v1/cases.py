"""/api/v1/cases: bring a matter in, read public ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _
from ninja import Query, Router

from gongzhi.api.http import client_of
from gongzhi.api.v1 import sending
from gongzhi.api.v1.shapes import CaseOpened, CaseOut, CaseQuery, CasesOut, Sort, TimelineOut
from gongzhi.cases import queries
from gongzhi.cases.actions import Contact
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.models import Attachment, Case
from gongzhi.errors import Invalid
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Submission
from gongzhi.ledger.canonical import canonical
from gongzhi.registry import snapshot

router = Router()
_NAMES = {
    "phone": "contact.phone",
    "email": "contact.email",
    "function_code": "function",
    "idempotency_key": "Idempotency-Key",
}
"""Names of fields in the rooms below → as this API calls them."""


@router.post(
    "/cases",
    response={201: CaseOpened},
    operation_id="openCase",
    tags=[gettext_noop("Matters")],
    summary=gettext_noop("Bring a matter in"),
    description=gettext_noop(
        "Takes a matter as JSON, or as a form with files. The answer is given after the matter is stored for good. With an Idempotency-Key the same request may be sent again and again: there is one matter and one answer; the key with another body is refused with 422."
    ),
)
def open_case(request: HttpRequest) -> HttpResponse:
    matter, photos = sending.case_in(request)
    try:
        receipt = receive(
            Submission(
                text=matter.text,
                channel="api",
                language=get_language() or "zh-hans",
                lng=matter.lng,
                lat=matter.lat,
                address=matter.address,
                function_code=matter.function,
                contact=Contact(matter.contact.name, matter.contact.phone, matter.contact.email),
                is_confidential=matter.confidential,
                is_public=matter.public,
                idempotency_key=request.headers.get("Idempotency-Key", "").strip().strip('"'),
                client=client_of(request),
                photos=photos,
            )
        )
    except Invalid as problem:
        problem.fields = {_NAMES.get(name, name): text for name, text in problem.fields.items()}
        raise
    organisation = snapshot.current().organisations.get(receipt.organisation_id or 0)
    answer = {
        "number": receipt.number,
        "status": receipt.state,
        "function": receipt.function_code or None,
        "organisation": organisation.code if organisation else None,
        "due": receipt.due_at,
        "url": receipt.url,
        "secret": receipt.secret,
        "receipt": receipt.document,
    }
    location = f"{settings.PUBLIC_URL}/api/v1/cases/{receipt.number}"
    # Canonical, so that a repeated request gets the very same bytes.
    return HttpResponse(
        canonical(answer),
        status=201,
        content_type="application/json",
        headers={"Location": location, "Cache-Control": "no-store"},
    )


@router.get(
    "/cases",
    response=CasesOut,
    operation_id="listCases",
    tags=[gettext_noop("Matters")],
    summary=gettext_noop("List public matters"),
    description=gettext_noop(
        "Newest first, or in the order of changes. Take next as cursor until it is null; a page deep in the list costs what the first one costs. A search through very many matters may give a short page and still a cursor."
    ),
)
def list_cases(request: HttpRequest, asked: Query[CaseQuery]) -> HttpResponse:
    unknown = set(request.GET) - set(CaseQuery.model_fields)
    if unknown:
        sentence = _("There is no such filter. There are: %(names)s.")
        known = ", ".join(CaseQuery.model_fields)
        raise Invalid(fields={name[:100]: sentence % {"names": known} for name in sorted(unknown)[:10]})
    filters = queries.CaseFilters(
        q=asked.q.strip(),
        state=asked.status or "",
        function_code=asked.function,
        organisation_code=asked.organisation,
        area_code=asked.area,
        overdue=asked.overdue,
        opened_after=_moment(asked.opened_after, "opened_after"),
        opened_before=_moment(asked.opened_before, "opened_before"),
        updated_after=_moment(asked.updated_after, "updated_after"),
        box=_box(asked.bbox),
    )
    by_change = asked.sort is Sort.UPDATED or (asked.sort is None and asked.updated_after is not None)
    order = queries.IN_ORDER_OF_CHANGE if by_change else queries.NEWEST_FIRST
    page = queries.public_page(filters, after=asked.cursor, limit=asked.limit, order=order)
    # Written here and not by way of the model, which would read and write every row once more.
    answer = {"cases": documents(page.rows), "next": page.next_cursor or None}
    return JsonResponse(answer, json_dumps_params={"ensure_ascii": False})


@router.get(
    "/cases/{number}",
    response=CaseOut,
    operation_id="getCase",
    tags=[gettext_noop("Matters")],
    summary=gettext_noop("Read a public matter"),
)
def get_case(request: HttpRequest, number: str) -> dict[str, Any]:
    return documents([queries.public_case(number)])[0]


@router.get(
    "/cases/{number}/timeline",
    response=TimelineOut,
    operation_id="getTimeline",
    tags=[gettext_noop("Matters")],
    summary=gettext_noop("Read what happened to a matter"),
    description=gettext_noop(
        "Every step is an act in the signed log; its number proves it (see /ledger/proof)."
    ),
)
def get_timeline(request: HttpRequest, number: str) -> dict[str, Any]:
    case = queries.public_case(number)
    steps = queries.timeline(case, sees_parties=False, sees_internal=False)
    return {"number": case.number, "steps": [_step(entry) for entry in steps]}


def _step(entry: queries.TimelineEntry) -> dict[str, Any]:
    organisations = snapshot.current().organisations
    by = organisations.get(entry.organisation_id or 0)
    moves = entry.verb in (Verb.OPEN, Verb.ASSIGN, Verb.TRANSFER)
    to = organisations.get(entry.details.get("organisation") or 0) if moves else None
    return {
        "at": entry.at,
        "verb": entry.verb,
        "verb_name": str(Verb(entry.verb).label) if entry.verb in Verb.values else entry.verb,
        "organisation": by.code if by else None,
        "organisation_name": name_of(by),
        "to": to.code if to else None,
        "closure": entry.details.get("closure") or None,
        "reason": entry.reason,
        "texts": [message.public_text for message in entry.messages],
        "act": entry.act_id,
    }


def documents(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Public matters as `CaseOut` describes them."""
    photos: dict[int, list[str]] = {}
    wanted = Attachment.objects.filter(case__in=[case.pk for case in cases], is_public=True)
    for case_id, pk in wanted.order_by("pk").values_list("case_id", "pk"):
        photos.setdefault(case_id or 0, []).append(f"{settings.PUBLIC_URL}/attachments/{pk}/file")
    merged = [case.merged_into_id for case in cases if case.merged_into_id]
    numbers: dict[int, str] = {}
    if merged:
        shown = Case.objects.filter(pk__in=merged, is_public=True)
        numbers = dict(shown.values_list("pk", "number"))
    return [_document(case, photos.get(case.pk, []), numbers.get(case.merged_into_id or 0)) for case in cases]


def _document(case: Case, photos: list[str], merged_into: str | None) -> dict[str, Any]:
    view = snapshot.current()
    function = view.functions.get(case.function_id or 0)
    organisation = view.organisations.get(case.organisation_id or 0)
    area = view.areas.get(case.area_id or 0)
    return {
        "number": case.number,
        "url": f"{settings.PUBLIC_URL}/cases/{case.number}/",
        "status": case.state,
        "closure": case.closure or None,
        "text": case.public_text,
        "address": case.public_address,
        "function": function.code if function else None,
        "function_name": name_of(function),
        "organisation": organisation.code if organisation else None,
        "organisation_name": name_of(organisation),
        "area": area.code if area else None,
        "area_name": name_of(area),
        "lat": case.public_lat,
        "lng": case.public_lng,
        "opened": case.opened_at.isoformat(),
        "due": case.due_at.isoformat(),
        "updated": case.updated_at.isoformat(),
        "resolved": case.resolved_at.isoformat() if case.resolved_at else None,
        "closed": case.closed_at.isoformat() if case.closed_at else None,
        "supporters": case.supporters,
        "merged_into": merged_into,
        "photos": photos,
    }


def name_of(view: Any) -> str | None:
    """The name in the reader's language, None of nothing."""
    if view is None:
        return None
    first, other = view.name_zh, view.name_en
    if not (get_language() or "zh").startswith("zh"):
        first, other = other, first
    return str(first or other)


def _moment(at: datetime | None, field: str) -> datetime | None:
    """An aware time in UTC; one without an offset is meant in the city's own zone."""
    if at is None:
        return None
    try:
        aware = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(snapshot.current().city.timezone))
        return aware.astimezone(UTC)
    except OverflowError as problem:
        raise Invalid(fields={field: _("Write a time like 2026-11-24T09:30:00+08:00.")}) from problem


def _box(written: str) -> tuple[float, float, float, float] | None:
    if not written:
        return None
    try:
        west, south, east, north = (float(part) for part in written.split(","))
    except ValueError:
        west = south = east = north = math.nan
    within = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    if not within:
        raise Invalid(
            fields={"bbox": _("Write west,south,east,north in degrees, e.g. 111.3,30.48,111.42,30.56.")}
        )
    return west, south, east, north
