"""What a leader sees this morning: what people talk about, where, what will come, what is unusual.

Made from the city's cases as everybody may see them (masked texts, published places) and from counts, once an
hour by a job; a page shows what was made last and says when.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from gongzhi.cases.models import Case, Figure
from gongzhi.lake.tables import Codes
from gongzhi.registry import snapshot
from gongzhi.registry.snapshot import Snapshot
from gongzhi.sensing import grid, report
from gongzhi.sensing.anomalies import anomalies
from gongzhi.sensing.forecasts import Forecast, forecast
from gongzhi.sensing.hot_issues import HEAT_FORMULA, Matters, hot_issues
from gongzhi.sensing.series import DAY_US, Counts, count, period_name

KEY: Final = "sensing:morning"
FRESH_FOR: Final = timedelta(hours=2)
HORIZON: Final = 14
YEARS: Final = 4
HOT_DAYS: Final = 60
HOT_MATTERS: Final = 20_000
ALERT_DAYS: Final = 14
SHOWN_ISSUES: Final = 12
SHOWN_DAYS: Final = 90
NONE: Final = "-"
"""Code of matters without function or area."""


@dataclass(frozen=True, slots=True)
class Morning:
    """The figures as JSON, and when they were made."""

    document: dict[str, Any]
    at: datetime


def morning() -> Morning:
    """What was made last; made now when there is nothing or it is too old."""
    found = Figure.objects.filter(pk=KEY).first()
    if found is not None and timezone.now() - found.at < FRESH_FOR:
        return Morning(found.value, found.at)
    return refresh()


def refresh() -> Morning:
    """Make the figures anew; one process at a time, the others show what there is."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s), 1)", [f"figure:{KEY}"])
        is_mine = cursor.fetchone()[0]
        kept = Figure.objects.filter(pk=KEY).first()
        if not is_mine and kept is not None:
            return Morning(kept.value, kept.at)
        now = timezone.now()
        document = json.loads(json.dumps(_made(now), allow_nan=False))
        Figure.objects.update_or_create(pk=KEY, defaults={"value": document, "at": now})
    return Morning(document, now)


def _made(now: datetime) -> dict[str, Any]:
    view = snapshot.current()
    zone = ZoneInfo(view.city.timezone)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    document: dict[str, Any] = {
        "forecast": None,
        "alerts": [],
        "issues": [],
        "areas": None,
        "formula": HEAT_FORMULA,
    }
    counts = _counts(view, midnight, zone)
    if counts is not None:
        document["forecast"] = _forecast_document(forecast(counts, HORIZON, view.city.country), counts)
        found = anomalies(counts, view.city.country)
        document["alerts"] = [
            report.alert_json(found, a) | {"label": list(a.label)}
            for a in found.alerts
            if counts.periods - a.last <= ALERT_DAYS
        ]
        document["watched"] = {"series": found.series, "per_thousand": round(found.per_thousand, 2)}
    document["issues"] = _issues(view, now)
    document["areas"] = _areas(view, midnight, zone)
    return document


def _counts(view: Snapshot, midnight: datetime, zone: ZoneInfo) -> Counts | None:
    """Matters per day, group of functions and district, up to yesterday."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (opened_at AT TIME ZONE %s)::date - date '1970-01-01', function_id, area_id, count(*)
               FROM cases_case WHERE opened_at >= %s AND opened_at < %s GROUP BY 1, 2, 3 ORDER BY 1""",
            [str(zone), midnight - timedelta(days=366 * YEARS), midnight],
        )
        rows = cursor.fetchall()
    if not rows:
        return None
    functions = _coded([_group_of(view, row[1]) for row in rows])
    districts = _coded([_around(view, row[2], "district") for row in rows])
    days = np.array([row[0] for row in rows], np.int64) * DAY_US
    yesterday = (midnight.replace(tzinfo=UTC) - timedelta(days=1)).timestamp() * 1e6
    return count(
        days,
        [(functions.of_row, functions.names), (districts.of_row, districts.names)],
        ("function", "district"),
        "day",
        np.array([row[3] for row in rows], np.float64),
        end=int(yesterday),
    )


