"""Reads: what stands on the display, how long it takes, how the hall does today."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from gongzhi.cases import rules
from gongzhi.errors import NotFound
from gongzhi.intake.counters import hours, permissions
from gongzhi.intake.counters.lifecycle import AT_A_COUNTER, IN_LINE, State
from gongzhi.intake.counters.models import Counter, Hall, Queue, Source, Ticket
from gongzhi.intake.counters.waiting import Desk, Expected, InLine, expect
from gongzhi.registry.authority import Actor

MEASURED: Final = 200
"""So many of the latest times of a queue are used."""
ENOUGH: Final = 10
"""With fewer measured times the usual ones of the queue stand in for what is missing."""
KEPT_S: Final = 5.0
"""So long an estimate of a hall answers everybody who asks."""
_ASSUMED: Final = (0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.3, 1.5, 1.9)
"""Shares of the usual time that stand in for times not measured yet; their mean is one."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected in a hall now.

    Attributes:
        tickets: id of a ticket in line → when it is called.
        newcomers: id of a queue → when somebody without priority is called who takes a number now.
        measured: id of a queue → from how many measured times that is computed.
        known: ids of all tickets that were in line then.
    """

    tickets: dict[int, Expected]
    newcomers: dict[int, Expected]
    measured: dict[int, int]
    known: frozenset[int] = frozenset()


def hall_by_code(code: str) -> Hall:
    """
    Raises:
        NotFound: there is no such hall in use.
    """
    hall = Hall.objects.filter(code=code, is_active=True).select_related("organisation").first()
    if hall is None:
        raise NotFound()
    return hall


def in_line(hall: Hall, moment: datetime) -> QuerySet[Ticket]:
    """Who waits or is on the way today, by place."""
    return Ticket.objects.filter(hall=hall, day=hours.day_of(moment), state__in=IN_LINE).order_by(
        "place_at", "pk"
    )


_DURATIONS = """
SELECT q.id, array_agg(EXTRACT(EPOCH FROM t.ended_at - t.called_at)::float8)
FROM intake_queue q CROSS JOIN LATERAL (
  SELECT called_at, ended_at FROM intake_ticket
  WHERE queue_id = q.id AND state IN ('done', 'no_show') AND ended_at > %s AND called_at IS NOT NULL
  ORDER BY ended_at DESC LIMIT %s
) t WHERE q.hall_id = %s GROUP BY q.id
"""


def durations(hall: Hall, moment: datetime) -> dict[int, list[float]]:
    """Queue → how long a call kept a counter busy, in seconds: the latest of the last four weeks."""
    with connection.cursor() as cursor:
        cursor.execute(_DURATIONS, [moment - timedelta(weeks=4), MEASURED, hall.pk])
        return {queue: [max(1.0, s) for s in found] for queue, found in cursor.fetchall()}


_kept: dict[int, tuple[float, Outlook]] = {}


def outlook(hall: Hall, ticket: Ticket | None = None) -> Outlook:
    """The outlook for this moment, computed at most every `KEPT_S` seconds however many ask.

    Args:
        ticket: in line now; if it was not when the outlook was computed, that is done anew.
    """
    now = time.monotonic()
    kept = _kept.get(hall.pk)
    if kept is not None and now - kept[0] < KEPT_S and (ticket is None or ticket.pk in kept[1].known):
        return kept[1]
    found = outlook_at(hall, timezone.now())
    _kept[hall.pk] = (now, found)
    return found


def forget_outlook() -> None:
    """Compute anew what is asked next."""
    _kept.clear()


def outlook_at(hall: Hall, moment: datetime) -> Outlook:
    """The outlook for a moment, from the tickets and counters as they are (see `waiting`)."""
    queues = list(hall.queues.all())
    measured = durations(hall, moment)
    used = {}
    for queue in queues:
        own = measured.get(queue.pk, [])
        assumed = [60.0 * queue.usual_minutes * share for share in _ASSUMED]
        used[queue.pk] = own if len(own) >= ENOUGH else [*own, *assumed]
    waiting = list(in_line(hall, moment))
    share = _share_that_arrives(hall, moment) if any(t.state == State.COMING for t in waiting) else 1.0
    line = [
        InLine(
            t.pk, t.queue_id, t.place_at.timestamp(), t.is_priority, t.for_counter_id,
            share if t.state == State.COMING else 1.0,
        )
        for t in waiting
    ]  # fmt: skip
    line += [InLine(-q.pk, q.pk, moment.timestamp() + 1, is_asking=True) for q in queues if q.is_active]
    found = expect(line, _desks(hall, moment), used, later=_priority_a_second(hall, moment))
    return Outlook(
        {pk: e for pk, e in found.items() if pk > 0},
        {-pk: e for pk, e in found.items() if pk < 0},
        {q.pk: len(measured.get(q.pk, [])) for q in queues},
        frozenset(t.pk for t in waiting),
    )


def _desks(hall: Hall, moment: datetime) -> list[Desk]:
    counters = hall.counters.filter(post__isnull=False).prefetch_related("queues")
    busy = {
        t.counter_id: (t.queue_id, max(0.0, (moment - (t.called_at or moment)).total_seconds()))
        for t in Ticket.objects.filter(counter__hall=hall, state__in=AT_A_COUNTER)
    }
    return [
        Desk(c.pk, frozenset(q.pk for q in c.queues.all()), c.last_was_priority, busy.get(c.pk))
        for c in counters
        if not c.is_paused
    ]


def _priority_a_second(hall: Hall, moment: datetime) -> dict[int, float]:
    """Queue → how many people with priority came in a second, over the last hour."""
    lately = Ticket.objects.filter(
        hall=hall, day=hours.day_of(moment), is_priority=True, arrived_at__gt=moment - timedelta(hours=1)
    )
    counted = lately.order_by().values_list("queue_id").annotate(people=Count("pk"))
    return {queue: people / 3600 for queue, people in counted}


def _share_that_arrives(hall: Hall, moment: datetime) -> float:
    """How many of the numbers taken from home came, of those of the last four weeks; half, while unknown."""
    today = hours.day_of(moment)
    over = Ticket.objects.filter(
        hall=hall, source=Source.PHONE, day__lt=today, day__gte=today - timedelta(weeks=4)
    ).aggregate(all=Count("pk"), came=Count("pk", filter=Q(arrived_at__isnull=False)))
    return float(over["came"] + 5) / float(over["all"] + 10)


def closes_before(hall: Hall, expected: Expected | None, moment: datetime) -> bool:
    """Whether one's turn may come only after the hall has closed."""
    if expected is None or not hours.calendar_of(hall).is_open(moment):
        return False
    turn = (moment + timedelta(seconds=expected.high)).astimezone(rules.calendar().zone)
    return turn.date() > hours.day_of(moment) or turn.time() > hall.closes_at


