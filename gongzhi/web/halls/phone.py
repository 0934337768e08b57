"""Halls on one's own phone: where it takes how long, a number from home, following one's number."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.errors import GongzhiError, NotFound
from gongzhi.intake.counters import hours, lifecycle, queries, tickets
from gongzhi.intake.counters.models import Hall, Source, Ticket
from gongzhi.registry.authority import ANONYMOUS
from gongzhi.web.clients import address_of
from gongzhi.web.halls import live
from gongzhi.web.halls.kiosk import OFFERED, queue_in

_EVERY_S: Final = 5
_TAKEN: Final = "hall.taken"
"""The session keeps the link of the number taken last, so that one browser holds one number."""


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every hall, whether it is open and how many wait there."""
    return render(request, "halls/index.html", {"rows": queries.open_halls(timezone.now())})


def _seen(hall: Hall, now: datetime) -> dict[str, Any]:
    is_open = hours.is_open(hall, now)
    outlook = queries.outlook(hall) if is_open else None
    last = max(outlook.newcomers.values(), key=lambda e: e.high, default=None) if outlook else None
    return {
        "may_be_late": queries.closes_before(hall, last, now),
        "hall": hall,
        "is_open": is_open,
        "opens": None if is_open else hours.calendar_of(hall).next_opening(now),
        "queues": hall.queues.filter(is_active=True).order_by("letter"),
        "outlook": outlook,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def hall(request: HttpRequest, code: str) -> HttpResponse:
    """One hall, and taking a number there from home."""
    found = queries.hall_by_code(code)
    error: GongzhiError | None = None
    if request.method == "POST":
        try:
            return HttpResponseRedirect(f"/tickets/{_take(request, found)}/")
        except GongzhiError as problem:
            error = problem
    context = {
        **_seen(found, timezone.now()),
        "reasons": [(p.value, p.label) for p in OFFERED],
        "chosen": request.POST.get("priority", ""),
        "key": request.POST.get("key") or secrets.token_urlsafe(12),
        "mine": _held(request, found),
        "error": error,
    }
    return render(request, "halls/hall.html", context, status=error.status if error else 200)


def _take(request: HttpRequest, found: Hall) -> str:
    held = _held(request, found)
    if held:
        return held
    _ticket, secret = tickets.take(
        ANONYMOUS,
        queue_in(found, request.POST.get("queue", "")),
        source=Source.PHONE,
        priority=request.POST.get("priority", ""),
        language=get_language() or "zh-hans",
        key=request.POST.get("key", "")[:40],
        client=address_of(request),
    )
    request.session[_TAKEN] = secret
    queries.forget_outlook()
    return secret


def _held(request: HttpRequest, found: Hall) -> str:
    """The link of a number that this browser still holds in the hall; empty when there is none."""
    secret = request.session.get(_TAKEN, "")
    if not secret:
        return ""
    try:
        ticket = tickets.by_secret(secret)
    except NotFound:
        return ""
    is_live = ticket.state in lifecycle.LIVE and ticket.day == hours.day_of(timezone.now())
    return str(secret) if is_live and ticket.hall_id == found.pk else ""


@require_http_methods(["GET", "HEAD", "POST"])
def ticket(request: HttpRequest, secret: str) -> HttpResponse:
    """One's own number: how many are before it, how long it takes; arriving, and giving it back."""
    found = tickets.by_secret(secret)
    error: GongzhiError | None = None
    if request.method == "POST":
        try:
            if request.POST.get("verb") == "leave":
                tickets.leave(ANONYMOUS, found)
            else:
                code = request.POST.get("code", "")
                tickets.arrive(ANONYMOUS, found, code=code, client=address_of(request))
            queries.forget_outlook()
            return HttpResponseRedirect(request.path)
        except GongzhiError as problem:
            error = problem
    context = _state(found)
    live_part = live.part(request, "halls/place.html", context, f"{request.path}place", _EVERY_S)
    context |= {"error": error, "live": live_part, "secret": secret}
    response = render(request, "halls/ticket.html", context, status=error.status if error else 200)
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def place(request: HttpRequest, secret: str) -> HttpResponse:
    """Where one's number stands; a part of its page."""
    return live.answer(request, "halls/place.html", _state(tickets.by_secret(secret)), request.path, _EVERY_S)


def _state(found: Ticket) -> dict[str, Any]:
    is_today = found.day == hours.day_of(timezone.now())
    waits = is_today and found.state in lifecycle.IN_LINE
    expected = queries.outlook(found.hall, found).tickets.get(found.pk) if waits else None
    return {
        "ticket": found,
        "is_today": is_today,
        "waits": waits,
        "may_leave": is_today and found.state in lifecycle.TRANSITIONS[lifecycle.Verb.LEAVE][0],
        "expected": expected,
        "may_be_late": queries.closes_before(found.hall, expected, timezone.now()),
    }
