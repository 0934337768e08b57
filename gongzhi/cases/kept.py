"""Figures over all cases that are kept for a little while, once there are too many to count each time.

Up to about 10,000 cases every figure is counted when it is asked for. Beyond that a figure is kept
in the database and at most `FRESH_FOR_S` old: one request counts it anew while the others read
what is there, so that a page of a million cases takes as long as one of ten thousand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from gongzhi.cases.models import Figure

FRESH_FOR_S = 60
COUNTED_EACH_TIME_BYTES = 12 * 1024 * 1024
"""Size of the table of cases up to which figures are counted each time."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A figure, and when it was counted."""

    value: Any
    at: datetime


def kept(key: str, count: Callable[[], Any]) -> Kept:
    """The figure `key`, counted by `count` when it is not kept or too old.

    Args:
        key: at most 100 characters; the same for the same question.
        count: gives a value that JSON can hold.
    """
    now = timezone.now()
    if not is_large():
        return Kept(count(), now)
    found = Figure.objects.filter(pk=key).first()
    if found is not None and now - found.at < timedelta(seconds=FRESH_FOR_S):
        return Kept(found.value, found.at)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s), 1)", [f"figure:{key}"])
        if not cursor.fetchone()[0] and found is not None:
            return Kept(found.value, found.at)
        value = json.loads(json.dumps(count()))
        Figure.objects.update_or_create(pk=key, defaults={"value": value, "at": now})
    return Kept(value, now)


def is_large() -> bool:
    """Whether there are too many cases to count or replay them while a page waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('cases_case')")
        return bool(cursor.fetchone()[0] > COUNTED_EACH_TIME_BYTES)
