"""Who goes where: checked against every possible plan, and against HiGHS on larger cases."""

from __future__ import annotations

import time
from itertools import product
from random import Random

import numpy as np
import pytest
from scipy import optimize, sparse

from gongzhi.coordination import crew_plans
from gongzhi.coordination.crew_plans import WEIGHTS, Crew, Why, Work, plan

LAMPS, TREES = frozenset({1}), frozenset({2})
PLENTY = 9_999.0


def _work(pk: int, east: float = 0.0, functions: frozenset[int] = LAMPS, left: float = PLENTY, crews: int = 2, **more: object) -> Work:  # fmt: skip
    fields = {"areas": frozenset({7}), "urgency": "normal", **more}
    return Work(pk, 111.4 + east, 30.5, functions, minutes_left=(left,) * crews, **fields)  # type: ignore[arg-type]


def _crew(pk: int, east: float = 0.0, functions: frozenset[int] = LAMPS, load: int = 0, capacity: int = 5, area: int | None = None) -> Crew:  # fmt: skip
    return Crew(pk, 111.4 + east, 30.5, functions, area, load, capacity)


def test_the_nearest_crew_with_the_skill_goes() -> None:
    crews = [_crew(1, 0.00, TREES), _crew(2, 0.05), _crew(3, 0.10)]
    (one,) = plan([_work(9, crews=3)], crews).suggestions
    assert (one.crew, one.place, one.nearer) == (2, 1, None)
    assert one.km == pytest.approx(0.05 * 111.32 * np.cos(np.radians(30.5)), rel=1e-6)


def test_a_full_crew_gets_nothing_and_the_other_says_so() -> None:
    crews = [_crew(1, 0.00, load=5), _crew(2, 0.05)]
    (one,) = plan([_work(9)], crews).suggestions
    assert (one.crew, one.nearer, one.nearer_is_full) == (2, 1, True)


def test_what_waits_behind_others_goes_to_a_crew_that_is_free() -> None:
    crews = [_crew(1, 0.00, load=4), _crew(2, 0.02)]
    (one,) = plan([_work(9, left=60.0)], crews).suggestions
    assert (one.crew, one.nearer, one.nearer_is_full) == (2, 1, False)


def test_when_there_is_not_room_for_all_the_urgent_is_placed() -> None:
    found = plan([_work(8, crews=1), _work(9, crews=1, urgency="urgent")], [_crew(1, capacity=1)])
    assert [s.work for s in found.suggestions] == [9] and found.left == {8: Why.FULL}


def test_of_equally_urgent_work_the_next_deadline_is_placed() -> None:
    first, second = _work(8, 0.05, left=0.0, crews=1), _work(9, 0.0, left=0.0, crews=1)
    found = plan([first, second], [_crew(1, capacity=1)])
    assert [s.work for s in found.suggestions] == [8] and found.left == {9: Why.FULL}


def test_the_sooner_deadline_is_done_first() -> None:
    found = plan([_work(8, left=900.0, crews=1), _work(9, left=50.0, crews=1)], [_crew(1)])
    assert {s.work: s.place for s in found.suggestions} == {8: 2, 9: 1}


def test_it_is_said_why_something_has_no_crew() -> None:
    crews = [_crew(1, area=7), _crew(2, functions=TREES, capacity=0)]
    work = [_work(7, areas=frozenset({8})), _work(8, functions=TREES), _work(9, functions=frozenset({3}))]
    assert plan(work, crews).left == {7: Why.AREA, 8: Why.FULL, 9: Why.SKILL}
    assert plan([], crews).left == {} and plan([_work(9, crews=0)], []).left == {9: Why.SKILL}


def test_a_task_without_a_place_is_placed_by_skill_and_load() -> None:
    nowhere = Work(9, None, None, LAMPS, frozenset(), "normal", (PLENTY, PLENTY))
    (one,) = plan([nowhere], [_crew(1, load=3), _crew(2, 0.5)]).suggestions
    assert (one.crew, one.km) == (2, None)


