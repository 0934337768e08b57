"""The clerk's counter: call who is next, serve, pass on; from there a matter is taken in as everywhere."""

from __future__ import annotations

import secrets
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.errors import GongzhiError, Invalid, NotFound
from gongzhi.intake.counters import calling, hours, queries, tickets
from gongzhi.intake.counters.lifecycle import State
from gongzhi.intake.counters.models import Counter, Priority, Queue, Source, Ticket
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.web.desk.entering import staff
from gongzhi.web.halls import live
from gongzhi.web.halls.kiosk import queue_in
from gongzhi.web.portal.forms import whole_in

_EVERY_S: Final = 5


def _clerk(request: HttpRequest) -> Actor:
    actor = staff(request)
    authority.require(actor, "counter.serve")
    return actor


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """One's counter, or the counters at which one can sit down."""
    actor = _clerk(request)
    counter = calling.counter_of(actor)
    error: GongzhiError | None = None
    if request.method == "POST":
        try:
            _do(request, actor, counter)
            queries.forget_outlook()
            return HttpResponseRedirect(request.path)
        except GongzhiError as problem:
            error = problem
            counter = calling.counter_of(actor)
    status = error.status if error else 200
    if counter is None:
        free = (
            Counter.objects.filter(
                hall__organisation=actor.organisation_id or 0, is_active=True, hall__is_active=True
            )
            .select_related("hall", "post__person")
            .prefetch_related("queues")
        )
        context = {"counters": free.order_by("hall__code", "pk"), "error": error}
        return render(request, "desk/counters/choose.html", context, status=status)
    context = _context(request, counter) | {"error": error}
    return render(request, "desk/counters/counter.html", context, status=status)


def _context(request: HttpRequest, counter: Counter) -> dict[str, Any]:
    now = timezone.now()
    hall = counter.hall
    waiting = _line(counter)
    missed = Ticket.objects.filter(hall=hall, day=hours.day_of(now), state=State.NO_SHOW)
    return {
        "counter": counter,
        "hall": hall,
        "ticket": calling.present(counter),
        "line": live.part(request, "desk/counters/line.html", waiting, "/desk/counter/line", _EVERY_S),
        "rows": waiting["rows"],
        "missed": missed.select_related("queue").order_by("-ended_at")[:8],
        "queues": hall.queues.filter(is_active=True).order_by("letter"),
        "others": hall.counters.filter(post__isnull=False).exclude(pk=counter.pk).order_by("pk"),
        "reasons": Priority.choices,
        "key": secrets.token_urlsafe(12),
    }


def _line(counter: Counter) -> dict[str, Any]:
    now = timezone.now()
    own = set(counter.queues.values_list("pk", flat=True))
    waiting = queries.in_line(counter.hall, now).filter(state=State.WAITING).select_related("queue")
    mine = [
        t
        for t in waiting
        if t.for_counter_id == counter.pk or (t.for_counter_id is None and t.queue_id in own)
    ]
    outlook = queries.outlook(counter.hall)
    rows = [(t, outlook.tickets.get(t.pk)) for t in mine]
    # In the order in which they will probably be called, which is not that of their places.
    rows.sort(key=lambda row: (row[1].seconds if row[1] else float("inf"), row[0].place_at))
    return {"rows": rows[:30], "more": max(0, len(rows) - 30), "waiting": len(rows)}


@require_safe
def line(request: HttpRequest) -> HttpResponse:
    """Who waits for one's counter; a part of the page."""
    counter = calling.counter_of(_clerk(request))
    if counter is None:
        raise NotFound(_("You do not sit at a counter."))
    return live.answer(request, "desk/counters/line.html", _line(counter), "/desk/counter/line", _EVERY_S)


def _do(request: HttpRequest, actor: Actor, counter: Counter | None) -> None:
    form = request.POST
    verb = form.get("verb", "")
    if verb == "open":
        wanted = Counter.objects.filter(pk=whole_in(form.get("counter", ""))).first()
        if wanted is None:
            raise NotFound(_("There is no such counter."))
        calling.open_counter(actor, wanted)
        return
    if counter is None:
        raise Invalid(_("Choose a counter first."))
    match verb:
        case "next":
            if calling.call_next(actor, counter) is None:
                messages.info(request, _("Nobody waits for this counter."))
        case "close":
            calling.close_counter(actor, counter)
        case "pause" | "go_on":
            calling.pause(actor, counter, verb == "pause")
        case "give":
            _give(request, actor, counter)
        case "arrive":
            arrived = tickets.arrive_by_number(actor, counter.hall, form.get("number", ""))
            messages.success(request, _("%(number)s is here.") % {"number": arrived.label})
        case _:
            _on_ticket(request, actor, counter, verb)


def _on_ticket(request: HttpRequest, actor: Actor, counter: Counter, verb: str) -> None:
    form = request.POST
    of_hall = Ticket.objects.filter(hall=counter.hall).select_related("hall", "queue", "counter")
    ticket = of_hall.filter(pk=whole_in(form.get("ticket", ""))).first()
    if ticket is None:
        raise NotFound(_("There is no such number."))
    match verb:
        case "again":
            calling.call_again(actor, ticket)
        case "start":
            calling.start(actor, ticket)
        case "finish":
            calling.finish(actor, ticket)
        case "finish_next":
            calling.finish(actor, ticket)
            if calling.call_next(actor, counter) is None:
                messages.info(request, _("Nobody waits for this counter."))
        case "miss":
            calling.miss(actor, ticket)
        case "come_back":
            calling.come_back(actor, ticket)
        case "pass_on":
            queue, to = _where_to(counter, form.get("to", ""))
            calling.pass_on(actor, ticket, queue=queue, to=to)
        case "out_of_turn":
            calling.call_out_of_turn(actor, counter, ticket, reason=form.get("reason", ""))
        case "priority":
            tickets.set_priority(actor, ticket, form.get("priority", ""))
        case _:
            raise Invalid(_("Choose what to do."))


def _where_to(counter: Counter, chosen: str) -> tuple[Queue | None, Counter | None]:
    """``q5`` is a queue, ``c3`` a counter of the same hall."""
    kind, pk = chosen[:1], whole_in(chosen[1:])
    if kind == "q":
        return counter.hall.queues.filter(pk=pk, is_active=True).first(), None
    if kind == "c":
        return None, counter.hall.counters.filter(pk=pk).first()
    return None, None


def _give(request: HttpRequest, actor: Actor, counter: Counter) -> None:
    """A number for somebody who does not take it at the machine."""
    ticket, _secret = tickets.take(
        actor,
        queue_in(counter.hall, request.POST.get("queue", "")),
        source=Source.STAFF,
        priority=request.POST.get("priority", ""),
        language=get_language() or "zh-hans",
        key=request.POST.get("key", "")[:40],
    )
    messages.success(request, _("Number %(number)s was given.") % {"number": ticket.label})
