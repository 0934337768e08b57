"""Counts that are not what was expected: alerts with their evidence, few of them false.

Each period is compared with what was expected before it came: level, weekday (and hour), holidays, time of
the year, weather where it is given. The chance of so many matters or more is taken from a negative binomial
with the scatter of the series itself, for the last period alone and for the last few together, so that a
modest rise that goes on is seen as well as a sharp one. An alert needs a chance below `RISE` per series
and day, and must survive the control of false discoveries (Benjamini and Hochberg 1995) over all series
of the period. Alerts that follow each other are one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special

from gongzhi.lake.tables import HEADING_ROWS, TableInvalid, open_table
from gongzhi.sensing import hierarchy, profiles
from gongzhi.sensing.hierarchy import Tree
from gongzhi.sensing.series import Counts, period_of
from gongzhi.sensing.smoothing import Candidates, smooth, weights_of

Array = NDArray[np.float64]

RISE = 6e-4
"""Chance of a false alert per series and day; history gives fewer, since counts are whole numbers."""
DROP = 2e-5
FALSE_SHARE = 0.1
"""At most this share of the alerts of one period is false on average."""
WINDOWS = {"day": (1, 2), "hour": (1, 3, 12)}
PER_DAY = {"day": 1, "hour": 24}
WARM_UP_DAYS = 42
"""No alerts before so much is known."""
APART_DAYS = 3
"""Alerts closer than this are one."""
LEAST_COUNT = 4
"""So few matters are never an alert, whatever their chance."""
WEATHER_BINS = 8
MOST_WEATHER_WORDS = 30
REACH = 3.5
"""Standard deviations beyond which a count says nothing about the usual scatter."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What the weather was: (t,) class of each period, -1 unknown, and the words of the classes."""

    kind: NDArray[np.int64]
    words: list[str]


def read_weather(path: Path, time: str, column: str, counts: Counts) -> Weather:
    """The weather of each period from a column of the file: words as they are, numbers in classes of equal size.

    Of words the most frequent in a period counts, of numbers the mean; periods without rows are unknown.
    """
    with open_table(path, [time, column]) as table:
        codes = table.codes(column)
        period = period_of(table.moments(time), counts.freq) - counts.start
        inside = (period >= 0) & (period < counts.periods) & (codes.of_row >= 0)
        try:
            numbers = table.numbers(column, empty_allowed=True)
        except TableInvalid:
            if len(codes.names) > MOST_WEATHER_WORDS:
                raise
            seen = np.zeros((counts.periods, len(codes.names)))
            np.add.at(seen, (period[inside], codes.of_row[inside]), 1)
            return Weather(np.where(seen.any(axis=1), seen.argmax(axis=1), -1), codes.names)
    inside &= np.isfinite(numbers)
    many = np.bincount(period[inside], minlength=counts.periods)
    total = np.bincount(period[inside], numbers[inside], minlength=counts.periods)
    mean = np.where(many > 0, total / np.maximum(many, 1), np.nan)
    edges = np.unique(np.nanquantile(mean, np.linspace(0, 1, WEATHER_BINS + 1)))
    kind = np.clip(np.searchsorted(edges, mean, side="right") - 1, 0, max(0, len(edges) - 2))
    words = [f"{low:g} to {high:g}" for low, high in pairwise(edges)] or [f"{edges[0]:g}"]
    return Weather(np.where(np.isnan(mean), -1, kind), words)


@dataclass(frozen=True, slots=True)
class Alert:
    """Too many or too few matters of one series.

    Attributes:
        first, last: indices of the periods it spans.
        count, expected: over the window that gave the smallest chance, `window` periods up to `at`.
        chance: of so many or more (rise) or so few or fewer (drop), if nothing were going on.
        usual: counts of the same period in the seasons before, latest first.
    """

    label: tuple[str, ...]
    direction: str
    first: int
    last: int
    at: int
    window: int
    count: float
    expected: float
    chance: float
    usual: list[float]
    weather: str


@dataclass(frozen=True, slots=True)
class Anomalies:
    """All alerts, the newest first, and how well this can be trusted."""

    counts: Counts
    alerts: list[Alert]
    series: int
    series_days: float
    """How many series-days were watched."""
    detectable: list[tuple[tuple[str, ...], float, float]]
    """Per series: matters a day, and the chance that a threefold rise over two days would be found."""
    notes: list[str] = field(default_factory=list)

    @property
    def per_thousand(self) -> float:
        """Alerts per 1,000 series-days."""
        return 1000 * len(self.alerts) / self.series_days if self.series_days else 0.0


