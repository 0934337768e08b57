"""Lateness of the city's own cases: learned at night, told at intake and every day for what is open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from gongzhi.registry import snapshot
from gongzhi.supervision.lateness import evaluation, reasons
from gongzhi.supervision.lateness import model as learning
from gongzhi.supervision.lateness.history import FACTORS, History
from gongzhi.supervision.models import LatenessModel, LateRisk

MOST_CASES: Final = 200_000
"""The newest so many cases are learned from."""

_ROWS: Final = """
SELECT c.id, c.opened_at, c.due_at, coalesce(c.resolved_at, c.closed_at), c.function_id, c.area_id, c.channel,
  c.urgency,
  coalesce((SELECT t.organisation_id FROM cases_task t WHERE t.case_id = c.id ORDER BY t.id LIMIT 1),
           c.organisation_id)
FROM cases_case c
WHERE c.closure NOT IN ('duplicate', 'withdrawn') AND {which}
"""
"""Who had it first counts, as that is what is known at intake."""


def learn(now: datetime | None = None) -> dict[str, Any] | None:
    """Learn from the city's newest cases and measure on the last fifth; None while there are too few."""
    moment = now or timezone.now()
    _, history = _history(
        "c.opened_at <= %s ORDER BY c.opened_at DESC LIMIT %s", [moment, MOST_CASES], moment
    )
    if not len(history):
        return None
    figures: dict[str, Any] = {}
    try:
        earlier, later = evaluation.split(history, 0.8)
        if len(later):
            figures = evaluation.evaluate(earlier, later)
    except learning.TooLittle:
        pass
    try:
        model = learning.learn(history)
    except learning.TooLittle:
        return None
    with transaction.atomic():
        made = LatenessModel.objects.create(learned_at=moment, document=model.as_json(), figures=figures)
        LatenessModel.objects.exclude(pk=made.pk).filter(learned_at__lte=moment).delete()
    return {
        "cases": model.cases,
        "roc_auc": figures.get("roc_auc"),
        "frozen": figures.get("frozen", {}).get("roc_auc"),
    }


def score_open(now: datetime | None = None) -> int:
    """Tell anew how likely each open case will be late; gives how many were told."""
    return _score("c.state IN ('received', 'assigned', 'under_way')", [], now)


def score_new(now: datetime | None = None, *, most: int = 5_000) -> int:
    """Tell it of cases that came in and have not been told of."""
    return _score(
        "c.state IN ('received', 'assigned', 'under_way') AND NOT EXISTS"
        " (SELECT 1 FROM supervision_laterisk r WHERE r.case_id = c.id) ORDER BY c.id DESC LIMIT %s",
        [most],
        now,
    )


def _score(which: str, parameters: Sequence[Any], now: datetime | None) -> int:
    moment = now or timezone.now()
    newest = LatenessModel.objects.order_by("-learned_at", "-pk").first()
    if newest is None:
        return 0
    ids, history = _history(which, parameters, moment)
    if not ids:
        return 0
    model = learning.Model.from_json(newest.document)
    stamp = moment.timestamp()
    model.state.count_until(stamp)
    seen = np.array([model.state.features(keys, stamp) for keys in learning.lately_keys(history)])
    chance = model.probabilities(history, seen)
    why = reasons.reasons(model, history, seen)
    used = (stamp - history.opened) / np.maximum(1.0, history.due - history.opened)
    now_open = model.while_open(chance, np.clip(used, 0, None))
    why = [
        [{"what": "overdue", "weight": 9.0}] if share >= 1 else r for share, r in zip(used, why, strict=True)
    ]
    LateRisk.objects.bulk_create(
        [
            LateRisk(case_id=pk, probability=float(n), at_intake=float(p), reasons=r, at=moment)
            for pk, p, n, r in zip(ids, chance, now_open, why, strict=True)
        ],
        update_conflicts=True,
        unique_fields=["case_id"],
        update_fields=["probability", "reasons", "at"],
        batch_size=2_000,
    )
    return len(ids)


def _history(which: str, parameters: Sequence[Any], now: datetime) -> tuple[list[int], History]:
    """Cases by time of intake with their ids."""
    view = snapshot.current()
    zone = ZoneInfo(view.city.timezone)
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(which=which), parameters)
        rows = sorted(cursor.fetchall(), key=lambda row: (row[1], row[0]))
    local = [row[1].astimezone(zone) for row in rows]
    words: dict[str, list[str]] = {name: [] for name in FACTORS}
    for _, _, _, _, function_id, area_id, channel, urgency, organisation_id in rows:
        function, area = view.functions.get(function_id or 0), view.areas.get(area_id or 0)
        above = [view.areas[i] for i in area.ancestors if i in view.areas] if area else []
        named = {a.level: a.code for a in above}
        words["function"].append(function.code if function else "")
        words["function_parent"].append(str(function.ancestors[0]) if function and function.ancestors else "")
        words["organisation"].append(str(organisation_id or ""))
        words["channel"].append(channel)
        words["urgency"].append(urgency)
        words["district"].append(named.get("district", ""))
        words["street"].append(named.get("street", ""))
    return [row[0] for row in rows], History(
        opened=np.array([row[1].timestamp() for row in rows]),
        due=np.array([row[2].timestamp() if row[2] else np.nan for row in rows]),
        closed=np.array([row[3].timestamp() if row[3] else np.nan for row in rows]),
        local_hour=np.array([m.hour for m in local], dtype=float),
        weekday=np.array([m.weekday() for m in local], dtype=np.int64),
        due_weekday=np.array([row[2].astimezone(zone).weekday() for row in rows], dtype=np.int64),
        season=np.array([m.timetuple().tm_yday / 366 for m in local]),
        factors={name: np.array(values, dtype=str) for name, values in words.items()},
        observed_until=now.astimezone(UTC).timestamp(),
    )
