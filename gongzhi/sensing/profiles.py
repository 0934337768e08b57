"""What repeats: the weekday, the time of the year, holidays. A group with little data leans on its parent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gongzhi.cases.deadlines import Calendar
from gongzhi.sensing.hierarchy import Tree
from gongzhi.sensing.series import FIRST_MONDAY

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAN = 30.0
"""So many matters of a group's own weigh as much as its parent's profile."""
YEARLY_FROM_DAYS = 540
HARMONICS = 3
_NO_WORK, _MAKE_UP = 1, 2


def weekday_profile(found: Tree, start: int, until: int) -> Array:
    """(7, n) share of each weekday (Monday first), mean 1, from the last two years before `until`."""
    begin = max(0, until - 728)
    day = weekdays(start + begin, until - begin)
    counted = np.zeros((7, len(found.parent)))
    exposed = np.zeros_like(counted)
    values = np.where(found.known, found.values, 0.0)[:, begin:until]
    known = found.known[:, begin:until]
    for d in range(7):
        counted[d] = values[:, day == d].sum(axis=1)
        exposed[d] = known[:, day == d].sum(axis=1)
    mean = counted.sum(axis=0) / np.maximum(exposed.sum(axis=0), 1.0)
    profile = np.ones_like(counted)
    for nodes in found.depths:
        lean = np.ones((7, len(nodes))) if found.parent[nodes[0]] < 0 else profile[:, found.parent[nodes]]
        expected = exposed[:, nodes] * mean[nodes]
        profile[:, nodes] = (counted[:, nodes] + LEAN / 7 * lean) / (expected + LEAN / 7)
    shape: Array = profile / np.maximum(profile.mean(axis=0), 1e-9)
    return shape


def weekdays(start: int, periods: int) -> NDArray[np.int64]:
    """Weekdays, Monday 0, of days numbered from `start`."""
    return (start - FIRST_MONDAY + np.arange(periods)) % 7


def yearly_profile(found: Tree, start: int, until: int, periods: int, days_each: int) -> Array:
    """(n, periods) factor of the time of the year, 1 where there is less than a year and a half of data.

    A Poisson regression of weekly sums on `HARMONICS` waves around the slow level; a group leans on
    its parent the more the fewer matters it has.
    """
    n = len(found.parent)
    ones = np.ones((n, periods))
    if until * days_each < YEARLY_FROM_DAYS:
        return ones
    chunk = 7 // days_each
    weeks = until // chunk
    begin = until - weeks * chunk
    known = found.known[:, begin:until].reshape(n, weeks, chunk).sum(axis=2) / chunk
    counted = np.where(found.known, found.values, 0.0)[:, begin:until].reshape(n, weeks, chunk).sum(axis=2)
    level = _slow_level(counted, known)
    middle = (start + begin) * days_each + (np.arange(weeks) + 0.5) * 7
    waves = _waves(middle)
    size = waves.shape[1]
    factors = np.zeros((n, size))
    for nodes in found.depths:
        lean = np.zeros((len(nodes), size)) if found.parent[nodes[0]] < 0 else factors[found.parent[nodes]]
        own = lean.copy()
        base = level[nodes] * known[nodes]
        seen = counted[nodes]
        spread = None
        for _ in range(4):
            expected = base * np.exp(np.clip(own @ waves.T, -3, 3))
            if spread is None:
                spread = np.maximum(
                    ((seen - expected) ** 2).sum(axis=1) / np.maximum(expected.sum(axis=1), 1e-9), 1.0
                )
            slope = np.einsum("nw,wk->nk", seen - expected, waves) / spread[:, None] - (own - lean) / 0.06
            bend = np.einsum("nw,wk,wj->nkj", expected, waves, waves) / spread[:, None, None]
            own = own + np.linalg.solve(bend + np.eye(size) / 0.06, slope[:, :, None])[:, :, 0]
        factors[nodes] = own
    moment = (start + np.arange(periods) + 0.5) * days_each
    found_factor: Array = np.exp(np.clip(factors @ _waves(moment).T, -2.5, 2.5))
    return found_factor


def _waves(day: NDArray[np.floating[Any]]) -> Array:
    angle = 2 * np.pi * day.astype(np.float64)[:, None] * np.arange(1, HARMONICS + 1) / 365.2425
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)


def _slow_level(counted: Array, known: Array) -> Array:
    """(n, w) mean over the year around each week."""
    width = 53
    pad = width // 2
    total = np.cumsum(np.pad(counted, ((0, 0), (pad + 1, pad))), axis=1)
    weight = np.cumsum(np.pad(known, ((0, 0), (pad + 1, pad))), axis=1)
    summed, weighed = total[:, width:] - total[:, :-width], weight[:, width:] - weight[:, :-width]
    moving: Array = summed / np.maximum(weighed, 1.0)
    # At both ends the year is not whole: take the nearest whole one.
    weeks = counted.shape[1]
    if weeks > 2 * pad + 1:
        moving[:, :pad] = moving[:, pad : pad + 1]
        moving[:, weeks - pad :] = moving[:, weeks - pad - 1 : weeks - pad]
    return np.maximum(moving, 1e-6)


def day_kinds(country: str, start: int, periods: int) -> NDArray[np.int64]:
    """(periods,) 0 an ordinary day, 1 a weekday on which offices are closed, 2 a weekend day on which they work."""
    kinds = np.zeros(periods, np.int64)
    if not country:
        return kinds
    calendar = Calendar(country)
    first = date(1970, 1, 1) + timedelta(days=start)
    for i in range(periods):
        day = first + timedelta(days=i)
        works = calendar.is_working_day(day)
        if day.weekday() < 5 and not works:
            kinds[i] = _NO_WORK
        elif day.weekday() >= 5 and works:
            kinds[i] = _MAKE_UP
    return kinds


def holiday_factors(found: Tree, kinds: NDArray[np.int64], weekday: Array, start: int, until: int) -> Array:
    """(n, len(kinds)) factor of holidays and make-up workdays on top of the weekday's own."""
    factors = np.ones((len(found.parent), len(kinds)))
    if not kinds.any():
        return factors
    values = np.where(found.known, found.values, 0.0)[:, :until]
    shape = weekday[weekdays(start, until), :].T
    local = moving_mean(values, found.known[:, :until])
    expected = local * shape * found.known[:, :until]
    for kind in (_NO_WORK, _MAKE_UP):
        at = kinds[:until] == kind
        counted, usual = values[:, at].sum(axis=1), expected[:, at].sum(axis=1)
        factor = np.ones(len(found.parent))
        for nodes in found.depths:
            lean = 1.0 if found.parent[nodes[0]] < 0 else factor[found.parent[nodes]]
            factor[nodes] = (counted[nodes] + LEAN * lean) / (usual[nodes] + LEAN)
        factors[:, kinds == kind] = factor[:, None]
    return factors


def moving_mean(values: Array, known: Mask, width: int = 29) -> Array:
    """(n, t) mean of the known values of the month around each period."""
    pad = width // 2
    total = np.cumsum(np.pad(values, ((0, 0), (pad + 1, pad))), axis=1)
    weight = np.cumsum(np.pad(known.astype(np.float64), ((0, 0), (pad + 1, pad))), axis=1)
    mean: Array = (total[:, width:] - total[:, :-width]) / np.maximum(
        weight[:, width:] - weight[:, :-width], 1.0
    )
    return mean