def _coded(words: list[str]) -> Codes:
    known = {word: i for i, word in enumerate(dict.fromkeys(words))}
    return Codes(np.array([known[w] for w in words], np.int32), list(known))


def _group_of(view: Snapshot, function_id: int | None) -> str:
    function = view.functions.get(function_id or 0)
    top = view.functions.get(function.ancestors[0]) if function is not None else None
    return top.code if top is not None else NONE


def _around(view: Snapshot, area_id: int | None, level: str) -> str:
    area = view.areas.get(area_id or 0)
    for identity in area.ancestors if area is not None else ():
        around = view.areas.get(identity)
        if around is not None and around.level == level:
            return around.code
    return NONE


def _forecast_document(found: Forecast, counts: Counts) -> dict[str, Any]:
    """The total, groups and districts; single groups in single districts stay in the command line."""
    document = report.forecast_json(found)
    shown = []
    for series, entry in zip(found.series, document["series"], strict=True):
        if len(series.label) > 1:
            continue
        recent = series.recent[-SHOWN_DAYS:]
        entry["recent"] = [None if np.isnan(v) else int(v) for v in recent]
        entry["label"], entry["by"] = list(series.label), list(series.by)
        shown.append(entry)
    shown_days = len(shown[0]["recent"])
    document["series"] = shown
    document["past"] = [
        period_name(counts.start + counts.periods - shown_days + i, "day") for i in range(shown_days)
    ]
    return document


def _issues(view: Snapshot, now: datetime) -> list[dict[str, Any]]:
    rows = list(
        Case.objects.filter(is_public=True, opened_at__gte=now - timedelta(days=HOT_DAYS))
        .exclude(public_text="")
        .order_by("-opened_at")
        .values_list("number", "public_text", "opened_at", "area_id", "organisation_id", "supporters")[
            :HOT_MATTERS
        ]
    )
    if not rows:
        return []
    streets = [_around(view, r[3], "street") for r in rows]
    matters = Matters(
        [r[0] for r in rows],
        [[r[1] for r in rows]],
        np.array([int(r[2].timestamp() * 1e6) for r in rows], np.int64),
        np.array([r[5] for r in rows], np.float64),
        streets,
    )
    found = []
    for issue in hot_issues(matters, SHOWN_ISSUES):
        members = issue.rows.tolist()
        areas = [streets[i] for i in members if streets[i] != NONE]
        holders = [r for r in (rows[i][4] for i in members) if r]
        found.append(
            {
                "title": issue.title,
                "place": issue.place,
                "area": max(set(areas), key=areas.count) if areas else "",
                "size": len(members),
                "heat": round(issue.heat, 1),
                "start": issue.start // 1_000_000,
                "end": issue.end // 1_000_000,
                "numbers": [rows[i][0] for i in members[:5]],
                "organisation": max(set(holders), key=holders.count) if holders else None,
            }
        )
    return found


def _areas(view: Snapshot, midnight: datetime, zone: ZoneInfo) -> dict[str, Any] | None:
    """Public matters per street, month by month."""
    rows = list(
        Case.objects.filter(
            is_public=True, opened_at__gte=midnight - timedelta(days=392), opened_at__lt=midnight
        ).values_list("opened_at", "area_id", "state")
    )
    if not rows:
        return None
    moments = np.array(
        [int(r[0].astimezone(zone).replace(tzinfo=UTC).timestamp() * 1e6) for r in rows], np.int64
    )
    streets = _coded([_around(view, r[1], "street") for r in rows])
    is_open = np.array([r[2] in ("received", "assigned", "under_way") for r in rows])
    found = grid.figures(moments, streets, is_open=is_open)
    cells = [
        {
            "area": c.cell, "matters": c.matters, "recent": c.recent, "before": c.before,
            "expected": round(c.expected, 1), "open": c.open, "is_hot": c.is_hot, "by_month": c.by_month,
        }
        for c in found.cells
        if c.cell != NONE
    ]  # fmt: skip
    return {"months": found.months, "until": found.until, "cells": cells}
