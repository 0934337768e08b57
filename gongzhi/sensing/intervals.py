"""Prediction intervals of counts, in whole numbers.

Counts are taken as negative binomial around the expected count where they scatter more than by chance, as
Poisson where they scatter like chance, as binomial where they scatter less. A whole-number interval can
rarely hold exactly 80 %: of 0.5 expected matters a day the interval 0..0 holds 61 % and 0..1 holds 91 %.
Always taking the wider one would promise 80 and deliver 91. So along the horizon the wider and the narrower
one are taken in turn such that together they hold what was promised; only a series so quiet that even 0..0
holds more than was promised is covered more often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

MANY = 30.0
"""Expected counts from which quantiles come from the normal distribution, corrected for skewness
(Cornish and Fisher 1938), unless the scatter is so large that they would be off."""
MOST_STEPS = 4000


@dataclass(frozen=True, slots=True)
class Intervals:
    """Whole-number bounds, both counted in, and the chance they hold; arrays of one shape."""

    low: Array
    high: Array
    held: Array


@dataclass(slots=True)
class _Bounds:
    low: Array
    high: Array
    outer: Array
    at_low: Array
    at_high: Array


def whole_intervals(mean: Array, ratio: Array, share: float) -> Intervals:
    """Intervals along the last axis that together hold `share` of the counts.

    Args:
        mean: (..., h) expected counts along the horizon.
        ratio: the same shape, variance over mean.
        share: e.g. 0.8.
    """
    shape = mean.shape
    flat, scatter = np.maximum(mean.ravel(), 1e-9), np.maximum(np.broadcast_to(ratio, shape).ravel(), 0.05)
    few = (flat < MANY) | (flat < 12 * scatter)
    found = _Bounds(*(np.zeros(flat.shape) for _ in range(5)))
    for at, bounds in (
        (few, _exact(flat[few], scatter[few], share)),
        (~few, _normal(flat[~few], scatter[~few], share)),
    ):
        for name in ("low", "high", "outer", "at_low", "at_high"):
            getattr(found, name)[at] = getattr(bounds, name)
    found = _Bounds(
        *(getattr(found, n).reshape(shape) for n in ("low", "high", "outer", "at_low", "at_high"))
    )
    return _in_turn(found, share)


def medians(mean: Array, ratio: Array) -> Array:
    """The whole count that as often is reached as not: what has the least mean absolute error."""
    return whole_intervals(mean, ratio, 0.0).low


def _exact(mean: Array, ratio: Array, share: float) -> _Bounds:
    """Add up the chances of 0, 1, 2 … until both bounds are found."""
    size = len(mean)
    found = _Bounds(*(np.zeros(size) for _ in range(5)))
    if size == 0:
        return found
    tail = (1 - share) / 2
    excess = ratio - 1
    steady = np.abs(excess) > 1e-6
    rate = np.where(steady, np.log(ratio) / np.where(steady, excess, 1.0), 1.0)
    chance = np.exp(-mean * rate)
    at = np.arange(size)
    sum_before = np.zeros(size)
    below = np.full(size, -1.0)
    for k in range(MOST_STEPS):
        total = sum_before + chance
        starts = (below < 0) & (total >= tail)
        below = np.where(starts, sum_before, below)
        found.low[at[starts]] = k
        found.at_low[at[starts]] = chance[starts]
        # Tails so small that rounding never reaches the share end by themselves.
        ends = (below >= 0) & ((total >= np.minimum(below + share, 1 - 1e-9)) | (chance < 1e-15) & (k > mean))
        if ends.any():
            done = at[ends]
            found.high[done], found.outer[done] = k, (total - below)[ends]
            found.at_high[done] = chance[ends]
            left = ~ends
            at, mean, ratio, excess, below = at[left], mean[left], ratio[left], excess[left], below[left]
            chance, total = chance[left], total[left]
            if len(at) == 0:
                break
        sum_before = total
        chance = chance * np.maximum(k * excess + mean, 0.0) / (ratio * (k + 1))
    else:
        found.high[at], found.outer[at] = MOST_STEPS, share
    return found


def _normal(mean: Array, ratio: Array, share: float) -> _Bounds:
    spread = np.sqrt(mean * ratio)
    skew = (2 * ratio - 1) / spread
    reach = float(special.ndtri((1 + share) / 2))
    bend = skew * (reach**2 - 1) / 6
    low = np.maximum(np.ceil(mean + spread * (-reach + bend) - 0.5), 0.0)
    high = np.maximum(np.floor(mean + spread * (reach + bend) + 0.5), low)
    density = np.exp(-(reach**2) / 2) / np.sqrt(2 * np.pi) / spread
    return _Bounds(low, high, np.full(len(mean), share), density, density)


def _in_turn(found: _Bounds, share: float) -> Intervals:
    """Of the wider and the narrower interval of each period take the one that keeps the promise on average."""
    can_shrink = found.high > found.low
    from_low = (found.at_low <= found.at_high) & can_shrink
    inner = found.outer - np.where(from_low, found.at_low, found.at_high)
    low, high, held = found.low.copy(), found.high.copy(), found.outer.copy()
    owed = np.zeros(low.shape[:-1])
    for h in range(low.shape[-1]):
        narrow = can_shrink[..., h] & (
            np.abs(owed + inner[..., h] - share) < np.abs(owed + found.outer[..., h] - share)
        )
        low[..., h] += narrow & from_low[..., h]
        high[..., h] -= narrow & ~from_low[..., h]
        held[..., h] = np.where(narrow, inner[..., h], held[..., h])
        owed = np.clip(owed + held[..., h] - share, -1.0, 1.0)
    return Intervals(low, high, held)
