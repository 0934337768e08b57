"""Fingerprints of cases: the rows by which likely duplicates are found.

Whoever opens a case writes its fingerprint in the same statement: `added` puts it beside the
case's other rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gongzhi.cases.opening import CASE_COLUMNS, NewCase, Row
from gongzhi.understanding import sketches

TABLE = "understanding_fingerprint"
COLUMNS = ("case_id", "cell", "lng", "lat", "opened_at", "function_id", "sketch")
CELL_DEGREES = 0.004
"""Height of a cell, about 445 m; its width is about the same number of metres."""
METRES_PER_DEGREE = 111_320.0


_ID, _TEXT, _LNG, _LAT, _OPENED_AT, _FUNCTION = (
    CASE_COLUMNS.index(name) for name in ("id", "text", "lng", "lat", "opened_at", "function_id")
)


def added(cases: Sequence[NewCase]) -> list[NewCase]:
    """New cases with their fingerprints beside them, sketched in one pass."""
    told = [new.case for new in cases]
    made = rows(
        [case[_ID] for case in told],
        [case[_TEXT] for case in told],
        [(case[_LNG], case[_LAT]) for case in told],
        [case[_OPENED_AT] for case in told],
        [case[_FUNCTION] for case in told],
    )
    return [replace(new, beside=(*new.beside, row)) for new, row in zip(cases, made, strict=True)]


def rows(
    case_ids: Sequence[int],
    texts: Sequence[str],
    points: Sequence[tuple[float | None, float | None]],
    opened_at: Sequence[datetime],
    function_ids: Sequence[int | None],
) -> list[Row]:
    """The fingerprints of many cases, sketched in one pass; points are (lng, lat) in WGS 84."""
    made = sketches.of_many(texts)
    return [
        Row(
            TABLE,
            COLUMNS,
            (
                case_id,
                cell_of(lng, lat) if lng is not None and lat is not None else None,
                lng,
                lat,
                at,
                function_id,
                sketches.literal(sketch),
            ),
        )
        for case_id, (lng, lat), at, function_id, sketch in zip(
            case_ids, points, opened_at, function_ids, made, strict=True
        )
    ]


def cell_of(lng: float, lat: float) -> int:
    """The number of the cell that a point lies in."""
    band = math.floor((lat + 90) / CELL_DEGREES)
    return (band << 24) | _column(lng, band)


def cells_around(lng: float, lat: float, radius_m: float) -> list[int]:
    """The numbers of all cells that a circle touches: nine or fewer for 400 m."""
    reach = radius_m / METRES_PER_DEGREE
    cells: list[int] = []
    south = math.floor((max(-90.0, lat - reach) + 90) / CELL_DEGREES)
    north = math.floor((min(90.0, lat + reach) + 90) / CELL_DEGREES)
    for band in range(south, north + 1):
        width = reach / _narrowing(band)
        first, last = _column(lng - width, band), _column(lng + width, band)
        cells += [(band << 24) | column for column in range(first, last + 1)]
    return cells


def _narrowing(band: int) -> float:
    """How much shorter a degree of longitude is in a band than at the equator."""
    return max(0.02, math.cos(math.radians((band + 0.5) * CELL_DEGREES - 90)))


def _column(lng: float, band: int) -> int:
    return max(0, math.floor((lng + 180) * _narrowing(band) / CELL_DEGREES))
