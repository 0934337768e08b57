"""The cases behind a claim: a list that every figure of sensing and improvement links to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.cases.evidence import MOST, Behind, cases_behind
from gongzhi.cases.export import csv_lines
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.models import Case
from gongzhi.errors import Invalid
from gongzhi.registry import authority, snapshot
from gongzhi.web.desk.entering import staff
from gongzhi.web.sensing_pages import issue_with
from gongzhi.web.templatetags.words import area_name, function_name, organisation_name, state_name

MOST_STEPS = 3


def address(**asked: str | int | Iterable[str] | None) -> str:
    """The address of the cases behind a claim; fields as `behind_of` reads them, empty ones left out."""
    filled: Mapping[str, Any] = {
        ("from" if k == "since" else k): list(v) if not isinstance(v, str | int) else v
        for k, v in asked.items()
        if v
    }
    return f"/desk/evidence/?{urlencode(filled, doseq=True)}"


@require_safe
def page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The cases, newest first, or as CSV with ``?download=1``."""
    actor = staff(request)
    authority.require(actor, "sensing.see")
    behind, said = behind_of(request)
    found = cases_behind(behind, request.GET.get("after", ""))
    if "download" in request.GET:
        return _csv(found.cases)
    context = {"found": found, "said": said, "most": MOST}
    return render(
        request, "sensing/evidence.html", context | {"layout": "desk/layout.html", "internal": True}
    )


def behind_of(request: HttpRequest) -> tuple[Behind, list[str]]:
    """What an address asks for, and the same in words.

    Raises:
        NotFound: the hot issue is no longer one.
        Invalid: a code, verb or day is unknown; names the field.
    """
    asked, view = request.GET, snapshot.current()
    if asked.get("issue"):
        issue = issue_with(asked["issue"])
        return Behind(numbers=tuple(issue["numbers"])), [issue["title"]]
    functions = _known(
        asked.getlist("function"), view.function_by_code, "function", _("There is no such function.")
    )
    areas = _known(asked.getlist("area"), view.area_by_code, "area", _("There is no such area."))
    holders = _known(
        asked.getlist("organisation"), view.organisation_by_code, "organisation",
        _("There is no such organisation."),
    )  # fmt: skip
    steps = tuple(asked.getlist("step"))
    if steps and (not 2 <= len(steps) <= MOST_STEPS or any(s not in Verb.values for s in steps)):
        raise Invalid(fields={"step": _("Name two or three steps that followed each other.")})
    zone = ZoneInfo(view.city.timezone)
    since, until = (_day(asked.get(name, ""), name) for name in ("from", "until"))
    behind = Behind(
        functions=functions,
        areas=areas,
        organisations=holders,
        since=None if since is None else datetime.combine(since, time(), zone),
        until=None if until is None else datetime.combine(until + timedelta(days=1), time(), zone),
        has_moved=asked.get("moved") == "1",
        steps=steps,
    )
    if behind == Behind():
        raise Invalid(_("Say which cases: name a function, an area, an organisation, a day or steps."))
    said = [" / ".join(str(named(i)) for i in ids) for ids, named in (
        (functions, function_name), (areas, area_name), (holders, organisation_name)) if ids]  # fmt: skip
    if steps:
        said.append(" → ".join(str(Verb(s).label) for s in steps))
    if behind.has_moved:
        said.append(_("changed hands"))
    if since or until:
        said.append(" – ".join(str(d) for d in (since, until) if d))
    return behind, said


def _known(codes: list[str], known: Mapping[str, Any], field: str, problem: str) -> tuple[int, ...]:
    if any(code not in known for code in codes):
        raise Invalid(fields={field: problem})
    return tuple(known[code].id for code in codes)


def _day(written: str, field: str) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        raise Invalid(fields={field: _("Write a day as 2026-03-31.")}) from None


def _csv(cases: list[Case]) -> StreamingHttpResponse:
    head = [_("Number"), _("Received"), _("State"), _("Function"), _("Area"), _("Organisation"), _("Text")]
    rows = [
        [
            c.number, c.opened_at.isoformat(timespec="seconds"), str(state_name(c.state)),
            str(function_name(c.function_id)), str(area_name(c.area_id)), str(organisation_name(c.organisation_id)),
            c.public_text,
        ]
        for c in cases
    ]  # fmt: skip
    response = StreamingHttpResponse(csv_lines(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="cases.csv"'
    return response
