"""Figures per cell of a map: grid cells, streets, districts, or hexagons over points.

Hot is a cell whose last `RECENT_DAYS` hold more than its own past and the whole city's rise let expect (negative binomial tail), with
false discoveries controlled over all cells; so that a large cell is not hot for being large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import h3
import numpy as np
from numpy.typing import NDArray

from gongzhi.lake.tables import Codes
from gongzhi.sensing.anomalies import FALSE_SHARE, tail

RECENT_DAYS: Final = 28
PAST_DAYS: Final = 364
DAY_US: Final = 86_400_000_000
LEAST_HOT: Final = 5


@dataclass(frozen=True, slots=True)
class CellFigures:
    """One cell.

    Attributes:
        recent, before: matters of the last `RECENT_DAYS`, and of as many days before them.
        expected: in the recent days, from the past year.
        open: of all its matters, those not ended; None when not known.
        by_month: matters in each month of `Grid.months`, for the time slider.
        top: its most frequent function and how many.
        place: centre (longitude, latitude) of a hexagon, else None.
    """

    cell: str
    matters: int
    recent: int
    before: int
    expected: float
    chance: float
    is_hot: bool
    open: int | None
    by_month: list[int]
    top: tuple[str, int] | None
    place: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Grid:
    """All cells, the hottest first."""

    cells: list[CellFigures]
    months: list[str]
    until: str
    outside: int
    """Matters without a cell."""


def hexagons(lng: NDArray[np.float64], lat: NDArray[np.float64], resolution: int) -> Codes:
    """The H3 cell of each WGS 84 point; -1 where a coordinate is missing.

    Raises:
        ValueError: a coordinate lies outside the globe; names the row of the file.
    """
    known = np.isfinite(lng) & np.isfinite(lat)
    wrong = np.flatnonzero(known & ((np.abs(lng) > 180) | (np.abs(lat) > 90)))
    if wrong.size:
        at = int(wrong[0])
        raise ValueError(f"row {at + 2}: no place on the globe: longitude {lng[at]:g}, latitude {lat[at]:g}")
    names: dict[str, int] = {}
    codes = np.full(len(lng), -1, np.int32)
    for i in np.flatnonzero(known).tolist():
        codes[i] = names.setdefault(h3.latlng_to_cell(lat[i], lng[i], resolution), len(names))
    return Codes(codes, list(names))


def figures(
    moments: NDArray[np.int64],
    cells: Codes,
    function: Codes | None = None,
    is_open: NDArray[np.bool_] | None = None,
    months_shown: int = 12,
) -> Grid:
    """Figures of every cell up to the last day of the data."""
    inside = cells.of_row >= 0
    cell, when = cells.of_row[inside], moments[inside]
    n = len(cells.names)
    if len(when) == 0:
        return Grid([], [], "", int((~inside).sum()))
    day = when // DAY_US
    last = int(day.max())
    age = last - day
    span = min(PAST_DAYS, max(0, int(last - day.min()) + 1 - RECENT_DAYS))

    def per_cell(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(cell[rows], minlength=n)

    recent, before = per_cell(age < RECENT_DAYS), per_cell((age >= RECENT_DAYS) & (age < 2 * RECENT_DAYS))
    past = per_cell((age >= RECENT_DAYS) & (age < RECENT_DAYS + span))
    # A quiet cell leans on the mean of all cells by one recent period's worth.
    everywhere = past.mean() / max(span, 1) * RECENT_DAYS
    expected = (past + everywhere) / (max(span, 1) / RECENT_DAYS + 1) if span else np.full(n, recent.mean())
    # When the whole city has more, a cell is hot only for having more than that.
    expected = expected * max(1.0, float(recent.sum()) / max(float(expected.sum()), 1e-9))
    ratio = 1.0 + expected / np.maximum(past + 1.0, 1.0) + 0.15
    chance, _ = tail(recent.astype(np.float64), expected, ratio)
    order = np.argsort(chance)
    passes = chance[order] <= FALSE_SHARE * np.arange(1, n + 1) / n
    hot = np.zeros(n, np.bool_)
    if span >= RECENT_DAYS and passes.any():
        hot[order[: int(np.flatnonzero(passes)[-1]) + 1]] = True
    hot &= recent >= LEAST_HOT
    month = when.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    newest = int(month.max())
    by_month = np.zeros((n, months_shown), np.int64)
    shown = newest - month < months_shown
    np.add.at(by_month, (cell[shown], months_shown - 1 - (newest - month[shown])), 1)
    opened = per_cell(is_open[inside]) if is_open is not None else None
    tops = _tops(cell, function.of_row[inside], n) if function is not None else None
    total = np.bincount(cell, minlength=n)
    found = [
        CellFigures(
            cells.names[i], int(total[i]), int(recent[i]), int(before[i]), float(expected[i]), float(chance[i]),
            bool(hot[i]), None if opened is None else int(opened[i]), by_month[i].tolist(),
            None if tops is None or function is None or tops[i][0] < 0 else (function.names[tops[i][0]], tops[i][1]),
            _centre(cells.names[i]),
        )
        for i in range(n)
    ]  # fmt: skip
    found.sort(key=lambda c: (not c.is_hot, c.chance if c.is_hot else 1.0, -c.recent, c.cell))
    months = [str(np.datetime64(newest - months_shown + 1 + i, "M")) for i in range(months_shown)]
    return Grid(found, months, str(np.datetime64(last, "D")), int((~inside).sum()))


def _tops(cell: NDArray[np.int32], function: NDArray[np.int32], n: int) -> list[tuple[int, int]]:
    pairs, counts = np.unique(np.stack([cell, function], axis=1)[function >= 0], axis=0, return_counts=True)
    best: list[tuple[int, int]] = [(-1, 0)] * n
    for (c, f), count in zip(pairs.tolist(), counts.tolist(), strict=True):
        if count > best[c][1]:
            best[c] = (f, count)
    return best


def _centre(name: str) -> tuple[float, float] | None:
    if not h3.is_valid_cell(name):
        return None
    lat, lng = h3.cell_to_latlng(name)
    return round(lng, 6), round(lat, 6)