def anomalies(counts: Counts, country: str = "", weather: Weather | None = None) -> Anomalies:
    """Look for alerts in every group and in the total.

    Raises:
        ValueError: the counts are not by day or hour.
    """
    if counts.freq not in WINDOWS:
        raise ValueError("anomalies are looked for by day or by hour")
    found = hierarchy.tree(counts)
    windows = WINDOWS[counts.freq]
    means = _expected(found, counts, country, weather, max(windows))
    ratio = _scatter(found, means)
    warm_up = WARM_UP_DAYS * PER_DAY[counts.freq]
    watched = found.known & (np.cumsum(found.known, axis=1) > warm_up)
    rise, drop, best = _chances(found, means, ratio, windows)
    rise, drop = np.where(watched, rise, 1.0), np.where(watched, drop, 1.0)
    limit = 1.0 / PER_DAY[counts.freq]
    is_rise = (rise <= RISE * limit) & _survives(rise, watched)
    is_drop = (drop <= DROP * limit) & _survives(drop, watched)
    alerts: list[Alert] = []
    for direction, is_alert, chance in (("rise", is_rise, rise), ("drop", is_drop, drop)):
        for node in np.flatnonzero(is_alert.any(axis=1)).tolist():
            alerts += _episodes(
                found, counts, node, direction, np.flatnonzero(is_alert[node]), chance, best, means, weather
            )
    alerts.sort(key=lambda a: (-a.at, a.chance))
    days = float(watched.sum()) / PER_DAY[counts.freq]
    notes = list(counts.notes)
    if days == 0:
        notes.append(f"fewer than {WARM_UP_DAYS} known days in every series: too little to say what is usual")
    return Anomalies(counts, alerts, len(found.parent), days, _detectable(found, counts, ratio), notes)


def _expected(found: Tree, counts: Counts, country: str, weather: Weather | None, ahead: int) -> Array:
    """(t, n, ahead) what was expected of each period, seen 1 to `ahead` periods before it; NaN at the start."""
    hourly = counts.freq == "hour"
    periods, n = counts.periods, len(found.parent)
    if hourly:
        profile = _hourly_profile(found, counts.start)
        phase = (counts.start - 96) % 168
        calendar = np.ones((n, periods + ahead))
        yearly = calendar
        memory = np.array([0.9, 0.97, 0.99]) ** (1 / 24)
        candidates = Candidates(memory, np.ones(3), np.zeros(3), np.zeros(3))
    else:
        profile = profiles.weekday_profile(found, counts.start, periods)
        phase = int(profiles.weekdays(counts.start, 1)[0])
        kinds = profiles.day_kinds(country, counts.start, periods + ahead)
        calendar = profiles.holiday_factors(found, kinds, profile, counts.start, periods)
        yearly = profiles.yearly_profile(found, counts.start, periods, periods + ahead, 1)
        memory = np.array([0.85, 0.93, 0.97, 0.99])
        with_year = [0.0, 1.0] if (yearly != 1).any() else [0.0]
        grid = np.array([(a, y) for a in memory for y in with_year])
        candidates = Candidates(grid[:, 0], np.ones(len(grid)), np.zeros(len(grid)), grid[:, 1])
    if weather is not None:
        calendar = calendar * _weather_factors(found, weather, profile, phase, periods + ahead)
    shape = {"calendar": calendar, "yearly": yearly, "profile": profile, "phase": phase}
    run = smooth(found.values, found.known, candidates=candidates, **shape)  # type: ignore[arg-type]
    which, mix = weights_of(run, 3)
    seen = smooth(
        found.values,
        found.known,
        candidates=candidates.picked(which),
        origins=np.arange(periods),
        horizon=ahead,
        mix=mix,
        **shape,  # type: ignore[arg-type]
    ).means
    means = np.full((periods, n, ahead), np.nan)
    for h in range(ahead):
        means[h + 1 :, :, h] = seen[: periods - h - 1, :, h]
    return means


def _hourly_profile(found: Tree, start: int) -> Array:
    """(168, n) shape of a week by the hour, Monday 0:00 first: the hour's share on workdays and at weekends."""
    hours = (start - 96 + np.arange(found.values.shape[1])) % 168
    values = np.where(found.known, found.values, 0.0)
    profile = np.ones((168, len(found.parent)))
    counted, exposed = np.zeros_like(profile), np.zeros_like(profile)
    for h in range(168):
        counted[h] = values[:, hours == h].sum(axis=1)
        exposed[h] = found.known[:, hours == h].sum(axis=1)
    mean = counted.sum(axis=0) / np.maximum(exposed.sum(axis=0), 1.0)
    is_weekend = np.arange(168) >= 120
    for nodes in found.depths:
        lean = np.ones((168, len(nodes))) if found.parent[nodes[0]] < 0 else profile[:, found.parent[nodes]]
        for part in (is_weekend, ~is_weekend):
            shape = np.zeros((24, len(nodes)))
            usual = np.zeros((24, len(nodes)))
            for h in range(24):
                rows = np.flatnonzero(part & (np.arange(168) % 24 == h))
                shape[h] = counted[np.ix_(rows, nodes)].sum(axis=0)
                usual[h] = (exposed[np.ix_(rows, nodes)] * mean[nodes]).sum(axis=0)
            leaning = lean[np.flatnonzero(part)[:24]]
            factor = (shape + profiles.LEAN * leaning) / (usual + profiles.LEAN)
            for row in np.flatnonzero(part):
                profile[row, nodes] = factor[row % 24]
    scaled: Array = profile / np.maximum(profile.mean(axis=0), 1e-9)
    return scaled


