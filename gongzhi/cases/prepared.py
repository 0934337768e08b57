"""Figures that take long to make: kept with the moment they were made, made anew by a job, never while a page waits.

A room names a question (`question`) and how to answer it; `prepared` gives the answer for what was asked. An
answer belongs to a place in the log and a revision of the registry; it is out of date when either has moved
on. What is out of date is still shown, with its “as of”, while a job makes it anew. Only what was
never asked before is made at once, and only in a city small enough for that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.exceptions import AlreadyEnqueued

from gongzhi.cases.kept import is_large
from gongzhi.cases.models import Figure
from gongzhi.registry.models import City

log = structlog.get_logger(__name__)

LEAST_AGE: Final = timedelta(minutes=5)
"""An answer is not made anew more often than that, however much happens meanwhile."""
FORGOTTEN_AFTER: Final = timedelta(days=2)
PROBLEM: Final = "problem"
"""The key under which an answer says why there is none."""

Maker = Callable[[dict[str, Any]], Any]
QUESTIONS: dict[str, Maker] = {}
"""Name → what makes its answer from what was asked; filled by `question` when the rooms start."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer.

    Attributes:
        value: as JSON holds it; None while it is made for the first time.
        at: when it was made, None as `value`.
        is_under_way: whether a job makes it anew.
    """

    value: Any
    at: datetime | None
    is_under_way: bool


def question(name: str, maker: Maker) -> None:
    """Name a question; naming it twice differently is an error."""
    if QUESTIONS.setdefault(name, maker) is not maker:
        raise ValueError(f"{name} is asked in two ways")


def prepared(name: str, asked: dict[str, Any], *, at_once: bool = True) -> Prepared:
    """The answer to `name` for what was asked.

    Args:
        asked: plain data; equal data is the same question.
        at_once: whether a first answer may be made while the page waits, in a small city.
    """
    key = _key(name, asked)
    found = Figure.objects.filter(pk=key).first()
    place = _place()
    now = timezone.now()
    if found is not None:
        moved = found.value["place"] != place
        is_changed = found.value["place"][1] != place[1]
        if not moved or (not is_changed and now - found.at < LEAST_AGE):
            return Prepared(found.value["answer"], found.at, False)
        if not is_changed or is_large():
            return Prepared(found.value["answer"], found.at, _ask_a_job(name, asked, key))
    if not at_once or is_large():
        return Prepared(None, None, _ask_a_job(name, asked, key))
    return make(name, asked)


def make(name: str, asked: dict[str, Any]) -> Prepared:
    """Make an answer and keep it; one process at a time, the others keep what there is.

    What cannot be answered (ValueError) is kept as an answer under `PROBLEM`, so that nobody waits for it.
    """
    key = _key(name, asked)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), 2)", [f"prepared:{key}"])
        now, place = timezone.now(), _place()
        found = Figure.objects.filter(pk=key).first()
        if found is not None and found.value["place"] == place and now - found.at < LEAST_AGE:
            return Prepared(found.value["answer"], found.at, False)
        try:
            answer = json.loads(json.dumps(QUESTIONS[name](asked), allow_nan=False))
        except ValueError as problem:
            answer = {PROBLEM: str(problem)}
        value = {"place": place, "asked": asked, "answer": answer}
        Figure.objects.update_or_create(pk=key, defaults={"value": value, "at": now})
        Figure.objects.filter(key__startswith=f"{name}:", at__lt=now - FORGOTTEN_AFTER).delete()
    return Prepared(answer, now, False)


def _key(name: str, asked: dict[str, Any]) -> str:
    written = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    return f"{name}:{hashlib.sha256(written.encode()).hexdigest()[:32]}"


def _place() -> list[int]:
    """How far the log has come, and the registry's revision."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT max(id) FROM ledger_act), (SELECT revision FROM {City._meta.db_table} LIMIT 1)"  # noqa: S608
        )
        last, revision = cursor.fetchone()
    return [int(last or 0), int(revision or 0)]


def _ask_a_job(name: str, asked: dict[str, Any], key: str) -> bool:
    from gongzhi.cases.jobs import prepare

    try:
        with transaction.atomic():
            prepare.configure(queueing_lock=key).defer(name=name, asked=asked)
    except AlreadyEnqueued:
        pass
    return True
