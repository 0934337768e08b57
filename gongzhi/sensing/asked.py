"""What the pages of sensing ask and a job answers (see `cases.prepared`): needs, figures per cell, next week's demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import h3
import numpy as np
from django.db import connection
from django.utils import timezone

from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case
from gongzhi.cases.prepared import Maker
from gongzhi.lake.tables import Codes
from gongzhi.registry import queries as registry_queries
from gongzhi.registry import snapshot
from gongzhi.registry.snapshot import Snapshot
from gongzhi.sensing import grid
from gongzhi.sensing.areas import NONE, around, coded
from gongzhi.sensing.forecasts import forecast
from gongzhi.sensing.needs import Asked, needs
from gongzhi.sensing.series import DAY_US, count

NEEDS: Final = "sensing.needs"
GRID: Final = "sensing.grid"
NEXT_WEEK: Final = "sensing.next_week"
DISTRICT, STREET, CELL, HEXAGON = LEVELS = ("district", "street", "grid", "hexagon")
HEXAGON_SIZE: Final = 8
"""H3 resolution: hexagons of about 0.7 km²."""
MOST_MATTERS: Final = 500_000
WEEKS: Final = 3 * 52
ENDED_WITHIN_DAYS: Final = 400
_NOBODY: Final = ""


def _needs(asked: dict[str, Any]) -> dict[str, Any]:
    """Who asks for what; parts and functions by their codes, people only as counts."""
    view = snapshot.current()
    zone = view.city.timezone
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (extract(epoch FROM c.opened_at AT TIME ZONE %s) * 1000000)::bigint, c.function_id, c.area_id,
                      c.channel, c.language, (c.reading->>'confidence')::float8, c.public_text, c.number,
                      c.is_public, coalesce(p.person_id::text, nullif(p.phone, ''), '')
               FROM cases_case c LEFT JOIN LATERAL (
                   SELECT person_id, phone FROM cases_party WHERE case_id = c.id AND role = 'requester' LIMIT 1
               ) p ON true
               WHERE c.opened_at >= %s AND c.merged_into_id IS NULL ORDER BY c.opened_at DESC LIMIT %s""",
            [zone, timezone.now() - timedelta(days=int(asked["days"])), MOST_MATTERS],
        )
        rows = cursor.fetchall()
    if not rows:
        raise ValueError("no matter was received in this period")
    functions = [view.functions[r[1]].code if r[1] in view.functions else NONE for r in rows]
    found = needs(
        Asked(
            np.array([r[0] for r in rows], np.int64),
            coded(functions, NONE),
            {
                "area": coded([around(view, r[2], "district") for r in rows], NONE),
                "channel": coded([r[3] for r in rows]),
                "language": coded([r[4] for r in rows]),
            },
            coded([r[9] for r in rows], _NOBODY),
            [r[6] for r in rows],
            # What is confidential is counted, and takes no part in what is quoted.
            np.array([r[5] if r[8] and r[5] is not None else np.nan for r in rows], np.float64),
        )
    )
    return {
        "matters": found.matters,
        "people": len({r[9] for r in rows} - {_NOBODY}),
        "left_out": found.left_out,
        "unmatched": found.unmatched,
        "segments": [asdict(s) for s in found.segments],
        "repeats": [asdict(r) for r in found.repeats],
        "following": [asdict(n) for n in found.following],
        "uncovered": [
            {
                "title": u.title,
                "place": u.place,
                "matters": u.matters,
                "numbers": [rows[i][7] for i in u.rows],
                "functions": Counter(functions[i] for i in u.rows).most_common(3),
            }
            for u in found.uncovered
        ],
    }


def _grid(asked: dict[str, Any]) -> dict[str, Any]:
    """Figures of every cell of a level; months up to the last whole day."""
    view = snapshot.current()
    zone = ZoneInfo(view.city.timezone)
    midnight = timezone.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(days=ENDED_WITHIN_DAYS - 8)
    cases = Case.objects.filter(is_public=True, opened_at__gte=since, opened_at__lt=midnight)
    if asked["function"]:
        chosen = view.function_by_code.get(asked["function"])
        if chosen is None:
            raise ValueError(f"no function {asked['function']!r}")
        cases = cases.filter(function__in=[f.id for f in view.functions.values() if chosen.id in f.ancestors])
    fields = ("opened_at", "area_id", "state", "function_id", "public_lng", "public_lat")
    rows = list(cases.order_by("-opened_at").values_list(*fields)[:MOST_MATTERS])
    if not rows:
        raise ValueError("no matter was received in this period")
    moments = np.array([_local_us(r[0], zone) for r in rows], np.int64)
    functions = coded([view.functions[r[3]].code if r[3] in view.functions else NONE for r in rows], NONE)
    is_open = np.array([r[2] in OPEN_STATES for r in rows])
    found = grid.figures(moments, _cells(view, asked["level"], rows), functions, is_open)
    about = _about(view, asked["level"])
    return {
        "months": found.months,
        "until": found.until,
        "outside": found.outside,
        "cells": [
            {
                "cell": c.cell, "matters": c.matters, "recent": c.recent, "before": c.before,
                "expected": round(c.expected, 1), "open": c.open, "is_hot": c.is_hot, "by_month": c.by_month,
                "top": list(c.top) if c.top else None, "place": c.place,
                **about.get(c.cell, {}),
            }
            for c in found.cells
        ],
    }  # fmt: skip


