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
from gongzhi.registry import snapshot
from gongzhi.registry.snapshot import Snapshot
from gongzhi.sensing import arriving, grid, report
from gongzhi.sensing.anomalies import anomalies
from gongzhi.sensing.areas import NONE, around, coded, group_of
from gongzhi.sensing.forecasts import Forecast, forecast
from gongzhi.sensing.series import DAY_US, Counts, count, period_name

KEY: Final = "sensing:morning"
FRESH_FOR: Final = timedelta(hours=2)
HORIZON: Final = 14
YEARS: Final = 4
ALERT_DAYS: Final = 14
SHOWN_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Morning:
    """The figures as JSON with the hot issues under ``issues``, and when each was made."""

    document: dict[str, Any]
    at: datetime
    issues_at: datetime


def morning() -> Morning:
    """What was made last; made now when there is nothing or it is too old."""
    found = {figure.pk: figure for figure in Figure.objects.filter(pk__in=(KEY, arriving.KEY))}
    oldest = timezone.now() - FRESH_FOR
    if arriving.KEY not in found or found[arriving.KEY].at < oldest:
        arriving.begin_anew()
        found[arriving.KEY] = Figure.objects.get(pk=arriving.KEY)
    if KEY not in found or found[KEY].at < oldest:
        found[KEY] = refresh()
    heard = found[arriving.KEY]
    return Morning(found[KEY].value | heard.value, found[KEY].at, heard.at)


def refresh() -> Figure:
    """Make the figures anew; one process at a time, the others show what there is."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s), 1)", [f"figure:{KEY}"])
        is_mine = cursor.fetchone()[0]
        kept = Figure.objects.filter(pk=KEY).first()
        if not is_mine and kept is not None:
            return kept
        now = timezone.now()
        document = json.loads(json.dumps(_made(now), allow_nan=False))
        return Figure.objects.update_or_create(pk=KEY, defaults={"value": document, "at": now})[0]


def _made(now: datetime) -> dict[str, Any]:
    view = snapshot.current()
    zone = ZoneInfo(view.city.timezone)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    document: dict[str, Any] = {
        "forecast": None,
        "alerts": [],
        "areas": None,
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
    functions = coded([group_of(view, row[1]) for row in rows])
    districts = coded([around(view, row[2], "district") for row in rows])
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
    streets = coded([around(view, r[1], "street") for r in rows])
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
