"""Exponential smoothing of counts, over all series and all candidate parameters at once.

A series has a level, perhaps a damped trend, and a profile of its season; the expected count is
``level · season · calendar``. Level and season are discounted Gamma-Poisson filters (Harvey and Fernandes
1989): each is a sum of what was counted over a sum of what was exposed, both forgotten at a rate. That is
exponential smoothing whose gain follows the amount of evidence, so that it starts without guesses, never
goes below zero and is not thrown by a weekday on which hardly anything happens.

Every step only knows the past, and two things are treated as they come:

* a count far outside what is likely (`OUTLIER` standard deviations) is learnt from only up to that limit;
* when errors of one sign pile up beyond chance (`SHIFT`), the level has moved: the memory is cut to the
  last `SHORT_MEMORY` periods or so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

OUTLIER = 5.0
SHIFT = 5.0
SHORT_MEMORY = 8.0
DAMPING = 0.95
"""Share of the trend that is left after each period."""
LEAST = 1e-3
AHEAD = 7
"""Candidates are judged one period and this many periods ahead."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """(p,) or (p, n) parameters: memory of the level, of the season, gain of the trend, yearly season on or off."""

    level: Array
    season: Array
    trend: Array
    yearly: Array

    def __len__(self) -> int:
        return len(self.level)

    def picked(self, which: NDArray[np.int64]) -> Candidates:
        """(k, n) parameters: for each series the candidates `which` (k, n)."""
        return Candidates(*(part[which] for part in (self.level, self.season, self.trend, self.yearly)))


def all_candidates(with_yearly: bool, freq: str) -> Candidates:
    """The grid that every series is tried with."""
    level = (0.5, 0.7, 0.82, 0.9, 0.95, 0.975, 0.99, 0.997)
    rows = [
        (a, s, 0.0, y) for a in level for s in (1.0, 0.96) for y in ((0.0, 1.0) if with_yearly else (0.0,))
    ]
    rows += [
        (a, 1.0, t, y) for a in (0.9, 0.97) for t in (0.05,) for y in ((0.0, 1.0) if with_yearly else (0.0,))
    ]
    if freq == "week":
        rows = [r for r in rows if r[1] == 1.0]
    return Candidates(*np.array(rows).T)


@dataclass(slots=True)
class State:
    """What is known after a period; arrays (p, n), the season (m, p, n)."""

    level: Array
    trend: Array
    exposure: Array
    season: Array
    season_exposure: Array
    dispersion: Array


@dataclass(frozen=True, slots=True)
class Run:
    """What a pass over the data gives.

    Attributes:
        score: (p, n) mean squared error of one and of `AHEAD` periods ahead, recent errors counting more.
        weight: (n,) how many periods that mean stands for.
        means: (o, n, h) expected counts seen from each origin; empty without origins.
        outliers: (n, t) where the first candidate met one.
        shifts: (n, t) where those with the longest memory had to give it up.
    """

    state: State
    score: Array
    weight: Array
    means: Array
    outliers: NDArray[np.bool_]
    shifts: NDArray[np.bool_]


def smooth(
    values: Array,
    known: NDArray[np.bool_],
    calendar: Array,
    yearly: Array,
    profile: Array,
    candidates: Candidates,
    *,
    phase: int,
    origins: NDArray[np.int64] | None = None,
    horizon: int = 0,
    mix: Array | None = None,
    burn_in: int = 56,
) -> Run:
    """Run all candidates over all series.

    Args:
        values, known: (n, t) counts, and whether they are known.
        calendar, yearly: (n, t + horizon) factors of holidays and of the time of the year.
        profile: (m, n) the season to begin with, mean 1; its length m is that of the season.
        phase: index in the profile of the first period.
        origins: last known period of each forecast to give, ascending.
        mix: (p, n) weights of the candidates in those forecasts.
    """
    n, t_end = values.shape
    p, m = len(candidates), profile.shape[0]
    shape = (p, n)
    memory = np.broadcast_to(_column(candidates.level), shape)
    season_memory = np.broadcast_to(_column(candidates.season), shape)
    gain = np.broadcast_to(_column(candidates.trend), shape)
    use_yearly = np.broadcast_to(_column(candidates.yearly), shape)
    has_trend = bool(gain.any())
    is_slow = memory >= 0.99 * memory.max(axis=0)
    level = _first_level(values, known) * np.ones(shape)
    trend = np.zeros(shape)
    exposure = np.full(shape, 0.5)
    season = np.repeat(profile[:, None, :], p, axis=1)
    season_exposure = np.maximum(season * level * 6.0, 4.0)
    dispersion = np.full(shape, 1.5)
    piled, piled_variance = np.zeros(shape), np.ones(shape)
    short_count, short_exposure = level * 1.0, np.ones(shape)
    ahead = np.zeros((AHEAD, *shape))
    damped = DAMPING * (1 - DAMPING**AHEAD) / (1 - DAMPING)
    score, weight = np.zeros(shape), np.zeros(n)
    short, fade = 1 - 1 / SHORT_MEMORY, 0.5 ** (1 / 365)
    outliers, shifts = np.zeros((n, t_end), np.bool_), np.zeros((n, t_end), np.bool_)
    wanted = np.full(t_end, -1)
    if origins is not None:
        wanted[origins] = np.arange(len(origins))
    means = np.zeros((0 if origins is None else len(origins), n, horizon))
    steps = DAMPING * (1 - DAMPING ** np.arange(1, horizon + 1)) / (1 - DAMPING)
    coming = np.arange(1, horizon + 1)

    for t in range(t_end):
        at = (phase + t) % m
        seen = known[:, t]
        factor = season[at] * (calendar[:, t] * (1.0 + use_yearly * (yearly[:, t] - 1.0)))
        np.maximum(factor, LEAST, out=factor)
        before = np.maximum(level + trend, 0.0) if has_trend else level
        expected = before * factor
        spread = np.sqrt(dispersion * (expected + 0.25))
        error = values[:, t] - expected
        reach = OUTLIER * spread + 2.0
        capped = np.clip(error, -reach, reach)
        if t >= burn_in:
            late = values[:, t] - ahead[t % AHEAD] * factor
            score = np.where(
                seen, fade * score + capped**2 + 0.5 * np.clip(late, -2 * reach, 2 * reach) ** 2, score
            )
            weight = np.where(seen, fade * weight + 1.0, weight)
        # Evidence that the level has moved: errors of one sign beyond chance.
        piled = short * piled + capped * seen
        piled_variance = short**2 * piled_variance + spread**2 * seen
        short_count = np.where(seen, short * short_count + expected + capped, short_count)
        short_exposure = np.where(seen, short * short_exposure + factor, short_exposure)
        moved = (np.abs(piled) > SHIFT * np.sqrt(piled_variance)) & (exposure > 1.5 * short_exposure) & seen
        exposure = np.where(seen, memory * exposure + factor, exposure)
        level = np.where(seen, before + capped / np.maximum(exposure, factor), before)
        if has_trend:
            trend = DAMPING * trend + np.where(seen, gain * (level - before), 0.0)
        if moved.any():
            level = np.where(moved, short_count / short_exposure, level)
            exposure = np.where(moved, short_exposure, exposure)
            trend = np.where(moved, 0.0, trend)
            piled = np.where(moved, 0.0, piled)
            shifts[:, t] = (moved & is_slow).any(axis=0)
        dispersion = np.where(
            seen,
            dispersion + 0.02 * (np.minimum(capped**2 / (expected + 0.25), 15.0) - dispersion),
            dispersion,
        )
        outliers[:, t] = (np.abs(error[0]) > reach[0]) & seen
        if m > 1:
            kept = np.where(seen, season_memory * season_exposure[at] + expected, season_exposure[at])
            season[at] = np.where(
                seen, season[at] + season[at] * capped / np.maximum(kept, LEAST), season[at]
            )
            np.maximum(season[at], LEAST, out=season[at])
            season_exposure[at] = kept
            if at == m - 1:
                middle = season.mean(axis=0)
                season /= middle
                level = level * middle
                trend = trend * middle
        ahead[t % AHEAD] = np.maximum(level + trend * damped, 0.0)
        if wanted[t] >= 0:
            later = (phase + t + coming) % m
            factors = season[later] * (
                calendar[:, t + coming].T[:, None, :]
                * (1.0 + use_yearly * (yearly[:, t + coming].T[:, None, :] - 1.0))
            )
            seen_from_here = np.maximum(level + steps[:, None, None] * trend, 0.0) * factors
            weights = mix if mix is not None else np.full(shape, 1.0 / p)
            means[wanted[t]] = np.einsum("hpn,pn->nh", seen_from_here, weights)
    mean_score = score / np.maximum(weight, 1e-9)
    state = State(level, trend, exposure, season, season_exposure, dispersion)
    return Run(state, mean_score, weight, means, outliers, shifts)


def weights_of(run: Run, keep: int) -> tuple[NDArray[np.int64], Array]:
    """The best candidates of each series (k, n) and their weights: Akaike's, tempered for errors that overlap."""
    keep = min(keep, run.score.shape[0])
    best = np.argsort(run.score, axis=0, kind="stable")[:keep]
    score = np.maximum(np.take_along_axis(run.score, best, axis=0), 1e-9)
    evidence = np.minimum(run.weight, 365.0) / 2
    weights = np.exp(-0.5 * evidence * (np.log(score) - np.log(score[:1])))
    return best, weights / weights.sum(axis=0)


def _column(part: Array) -> Array:
    return part[:, None] if part.ndim == 1 else part


def _first_level(values: Array, known: NDArray[np.bool_]) -> Array:
    """The mean of the first four weeks of which something is known, per series."""
    rank = np.cumsum(known, axis=1)
    early = known & (rank <= 28)
    count = np.maximum(early.sum(axis=1), 1)
    level: Array = np.maximum((values * early).sum(axis=1) / count, 0.5 / count)
    return level