def _weather_factors(found: Tree, weather: Weather, profile: Array, phase: int, length: int) -> Array:
    """(n, length) factor of the weather's class, groups with few matters leaning on their parent."""
    periods = found.values.shape[1]
    factors = np.ones((len(found.parent), length))
    local = profiles.moving_mean(np.where(found.known, found.values, 0.0), found.known)
    usual = local * profile[(phase + np.arange(periods)) % len(profile)].T * found.known
    values = np.where(found.known, found.values, 0.0)
    for kind in range(len(weather.words)):
        at = np.flatnonzero(weather.kind == kind)
        factor = np.ones(len(found.parent))
        for nodes in found.depths:
            lean = 1.0 if found.parent[nodes[0]] < 0 else factor[found.parent[nodes]]
            counted, expected = values[np.ix_(nodes, at)].sum(axis=1), usual[np.ix_(nodes, at)].sum(axis=1)
            factor[nodes] = (counted + profiles.LEAN * lean) / (expected + profiles.LEAN)
        factors[:, at] = factor[:, None]
    return factors


def _scatter(found: Tree, means: Array) -> Array:
    """(n,) variance over mean of the counts around what was expected; a few wild counts do not widen it."""
    mean = np.where(np.isfinite(means[:, :, 0]), means[:, :, 0], 0.0).T
    counted = found.known & (mean > 0)
    squared, base = (found.values - mean) ** 2, mean + 0.0
    ratio = np.full(len(mean), 1.0)
    ordinary = counted
    for _ in range(4):
        total = np.where(ordinary, base, 0.0).sum(axis=1)
        ratio = (np.where(ordinary, squared, 0.0).sum(axis=1) + profiles.LEAN) / (total + profiles.LEAN)
        ratio = np.maximum(ratio, 1.0)
        # What is an alert is no scatter; left in, one rise would hide the next.
        limit = REACH**2 * ratio[:, None] * (base + 0.3) + 4.0
        ordinary = counted & (squared <= limit)
    return ratio


def tail(count: Array, mean: Array, ratio: Array) -> tuple[Array, Array]:
    """Chance of at least, and of at most `count`, negative binomial or Poisson."""
    mean = np.maximum(mean, 1e-6)
    scattered = np.maximum(ratio, 1 + 1e-6)
    size = mean / (scattered - 1)
    is_poisson = ratio < 1.01
    whole = np.maximum(np.floor(count), 0.0)
    before = np.maximum(whole - 1, 0.0)
    at_least = np.where(
        is_poisson, special.pdtrc(before, mean), special.betainc(before + 1, size, 1 - 1 / scattered)
    )
    at_least = np.where(whole < 1, 1.0, at_least)
    at_most = np.where(is_poisson, special.pdtr(whole, mean), special.betainc(size, whole + 1, 1 / scattered))
    return at_least, at_most


def _chances(
    found: Tree, means: Array, ratio: Array, windows: tuple[int, ...]
) -> tuple[Array, Array, NDArray[np.int64]]:
    """(n, t) smallest chance of a rise and of a drop over the windows, and the window of the rise."""
    n, periods = found.values.shape
    values = np.where(found.known, found.values, 0.0)
    rise, drop = np.ones((n, periods)), np.ones((n, periods))
    best = np.ones((n, periods), np.int64)
    for window in windows:
        count, mean = np.zeros((n, periods)), np.zeros((n, periods))
        for back in range(window):
            # Seen from before the window began, so that its own rise is not yet expected.
            shifted = np.full((n, periods), np.nan)
            shifted[:, back:] = means[: periods - back, :, window - 1 - back].T
            usable = np.zeros((n, periods))
            usable[:, back:] = found.known[:, : periods - back]
            counted = np.zeros((n, periods))
            counted[:, back:] = values[:, : periods - back]
            count += counted
            mean += shifted * np.where(usable > 0, 1.0, 0.0)
        ok = np.isfinite(mean) & (mean > 0)
        at_least, at_most = np.ones_like(mean), np.ones_like(mean)
        # Two windows are two chances to be wrong: each has its part of what is allowed.
        at_least[ok], at_most[ok] = tail(
            count[ok], mean[ok], np.broadcast_to(ratio[:, None], mean.shape)[ok] * (1 + 0.03 * (window - 1))
        )
        at_least = np.where(count < LEAST_COUNT, 1.0, at_least)
        smaller = at_least < rise
        rise, best = np.where(smaller, at_least, rise), np.where(smaller, window, best)
        drop = np.minimum(drop, at_most)
    share = 1 + 0.5 * (len(windows) - 1)
    return np.minimum(rise * share, 1.0), np.minimum(drop * share, 1.0), best


