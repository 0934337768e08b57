"""Eight counters on eight connections never call one number twice, and no number is left out."""

from __future__ import annotations

import threading
from collections import Counter as Tally

import pytest
from django.db import connection

from gongzhi.errors import WrongState
from gongzhi.intake.counters import calling, tickets
from gongzhi.intake.counters.lifecycle import State
from gongzhi.intake.counters.models import Source, Ticket
from gongzhi.registry.authority import ANONYMOUS
from tests.intake.counters.hall import OPEN, Built, a_hall

COUNTERS, PEOPLE = 8, 120


@pytest.mark.usefixtures("committed")
def test_no_number_is_called_twice_by_eight_counters_at_once() -> None:
    built = a_hall(counters=COUNTERS)
    for n in range(PEOPLE):
        tickets.take(
            ANONYMOUS, built.queues[n % 2], source=Source.KIOSK, priority="age" if n % 5 == 0 else "", at=OPEN
        )
    for clerk, counter in zip(built.clerks, built.counters, strict=True):
        calling.open_counter(clerk, counter, at=OPEN)
    called: list[int] = []
    faults: list[BaseException] = []
    _together([lambda n=n: _work(built, n, called) for n in range(COUNTERS)], faults)  # type: ignore[misc]
    assert not faults, faults
    assert len(called) == PEOPLE and max(Tally(called).values()) == 1
    assert Ticket.objects.filter(state=State.DONE).count() == PEOPLE


def _work(built: Built, number: int, called: list[int]) -> None:
    clerk, counter = built.clerks[number], built.counters[number]
    while (ticket := calling.call_next(clerk, counter, at=OPEN)) is not None:
        called.append(ticket.pk)
        calling.finish(clerk, ticket, at=OPEN)


@pytest.mark.usefixtures("committed")
def test_pressing_next_twice_at_once_calls_one() -> None:
    built = a_hall(counters=1)
    for _ in range(20):
        tickets.take(ANONYMOUS, built.queues[0], source=Source.KIOSK, at=OPEN)
    clerk, counter = built.clerks[0], built.counters[0]
    calling.open_counter(clerk, counter, at=OPEN)
    refused: list[WrongState] = []
    faults: list[BaseException] = []

    def press() -> None:
        try:
            calling.call_next(clerk, counter, at=OPEN)
        except WrongState as problem:
            refused.append(problem)

    for round_ in range(1, 6):
        _together([press, press, press], faults)
        assert not faults and len(refused) == 2 * round_
        present = calling.present(counter)
        assert present is not None
        calling.finish(clerk, present, at=OPEN)
    assert Ticket.objects.filter(state=State.DONE).count() == 5


@pytest.mark.usefixtures("committed")
def test_no_number_is_given_twice() -> None:
    built = a_hall(counters=1)
    faults: list[BaseException] = []

    def take() -> None:
        for _ in range(10):
            tickets.take(ANONYMOUS, built.queues[0], source=Source.KIOSK, at=OPEN)

    _together([take] * 6, faults)
    assert not faults
    assert sorted(Ticket.objects.values_list("number", flat=True)) == list(range(1, 61))


def _together(works, faults: list[BaseException]) -> None:  # type: ignore[no-untyped-def]
    barrier = threading.Barrier(len(works))

    def run(work) -> None:  # type: ignore[no-untyped-def]
        try:
            barrier.wait()
            work()
        except BaseException as problem:
            faults.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
