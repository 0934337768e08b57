"""Crews, inspectors or money across areas for next week (资源统筹), from a forecast, with a limit of fairness.

Units go where they are expected to leave the least demand unmet. The expected unmet demand of an area
falls by less with each further unit, so the plan is a small linear programme over those steps, solved
by HiGHS (Huangfu & Hall, 2018) in SciPy; a limit on moves makes it a mixed-integer one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse, stats

LEAST_UNMET, FAIREST = "least_unmet", "fairest"
OBJECTIVES = {
    LEAST_UNMET: "least expected unmet demand over all areas",
    FAIREST: "the largest share that can be served in every area, then the least expected unmet demand",
}
MOST_UNITS, MOST_VARIABLES = 100_000, 2_000_000


@dataclass(frozen=True, slots=True)
class Demand:
    """What an area is expected to need next week, in cases or hours.

    Attributes:
        mean: expected value.
        deviation: standard deviation; None for a count that varies by chance alone (Poisson).
        today: units that it has now, None where that is not known.
    """

    area: str
    mean: float
    deviation: float | None = None
    today: int | None = None


class Infeasible(ValueError):
    """The limits cannot all be kept; the sentence says what would be needed, `needed` in units where that is known."""

    def __init__(self, message: str, needed: int | None = None) -> None:
        super().__init__(message)
        self.needed = needed


def allocate(
    demands: Sequence[Demand],
    units: int,
    capacity: float,
    *,
    least_share: float = 0.0,
    least_units: int = 0,
    most_moves: int | None = None,
    objective: str = LEAST_UNMET,
) -> dict[str, Any]:
    """Distribute `units` that each serve `capacity` of demand a week.

    Args:
        least_share: no area may have less than this share of its expected demand served.
        least_units: no area may have fewer units.
        most_moves: so many units at most may leave the area where they are today.
        objective: `LEAST_UNMET` over all areas, or `FAIREST`: the largest share that can be served everywhere first,
            then the least unmet.

    Raises:
        Infeasible: the limits ask for more units than there are.
        ValueError: a negative or unknown figure.
    """
    _check(demands, units, capacity, least_share)
    if objective not in OBJECTIVES:
        raise ValueError(f"no objective {objective!r}; there are {', '.join(OBJECTIVES)}")
    if objective == FAIREST:
        least_share = max(least_share, _largest_share(demands, units, capacity, least_units))
    floor = np.array(
        [max(least_units, math.ceil(least_share * d.mean / capacity - 1e-9)) for d in demands], np.int64
    )
    if floor.sum() > units:
        raise Infeasible(
            f"{units} units cannot keep the limit: it asks for {floor.sum()};"
            f" {units} serve at most a share of {_largest_share(demands, units, capacity):.2f} everywhere",
            needed=int(floor.sum()),
        )
    today = [d.today for d in demands]
    known = all(t is not None for t in today)
    if most_moves is not None and not known:
        raise ValueError("a limit on moves needs today's units of every area")
    unmet = _unmet(demands, units, capacity)
    chosen = _solve(
        unmet, floor, units, [t or 0 for t in today] if most_moves is not None else None, most_moves
    )
    plans = {"planned": chosen, "even": _even(len(demands), units)}
    if known:
        plans["today"] = np.array([int(t or 0) for t in today], np.int64)
    return {
        "units": units,
        "capacity": capacity,
        "least_share": least_share,
        "objective": OBJECTIVES[objective],
        "areas": [
            {
                "area": d.area,
                "expected": round(d.mean, 3),
                **{name: int(plan[i]) for name, plan in plans.items()},
                "expected_unmet": round(float(unmet[i][plans["planned"][i]]), 3),
            }
            for i, d in enumerate(demands)
        ],
        "plans": {name: _figures(demands, unmet, plan, capacity) for name, plan in plans.items()},
        "moves": None if not known else int(np.maximum(plans["today"] - chosen, 0).sum()),
    }


def _check(demands: Sequence[Demand], units: int, capacity: float, least_share: float) -> None:
    if not demands:
        raise ValueError("no area to serve")
    if not 0 < units <= MOST_UNITS or units * len(demands) > MOST_VARIABLES:
        raise ValueError(f"{units} units for {len(demands)} areas cannot be planned")
    if capacity <= 0 or not math.isfinite(capacity):
        raise ValueError("a unit must serve more than nothing")
    if not 0 <= least_share <= 1:
        raise ValueError("the least share lies between 0 and 1")
    for d in demands:
        if not (math.isfinite(d.mean) and d.mean >= 0) or (d.deviation is not None and d.deviation < 0):
            raise ValueError(f"{d.area}: demand must be zero or more")
        if d.today is not None and d.today < 0:
            raise ValueError(f"{d.area}: it cannot have fewer than no units today")


def _unmet(demands: Sequence[Demand], units: int, capacity: float) -> list[NDArray[np.float64]]:
    """For each area (units + 1,) expected demand above k × capacity, for k from 0."""
    served = np.arange(units + 1) * capacity
    result = []
    for d in demands:
        if d.deviation is None:
            # E[(D - s)+] of a Poisson count with mean m: m P(D ≥ ⌊s⌋) - s P(D > ⌊s⌋).
            whole = np.floor(served)
            left = d.mean * stats.poisson.sf(whole - 1, d.mean) - served * stats.poisson.sf(whole, d.mean)
        elif d.deviation == 0:
            left = d.mean - served
        else:
            z = (served - d.mean) / d.deviation
            left = d.deviation * stats.norm.pdf(z) + (d.mean - served) * stats.norm.sf(z)
        result.append(np.maximum(left, 0.0))
    return result


def _solve(
    unmet: list[NDArray[np.float64]],
    floor: NDArray[np.int64],
    units: int,
    today: list[int] | None,
    most_moves: int | None,
) -> NDArray[np.int64]:
    areas = len(unmet)
    gains = np.concatenate([u[:-1] - u[1:] for u in unmet])
    steps = areas * units
    of_area = np.repeat(np.arange(areas), units)
    # One variable for each further unit of each area, and one for each area's loss against today.
    objective = np.concatenate((-gains, np.zeros(areas if today else 0)))
    ones = sparse.csr_matrix((np.ones(steps), (of_area, np.arange(steps))), shape=(areas, steps))
    rules = [optimize.LinearConstraint(_widen(ones, areas if today else 0), floor, np.inf)]
    whole = sparse.csr_matrix(np.ones((1, steps)))
    rules.append(optimize.LinearConstraint(_widen(whole, areas if today else 0), units, units))
    if today is not None and most_moves is not None:
        lost = sparse.hstack([ones, sparse.identity(areas)]).tocsr()
        rules.append(optimize.LinearConstraint(lost, np.array(today), np.inf))
        every = sparse.hstack([sparse.csr_matrix((1, steps)), np.ones((1, areas))]).tocsr()
        rules.append(optimize.LinearConstraint(every, -np.inf, most_moves))
    upper = np.concatenate((np.ones(steps), np.full(areas if today else 0, np.inf)))
    found = optimize.milp(
        objective, constraints=rules, bounds=optimize.Bounds(0, upper), integrality=np.ones(len(objective))
    )
    if found.x is None:
        raise Infeasible("the limits cannot all be kept: allow more moves or a smaller least share")
    taken = np.rint(found.x[:steps]).astype(np.int64)
    return np.bincount(of_area, taken, areas).astype(np.int64)


def _widen(matrix: Any, more: int) -> Any:
    return sparse.hstack([matrix, sparse.csr_matrix((matrix.shape[0], more))]).tocsr() if more else matrix


def _even(areas: int, units: int) -> NDArray[np.int64]:
    return np.array([units // areas + (i < units % areas) for i in range(areas)], np.int64)


def _largest_share(demands: Sequence[Demand], units: int, capacity: float, least_units: int = 0) -> float:
    """The largest share that the units can serve in every area."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        needed = sum(max(least_units, math.ceil(middle * d.mean / capacity - 1e-9)) for d in demands)
        low, high = (middle, high) if needed <= units else (low, middle)
    return low


def _figures(
    demands: Sequence[Demand], unmet: list[NDArray[np.float64]], plan: NDArray[np.int64], capacity: float
) -> dict[str, Any]:
    left = np.array([u[min(int(k), len(u) - 1)] for u, k in zip(unmet, plan, strict=True)])
    mean = np.array([d.mean for d in demands])
    # Where demand is spread wide, a normal curve also holds demands below nothing.
    share = np.clip(np.where(mean > 0, 1 - left / np.maximum(mean, 1e-12), 1.0), 0.0, 1.0)
    return {
        "units": int(plan.sum()),
        "expected_served": round(float((mean - left).sum()), 3),
        "expected_unmet": round(float(left.sum()), 3),
        "lowest_share": round(float(share.min()), 4),
        "lowest_area": demands[int(share.argmin())].area,
        "share_of_capacity_needed": round(float(mean.sum() / max(plan.sum() * capacity, 1e-12)), 4),
    }


def deviation_of(low: float, high: float, covers: float) -> float:
    """Standard deviation of a normal forecast from an interval that covers a share of outcomes."""
    return (high - low) / (2 * float(stats.norm.ppf(0.5 + covers / 2)))
