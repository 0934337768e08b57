"""How long it will take: the rest of the day played through many times by the rule really used.

Every run draws, for each person in line, how long they will take from the times that people of the
same queue have really taken, lets every open counter call by `order` as soon as it is free, and
notes when each ticket is called. People with priority who have not come yet are drawn as well, at the
rate at which they came lately, because they will be called before others. The median over the runs is
the expected time; the range leaves out the fastest and the slowest tenth. What it cannot know: counters
that open, pause or close later.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from statistics import median, quantiles
from typing import Final

from gongzhi.intake.counters.order import Place, rank

RUNS: Final = 100
_STRANGER: Final = 0
"""The id of everybody who has not come yet; tickets have others."""
_AFTER_ALL: Final = 1e12
"""Later than any place of somebody who is in line already."""


@dataclass(frozen=True, slots=True)
class InLine:
    """One ticket in line.

    Attributes:
        at: place in line in seconds of any clock, the smaller the earlier.
        counter: the only counter that may call it; None: every one of its queue.
        presence: probability that the person will be there (under 1 for numbers taken from home).
        is_asking: somebody who only wants to know: found a place for, but takes nobody's.
    """

    id: int
    queue: int
    at: float
    is_priority: bool = False
    counter: int | None = None
    presence: float = 1.0
    is_asking: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """An open counter.

    Attributes:
        serving: queue of the ticket that is there now and for how many seconds; None: free.
    """

    id: int
    queues: frozenset[int]
    last_was_priority: bool = False
    serving: tuple[int, float] | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """When a ticket will be called, in seconds from now, and how many are called before it."""

    seconds: float
    low: float
    high: float
    before: int


def expect(
    line: Sequence[InLine],
    desks: Sequence[Desk],
    durations: Mapping[int, Sequence[float]],
    *,
    later: Mapping[int, float] | None = None,
    runs: int = RUNS,
    seed: int = 1,
) -> dict[int, Expected]:
    """What is to be expected for every ticket in line; one that no open counter serves is left out.

    Args:
        durations: queue → how long people took there, in seconds; at least one for each.
        later: queue → how many people with priority come in a second.
    """
    luck = random.Random(seed)  # noqa: S311 – chance for an estimate, not for a secret
    times: dict[int, list[float]] = {ticket.id: [] for ticket in line}
    before: dict[int, list[int]] = {ticket.id: [] for ticket in line}
    ordered = sorted(line, key=lambda t: (t.at, t.id))
    rates = {queue: rate for queue, rate in (later or {}).items() if rate > 0 and queue in durations}
    for _ in range(runs):
        _run(ordered, desks, durations, rates, luck, times, before)
    return {ticket_id: _expected(found, before[ticket_id]) for ticket_id, found in times.items() if found}


def _expected(seconds: list[float], before: list[int]) -> Expected:
    if len(seconds) < 2:
        return Expected(seconds[0], seconds[0], seconds[0], before[0])
    tenths = quantiles(seconds, n=10, method="inclusive")
    return Expected(median(seconds), tenths[0], tenths[-1], round(median(before)))


def _run(
    ordered: Sequence[InLine],
    desks: Sequence[Desk],
    durations: Mapping[int, Sequence[float]],
    rates: Mapping[int, float],
    luck: random.Random,
    times: dict[int, list[float]],
    before: dict[int, list[int]],
) -> None:
    lines: dict[tuple[int | None, int, bool], deque[InLine]] = {}
    for ticket in ordered:
        # Whoever asks for a number taken from home will be there: that is what the answer is for.
        if ticket.presence >= 1 or luck.random() < ticket.presence:
            key = (ticket.counter, ticket.queue, ticket.is_priority)
            lines.setdefault(key, deque()).append(ticket)
    coming = [(luck.expovariate(rate), queue) for queue, rate in rates.items()]
    heapify(coming)
    for queue in rates:
        lines.setdefault((None, queue, True), deque())
    reach = {
        desk.id: [
            lines[key] for key in lines if key[0] == desk.id or (key[0] is None and key[1] in desk.queues)
        ]
        for desk in desks
    }
    turns = {desk.id: desk.last_was_priority for desk in desks}
    free = [(_time_left(desk, durations, luck), desk.id) for desk in desks]
    heapify(free)
    called = 0
    reached = {id(each): each for lines_of_desk in reach.values() for each in lines_of_desk}
    asked = sum(map(len, reached.values()))
    while free and asked:
        now, desk_id = free[0]
        while coming and coming[0][0] <= now:
            at, queue = coming[0]
            lines[None, queue, True].append(InLine(_STRANGER, queue, _AFTER_ALL + at, is_priority=True))
            heapreplace(coming, (at + luck.expovariate(rates[queue]), queue))
        following = _take(reach[desk_id], turns[desk_id])
        if following is None:
            heappop(free)
            continue
        if following.id != _STRANGER:
            asked -= 1
            times[following.id].append(now)
            before[following.id].append(called)
        if following.is_asking:
            continue
        called += following.id != _STRANGER
        turns[desk_id] = following.is_priority
        heapreplace(free, (now + luck.choice(durations[following.queue]), desk_id))


def _take(lines: Sequence[deque[InLine]], last_was_priority: bool) -> InLine | None:
    best: deque[InLine] | None = None
    best_rank: tuple[bool, float, int] | None = None
    for line in lines:
        if line:
            head = line[0]
            its = rank(Place(head.at, head.id, head.is_priority), last_was_priority)
            if best_rank is None or its < best_rank:
                best, best_rank = line, its
    return best.popleft() if best is not None else None


def _time_left(desk: Desk, durations: Mapping[int, Sequence[float]], luck: random.Random) -> float:
    """How much longer whoever is at the counter takes: a time that somebody took who took longer than so far."""
    if desk.serving is None:
        return 0.0
    queue, so_far = desk.serving
    longer = [seconds for seconds in durations.get(queue, ()) if seconds > so_far]
    if longer:
        return luck.choice(longer) - so_far
    known = durations.get(queue) or (so_far,)
    return luck.choice(known) / 2
