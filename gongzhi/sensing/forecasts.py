"""What will come: daily or weekly volume per group, with intervals, and how well that would have worked before."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gongzhi.sensing import hierarchy, profiles
from gongzhi.sensing.hierarchy import Tree
from gongzhi.sensing.intervals import medians, whole_intervals
from gongzhi.sensing.series import Counts
from gongzhi.sensing.smoothing import Candidates, all_candidates, smooth, weights_of

Array = NDArray[np.float64]

SHARES = (0.8, 0.95)
KEEP = 4
"""So many candidates per series are mixed."""
CHUNK = 512
LEARN_ORIGINS = 120
"""Origins from which the scatter of errors is learnt."""
MOST_TEST = {"day": 182, "week": 52}
MOST_TEST_ORIGINS = 40
SEASON = {"day": 7, "week": 52}
SHORTEST_BACKTEST = {"day": 42, "week": 16}
LEAN_ERRORS = 60.0
"""So many errors of a series' own weigh as much as those of all series."""
SHORT_DAYS = 14


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the same method said in the past, against what came; none of it was known to it.

    Attributes:
        mase: mean absolute error of the medians over that of the seasonal naive forecast within the training
            data (Hyndman and Koehler 2006), the last five years before the test. Absolute errors are judged at
            the median, which is what minimises them (Gneiting 2011); for quiet series it differs from the mean.
        mase_of_mean: the same for the means, which are what adds up.
        relative_mae: error of the medians over that of seasonal naive on the very same periods; NaN if that is 0.
        mae, naive_mae: both errors; naive repeats the same period of the season before the origin.
        coverage: share of counts inside the intervals of 80 and 95 %.
        expected_coverage: what whole-number intervals can hold (see `intervals`).
        forecasts: how many forecasts were compared.
    """

    mase: float
    mase_of_mean: float
    relative_mae: float
    mae: float
    naive_mae: float
    coverage: tuple[float, float]
    expected_coverage: tuple[float, float]
    forecasts: int


@dataclass(frozen=True, slots=True)
class Series:
    """The forecast of one node of the tree; arrays have one value for each period of the horizon."""

    label: tuple[str, ...]
    by: tuple[str, ...]
    mean: Array
    median: Array
    low: Array
    """(2, h) of the intervals of 80 and 95 %."""
    high: Array
    recent: Array
    """The last periods of the history, NaN where unknown."""
    matters: int
    backtest: Backtest | None
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return " / ".join(self.label) or "total"


@dataclass(frozen=True, slots=True)
class Forecast:
    """All series, the total first, each group before its parts."""

    freq: str
    horizon: int
    start: int
    """Number of the first forecast period."""
    series: list[Series]
    overall: Backtest | None
    """Over all series of the lowest level and the total together."""
    notes: list[str]
    by: tuple[str, ...]


@dataclass(slots=True)
class _Model:
    """What was learnt from the periods before `until`."""

    until: int
    calendar: Array
    yearly: Array
    profile: Array
    picked: Candidates
    mix: Array
    ratio: Array
    """(n, h) variance of errors over the expected count."""
    shifts: NDArray[np.bool_]
    """(n, t) where the level moved."""


def forecast(counts: Counts, horizon: int = 14, country: str = "") -> Forecast:
    """Forecast all groups, their sums and the total.

    Args:
        horizon: periods to look ahead.
        country: whose holidays shift the counts (``CN``, ``US-NY``); "" for none.

    Returns means that add up over the tree in every period. Stated treatments are in the notes.
    """
    if not 1 <= horizon <= 366:
        raise ValueError("the horizon must lie between 1 and 366 periods")
    found = hierarchy.tree(counts)
    periods = counts.periods
    backtests, overall = _backtests(found, counts, horizon, country)
    model = _learn(found, counts, periods, horizon, country)
    means, outliers = _look(found, counts, model, np.array([periods - 1]), horizon)
    mean, ratio = _reconciled(found, means, model.ratio)
    bounds = [whole_intervals(mean[0], ratio[0], share) for share in SHARES]
    low = np.stack([b.low for b in bounds], axis=1)
    high = np.stack([b.high for b in bounds], axis=1)
    median = medians(mean[0], ratio[0])
    kept = min(periods, 120 if counts.freq == "day" else 104)
    recent = np.where(found.known, found.values, np.nan)[:, periods - kept :]
    order = hierarchy.ancestors_first(found.labels)
    series = [
        Series(
            found.labels[i],
            counts.by[: len(found.labels[i])],
            mean[0, i],
            median[i],
            low[i],
            high[i],
            recent[i],
            int(found.values[i].sum()),
            backtests[i],
            _notes(found, counts, i, outliers[i], model.shifts[i], backtests[i]),
        )
        for i in order
    ]
    for column in range(1, len(counts.by)):
        series += _across(counts, found, mean[0], ratio[0], column, kept)
    return Forecast(
        counts.freq, horizon, counts.start + periods, series, overall, list(counts.notes), counts.by
    )


def _learn(found: Tree, counts: Counts, until: int, horizon: int, country: str) -> _Model:
    """Profiles, parameters and scatter, from the periods before `until` alone."""
    days_each = 7 if counts.freq == "week" else 1
    ahead = counts.periods + horizon
    yearly = profiles.yearly_profile(found, counts.start, until, ahead, days_each)
    n = len(found.parent)
    if counts.freq == "day":
        profile = profiles.weekday_profile(found, counts.start, until)
        kinds = profiles.day_kinds(country, counts.start, ahead)
        calendar = profiles.holiday_factors(found, kinds, profile, counts.start, until)
    else:
        profile, calendar = np.ones((1, n)), np.ones((n, ahead))
    candidates = all_candidates(bool((yearly != 1).any()), counts.freq)
    # More than five years back says little about today's parameters.
    begin = max(0, until - 5 * 366 // days_each)
    picked, mixes = [], []
    shifts = np.zeros((n, until), np.bool_)
    for part in _parts(n, begin, until, len(candidates)):
        run = smooth(
            found.values[part, begin:until],
            found.known[part, begin:until],
            calendar[part, begin:],
            yearly[part, begin:],
            profile[:, part],
            candidates,
            phase=_phase(counts, begin),
            burn_in=min(56, (until - begin) // 3),
        )
        which, mix = weights_of(run, KEEP)
        picked.append(which)
        mixes.append(mix)
        shifts[part, begin:] = run.shifts
    which, mix = np.concatenate(picked, axis=1), np.concatenate(mixes, axis=1)
    return _Model(
        until, calendar, yearly, profile, candidates.picked(which), mix, np.ones((n, horizon)), shifts
    )


def _phase(counts: Counts, begin: int) -> int:
    return int(profiles.weekdays(counts.start + begin, 1)[0]) if counts.freq == "day" else 0


def _parts(n: int, begin: int, until: int, candidates: int) -> list[slice]:
    size = max(16, min(CHUNK, 20_000 // max(1, candidates)))
    return [slice(i, min(n, i + size)) for i in range(0, n, size)]


def _seen_from(
    found: Tree, counts: Counts, model: _Model, origins: NDArray[np.int64], horizon: int
) -> tuple[Array, NDArray[np.bool_]]:
    """(o, n, h) means from each origin with the parameters of the model; where outliers were met."""
    n, end = len(found.parent), int(origins.max()) + 1
    begin = max(0, min(int(origins.min()), model.until) - 5 * 366 // (7 if counts.freq == "week" else 1))
    means = np.zeros((len(origins), n, horizon))
    outliers = np.zeros((n, end), np.bool_)
    for part in _parts(n, begin, end, KEEP * 3):
        picked = Candidates(
            *(
                p[:, part]
                for p in (model.picked.level, model.picked.season, model.picked.trend, model.picked.yearly)
            )
        )
        run = smooth(
            found.values[part, begin:end],
            found.known[part, begin:end],
            model.calendar[part, begin:],
            model.yearly[part, begin:],
            model.profile[:, part],
            picked,
            phase=_phase(counts, begin),
            origins=origins - begin,
            horizon=horizon,
            mix=model.mix[:, part],
        )
        means[:, part] = run.means
        outliers[part, begin:] = run.outliers
    return means, outliers


def _errors(
    found: Tree, means: Array, origins: NDArray[np.int64], until: int
) -> tuple[Array, NDArray[np.bool_]]:
    """(o, n, h) what came, and whether it is known and before `until`."""
    later = origins[:, None] + 1 + np.arange(means.shape[2])
    inside = later < until
    at = np.minimum(later, until - 1)
    came = found.values[:, at].transpose(1, 0, 2)
    return came, found.known[:, at].transpose(1, 0, 2) & inside[:, None, :]


def _look(
    found: Tree, counts: Counts, model: _Model, ahead_of: NDArray[np.int64], horizon: int
) -> tuple[Array, NDArray[np.bool_]]:
    """`_seen_from` the origins `ahead_of`; in the same pass the model learns how far counts scatter."""
    origins = _learning_origins(counts, model.until)
    means, outliers = _seen_from(found, counts, model, np.concatenate([origins, ahead_of]), horizon)
    _learn_scatter(found, model, means[: len(origins)], origins)
    return means[len(origins) :], outliers


def _learning_origins(counts: Counts, until: int) -> NDArray[np.int64]:
    first = min(until // 3, 365) if counts.freq == "day" else min(until // 3, 52)
    last = until - 2
    first = max(first, last - 730)
    if last <= first:
        return np.empty(0, np.int64)
    return np.arange(last, first, -max(1, (last - first) // LEARN_ORIGINS))[::-1]


def _learn_scatter(found: Tree, model: _Model, means: Array, origins: NDArray[np.int64]) -> None:
    """Set how far counts scatter around the means, from forecasts within the training data."""
    until, horizon = model.until, means.shape[2]
    if len(origins) == 0:
        model.ratio[:] = _short_ratio(found, until)[:, None]
        return
    means = _reconciled(found, means, model.ratio)[0]
    came, valid = _errors(found, means, origins, until)
    usual = np.maximum(means, 1e-3)
    squared = np.where(valid, (came - means) ** 2, 0.0)
    # A single wild count must not widen the intervals of a whole year.
    limit = np.where(
        valid, 25.0 * usual * np.maximum(_typical_ratio(squared, usual, valid), 1.0)[None, :, None], 0.0
    )
    squared = np.minimum(squared, limit + 25.0)
    scatter, base = squared.sum(axis=0), np.where(valid, usual, 0.0).sum(axis=0)
    count = valid.sum(axis=0)
    pooled = _smooth_along(scatter.sum(axis=0)[None], base.sum(axis=0)[None])[0]
    own = _smooth_along(scatter, base)
    evidence = np.minimum(count.sum(axis=1) / max(1, min(7, horizon)), base.sum(axis=1))[:, None]
    lean = np.where(len(found.parent) > 8, np.minimum(np.maximum(pooled, 0.8), 2.0), 1.0)
    ratio = (own * evidence + lean * LEAN_ERRORS) / (evidence + LEAN_ERRORS)
    model.ratio = np.maximum.accumulate(np.maximum(ratio, 0.05), axis=1)


def _typical_ratio(squared: Array, usual: Array, valid: NDArray[np.bool_]) -> Array:
    ratio = np.where(valid, squared / usual, np.nan)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a horizon without any origin has no ratio: 1
        middle = np.nanquantile(ratio.transpose(1, 0, 2).reshape(ratio.shape[1], -1), 0.9, axis=1)
    typical: Array = np.nan_to_num(middle, nan=1.0) / 2.7
    return typical


def _smooth_along(scatter: Array, base: Array) -> Array:
    """Ratio of sums, over a week of horizons at a time."""
    width = min(7, scatter.shape[1])
    kernel = np.ones(width)
    top = np.apply_along_axis(lambda v: np.convolve(v, kernel, "same"), 1, scatter)
    bottom = np.apply_along_axis(lambda v: np.convolve(v, kernel, "same"), 1, base)
    ratio: Array = np.where(bottom > 0, top / np.maximum(bottom, 1e-9), 1.0)
    return ratio


def _short_ratio(found: Tree, until: int) -> Array:
    """Variance over mean where there is too little to look back: the level itself is uncertain (Gamma-Poisson)."""
    known = found.known[:, :until]
    seen = np.maximum(known.sum(axis=1), 1)
    ratio: Array = 1.0 + np.maximum(np.where(known, found.values[:, :until], 0).sum(axis=1), 1.0) / seen**1.5
    return ratio


def _reconciled(found: Tree, means: Array, ratio: Array) -> tuple[Array, Array]:
    """Means (o, n, h) that add up, and variance over mean for them."""
    moved = means.transpose(1, 0, 2)
    variance = np.maximum(moved, 0.02) * ratio[:, None, :]
    coherent = hierarchy.reconcile(found, moved, variance)
    return coherent.transpose(1, 0, 2), np.broadcast_to(ratio, means.shape)


def _backtests(
    found: Tree, counts: Counts, horizon: int, country: str
) -> tuple[list[Backtest | None], Backtest | None]:
    """How the method would have done over the last part of the history, per node and over all."""
    periods = counts.periods
    nothing: list[Backtest | None] = [None] * len(found.parent)
    if periods < SHORTEST_BACKTEST[counts.freq] + horizon:
        return nothing, None
    test = min(MOST_TEST[counts.freq], max(periods // 4, horizon + 1))
    until = periods - test
    model = _learn(found, counts, until, horizon, country)
    origins = np.arange(until - 1, periods - 1)
    if len(origins) > MOST_TEST_ORIGINS:
        origins = origins[:: max(1, len(origins) // MOST_TEST_ORIGINS)]
    means, _ = _look(found, counts, model, origins, horizon)
    mean, ratio = _reconciled(found, means, model.ratio)
    came, valid = _errors(found, mean, origins, periods)
    held = [whole_intervals(mean, ratio, share) for share in SHARES]
    inside = [(came >= h.low) & (came <= h.high) for h in held]
    season = SEASON[counts.freq] if until > 2 * SEASON[counts.freq] else 1
    naive = _naive(found, origins, horizon, season)
    scale = _scale(found, until, season)
    error, naive_error = np.abs(came - medians(mean, ratio)), np.abs(came - naive)
    mean_error = np.abs(came - mean)
    usable = valid & np.isfinite(naive)

    def figures(nodes: NDArray[np.int64]) -> Backtest | None:
        ok, both = valid[:, nodes], usable[:, nodes]
        n = int(both.sum())
        if n == 0:
            return None
        countable = ok & np.isfinite(scale[nodes])[None, :, None]
        if not countable.any():
            return None
        naive_sum = float(naive_error[:, nodes][both].sum())
        return Backtest(
            mase=float((error[:, nodes] / scale[nodes][None, :, None])[countable].mean()),
            mase_of_mean=float((mean_error[:, nodes] / scale[nodes][None, :, None])[countable].mean()),
            relative_mae=float(error[:, nodes][both].sum() / naive_sum) if naive_sum else float("nan"),
            mae=float(error[:, nodes][both].mean()),
            naive_mae=float(naive_error[:, nodes][both].mean()),
            coverage=(float(inside[0][:, nodes][ok].mean()), float(inside[1][:, nodes][ok].mean())),
            expected_coverage=(
                float(held[0].held[:, nodes][ok].mean()),
                float(held[1].held[:, nodes][ok].mean()),
            ),
            forecasts=n,
        )

    each = [figures(np.array([i])) for i in range(len(found.parent))]
    return each, figures(np.unique(np.concatenate([[0], found.leaf_of])))


def _naive(found: Tree, origins: NDArray[np.int64], horizon: int, season: int) -> Array:
    """(o, n, h) what the same period of the last season before the origin had."""
    back = season - np.arange(horizon) % season - 1
    at = origins[:, None] - back
    values = np.where(found.known, found.values, np.nan)
    naive: Array = np.where(at >= 0, values[:, np.maximum(at, 0)], np.nan).transpose(1, 0, 2)
    return naive


def _scale(found: Tree, until: int, season: int) -> Array:
    """(n,) mean absolute error of the seasonal naive forecast one season ahead; NaN where it made none."""
    values = np.where(found.known, found.values, np.nan)[
        :, max(0, until - (1830 if season == 7 else 261)) : until
    ]
    change = np.abs(values[:, season:] - values[:, :-season])
    with np.errstate(all="ignore"):
        scale = np.array([np.nanmean(row) if np.isfinite(row).any() else np.nan for row in change])
    return np.where(scale > 0, scale, np.nan)


def _across(counts: Counts, found: Tree, mean: Array, ratio: Array, column: int, kept: int) -> list[Series]:
    """Forecasts of one column alone, such as areas over all functions: sums of the lowest level."""
    words, group = hierarchy.across(counts, column)
    result = []
    for i, word in enumerate(words):
        rows = found.leaf_of[group == i]
        total = mean[rows].sum(axis=0)
        # Errors of parts of one area are taken as independent, as those of different functions mostly are.
        together = (mean[rows] * ratio[rows]).sum(axis=0) / np.maximum(total, 1e-9)
        bounds = [whole_intervals(total[None], together[None], share) for share in SHARES]
        history = counts.values[group == i].sum(axis=0)
        known = counts.known[group == i].any(axis=0)
        result.append(
            Series(
                (word,),
                (counts.by[column],),
                total,
                medians(total[None], together[None])[0],
                np.stack([b.low[0] for b in bounds]),
                np.stack([b.high[0] for b in bounds]),
                np.where(known, history, np.nan)[len(history) - kept :],
                int(history.sum()),
                None,
                ["sum of the series below it; no backtest of its own"],
            )
        )
    return result


def _notes(
    found: Tree,
    counts: Counts,
    node: int,
    outliers: NDArray[np.bool_],
    shifts: NDArray[np.bool_],
    backtest: Backtest | None,
) -> list[str]:
    """What was treated in one series, in words."""
    notes = []
    known = int(found.known[node].sum())
    if known == 1:
        notes.append(
            "a single point: its count is carried forward, with an interval as wide as that deserves"
        )
    elif known < SHORT_DAYS:
        notes.append(f"only {known} known periods: the mean is carried forward")
    if backtest is None:
        notes.append("too short for a backtest")
    if outliers.any():
        last = int(np.flatnonzero(outliers)[-1])
        notes.append(
            f"{int(outliers.sum())} counts far outside were learnt from in part only, the last on {counts.moment(last)}"
            f" ({found.values[node, last]:g})"
        )
    if shifts.any():
        last = int(np.flatnonzero(shifts)[-1])
        notes.append(f"the level moved, last noticed on {counts.moment(last)}: what came before counts less")
    return notes
