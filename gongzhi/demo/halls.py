"""A hall of today: people come since this morning, clerks call them by the rule, some still wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from gongzhi.cases import rules
from gongzhi.intake.counters import calling, setting_up, tickets
from gongzhi.intake.counters.models import Counter, Hall, Priority, Queue, Source, Ticket
from gongzhi.intake.counters.setting_up import Named
from gongzhi.registry.authority import ANONYMOUS, Actor
from gongzhi.registry.models import Function, Organisation

_SEED: Final = 20261124
_MINUTE: Final = timedelta(minutes=1)
_LOAD: Final = 1.25
"""Slightly more people come than can be served, so that some wait at the end."""


def set_up(supervisor: Actor, organisation: Organisation, scene: Mapping[str, Any]) -> Hall:
    """The hall of the scene with its queues and counters."""
    hall = setting_up.make_hall(
        supervisor, scene["code"], Named(**scene["name"]), organisation, address=scene["address"]
    )
    queues = {
        row["letter"]: setting_up.add_queue(
            supervisor,
            hall,
            row["letter"],
            Named(**row["name"]),
            function=Function.objects.filter(code=row.get("function", "")).first(),
            usual_minutes=row["minutes"],
        )
        for row in scene["queues"]
    }
    for row in scene["counters"]:
        setting_up.add_counter(supervisor, hall, Named(**row["name"]), [queues[q] for q in row["queues"]])
    return hall


def live(hall: Hall, clerks: list[Actor], now: datetime, *, hours: float) -> None:
    """Let the hall be open for so long until `now`; the clerks sit at its first counters."""
    luck = Random(_SEED)
    queues = list(hall.queues.order_by("letter"))
    local = now.astimezone(rules.calendar().zone)
    begin = max(now - timedelta(hours=hours), local.replace(hour=0, minute=0, second=0, microsecond=0))
    counters = list(hall.counters.order_by("pk"))[: len(clerks)]
    desks = [
        (actor, calling.open_counter(actor, counter, at=begin))
        for actor, counter in zip(clerks, counters, strict=True)
    ]
    ends: dict[int, datetime] = {}
    moment = begin
    while moment < now:
        _come(queues, moment, len(desks), luck)
        for actor, counter in desks:
            _serve(actor, counter, moment, ends, luck)
        moment += _MINUTE


def _come(queues: list[Queue], moment: datetime, desks: int, luck: Random) -> None:
    per_minute = _LOAD * desks / (sum(q.usual_minutes for q in queues) / len(queues))
    for _ in range(_poisson(per_minute, luck)):
        tickets.take(
            ANONYMOUS,
            luck.choice(queues),
            source=luck.choices((Source.KIOSK, Source.PHONE), (9, 1))[0],
            priority=luck.choices(
                (Priority.NONE, Priority.AGE, Priority.DISABILITY, Priority.CHILD), (17, 2, 1, 1)
            )[0],
            language=luck.choices(("zh-hans", "en"), (19, 1))[0],
            at=moment,
        )


def _serve(actor: Actor, counter: Counter, moment: datetime, ends: dict[int, datetime], luck: Random) -> None:
    ticket = calling.present(counter)
    if ticket is not None and ends[ticket.pk] <= moment:
        _end(ticket)(actor, ticket, at=moment)
        ticket = None
    if ticket is None:
        called = calling.call_next(actor, counter, at=moment)
        if called is not None:
            is_there = luck.random() > 0.05
            if is_there:
                calling.start(actor, called, at=moment + timedelta(seconds=20))
            usual = called.queue.usual_minutes * luck.lognormvariate(-0.12, 0.5)
            ends[called.pk] = moment + (timedelta(minutes=max(1.0, usual)) if is_there else 2 * _MINUTE)


def _end(ticket: Ticket) -> Callable[..., Ticket]:
    return calling.finish if ticket.started_at else calling.miss


def _poisson(mean: float, luck: Random) -> int:
    count, left = 0, luck.expovariate(1)
    while left < mean:
        count, left = count + 1, left + luck.expovariate(1)
    return count
