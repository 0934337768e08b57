"""Cases, functions and acts as GeoReport v2 describes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gongzhi.api.open311.formats import Document
from gongzhi.cases.lifecycle import OPEN_STATES, Closure, State
from gongzhi.cases.models import Case
from gongzhi.registry.snapshot import FunctionView, Snapshot

CHANGESET = "2026-11-01T00:00:00+08:00"
GENERAL = "general"
"""Service for whatever fits no other: the text decides, as on every other channel."""

_BY_CLOSURE = {
    Closure.FIXED: "FIXED",
    Closure.WILL_NOT: "NO_FURTHER_ACTION",
    Closure.NOT_OURS: "NOT_COUNCILS_RESPONSIBILITY",
    Closure.CANNOT_VERIFY: "NO_FURTHER_ACTION",
    Closure.DUPLICATE: "DUPLICATE",
    Closure.WITHDRAWN: "CANCELLED",
}
_BY_VERB = {
    "assign": "ACTION_SCHEDULED",
    "transfer": "INTERNAL_REFERRAL",
    "return": "FOR_TRIAGE",
    "accept": "IN_PROGRESS",
    "contest": "REOPEN",
    "merge": "DUPLICATE",
    "withdraw": "CANCELLED",
    "close": "CLOSED",
}
UPDATE_VERBS = (*_BY_VERB, "reply", "resolve", "decline")
UPDATE_STATUSES = (
    frozenset(_BY_CLOSURE.values())
    | frozenset(_BY_VERB.values())
    | {
        "OPEN",
        "INVESTIGATING",
    }
)


def name_of(view: Any) -> str:
    """The name of a function or organisation in the reader's language."""
    chinese = (get_language() or "zh").startswith("zh")
    return str(view.name_zh if chinese else view.name_en)


def discovery(contact: str) -> Document:
    """Where the services of this city are."""
    forms = ["text/xml", "application/json"]
    endpoints = [
        {
            "specification": "http://wiki.open311.org/GeoReport_v2",
            "url": f"{settings.PUBLIC_URL}/open311/{path}",
            "changeset": CHANGESET,
            "type": kind,
            "formats": forms,
        }
        for path, kind in (("v2", "production"), ("test/v2", "test"))
    ]
    body = {
        "changeset": CHANGESET,
        "contact": contact,
        "key_service": _("No key is needed unless the city asks for one; write to the contact."),
        "endpoints": endpoints,
    }
    return Document("discovery", "", body)


def services(registry: Snapshot) -> Document:
    """All leaf functions, and the general service."""
    rows: list[dict[str, Any]] = []
    for function in sorted(registry.functions.values(), key=lambda f: f.code):
        if function.is_leaf:
            above = registry.functions.get(function.ancestors[0]) if function.ancestors else None
            rows.append(_service(function, name_of(above) if above else ""))
    rows.append(
        {
            "service_code": GENERAL,
            "service_name": _("Anything else"),
            "description": _("Describe the matter in your own words; it goes to whoever is responsible."),
            "metadata": False,
            "type": "realtime",
            "keywords": "",
            "group": "",
        }
    )
    return Document("services", "service", rows)


def _service(function: FunctionView, group: str) -> dict[str, Any]:
    return {
        "service_code": function.code,
        "service_name": name_of(function),
        "description": _("Usually within %(n)d working days.") % {"n": function.working_days},
        "metadata": bool(function.attributes),
        "type": "realtime",
        "keywords": ",".join(dict.fromkeys((function.name_zh, function.name_en))),
        "group": group,
    }


def definition(code: str, attributes: Iterable[dict[str, Any]]) -> Document:
    """What a service asks beside the place and the text."""
    chinese = (get_language() or "zh").startswith("zh")

    def told(words: Any) -> str:
        if isinstance(words, dict):
            return str(words.get("zh" if chinese else "en", ""))
        return str(words or "")

    rows = []
    for order, a in enumerate(attributes, 1):
        row: dict[str, Any] = {
            "variable": True,
            "code": str(a["code"]),
            "datatype": str(a.get("datatype", "string")),
            "required": bool(a.get("required", False)),
            "datatype_description": told(a.get("hint", "")),
            "order": order,
            "description": told(a.get("description", "")),
        }
        if a.get("values"):
            row["values"] = [
                {"key": str(v["key"]), "name": told(v.get("name", v["key"]))}
                if isinstance(v, dict)
                else {"key": str(v), "name": str(v)}
                for v in a["values"]
            ]
        rows.append(row)
    return Document("service_definition", "", {"service_code": code, "attributes": rows})


def time_text(at: datetime, zone: ZoneInfo) -> str:
    """W3C date-time with the city's offset, to the second."""
    return at.astimezone(zone).isoformat(timespec="seconds")


def requests(cases: Iterable[Case], registry: Snapshot, photos: dict[int, str]) -> Document:
    """Public cases as service requests.

    Args:
        photos: case id → address of its first public photo.
    """
    zone = ZoneInfo(registry.city.timezone)
    rows = []
    for case in cases:
        function = registry.functions.get(case.function_id or 0)
        organisation = registry.organisations.get(case.organisation_id or 0)
        is_open = case.state in OPEN_STATES
        notes = str(State(case.state).label)
        if case.closure:
            notes = f"{notes}: {Closure(case.closure).label}"
        rows.append(
            {
                "service_request_id": case.number,
                "status": "open" if is_open else "closed",
                "status_notes": str(notes),
                "service_name": name_of(function) if function else _("Anything else"),
                "service_code": function.code if function else GENERAL,
                "description": case.public_text[:4000],
                "agency_responsible": name_of(organisation) if organisation else None,
                "service_notice": None,
                "requested_datetime": time_text(case.opened_at, zone),
                "updated_datetime": time_text(case.updated_at, zone),
                "expected_datetime": time_text(case.due_at, zone),
                "address": case.public_address or None,
                "address_id": None,
                "zipcode": None,
                "lat": case.public_lat,
                "long": case.public_lng,
                "media_url": photos.get(case.pk),
            }
        )
    return Document("service_requests", "request", rows)


def update_status(verb: str, details: dict[str, Any]) -> str:
    """The status word of the updates extension for an act on a case."""
    if verb in ("resolve", "decline"):
        return _BY_CLOSURE.get(details.get("closure", ""), "CLOSED")
    if verb == "reply":
        ended = details.get("state") not in OPEN_STATES
        return "CLOSED" if ended else "IN_PROGRESS"
    return _BY_VERB[verb]
