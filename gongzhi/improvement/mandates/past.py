"""What happened to the cases of a period, as columns: where they went first, where they ended, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from gongzhi.lake.tables import column_names, open_table
from gongzhi.registry.snapshot import Snapshot

MOVES = ("case.transfer", "case.assign", "case.return")
NOBODY = -1
"""Stands for a function, area or organisation that is not known."""
_MOST_TIED = 0.5
"""A second reading with at least this share of the first one's probability is a near tie."""


@dataclass(slots=True)
class Past:
    """Cases of a period; ids of the registry, `NOBODY` where unknown.

    Attributes:
        function: (n,) what the case was about in the end.
        routed: (n,) by which function it was sent to its first organisation.
        read: (n,) what a machine understood it to be.
        tied: (n,) the second reading where it came near the first.
        area, organisation: (n,) where it was, who held it in the end.
        moves: (n,) how often it went from one organisation to another.
        lost_hours: (n,) from receipt until it last changed hands; 0 where it never did.
        paths: for cases that moved: row → organisations in the order in which they held it.
        numbers: (n,) of the cases; empty for cases from a file, which are known by their row.
    """

    function: NDArray[np.int64]
    routed: NDArray[np.int64]
    read: NDArray[np.int64]
    tied: NDArray[np.int64]
    area: NDArray[np.int64]
    organisation: NDArray[np.int64]
    moves: NDArray[np.int64]
    lost_hours: NDArray[np.float64]
    paths: dict[int, list[int]] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.function)


_QUERY = """
SELECT c.function_id, c.area_id, c.organisation_id, c.route->>'organisation', c.reading->>'function',
       c.reading->'others'->0->>0, (c.reading->>'confidence')::float8, (c.reading->'others'->0->>1)::float8,
       coalesce(m.moves, 0), coalesce(extract(epoch FROM m.last - c.opened_at) / 3600, 0), m.path,
       c.route->>'function', c.number
FROM cases_case c LEFT JOIN (
    SELECT subject_id, max(recorded_at) AS last,
           count(*) FILTER (WHERE verb <> 'case.return') AS moves,
           array_agg((details->>'organisation')::bigint ORDER BY id) FILTER (WHERE verb <> 'case.return') AS path
    FROM ledger_act WHERE subject_kind = 'case' AND verb = ANY(%s) GROUP BY subject_id
) m ON m.subject_id = c.id
WHERE c.opened_at >= %s AND c.opened_at < %s AND c.merged_into_id IS NULL
ORDER BY c.id
"""


def from_database(registry: Snapshot, since: datetime, until: datetime) -> Past:
    """The cases received in a period, duplicates left out; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [list(MOVES), since, until])
        rows = cursor.fetchall()
    code_of = {f.code: f.id for f in registry.functions.values()}
    paths: dict[int, list[int]] = {}
    moves, lost = np.zeros(len(rows), np.int64), np.zeros(len(rows))
    for at, row in enumerate(rows):
        first = _number(row[3])
        path = [first] if first != NOBODY else []
        for holder in row[10] or ():
            if not path or path[-1] != holder:
                path.append(holder)
        if len(path) > 1:
            paths[at], moves[at], lost[at] = path, len(path) - 1, max(float(row[9]), 0.0)
    read = np.array([code_of.get(r[4] or "", r[0] or NOBODY) for r in rows], np.int64)
    near = [r[6] is not None and r[7] is not None and r[7] >= _MOST_TIED * r[6] for r in rows]
    return Past(
        function=_ids([r[0] for r in rows]),
        routed=np.array([_number(r[11]) for r in rows], np.int64),
        read=read,
        tied=np.array(
            [code_of.get(r[5] or "", NOBODY) if n else NOBODY for r, n in zip(rows, near, strict=True)],
            np.int64,
        ),
        area=_ids([r[1] for r in rows]),
        organisation=_ids([r[2] for r in rows]),
        moves=moves,
        lost_hours=lost,
        paths=paths,
        numbers=[r[12] for r in rows],
    )


def _number(text: str | None) -> int:
    return int(text) if text else NOBODY


def _ids(values: Sequence[Any]) -> NDArray[np.int64]:
    return np.array([NOBODY if v is None else int(v) for v in values], np.int64)


COLUMNS = ("function", "area", "organisation")
OPTIONAL = ("read", "tied", "path", "hours")
"""Columns of a file of cases: codes of the registry; `path` holds codes in order, joined by ">"."""


def from_file(path: Path, registry: Snapshot) -> Past:
    """Cases from a CSV or Parquet file with the columns function, area, organisation and maybe read, tied, path, hours.

    Raises:
        TableInvalid: a column is missing.
        ValueError: a code that the registry does not know; names the row.
    """
    there = set(column_names(path))
    wanted = [*COLUMNS, *(c for c in OPTIONAL if c in there)]
    with open_table(path, wanted) as table:
        rows = table.rows
        known: dict[str, dict[str, int]] = {
            "function": {c: f.id for c, f in registry.function_by_code.items()},
            "area": {c: a.id for c, a in registry.area_by_code.items()},
            "organisation": {c: o.id for c, o in registry.organisation_by_code.items()},
        }

        def ids(column: str, kind: str) -> NDArray[np.int64]:
            codes = table.codes(column)
            for place, word in enumerate(codes.names):
                if word not in known[kind]:
                    row = int(np.flatnonzero(codes.of_row == place)[0]) + 2
                    raise ValueError(f"{path}: row {row}, column {column!r}: no {kind} {word!r}")
            table_of = np.array([*(known[kind][w] for w in codes.names), NOBODY], np.int64)
            return table_of[codes.of_row]

        function = ids("function", "function")
        paths: dict[int, list[int]] = {}
        if "path" in wanted:
            for at, text in enumerate(table.texts("path")):
                held = [known["organisation"].get(c.strip(), NOBODY) for c in text.split(">") if c.strip()]
                if len(held) > 1:
                    paths[at] = held
        moves = np.zeros(rows, np.int64)
        for at, held in paths.items():
            moves[at] = len(held) - 1
        read = ids("read", "function") if "read" in wanted else function
        hours = (
            np.nan_to_num(table.numbers("hours", empty_allowed=True)) if "hours" in wanted else np.zeros(rows)
        )
        return Past(
            function=function,
            routed=read,
            read=read,
            tied=ids("tied", "function") if "tied" in wanted else np.full(rows, NOBODY),
            area=ids("area", "area"),
            organisation=ids("organisation", "organisation"),
            moves=moves,
            lost_hours=np.where(moves > 0, hours, 0.0),
            paths=paths,
        )


def nothing() -> Past:
    """No cases: only the table itself is looked at."""
    none = np.zeros(0, np.int64)
    return Past(none, none, none, none, none, none, none, np.zeros(0))
