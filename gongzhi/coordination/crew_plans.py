"""Which crew goes where (派工): the assignment of open work to crews with the least driving and lateness.

Each crew has as many slots as it may take on; a later slot begins later by what stands before it. Work and
slots are then a bipartite assignment, for which `scipy.optimize.linear_sum_assignment` (Crouse, 2016, after
Jonker and Volgenant) gives the exact optimum. As much as possible is placed, the most urgent first; among
such plans the one with the least cost in minutes is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

KM_PER_DEGREE = 111.32
DETOUR = 1.3
"""Streets are about so much longer than the straight line."""
MINUTES_PER_KM = 60 / 25
"""At 25 km/h, as one drives in a town."""
MINUTES_ON_SITE = 45
"""What a piece of work takes, so that those behind it wait."""
WAITING = 0.1
"""Ten minutes of waiting in time count as one minute of driving; a minute late counts fully."""
WEIGHTS = {"normal": 1.0, "urgent": 3.0, "emergency": 10.0}
"""How much waiting and lateness count by urgency."""


class Why(StrEnum):
    """Why a piece of work has no crew."""

    SKILL = "skill"
    AREA = "area"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of open work.

    Attributes:
        lng, lat: WGS 84; None where no place is known: then driving says nothing.
        functions: the function and those above it in the tree.
        areas: the area and those around it.
        minutes_left: for each crew, working minutes until the deadline, 0 when it is over.
    """

    id: int
    lng: float | None
    lat: float | None
    functions: frozenset[int]
    areas: frozenset[int]
    urgency: str
    minutes_left: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Crew:
    """Who can be sent.

    Attributes:
        functions: what it can do; a function stands for all under it.
        area: it is sent only there; None: anywhere.
        load: how much it has already.
        capacity: how much it may have.
    """

    id: int
    lng: float
    lat: float
    functions: frozenset[int]
    area: int | None
    load: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A crew for a piece of work, and why this one.

    Attributes:
        km: straight line from its base; None where no place is known.
        place: how many it would have with this one.
        minutes_to_spare: working minutes between its arrival's end and the deadline; negative: late.
        nearer: a nearer crew that could do it as well, None when this is the nearest.
        nearer_is_full: whether all slots of that one are taken.
    """

    work: int
    crew: int
    km: float | None
    place: int
    minutes_to_spare: float
    nearer: int | None = None
    nearer_is_full: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Suggestions in the order of the work, and what has none, with why; `cost` in weighted minutes."""

    suggestions: list[Suggestion]
    left: dict[int, Why]
    cost: float


def plan(work: Sequence[Work], crews: Sequence[Crew]) -> Plan:
    """The best crew for each piece of work, all seen together.

    Args:
        work: the next deadline first; where not all can be placed, what comes first has precedence
            among what is equally urgent.
    """
    can, here = _may(work, crews)
    possible = can & here
    if not work or not crews or not possible.any():
        return Plan([], {w.id: _why(n, can, possible) for n, w in enumerate(work)}, 0.0)
    km = _km(work, crews)
    slot_crew, slot_place = _slots(crews)
    costs = _costs(work, km, slot_crew, slot_place)
    allowed = possible[:, slot_crew]
    leaving = _left_out(work) * (float(costs[allowed].max(initial=0.0)) + 1.0) * 3 * (len(work) + 1) ** 2
    # One column a piece of work stands for leaving it; that costs more than any plan that places it.
    nowhere = np.where(np.eye(len(work), dtype=bool), leaving[:, None], np.inf)
    table = np.hstack((np.where(allowed, costs, np.inf), nowhere))
    rows, columns = linear_sum_assignment(table)
    placed = {int(r): int(c) for r, c in zip(rows, columns, strict=True) if c < len(slot_crew)}
    taken = np.bincount(slot_crew[np.array(list(placed.values()), dtype=np.int64)], minlength=len(crews))
    full = np.array([c.load for c in crews]) + taken >= np.array([c.capacity for c in crews])
    suggestions = [
        _suggestion(work, crews, n, int(slot_crew[c]), int(slot_place[c]), km, possible, full)
        for n, c in sorted(placed.items())
    ]
    left = {w.id: _why(n, can, possible) for n, w in enumerate(work) if n not in placed}
    cost = float(sum(costs[n, c] for n, c in placed.items()))
    return Plan(suggestions, left, cost)


