"""What people are told about their waiting time, held against halls that really run."""

from __future__ import annotations

import random
from statistics import mean

from gongzhi.intake.counters.order import Place, next_of
from gongzhi.intake.counters.waiting import Desk, InLine, expect

EXACT = {1: [300.0] * 20}


def _line(*kinds: bool) -> list[InLine]:
    return [InLine(n, 1, float(n), is_priority) for n, is_priority in enumerate(kinds, 1)]


def test_with_one_counter_and_equal_times_the_wait_is_exact() -> None:
    found = expect(_line(False, False, False), [Desk(1, frozenset({1}))], EXACT)
    assert [(e.seconds, e.low, e.high, e.before) for e in found.values()] == [
        (0, 0, 0, 0), (300, 300, 300, 1), (600, 600, 600, 2),
    ]  # fmt: skip


def test_the_order_is_the_one_really_used() -> None:
    found = expect(_line(False, False, True, True, False), [Desk(1, frozenset({1}))], EXACT)
    assert sorted(found, key=lambda pk: found[pk].before) == [3, 1, 4, 2, 5]


def test_two_counters_halve_the_wait_and_a_served_person_counts() -> None:
    desks = [Desk(1, frozenset({1}), serving=(1, 100.0)), Desk(2, frozenset({1}), serving=(1, 250.0))]
    found = expect(_line(False, False, False), desks, EXACT)
    assert [e.seconds for e in found.values()] == [50, 200, 350]


def test_nobody_is_promised_a_counter_that_is_not_open() -> None:
    line = [InLine(1, 1, 1.0), InLine(2, 2, 2.0), InLine(3, 1, 3.0, counter=9)]
    assert set(expect(line, [Desk(1, frozenset({1}))], {1: [60.0], 2: [60.0]})) == {1}


def test_who_only_asks_takes_nobodys_place() -> None:
    line = [*_line(False, False), InLine(-1, 1, 99.0, is_asking=True)]
    found = expect(line, [Desk(1, frozenset({1}))], EXACT)
    assert found[-1].seconds == 600 and found[-1].before == 2
    assert found[2] == expect(_line(False, False), [Desk(1, frozenset({1}))], EXACT)[2]


def test_who_may_not_come_shortens_the_wait_of_others_on_average() -> None:
    line = [InLine(1, 1, 1.0, presence=0.5), InLine(2, 1, 2.0)]
    found = expect(line, [Desk(1, frozenset({1}))], EXACT, runs=400)
    assert found[2].low == 0 and found[2].high == 300
    assert found[1].seconds == 0


def _really(
    line: list[InLine], desks: list[Desk], luck: random.Random, later: list[InLine] | None = None
) -> dict[int, float]:
    """A hall that really runs, written without looking at `waiting`; who comes `later` has a place over 1000."""
    line = [*line, *(later or [])]
    left, ends, turn = {t.id: t for t in line}, {d.id: 0.0 for d in desks}, {d.id: False for d in desks}
    called: dict[int, float] = {}
    while left and desks:
        desk = min(desks, key=lambda d: (ends[d.id], d.id))
        places = [
            Place(t.at, t.id, t.is_priority)
            for t in left.values()
            if t.queue in desk.queues and t.at - 1000 <= ends[desk.id]
        ]
        chosen = next_of(places, last_was_priority=turn[desk.id])
        if chosen is None:
            desks = [d for d in desks if d is not desk]
            continue
        ticket = left.pop(chosen.id)
        called[ticket.id] = ends[desk.id]
        turn[desk.id] = ticket.is_priority
        ends[desk.id] += luck.lognormvariate(5.5 if ticket.queue == 1 else 6.0, 0.6)
    return called


def _later(rate: float, luck: random.Random) -> list[InLine]:
    """People with priority who come within four hours, at so many a second."""
    found: list[InLine] = []
    at = luck.expovariate(rate)
    while at < 4 * 3600:
        found.append(InLine(1000 + len(found), luck.choice((1, 2)), 1000 + at, is_priority=True))
        at += luck.expovariate(rate)
    return found


def test_people_with_priority_who_come_later_are_reckoned_with() -> None:
    """In a hall where every fourth person has priority, leaving them out would promise too much."""
    luck = random.Random(11)
    ignored, reckoned, inside, total = [], [], 0, 0
    rate = 1 / 400
    for day in range(40):
        measured = {q: [luck.lognormvariate(m, 0.6) for _ in range(200)] for q, m in ((1, 5.5), (2, 6.0))}
        line = [InLine(n, luck.choice((1, 2)), float(n), luck.random() < 0.25) for n in range(1, 25)]
        desks = [Desk(1, frozenset({1, 2})), Desk(2, frozenset({1, 2}))]
        called = _really(line, desks, luck, later=_later(rate, luck))
        without = expect(line, desks, measured, seed=day)
        found = expect(line, desks, measured, later={1: rate / 2, 2: rate / 2}, seed=day)
        for ticket in line[12:]:
            if not ticket.is_priority:
                total += 1
                inside += found[ticket.id].low <= called[ticket.id] <= found[ticket.id].high
                ignored.append(without[ticket.id].seconds / called[ticket.id] - 1)
                reckoned.append(found[ticket.id].seconds / called[ticket.id] - 1)
    assert mean(ignored) < -0.1 and abs(mean(reckoned)) < 0.07, (mean(ignored), mean(reckoned))
    assert 0.7 <= inside / total <= 0.9, inside / total


def test_more_priority_than_can_be_served_keeps_nobody_from_an_answer() -> None:
    found = expect(
        _line(False, False, False), [Desk(1, frozenset({1}))], EXACT, later={1: 1.0, 2: 1.0}, runs=5
    )
    assert [round(e.seconds) for e in found.values()] == [0, 600, 1200], "every second call is theirs"


def test_eight_of_ten_really_wait_within_the_range_and_the_middle_is_not_biased() -> None:
    """Times measured before (200 a queue) are all that the estimate knows of how long people take."""
    luck = random.Random(7)
    inside, total, off = 0, 0, []
    for day in range(40):
        measured = {q: [luck.lognormvariate(m, 0.6) for _ in range(200)] for q, m in ((1, 5.5), (2, 6.0))}
        line = [InLine(n, luck.choice((1, 2)), float(n), luck.random() < 0.15) for n in range(1, 31)]
        desks = [Desk(1, frozenset({1})), Desk(2, frozenset({1, 2})), Desk(3, frozenset({2}))]
        found = expect(line, desks, measured, seed=day)
        for pk, seconds in _really(line, desks, luck).items():
            if found[pk].high == 0:
                continue  # called at once: nothing to be wrong about
            total += 1
            inside += found[pk].low <= seconds <= found[pk].high
            off.append((found[pk].seconds - seconds) / max(seconds, 60))
    assert 0.72 <= inside / total <= 0.88, inside / total
    assert abs(mean(off)) < 0.12, mean(off)
