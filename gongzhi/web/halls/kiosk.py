"""The machine in the hall: choose what it is about, take the number, print it."""

from __future__ import annotations

import secrets

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.errors import GongzhiError, Invalid, NotFound
from gongzhi.intake.counters import hours, queries, tickets
from gongzhi.intake.counters.models import Hall, Priority, Queue, Screen, Source
from gongzhi.registry.authority import ANONYMOUS
from gongzhi.web.halls.screens import screen
from gongzhi.web.portal.forms import whole_in

OFFERED = (Priority.NONE, Priority.AGE, Priority.DISABILITY, Priority.CHILD)
"""What people say of themselves; other reasons are the staff's to see."""


def queue_in(hall: Hall, chosen: str) -> Queue:
    """The queue that was chosen.

    Raises:
        Invalid: none of this hall.
    """
    queue = hall.queues.filter(pk=whole_in(chosen), is_active=True).select_related("hall").first()
    if queue is None:
        raise Invalid(fields={"queue": _("Choose what it is about.")})
    return queue


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, code: str) -> HttpResponse:
    """Take a number, or say that one has come with a number from home."""
    device = screen(request, code, Screen.Kind.KIOSK)
    hall = device.hall
    error: GongzhiError | None = None
    arrived = None
    if request.method == "POST":
        try:
            if request.POST.get("verb") == "arrive":
                arrived = tickets.arrive_by_number(ANONYMOUS, hall, request.POST.get("number", ""))
            else:
                return HttpResponseRedirect(_take(request, hall, device))
        except GongzhiError as problem:
            error = problem
    context = {
        "hall": hall,
        "is_open": hours.is_open(hall, timezone.now()),
        "queues": hall.queues.filter(is_active=True).order_by("letter"),
        "outlook": queries.outlook(hall),
        "reasons": [(p.value, p.label) for p in OFFERED],
        "chosen": request.POST.get("priority", ""),
        "key": secrets.token_urlsafe(12),
        "arrived": arrived,
        "error": error,
        "usual_language": settings.LANGUAGE_CODE,
    }
    return render(request, "halls/kiosk.html", context, status=error.status if error else 200)


def _take(request: HttpRequest, hall: Hall, device: Screen) -> str:
    _ticket, secret = tickets.take(
        ANONYMOUS,
        queue_in(hall, request.POST.get("queue", "")),
        source=Source.KIOSK,
        priority=request.POST.get("priority", ""),
        language=get_language() or "zh-hans",
        key=request.POST.get("key", "")[:40],
        client=f"screen {device.pk}",
    )
    queries.forget_outlook()
    return f"/halls/{hall.code}/kiosk/{secret}/"


@require_safe
def paper(request: HttpRequest, code: str, secret: str) -> HttpResponse:
    """The number that was taken, to be printed, with the way to follow it on a phone."""
    hall = screen(request, code, Screen.Kind.KIOSK).hall
    ticket = tickets.by_secret(secret)
    if ticket.hall_id != hall.pk:
        raise NotFound()
    link = f"{settings.PUBLIC_URL}/tickets/{secret}/"
    expected = queries.outlook(hall, ticket).tickets.get(ticket.pk)
    context = {
        "hall": hall,
        "ticket": ticket,
        "expected": expected,
        "may_be_late": queries.closes_before(hall, expected, timezone.now()),
        "qr": segno.make(link, error="m").svg_inline(omitsize=True),
        "link": link,
    }
    response = render(request, "halls/paper.html", context)
    response["Cache-Control"] = "no-store"
    return response