def _survives(chance: Array, watched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Benjamini-Hochberg over the series of each period, at `FALSE_SHARE`."""
    n = chance.shape[0]
    order = np.argsort(chance, axis=0)
    ranked = np.take_along_axis(chance, order, axis=0)
    watched_count = np.maximum(watched.sum(axis=0), 1)
    passes = ranked <= FALSE_SHARE * np.arange(1, n + 1)[:, None] / watched_count
    last = np.where(passes.any(axis=0), n - np.argmax(passes[::-1], axis=0), 0)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(n)[:, None] * np.ones_like(order), axis=0)
    survives: NDArray[np.bool_] = rank < last
    return survives


def _episodes(
    found: Tree,
    counts: Counts,
    node: int,
    direction: str,
    at: NDArray[np.int64],
    chance: Array,
    best: NDArray[np.int64],
    means: Array,
    weather: Weather | None,
) -> list[Alert]:
    """Alerts of one series, those that follow each other made one; the strongest moment speaks for it."""
    apart = APART_DAYS * PER_DAY[counts.freq]
    season = 7 * PER_DAY[counts.freq]
    episodes = np.split(at, np.flatnonzero(np.diff(at) > apart) + 1)
    alerts = []
    for episode in episodes:
        peak = int(episode[np.argmin(chance[node, episode])])
        window = int(best[node, peak]) if direction == "rise" else 1
        begin = peak - window + 1
        expected = float(sum(means[peak - b, node, window - 1 - b] for b in range(window)))
        usual = [
            float(found.values[node, begin - k * season : peak + 1 - k * season].sum())
            for k in range(1, 5)
            if begin - k * season >= 0
        ]
        alerts.append(
            Alert(
                found.labels[node],
                direction,
                max(0, int(episode[0]) - int(best[node, episode[0]]) + 1)
                if direction == "rise"
                else int(episode[0]),
                int(episode[-1]),
                peak,
                window,
                float(found.values[node, begin : peak + 1].sum()),
                expected,
                float(chance[node, peak]),
                usual,
                weather.words[weather.kind[peak]] if weather is not None and weather.kind[peak] >= 0 else "",
            )
        )
    return alerts


def power(mean: Array, ratio: Array, times: float = 3.0, periods: int = 2) -> Array:
    """Chance that a rise to `times` the usual over `periods` days is found by their end, by calculation."""
    usual = np.maximum(mean, 1e-6) * periods
    count = np.arange(0, 4001, dtype=np.float64)
    share = 1 + 0.5 * (len(WINDOWS["day"]) - 1)
    found = np.zeros(len(usual))
    for i in range(len(usual)):
        at_least, _ = tail(count, np.full(count.shape, usual[i]), np.full(count.shape, ratio[i]))
        passing = np.flatnonzero((at_least * share <= RISE) & (count >= LEAST_COUNT))
        if passing.size:
            needed = count[passing[0] : passing[0] + 1]
            found[i] = tail(needed, np.array([usual[i] * times]), ratio[i : i + 1])[0][0]
    return found


def rows_behind(counts: Counts, alert: Alert, most: int = 20) -> list[int]:
    """Rows of the file (as a spreadsheet numbers them) that make the count of an alert, at most `most`."""
    if counts.row_group is None or counts.row_period is None:
        return []
    depth = len(alert.label)
    groups = [i for i, label in enumerate(counts.labels) if label[:depth] == alert.label]
    inside = np.isin(counts.row_group, groups)
    inside &= (counts.row_period > alert.at - alert.window) & (counts.row_period <= alert.at)
    return [int(i) + HEADING_ROWS for i in np.flatnonzero(inside)[:most]]


def _detectable(found: Tree, counts: Counts, ratio: Array) -> list[tuple[tuple[str, ...], float, float]]:
    """Rate and chance of detection per series, from the last year."""
    recent = slice(max(0, counts.periods - 365 * PER_DAY[counts.freq]), counts.periods)
    known = np.maximum(found.known[:, recent].sum(axis=1), 1)
    rate = np.where(found.known, found.values, 0)[:, recent].sum(axis=1) / known * PER_DAY[counts.freq]
    chance = power(rate, ratio)
    return [
        (found.labels[i], float(rate[i]), float(chance[i])) for i in hierarchy.ancestors_first(found.labels)
    ]
