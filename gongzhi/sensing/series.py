"""Counts of matters per period and group, made from rows; what is no count is named, never guessed in silence.

A period without rows counts as zero, except where that is hardly believable: a run of empty periods in
which the surrounding rate would have given at least `UNBELIEVABLE` matters (a Poisson chance of at most
e^-20) is a **gap** of recording. Nothing is learnt from gaps, and they are listed in the notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gongzhi.lake.tables import HEADING_ROWS, TableInvalid, open_table

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
FIRST_MONDAY = 4
"""1970-01-05 was a Monday; weeks are counted from it."""
UNBELIEVABLE = 20.0
"""Expected matters above which an empty run is a gap and not a zero."""
SHORTEST_GAP = 3
NEIGHBOURHOOD = 28
"""Periods before and after a run that tell its usual rate."""
MOST_CELLS = 40_000_000
FAR_US = 3 * 366 * DAY_US
"""Rows further than this from all others are misdated."""
MOST_MISDATED = 0.001
EMPTY = "(empty)"
TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of the groups at the bottom of a hierarchy.

    Attributes:
        start: number of the first period: days since 1970-01-01, weeks since 1970-01-05, hours since 1970.
        freq: "day", "week" or "hour".
        values: (n, t) counts.
        known: (n, t) False where nothing is known: gaps, and the time before a group existed.
        labels: the words of each group, one for each column it is grouped by.
        by: names of those columns.
        notes: what was left out or treated, in words.
        row_group, row_period: (rows,) to which group and period each row of the file went, -1 for left out.
    """

    start: int
    freq: str
    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    labels: list[tuple[str, ...]]
    by: tuple[str, ...]
    notes: list[str] = field(default_factory=list)
    row_group: NDArray[np.int64] | None = None
    row_period: NDArray[np.int64] | None = None

    @property
    def periods(self) -> int:
        return int(self.values.shape[1])

    def moment(self, index: int) -> str:
        """The beginning of a period, ISO 8601."""
        return period_name(self.start + index, self.freq)


def period_name(number: int, freq: str) -> str:
    """A period's beginning: a date, or date and hour."""
    if freq == "hour":
        return str(np.datetime64(number, "h").astype("datetime64[m]"))
    return str(np.datetime64(number * 7 + FIRST_MONDAY if freq == "week" else number, "D"))


def period_of(moments: NDArray[np.int64], freq: str) -> NDArray[np.int64]:
    """The number of the period in which each moment (µs since 1970) lies."""
    if freq == "hour":
        return moments // HOUR_US
    days = moments // DAY_US
    return (days - FIRST_MONDAY) // 7 if freq == "week" else days


def read_counts(
    path: Path, time: str, by: Sequence[str] = (), freq: str = "day", value: str | None = None
) -> Counts:
    """Count the rows of a file per period and group.

    Args:
        value: column with a count per row, for files that are already counted; otherwise a row is one matter.

    Raises:
        TableInvalid: the file, a column or a value cannot be used; names row and column.
    """
    with open_table(path, [time, *by, *([value] if value else [])]) as table:
        moments = table.moments(time)
        groups = [table.codes(c) for c in by]
        amounts = table.counts(value) if value else None
    return count(moments, [(g.of_row, g.names) for g in groups], tuple(by), freq, amounts)


def count(
    moments: NDArray[np.int64],
    groups: Sequence[tuple[NDArray[np.int32], Sequence[str]]],
    by: tuple[str, ...] = (),
    freq: str = "day",
    amounts: NDArray[np.float64] | None = None,
    end: int | None = None,
) -> Counts:
    """Counts of rows given as arrays.

    Args:
        moments: (n,) µs since 1970.
        groups: for each column in `by` the code of each row (-1 is empty) and the words of the codes.
        amounts: (n,) what each row counts for; NaN says that the row's period is not known.
        end: the moment (µs) up to which recording was complete, when that is known; else it is inferred.
    """
    notes: list[str] = []
    keep = _not_misdated(moments, notes)
    if not keep.all():
        moments, groups = moments[keep], [(codes[keep], words) for codes, words in groups]
        amounts = None if amounts is None else amounts[keep]
    if len(moments) == 0:
        raise TableInvalid("no rows to count")
    number = period_of(moments, freq)
    first = int(number.min())
    last = int(number.max()) if end is None else int(period_of(np.array([end]), freq)[0])
    periods = last - first + 1
    group = np.zeros(len(moments), np.int64)
    for codes, words in groups:
        group = group * (len(words) + 1) + codes.astype(np.int64) + 1
    distinct, row_of = np.unique(group, return_inverse=True)
    if len(distinct) * periods > MOST_CELLS:
        raise TableInvalid(
            f"{len(distinct)} groups over {periods} periods are too many at once: group by fewer columns or take weeks"
        )
    cell = row_of * periods + (number - first)
    size = len(distinct) * periods
    weights = None if amounts is None else np.nan_to_num(amounts)
    values = np.bincount(cell, weights, size).astype(np.float64).reshape(len(distinct), periods)
    known = np.ones(values.shape, np.bool_)
    if amounts is not None:
        known &= ~_unstated(amounts, cell, values.shape, notes)
    counts = Counts(first, freq, values, known, _labels(distinct, groups), by, notes)
    _mark_gaps(counts)
    counts = counts if end is not None else _without_partial_ends(counts, moments)
    row_group, row_period = np.full(len(keep), -1), np.full(len(keep), -1)
    at = number - counts.start
    row_group[keep], row_period[keep] = row_of, np.where((at >= 0) & (at < counts.periods), at, -1)
    return replace(counts, row_group=row_group, row_period=row_period)