def _cells(view: Snapshot, level: str, rows: list[tuple[Any, ...]]) -> Codes:
    if level == HEXAGON:
        missing = float("nan")
        lng = np.array([missing if r[4] is None else r[4] for r in rows])
        lat = np.array([missing if r[5] is None else r[5] for r in rows])
        return grid.hexagons(lng, lat, HEXAGON_SIZE)
    return coded([around(view, r[1], level) for r in rows], NONE)


def _about(view: Snapshot, level: str) -> dict[str, dict[str, int | None]]:
    """Area code → its people, places and organisations."""
    if level == HEXAGON:
        return {}
    people = registry_queries.population_by_area(level)
    places = _within(view, level, registry_queries.area_of_each_place())
    organisations = _within(view, level, (o.area_id for o in view.organisations.values()))
    return {
        a.code: {"people": people.get(a.id), "places": places[a.code], "organisations": organisations[a.code]}
        for a in view.areas.values()
        if a.level == level
    }


def _within(view: Snapshot, level: str, area_ids: Iterable[int | None]) -> Counter[str]:
    return Counter(around(view, a, level) for a in area_ids)


def outlines(level: str, codes: Iterable[str]) -> dict[str, Any]:
    """Code → GeoJSON polygon of the cells of a level, as far as known."""
    if level == HEXAGON:
        return {
            code: {"type": "Polygon", "coordinates": [[[lng, lat] for lat, lng in _ring(code)]]}
            for code in codes
            if h3.is_valid_cell(code)
        }
    wanted = set(codes)
    return {
        area.code: area.geometry
        for area in registry_queries.areas_with_outline([level])
        if area.code in wanted
    }


def _ring(code: str) -> list[tuple[float, float]]:
    corners = list(h3.cell_to_boundary(code))
    return [*corners, corners[0]]


def _next_week(asked: dict[str, Any]) -> dict[str, Any]:
    """Matters that next week (Monday to Sunday) is expected to bring to each area of a level, with intervals."""
    view = snapshot.current()
    zone = ZoneInfo(view.city.timezone)
    today = timezone.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    functions = None
    if asked["function"]:
        chosen = view.function_by_code.get(asked["function"])
        if chosen is None:
            raise ValueError(f"no function {asked['function']!r}")
        functions = [f.id for f in view.functions.values() if chosen.id in f.ancestors]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (opened_at AT TIME ZONE %s)::date - date '1970-01-01', area_id, count(*)
               FROM cases_case WHERE opened_at >= %s AND opened_at < %s AND merged_into_id IS NULL
                 AND (%s::bigint[] IS NULL OR function_id = ANY(%s)) GROUP BY 1, 2 ORDER BY 1""",
            [str(zone), monday - timedelta(weeks=WEEKS), monday, functions, functions],
        )
        rows = [(day, around(view, area, asked["level"]), n) for day, area, n in cursor.fetchall()]
    rows = [r for r in rows if r[1] != NONE]
    if not rows:
        raise ValueError("no matter was received in this period")
    areas = coded([r[1] for r in rows])
    sunday = (monday.replace(tzinfo=UTC) - timedelta(days=1)).timestamp() * 1e6
    counts = count(
        np.array([r[0] for r in rows], np.int64) * DAY_US,
        [(areas.of_row, areas.names)],
        ("area",),
        "week",
        np.array([r[2] for r in rows], np.float64),
        end=int(sunday),
    )
    # This week is not over, so next week is the second one ahead.
    found = forecast(counts, 2, view.city.country)
    total = next((s for s in found.series if not s.label), None)
    return {
        "monday": str((monday + timedelta(weeks=1)).date()),
        "areas": [
            {
                "area": s.label[0], "mean": round(float(s.mean[1]), 3),
                "low80": float(s.low[0, 1]), "high80": float(s.high[0, 1]),
                "last": [None if np.isnan(v) else int(v) for v in s.recent[-8:]],
            }
            for s in found.series
            if len(s.label) == 1
        ],
        "mase": None if total is None or total.backtest is None else round(total.backtest.mase, 3),
        "held80": None if total is None or total.backtest is None else round(total.backtest.coverage[0], 3),
    }  # fmt: skip


def _local_us(at: datetime, zone: ZoneInfo) -> int:
    return int(at.astimezone(zone).replace(tzinfo=UTC).timestamp() * 1e6)


MAKERS: Final[dict[str, Maker]] = {NEEDS: _needs, GRID: _grid, NEXT_WEEK: _next_week}
