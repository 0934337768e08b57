"""Clocks of what has a deadline beside the case: parts, directives, requests for more time.

They climb the same ladder as cases, set by set; what is watched is told by the rooms themselves
(`cases.watching`). A request for time is the head's to decide, so that nobody below is pushed about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from gongzhi.cases.watching import WATCHED
from gongzhi.ledger import acts
from gongzhi.registry.authority import SYSTEM
from gongzhi.supervision.models import Level, Push, Watch
from gongzhi.supervision.settings import Rung

LOCK: Final = 0x676F6E6B
MOST_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who is pushed: an organisation, a post in it where there is one, and on which level."""

    level: str
    organisation_id: int | None
    post_id: int | None


def _open_now() -> tuple[str, dict[str, str]]:
    """SQL of everything watched that is open, and its parameters."""
    names = "kind, about_id, case_id, organisation_id, post_id, started_at, due_at, label"
    parts = [
        f"SELECT %(kind_{n})s::varchar, w.* FROM ({watched.rows}) w"  # noqa: S608 – registered by rooms of this program
        for n, watched in enumerate(WATCHED.values())
    ]
    kinds = {f"kind_{n}": kind for n, kind in enumerate(WATCHED)}
    return f"(SELECT * FROM ({' UNION ALL '.join(parts)}) u({names}))", kinds  # noqa: S608


def follow(cursor: Any, first_percent: int) -> int:
    """Start, restart and stop clocks so that everything watched that is open has one; gives how many."""
    rows, kinds = _open_now()
    cursor.execute(
        f"""
        INSERT INTO supervision_watch AS k
          (kind, about_id, case_id, organisation_id, post_id, label, started_at, due_at, step, next_at)
        SELECT o.kind, o.about_id, o.case_id, o.organisation_id, o.post_id, left(o.label, 200), o.started_at,
          o.due_at, 0, o.started_at + greatest(o.due_at - o.started_at, interval '1 minute') * (%(first)s / 100.0)
        FROM {rows} o LEFT JOIN supervision_watch old ON old.kind = o.kind AND old.about_id = o.about_id
        WHERE old.id IS NULL OR old.due_at <> o.due_at OR old.organisation_id <> o.organisation_id
          OR old.post_id IS DISTINCT FROM o.post_id
        ON CONFLICT (kind, about_id) DO UPDATE SET organisation_id = excluded.organisation_id,
          post_id = excluded.post_id, started_at = excluded.started_at,
          step = CASE WHEN k.due_at = excluded.due_at THEN k.step ELSE 0 END,
          next_at = CASE WHEN k.due_at = excluded.due_at THEN k.next_at ELSE excluded.next_at END,
          due_at = excluded.due_at""",  # noqa: S608
        {"first": first_percent, **kinds},
    )
    changed = int(cursor.rowcount)
    cursor.execute(
        f"""DELETE FROM supervision_watch k WHERE NOT EXISTS
            (SELECT 1 FROM {rows} o WHERE o.kind = k.kind AND o.about_id = k.about_id)""",  # noqa: S608
        kinds,
    )
    return changed + int(cursor.rowcount)


def unwatched(steps: int) -> list[tuple[str, int, int | None, str]]:
    """What is open and has no clock that will push: kind, id, case, label."""
    rows, kinds = _open_now()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT o.kind, o.about_id, o.case_id, o.label FROM {rows} o
                LEFT JOIN supervision_watch k ON k.kind = o.kind AND k.about_id = o.about_id
                WHERE k.id IS NULL OR k.due_at <> o.due_at OR (k.next_at IS NULL AND k.step < %(steps)s)
                ORDER BY 1, 2""",  # noqa: S608
            {"steps": steps, **kinds},
        )
        return list(cursor.fetchall())


def climb(
    now: datetime, ladder: tuple[Rung, ...], who: Callable[[str, int | None, int | None], Addressee]
) -> int:
    """Take every step that is due for what is watched; gives how many were taken, each once."""
    taken = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            row = cursor.fetchone()
            due = list(
                Watch.objects.select_for_update(skip_locked=True, of=("self",))
                .filter(next_at__lte=now)
                .order_by("next_at", "pk")[:MOST_AT_ONCE]
                if row and row[0]
                else ()
            )
            if not due:
                return taken
            taken += _take(due, ladder, who, now)


def _take(
    due: list[Watch],
    ladder: tuple[Rung, ...],
    who: Callable[[str, int | None, int | None], Addressee],
    now: datetime,
) -> int:
    keys = {(w.kind, w.about_id, w.due_at) for w in due}
    held = Push.objects.filter(about_id__in=[w.about_id for w in due])
    before = {
        (kind, about, at, percent)
        for kind, about, at, percent in held.values_list("kind", "about_id", "due_at", "percent")
        if (kind, about, at) in keys
    }
    pushes, ready = [], []
    for watch in due:
        rung = ladder[watch.step] if watch.step < len(ladder) else None
        if rung and (watch.kind, watch.about_id, watch.due_at, rung.percent) not in before:
            level = rung.level
            if level == Level.WORKER and not WATCHED[watch.kind].has_workers:
                level = Level.HEAD
            to = who(level, watch.organisation_id, watch.post_id)
            pushes.append(
                Push(
                    kind=watch.kind, about_id=watch.about_id, case_id=watch.case_id, label=watch.label,
                    due_at=watch.due_at, percent=rung.percent, level=to.level,
                    organisation_id=to.organisation_id, post_id=to.post_id, at=now,
                )
            )  # fmt: skip
            details = {
                "about": watch.kind, "id": watch.about_id, "percent": rung.percent, "level": str(to.level),
                "organisation": to.organisation_id, "post": to.post_id,
            }  # fmt: skip
            subject = ("supervision", watch.case_id, watch.label) if watch.case_id else (
                watch.kind, watch.about_id, str(watch.about_id)
            )  # fmt: skip
            ready.append(acts.prepared(SYSTEM, "supervision.push", *subject, details, at=now))
        watch.step += 1
        whole = max((watch.due_at - watch.started_at).total_seconds(), 60.0)
        following = ladder[watch.step].percent if watch.step < len(ladder) else None
        watch.next_at = (
            None if following is None else watch.started_at + timedelta(seconds=whole * following / 100)
        )
    Push.objects.bulk_create(pushes)
    acts.record_many(ready)
    Watch.objects.bulk_update(due, ["step", "next_at"])
    return len(pushes)