def open_halls(moment: datetime) -> list[tuple[Hall, bool, int]]:
    """Every hall in use, whether it is open, how many wait there; in two queries."""
    halls = (
        Hall.objects.filter(is_active=True)
        .select_related("organisation")
        .annotate(seated=Count("counters", filter=Q(counters__post__isnull=False)))
        .order_by("code")
    )
    waiting = dict(
        Ticket.objects.filter(day=hours.day_of(moment), state=State.WAITING)
        .order_by()
        .values_list("hall_id")
        .annotate(people=Count("pk"))
    )
    return [
        (hall, hall.seated > 0 or hours.calendar_of(hall).is_open(moment), waiting.get(hall.pk, 0))
        for hall in halls
    ]


@dataclass(frozen=True, slots=True)
class Board:
    """What stands on the display."""

    now: list[Ticket]
    waiting: list[Queue]
    last: list[Ticket]


def board(hall: Hall, moment: datetime) -> Board:
    """Numbers that are called or served, the latest first; who waits, by queue; the calls before."""
    today = Ticket.objects.filter(hall=hall, day=hours.day_of(moment)).select_related("counter", "queue")
    called = today.filter(called_at__isnull=False).order_by("-called_at")
    waiting = hall.queues.filter(is_active=True).order_by("letter")
    return Board(
        list(called.filter(state__in=AT_A_COUNTER)[:12]),
        list(
            waiting.annotate(
                people=Count(
                    "tickets",
                    filter=Q(tickets__state=State.WAITING, tickets__day=hours.day_of(moment)),
                )
            )
        ),
        list(called.exclude(state__in=AT_A_COUNTER)[:6]),
    )


_BY_HOUR = """
SELECT q.letter, q.name_zh, q.name_en, h.hour, count(*) AS taken, count(t.first_called_at) AS called,
  avg(w.seconds), percentile_cont(0.95) WITHIN GROUP (ORDER BY w.seconds),
  avg(EXTRACT(EPOCH FROM t.ended_at - t.started_at)) FILTER (WHERE t.state = 'done'),
  count(*) FILTER (WHERE t.state = 'no_show'), count(*) FILTER (WHERE t.state = 'left')
FROM intake_ticket t JOIN intake_queue q ON q.id = t.queue_id
CROSS JOIN LATERAL (SELECT EXTRACT(EPOCH FROM t.first_called_at - t.arrived_at)::float8 AS seconds) w
CROSS JOIN LATERAL (SELECT EXTRACT(HOUR FROM t.arrived_at AT TIME ZONE %s)::int AS hour) h
WHERE t.hall_id = %s AND t.day = %s AND t.arrived_at IS NOT NULL
GROUP BY GROUPING SETS ((q.letter, q.name_zh, q.name_en, h.hour), (q.letter, q.name_zh, q.name_en), ())
ORDER BY q.letter NULLS FIRST, h.hour NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one queue and hour of arrival; without an hour of the whole day, without a letter of the hall.

    Times in seconds, None when nobody was called.
    """

    letter: str | None
    name_zh: str | None
    name_en: str | None
    hour: int | None
    taken: int
    called: int
    mean_wait_s: float | None
    p95_wait_s: float | None
    mean_service_s: float | None
    no_shows: int
    left: int


@dataclass(frozen=True, slots=True)
class Today:
    """How a hall does today."""

    waiting: int
    coming: int
    longest: Ticket | None
    counters: list[Counter]
    rows: list[Row]


def today(actor: Actor, hall: Hall, moment: datetime) -> Today:
    """
    Raises:
        NotAllowed: the actor does not oversee the hall.
    """
    permissions.require(actor, "hall.oversee", hall)
    line = list(in_line(hall, moment))
    waiting = [t for t in line if t.state == State.WAITING]
    with connection.cursor() as cursor:
        cursor.execute(_BY_HOUR, [rules.calendar().timezone, hall.pk, hours.day_of(moment)])
        rows = [Row(*row[:6], *map(_seconds, row[6:9]), *row[9:]) for row in cursor.fetchall()]
    counters = hall.counters.filter(is_active=True).select_related("post__person").prefetch_related("queues")
    return Today(
        len(waiting),
        len(line) - len(waiting),
        min(waiting, key=lambda t: t.arrived_at or t.taken_at, default=None),
        list(counters.order_by("pk")),
        rows,
    )


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)