def _labels(
    distinct: NDArray[np.int64], groups: Sequence[tuple[NDArray[np.int32], Sequence[str]]]
) -> list[tuple[str, ...]]:
    """The words of each group number."""
    found: list[list[str]] = []
    rest = distinct.copy()
    for _, words in reversed(groups):
        named = [EMPTY, *words]
        found.append([named[i] for i in (rest % len(named)).tolist()])
        rest = rest // len(named)
    return [tuple(reversed(parts)) for parts in zip(*found, strict=True)] if found else [()] * len(distinct)


def _not_misdated(moments: NDArray[np.int64], notes: list[str]) -> NDArray[np.bool_]:
    """Rows that do not stand alone years away from everything else."""
    keep = np.ones(len(moments), np.bool_)
    if len(moments) < 100:
        return keep
    ordered = np.sort(moments)
    jumps = np.flatnonzero(np.diff(ordered) > FAR_US)
    few = MOST_MISDATED * len(moments)
    low = [j for j in jumps if j + 1 <= few]
    high = [j for j in jumps if len(moments) - j - 1 <= few]
    if low:
        keep &= moments > ordered[low[-1]]
    if high:
        keep &= moments <= ordered[high[0]]
    if not keep.all():
        at = int(np.flatnonzero(~keep)[0])
        notes.append(
            f"{int((~keep).sum())} rows left out, years away from all others (the first: row {at + HEADING_ROWS}, "
            f"{np.datetime64(int(moments[at]), 'us').astype('datetime64[D]')})"
        )
    return keep


def _unstated(
    amounts: NDArray[np.float64], cell: NDArray[np.int64], shape: tuple[int, ...], notes: list[str]
) -> NDArray[np.bool_]:
    """Cells of a table of counts that say nothing: written empty, or absent where zeros are written out."""
    size = shape[0] * shape[1]
    empty = np.bincount(cell[np.isnan(amounts)], minlength=size) > 0
    if (amounts == 0).any():
        absent = np.bincount(cell, minlength=size) == 0
        if absent.any():
            notes.append(
                f"{int(absent.sum())} periods absent from the file are unknown, since it writes zeros out"
            )
        empty |= absent
    return empty.reshape(shape)


def _mark_gaps(counts: Counts) -> None:
    """Take runs that cannot be zeros, and the time before a group existed, out of what is known."""
    listed: list[tuple[int, int, str]] = []
    total = counts.values.sum(axis=0)
    for begin, stop in _gaps(total):
        counts.known[:, begin:stop] = False
        listed.append((begin, stop, "the whole file"))
    late = 0
    for row in range(counts.values.shape[0]):
        values = counts.values[row]
        filled = np.flatnonzero(values)
        if filled.size == 0:
            continue
        first = int(filled[0])
        if first and values[first : first + NEIGHBOURHOOD].mean() * first >= UNBELIEVABLE:
            counts.known[row, :first] = False
            late += 1
        if len(counts.labels) > 1:
            for begin, stop in _gaps(values):
                if counts.known[row, begin:stop].any():
                    counts.known[row, begin:stop] = False
                    listed.append((begin, stop, " / ".join(counts.labels[row])))
    if late:
        counts.notes.append(
            f"{late} groups begin later than the file; the time before is not counted as zero"
        )
    for begin, stop, whose in listed[:20]:
        counts.notes.append(
            f"gap from {counts.moment(begin)} to {counts.moment(stop - 1)} in {whose}: not learnt from"
        )
    if len(listed) > 20:
        counts.notes.append(f"and {len(listed) - 20} more gaps")


def _gaps(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Runs of zeros, as (begin, end), that the rate on both sides makes unbelievable."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], (values == 0).astype(np.int8), [0]))))
    found = []
    for begin, stop in edges.reshape(-1, 2).tolist():
        if stop - begin < SHORTEST_GAP or begin == 0 or stop == len(values):
            continue
        before = values[max(0, begin - NEIGHBOURHOOD) : begin].mean()
        after = values[stop : stop + NEIGHBOURHOOD].mean()
        if min(before, after) * (stop - begin) >= UNBELIEVABLE:
            found.append((begin, stop))
    return found


def _without_partial_ends(counts: Counts, moments: NDArray[np.int64]) -> Counts:
    """Leave out a first week or a last period that the file covers in part only.

    Whether the last day was over is told by how many matters the usual course of a day would still have brought.
    """
    values, known, start, periods = counts.values, counts.known, counts.start, counts.periods
    if counts.freq == "week" and periods > 1:
        if (int(moments.min()) // DAY_US - FIRST_MONDAY) % 7:
            values, known, start = values[:, 1:], known[:, 1:], start + 1
            counts.notes.append("the first week is covered in part only and left out")
        if values.shape[1] > 1 and (int(moments.max()) // DAY_US - FIRST_MONDAY) % 7 != 6:
            values, known = values[:, :-1], known[:, :-1]
            counts.notes.append("the last week is covered in part only and left out")
    elif counts.freq == "day" and periods > NEIGHBOURHOOD:
        clock = moments % DAY_US
        rate = values[:, -NEIGHBOURHOOD - 1 : -1].sum(axis=0).mean()
        still_to_come = rate * float((clock > moments.max() % DAY_US).mean())
        if still_to_come >= 6.0:
            values, known = values[:, :-1], known[:, :-1]
            counts.notes.append(
                f"the last day ends at {np.datetime64(int(moments.max()), 'us').astype('datetime64[m]')}, before it was over, and is left out"
            )
    return Counts(start, counts.freq, values, known, counts.labels, counts.by, counts.notes)
