"""Public matters on a map: one by one when there are few, else as counts by cell."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from django.db import connection

from gongzhi.cases.models import Case
from gongzhi.cases.queries import CaseFilters, has_words, like, narrowed
from gongzhi.errors import Invalid

MOST_RECENT = 10_000
"""So many of the newest matching matters are shown, so that a map of a million costs what a small one does."""
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class MapPoint:
    """`count` matters around a WGS 84 place; a single one says what it is."""

    lat: float
    lng: float
    count: int
    number: str
    text: str
    state: str


def matters_within(
    box: tuple[float, float, float, float], filters: CaseFilters, *, most: int = 12
) -> list[Case]:
    """Public matters inside a box, newest first; what stands behind a point that no zoom takes apart.

    Raises:
        Invalid: the box is none, or a filter is unknown.
    """
    west, south, east, north = _checked(box)
    rows = narrowed(Case.objects.filter(is_public=True), filters).filter(
        public_lng__range=(west, east), public_lat__range=(south, north)
    )
    return list(rows.order_by("-opened_at", "-pk").only("number", "public_text", "state")[:most])


def _checked(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = box
    if not all(map(math.isfinite, box)) or west > east or south > north:
        raise Invalid(fields={"bbox": "west,south,east,north"})
    return box


def map_points(box: tuple[float, float, float, float], zoom: int, filters: CaseFilters) -> list[MapPoint]:
    """What a map shows.

    Args:
        box: west, south, east, north in degrees.
        zoom: of a Web Mercator map, 0 … 22; cells are about 60 pixels wide.

    Raises:
        Invalid: the box is none, or a filter is unknown.
    """
    west, south, east, north = _checked(box)
    is_search = has_words(filters)
    recent, parameters = (
        narrowed(
            Case.objects.filter(is_public=True, public_lng__isnull=False),
            replace(filters, q="") if is_search else filters,
        )
        .order_by("-opened_at", "-pk")
        .values_list("id", "public_lng", "public_lat", *(["public_text"] if is_search else []))[:MOST_RECENT]
        .query.sql_with_params()
    )
    step = 360 / 2 ** min(max(zoom, 0), 22) * 60 / 256
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT count(*), avg(public_lat), avg(public_lng), max(id) FROM ({recent}) newest
                WHERE public_lng BETWEEN %s AND %s AND public_lat BETWEEN %s AND %s
                  {"AND public_text ILIKE %s" if is_search else ""}
                GROUP BY floor(public_lng / %s), floor(public_lat / %s)
                ORDER BY 1 DESC, 4 DESC LIMIT {MOST_POINTS}""",  # noqa: S608 – `recent` is Django's own
            [*parameters, west, east, south, north, *([like(filters.q)] if is_search else []), step, step],
        )
        cells = [dict(zip(("n", "y", "x", "one"), row, strict=True)) for row in cursor.fetchall()]
    single = {
        case.pk: case
        for case in Case.objects.filter(pk__in=[c["one"] for c in cells if c["n"] == 1]).only(
            "number", "public_text", "state"
        )
    }
    return [
        MapPoint(
            round(c["y"], 6),
            round(c["x"], 6),
            c["n"],
            single[c["one"]].number if c["n"] == 1 else "",
            single[c["one"]].public_text if c["n"] == 1 else "",
            single[c["one"]].state if c["n"] == 1 else "",
        )
        for c in cells
    ]
