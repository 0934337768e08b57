"""A history from a table that somebody has: columns found by their meaning, nothing else is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from gongzhi.intake.importing import guessing, maps, times
from gongzhi.intake.importing.maps import ColumnMap
from gongzhi.intake.importing.tables import FileInvalid, read_table
from gongzhi.supervision.lateness.history import FACTORS, History

NAMEABLE = ("opened", "due", "closed", *FACTORS)
"""What may be told instead of guessed: meaning → column."""


@dataclass(frozen=True, slots=True)
class _Row:
    opened: datetime
    due: datetime | None
    closed: datetime | None
    updated: datetime | None
    words: list[str]


def read_history(path: Path, named: Mapping[str, str] | None = None, *, map_name: str = "") -> History:
    """Read a history from a CSV file, plain or gzipped, in the order of intake.

    Rows without a time of intake are left out. The record ends with the latest moment any of its
    times names.

    Args:
        named: meaning (see `NAMEABLE`) → column, for what cannot be guessed.
        map_name: a built-in map of the importer, or the file of one.

    Raises:
        FileInvalid, MapInvalid: the file or a column cannot be used; the sentence says why.
    """
    table = read_table(path)
    lines = (line.values for line in table.lines if line.values is not None)
    sample = list(islice(lines, guessing.SAMPLE_ROWS))
    columns = list(table.columns)
    try:
        document = maps.read_map(map_name) if map_name else guessing.guess(columns, sample)
    except maps.MapInvalid:
        if not named or "function" not in named:
            raise
        document = {"source": "table", "text": named["function"]}
    bound = maps.bind(document, columns)
    places = _places(bound, columns, dict(named or {}), path)
    for needed in ("opened", "due", "closed"):
        if places.get(needed) is None:
            raise FileInvalid(
                f"{path}: no column says when a case was {needed}; name it with --{needed}. "
                f"The file has: {', '.join(columns)}"
            )

    def moment(values: list[str], place: int | None) -> datetime | None:
        if place is None:
            return None
        return times.read_time(values[place], bound.time_zone, day_first=bound.day_first)

    rows: list[_Row] = []
    for values in [*sample, *lines]:
        opened = moment(values, places["opened"])
        if opened is None:
            continue
        rows.append(
            _Row(
                opened,
                moment(values, places["due"]),
                moment(values, places["closed"]),
                moment(values, bound.updated),
                [values[places[f]].strip() if f in places else "" for f in FACTORS],
            )
        )
    if not rows:
        raise FileInvalid(f"{path}: no row has a time of intake that can be read")
    rows.sort(key=lambda row: row.opened)
    zone = ZoneInfo(bound.time_zone)
    local = [row.opened.astimezone(zone) for row in rows]
    stamps = np.array(
        [[m.timestamp() if m else np.nan for m in (r.opened, r.due, r.closed, r.updated)] for r in rows]
    )
    due_weekday = [row.due.astimezone(zone).weekday() if row.due else 7 for row in rows]
    return History(
        opened=stamps[:, 0],
        due=stamps[:, 1],
        closed=stamps[:, 2],
        local_hour=np.array([m.hour for m in local], dtype=float),
        weekday=np.array([m.weekday() for m in local]),
        due_weekday=np.array(due_weekday),
        season=np.array([m.timetuple().tm_yday / 366 for m in local]),
        factors={
            name: np.array([row.words[k] for row in rows], dtype=np.str_)
            for k, name in enumerate(FACTORS)
            if name in places
        },
        observed_until=float(np.nanmax(stamps[:, [0, 2, 3]])),
    )


def _places(bound: ColumnMap, columns: list[str], named: dict[str, str], path: Path) -> dict[str, int]:
    """Meaning → index of its column."""
    areas = [area.column for area in bound.areas]
    found = {
        "opened": bound.opened,
        "due": bound.due,
        "closed": bound.closed,
        "organisation": bound.organisation,
        "function": bound.function if bound.function is not None else bound.text[0][0],
        "function_parent": bound.function_parent,
        "channel": bound.channel,
        "district": areas[0] if areas else None,
        "street": areas[-1] if len(areas) > 1 else None,
    }
    for meaning, column in named.items():
        if column not in columns:
            raise FileInvalid(f"{path}: no column {column!r}; it has {', '.join(columns)}")
        found[meaning] = columns.index(column)
    return {meaning: place for meaning, place in found.items() if place is not None}