def _left_out(work: Sequence[Work]) -> NDArray[np.float64]:
    """How bad it is to leave each piece of work: by urgency, and a third more for what comes first.

    The work comes in the order of its deadlines; two pieces are always worth more than one as urgent.
    """
    weight = np.array([WEIGHTS.get(w.urgency, 1.0) for w in work])
    first = 1.0 - np.arange(len(work)) / len(work)
    return weight + first / 3


def _may(work: Sequence[Work], crews: Sequence[Crew]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(work, crews) whether the crew has the skill, and whether it is sent there."""
    can = np.array([[bool(c.functions & w.functions) for c in crews] for w in work], dtype=bool)
    here = np.array([[c.area is None or c.area in w.areas for c in crews] for w in work], dtype=bool)
    return can.reshape(len(work), len(crews)), here.reshape(len(work), len(crews))


def _km(work: Sequence[Work], crews: Sequence[Crew]) -> NDArray[np.float64]:
    """(work, crews) kilometres in a straight line, on a plane that fits a city; NaN without a place."""
    nan = float("nan")
    lng = np.array([w.lng if w.lng is not None else nan for w in work])[:, None]
    lat = np.array([w.lat if w.lat is not None else nan for w in work])[:, None]
    base_lng, base_lat = np.array([c.lng for c in crews]), np.array([c.lat for c in crews])
    east = (lng - base_lng) * np.cos(np.radians((lat + base_lat) / 2))
    km: NDArray[np.float64] = np.hypot(east, lat - base_lat) * KM_PER_DEGREE
    return km


def _slots(crews: Sequence[Crew]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each free slot its crew and how many stand before it there."""
    free = np.array([max(0, c.capacity - c.load) for c in crews], dtype=np.int64)
    crew = np.repeat(np.arange(len(crews)), free)
    first = np.repeat(np.cumsum(free) - free, free)
    place = np.arange(len(crew)) - first + np.array([c.load for c in crews], dtype=np.int64)[crew]
    return crew, place.astype(np.int64)


def _costs(
    work: Sequence[Work],
    km: NDArray[np.float64],
    slot_crew: NDArray[np.int64],
    slot_place: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(work, slots) minutes of driving plus weighted minutes of waiting and of being late."""
    driving = np.nan_to_num(km, nan=0.0)[:, slot_crew] * DETOUR * MINUTES_PER_KM
    waiting = (slot_place * MINUTES_ON_SITE).astype(np.float64)[None, :]
    left = np.array([w.minutes_left for w in work])[:, slot_crew]
    late = np.maximum(waiting + driving + MINUTES_ON_SITE - left, 0.0)
    weight = np.array([WEIGHTS.get(w.urgency, 1.0) for w in work])[:, None]
    costs: NDArray[np.float64] = driving + weight * (WAITING * waiting + late)
    return costs


def _suggestion(
    work: Sequence[Work],
    crews: Sequence[Crew],
    n: int,
    crew: int,
    before: int,
    km: NDArray[np.float64],
    possible: NDArray[np.bool_],
    full: NDArray[np.bool_],
) -> Suggestion:
    distance = float(km[n, crew])
    known = distance == distance
    driving = distance * DETOUR * MINUTES_PER_KM if known else 0.0
    spare = work[n].minutes_left[crew] - before * MINUTES_ON_SITE - driving - MINUTES_ON_SITE
    reachable = np.where(possible[n], km[n], np.inf)
    nearest = int(np.argmin(reachable)) if known else crew
    is_nearer = known and reachable[nearest] < distance
    return Suggestion(
        work=work[n].id,
        crew=crews[crew].id,
        km=distance if known else None,
        place=before + 1,
        minutes_to_spare=spare,
        nearer=crews[nearest].id if is_nearer else None,
        nearer_is_full=bool(is_nearer and full[nearest]),
    )


def _why(n: int, can: NDArray[np.bool_], possible: NDArray[np.bool_]) -> Why:
    if not can[n].any():
        return Why.SKILL
    return Why.FULL if possible[n].any() else Why.AREA