def _a_city(random: Random, tasks: int, crews: int, capacity: int) -> tuple[list[Work], list[Crew]]:
    def functions(n: int) -> frozenset[int]:
        return frozenset(random.sample(range(5), n))

    force = [
        Crew(n, 111.3 + random.random() / 5, 30.4 + random.random() / 5, functions(2), random.choice([None, None, 1]),
             random.randint(0, 2), random.randint(1, capacity)) for n in range(crews)
    ]  # fmt: skip
    work = [
        Work(100 + n, 111.3 + random.random() / 5, 30.4 + random.random() / 5, functions(1),
             frozenset({random.choice([1, 2])}), random.choice(list(WEIGHTS)),
             tuple(random.choice([0.0, 40.0, 200.0, 2000.0]) for _ in force)) for n in range(tasks)
    ]  # fmt: skip
    return work, force


def _worth(work: list[Work], left: set[int]) -> float:
    """How bad it is to leave these."""
    bad = crew_plans._left_out(work)
    return sum(float(bad[n]) for n, w in enumerate(work) if w.id in left)


@pytest.mark.parametrize("seed", range(25))
def test_no_plan_at_all_is_better(seed: int) -> None:
    work, crews = _a_city(Random(seed), 4, 2, 3)
    can, here = crew_plans._may(work, crews)
    slot_crew, slot_place = crew_plans._slots(crews)
    costs = crew_plans._costs(work, crew_plans._km(work, crews), slot_crew, slot_place)
    best = (np.inf, np.inf)
    for choice in product(range(-1, len(slot_crew)), repeat=len(work)):
        taken = [c for c in choice if c >= 0]
        if len(set(taken)) < len(taken):
            continue
        if any(c >= 0 and not (can & here)[n, slot_crew[c]] for n, c in enumerate(choice)):
            continue
        left = {work[n].id for n, c in enumerate(choice) if c < 0}
        best = min(best, (_worth(work, left), sum(costs[n, c] for n, c in enumerate(choice) if c >= 0)))
    found = plan(work, crews)
    assert (_worth(work, set(found.left)), found.cost) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(5))
def test_highs_finds_the_same_optimum(seed: int) -> None:
    work, crews = _a_city(Random(100 + seed), 30, 6, 6)
    can, here = crew_plans._may(work, crews)
    slot_crew, slot_place = crew_plans._slots(crews)
    costs = crew_plans._costs(work, crew_plans._km(work, crews), slot_crew, slot_place)
    pairs = np.argwhere((can & here)[:, slot_crew])
    bad = crew_plans._left_out(work)
    dear = (costs.max() + 1) * 3 * (len(work) + 1)
    price = np.array([costs[n, c] - dear * bad[n] for n, c in pairs])
    ones = np.ones(len(pairs))
    each = sparse.csr_matrix((ones, (pairs[:, 0], np.arange(len(pairs)))), shape=(len(work), len(pairs)))
    slot = sparse.csr_matrix((ones, (pairs[:, 1], np.arange(len(pairs)))), shape=(len(slot_crew), len(pairs)))
    answer = optimize.milp(
        price,
        constraints=optimize.LinearConstraint(sparse.vstack([each, slot]), -np.inf, 1),
        integrality=ones,
        bounds=optimize.Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    found = plan(work, crews)
    placed = dear * sum(bad[n] for n, w in enumerate(work) if w.id not in found.left)
    assert found.cost - placed == pytest.approx(answer.fun)


def test_two_hundred_tasks_and_thirty_crews_take_less_than_a_second() -> None:
    work, crews = _a_city(Random(1), 200, 30, 12)
    began = time.process_time()
    found = plan(work, crews)
    assert time.process_time() - began < 1.0
    assert len(found.suggestions) + len(found.left) == 200
