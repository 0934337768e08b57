"""The grid worker's desk: today's round, a check in two taps, a report in three; made for the phone."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases.models import Case
from gongzhi.errors import Invalid
from gongzhi.grid import actions, queries, rounds
from gongzhi.grid.actions import Finding
from gongzhi.grid.models import Check
from gongzhi.grid.rounds import Round, Stop
from gongzhi.intake.submission import Receipt
from gongzhi.registry import authority, snapshot
from gongzhi.registry import queries as registry_queries
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Role
from gongzhi.web import accounts
from gongzhi.web.desk.entering import staff
from gongzhi.web.desk.joint import page as page_or_deed
from gongzhi.web.portal import forms
from gongzhi.web.templatetags.words import due, name_of, spoken

HOME: Final = "/desk/grid/"


def walker(request: HttpRequest) -> Actor:
    """Whoever asks, in the post of a grid worker where that person holds one, else in the chosen post.

    Raises:
        SignInNeeded, NotAllowed: nobody, or somebody without a post.
    """
    actor = staff(request)
    if Role.GRID in actor.roles or not request.user.is_authenticated:
        return actor
    post = next((p for p in accounts.posts_of(request) if Role.GRID in p.roles), None)
    return authority.actor_of(request.user, post) if post else actor


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Today's round, what is done of it, and the form of a report."""
    actor = walker(request)
    lng, lat = forms.point_in(request.GET.get("from_lng", ""), request.GET.get("from_lat", ""))
    start = (lng, lat) if lng is not None and lat is not None else None
    todays = rounds.round_of(actor, start=start)
    reported = request.POST if request.POST.get("verb") == "report" else QueryDict()

    def context() -> dict[str, Any]:
        stops = [told(stop) for stop in todays.stops]
        return {
            "actor": actor,
            "round": todays,
            "stops": stops,
            "reported": reported,
            "report_key": reported.get("key") or str(uuid.uuid4()),
            "left": todays.due,
            "functions": queries.usual_functions(actor),
            "kept": kept_on_the_phone(todays, stops),
            "drawn": drawn(actor, stops),
            "started_here": start is not None,
        }

    def do() -> str:
        verb = request.POST.get("verb", "")
        if verb == "report":
            receipt = actions.report(actor, finding_in(request))
            messages.success(request, taken_in(receipt))
        elif verb in ("fine", "wrong"):
            made = check_in(request, actor, is_fine=verb == "fine")
            messages.success(request, recorded(made))
        else:
            raise Invalid(_("Choose what to do."))
        return HOME

    response = page_or_deed(request, "desk/grid/round.html", context, do)
    response["Cache-Control"] = "no-store"
    return response


def check_in(request: HttpRequest, actor: Actor, *, is_fine: bool) -> Check:
    """Record the check in the form.

    Raises:
        NotFound, NotAllowed, Invalid, TooLarge, KeyReused: see `grid.actions.check`.
    """
    entry = queries.entry_seen(actor, forms.whole_in(request.POST.get("entry", "")))
    return actions.check(actor, entry, finding_in(request), is_fine=is_fine)


def finding_in(request: HttpRequest) -> Finding:
    """What was written down, as the form or the phone's queue sends it.

    Raises:
        Invalid, TooLarge: a photo cannot be kept, or the time is none.
    """
    form = request.POST
    language = form.get("language", "")
    if language not in dict(settings.LANGUAGES):
        language = get_language() or "zh-hans"
    code = form.get("function", "")
    text = form.get("text", "").replace("\r\n", "\n").strip()
    if not text and code:
        function = snapshot.current().function_by_code.get(code)
        # A chip that was tapped says enough; what it is called is what was seen.
        text = (function.name_en if language == "en" else function.name_zh) if function else ""
    return Finding(
        key=form.get("key", ""),
        text=text,
        lng=forms.number_in(form.get("lng", "")),
        lat=forms.number_in(form.get("lat", "")),
        function_code=code,
        photos=tuple(p.file for p in forms.photos_in(request)),
        at=_moment(form.get("at", "")),
        language=language,
    )


def told(stop: Stop) -> dict[str, Any]:
    """A stop of the round as pages, the map and the phone's store know it: of a person nothing personal."""
    point = stop.point
    place = {"lng": point[0], "lat": point[1]} if point else {}
    if stop.case is not None:
        return {
            "case": stop.case.number,
            "label": stop.case.public_text[:80],
            "kind": _("Case"),
            "late": stop.overdue_days > 0,
            "reasons": [*_of_case(stop.case, stop.is_mine), *_distance(stop)],
            **place,
        }
    entry = stop.entry
    assert entry is not None  # noqa: S101 – a stop is one or the other
    late = stop.overdue_days
    why = ngettext("%(n)d day overdue", "%(n)d days overdue", late) % {"n": late} if late else _("due today")
    return {
        "entry": entry.pk,
        "label": entry.label,
        "kind": entry.get_kind_display(),
        "address": "" if entry.is_personal else entry.address,
        "late": late > 0,
        "reasons": [why, *_distance(stop)],
        "key": str(uuid.uuid4()),
        **place,
    }


def kept_on_the_phone(todays: Round, stops: list[dict[str, Any]]) -> dict[str, Any]:
    """What the phone keeps of the round, so that checks can be made without a connection."""
    return {
        "day": todays.day.isoformat(),
        "cells": [name_of(area) for area in todays.cells][:3],
        "done": len(todays.done),
        "stops": stops,
    }


def drawn(actor: Actor, stops: list[dict[str, Any]]) -> dict[str, Any]:
    """What the map of the round shows: the outline of the post's area and the stops by number."""
    points = [
        {
            "lng": stop["lng"],
            "lat": stop["lat"],
            "text": stop["label"],
            "late": stop["late"],
            "number": number,
        }
        for number, stop in enumerate(stops, 1)
        if "lng" in stop
    ]
    return {"outline": registry_queries.outline_of(actor.area_id or 0), "stops": points}


def taken_in(receipt: Receipt) -> str:
    """The sentence after a report."""
    return _("Taken in as case %(number)s.") % {"number": spoken(receipt.number)}


def recorded(made: Check) -> str:
    """The sentence after a check."""
    if made.case is None:
        return _("Checked: fine.")
    return _("Checked; what is wrong is case %(number)s.") % {"number": spoken(made.case.number)}


def _of_case(case: Case, is_mine: bool) -> list[str]:
    return [_("with you") if is_mine else _("in your cell, nobody has taken it up"), str(due(case.due_at))]


def _distance(stop: Stop) -> list[str]:
    if stop.metres is None:
        return [_("no place on the map")]
    return [_("%(n)d m on") % {"n": round(stop.metres, -1) if stop.metres >= 10 else stop.metres}]


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise Invalid(fields={"at": _("Choose day and time.")}) from problem
    if found.tzinfo is None:
        raise Invalid(fields={"at": _("Choose day and time.")})
    return found
