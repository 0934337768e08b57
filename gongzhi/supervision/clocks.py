"""Clocks of open cases, set by set: kept in step with the cases, and their ladder (督办) climbed.

Nothing here looks at one case at a time: however many clocks are due in a minute, it is a handful of
statements in one transaction. Each step is taken once for each clock: the escalation, its act and the
clock's next step are written together, and a step that exists cannot be written again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from gongzhi.cases.lights import Light
from gongzhi.ledger import acts
from gongzhi.ledger.acts import PreparedAct
from gongzhi.registry import snapshot
from gongzhi.registry.authority import SYSTEM
from gongzhi.registry.models import Post, Role
from gongzhi.supervision import settings, watches
from gongzhi.supervision.models import Level
from gongzhi.supervision.settings import Rung
from gongzhi.supervision.watches import Addressee

LOCK: Final = 0x676F6E68
"""Number of the advisory lock that makes one worker climb at a time."""
MOST_AT_ONCE: Final = 5_000

_FOLLOW: Final = """
INSERT INTO supervision_clock AS k (case_id, started_at, due_at, step, next_at)
SELECT c.id, s.started_at, c.due_at, 0,
       s.started_at + greatest(c.due_at - s.started_at, interval '1 minute') * (%(first)s / 100.0)
FROM cases_case c
LEFT JOIN supervision_clock old ON old.case_id = c.id
CROSS JOIN LATERAL (
  SELECT coalesce((SELECT max(t.opened_at) FROM cases_task t
                   WHERE t.case_id = c.id AND t.state IN ('open', 'accepted') AND t.role <> 'assist'),
                  c.assigned_at, c.opened_at) AS started_at) s
WHERE c.state IN ('received', 'assigned', 'under_way') AND (old.case_id IS NULL OR old.due_at <> c.due_at)
ON CONFLICT (case_id) DO UPDATE SET started_at = excluded.started_at, due_at = excluded.due_at, step = 0,
  next_at = excluded.next_at
"""
_PAUSE: Final = """
UPDATE supervision_clock k SET paused_at = c.paused_at, next_at = NULL
FROM cases_case c WHERE c.id = k.case_id AND c.paused_at IS NOT NULL
  AND (k.paused_at IS NULL OR k.next_at IS NOT NULL)
"""
_RESUME: Final = """
UPDATE supervision_clock k SET paused_at = NULL, started_at = k.started_at + (c.due_at - k.due_at),
  due_at = c.due_at,
  next_at = k.started_at + (c.due_at - k.due_at) + greatest(k.due_at - k.started_at, interval '1 minute')
            * ((%(ladder)s::int[])[k.step + 1] / 100.0)
FROM cases_case c WHERE c.id = k.case_id AND k.paused_at IS NOT NULL AND c.paused_at IS NULL
"""
"""The deadline moved by the time for which the clock stood still; its beginning moves alike, so that the
share used and the steps taken stay as they were."""
_STOP: Final = """
DELETE FROM supervision_clock k USING cases_case c
WHERE c.id = k.case_id AND c.state NOT IN ('received', 'assigned', 'under_way')
"""
_DUE: Final = """
SELECT k.case_id, c.number, k.due_at, k.step, c.organisation_id, c.post_id
FROM supervision_clock k JOIN cases_case c ON c.id = k.case_id
WHERE k.next_at <= %s AND c.paused_at IS NULL ORDER BY k.next_at, k.case_id LIMIT %s
FOR UPDATE OF k SKIP LOCKED
"""
_TAKE: Final = """
INSERT INTO supervision_escalation
  (case_id, clock_due_at, percent, level, organisation_id, post_id, at)
SELECT x.case_id, x.due_at, x.percent, x.level, x.organisation_id, x.post_id, %s
FROM unnest(%s::bigint[], %s::timestamptz[], %s::int[], %s::text[], %s::bigint[], %s::bigint[])
  AS x(case_id, due_at, percent, level, organisation_id, post_id)
ON CONFLICT (case_id, clock_due_at, percent) DO NOTHING
RETURNING case_id, percent
"""
_ADVANCE: Final = """
UPDATE supervision_clock k SET step = x.step,
  next_at = CASE WHEN x.percent IS NULL THEN NULL
    ELSE k.started_at + greatest(k.due_at - k.started_at, interval '1 minute') * (x.percent / 100.0) END
FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS x(case_id, step, percent)
WHERE k.case_id = x.case_id
"""


class Chain:
    """Who stands above whom, for every organisation at once.

    What is missing on a level is asked of the next one: no worker → the head; no head → the superior
    organisation; no superior → its leader; nobody at all → the dispatcher.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[int, str], int] = {}
        posts = (
            Post.objects.filter(is_active=True).order_by("-pk").values_list("pk", "organisation_id", "roles")
        )
        self._dispatcher: tuple[int, int] | None = None
        self._leader: tuple[int, int] | None = None
        for pk, organisation_id, roles in posts:
            for role in roles:
                self._first[organisation_id, role] = pk
            if Role.DISPATCHER in roles:
                self._dispatcher = (organisation_id, pk)
            if Role.LEADER in roles:
                self._leader = (organisation_id, pk)
        view = snapshot.current()
        self._parent = {o.id: o.parent_id for o in view.organisations.values()}

    def of(self, level: str, organisation_id: int | None, post_id: int | None) -> Addressee:
        """Who is pushed on `level` about a case that this organisation and post hold."""
        if organisation_id is None:
            return self._last()
        if level == Level.WORKER:
            post = post_id or self._first.get((organisation_id, Role.WORKER))
            if post:
                return Addressee(Level.WORKER, organisation_id, post)
            level = Level.HEAD
        if level == Level.HEAD:
            post = self._first.get((organisation_id, Role.SUPERVISOR)) or self._first.get(
                (organisation_id, Role.LEADER)
            )
            if post:
                return Addressee(Level.HEAD, organisation_id, post)
            level = Level.SUPERIOR
        if level == Level.SUPERIOR:
            above = self._parent.get(organisation_id)
            seen = {organisation_id}
            while above is not None and above not in seen:
                seen.add(above)
                post = self._first.get((above, Role.SUPERVISOR)) or self._first.get((above, Role.LEADER))
                if post:
                    return Addressee(Level.SUPERIOR, above, post)
                above = self._parent.get(above)
            level = Level.LEADER
        if level == Level.LEADER:
            above = organisation_id
            seen = set()
            while above is not None and above not in seen:
                seen.add(above)
                post = self._first.get((above, Role.LEADER))
                if post:
                    return Addressee(Level.LEADER, above, post)
                above = self._parent.get(above)
            if self._leader:
                return Addressee(Level.LEADER, *self._leader)
        return self._last()

    def _last(self) -> Addressee:
        organisation_id, post_id = self._dispatcher or (None, None)
        return Addressee(Level.DISPATCHER, organisation_id, post_id)


def follow() -> int:
    """Bring the clocks in step with the cases; gives how many were started, restarted or stopped."""
    ladder = settings.current().ladder
    if not ladder:
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        changed = 0
        percents = [rung.percent for rung in ladder]
        # A clock that starts again must not look like one with a new deadline: first resume, then follow.
        for statement in (_RESUME, _FOLLOW, _PAUSE, _STOP):
            cursor.execute(statement, {"first": percents[0], "ladder": percents})
            changed += int(cursor.rowcount)
        return changed + watches.follow(cursor, percents[0])


def climb(now: datetime | None = None, *, most: int = MOST_AT_ONCE) -> int:
    """Take every step of the ladder that is due by `now`; gives how many were taken.

    A clock that is several steps behind takes them all, one after the other.
    """
    now = now or timezone.now()
    ladder = settings.current().ladder
    chain = Chain()
    taken = 0
    while True:
        done, looked = _climb_once(now, ladder, chain, most)
        taken += done
        if not looked:
            return taken + watches.climb(now, ladder, chain.of)


def _climb_once(now: datetime, ladder: tuple[Rung, ...], chain: Chain, most: int) -> tuple[int, int]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        row = cursor.fetchone()
        if not row or not row[0]:
            return 0, 0
        cursor.execute(_DUE, [now, most])
        due = cursor.fetchall()
        if not due:
            return 0, 0
        steps = [(r, ladder[r[3]]) for r in due if r[3] < len(ladder)]
        pushed = {r[0]: chain.of(rung.level, r[4], r[5]) for r, rung in steps}
        cursor.execute(
            _TAKE,
            [
                now,
                [r[0] for r, _ in steps],
                [r[2] for r, _ in steps],
                [rung.percent for _, rung in steps],
                [pushed[r[0]].level for r, _ in steps],
                [pushed[r[0]].organisation_id for r, _ in steps],
                [pushed[r[0]].post_id for r, _ in steps],
            ],
        )
        new = set(cursor.fetchall())
        acts.record_many(list(_acts(steps, pushed, new, now)))
        following = [ladder[r[3] + 1].percent if r[3] + 1 < len(ladder) else None for r in due]
        cursor.execute(_ADVANCE, [[r[0] for r in due], [r[3] + 1 for r in due], following])
        return len(new), len(due)


def _acts(
    steps: list[tuple[Any, Rung]], pushed: dict[int, Addressee], new: set[Any], now: datetime
) -> Iterable[PreparedAct]:
    for row, rung in steps:
        if (row[0], rung.percent) not in new:
            continue
        to = pushed[row[0]]
        details = {
            "percent": rung.percent,
            "level": str(to.level),
            "organisation": to.organisation_id,
            "post": to.post_id,
        }
        yield acts.prepared(SYSTEM, "supervision.escalate", "supervision", row[0], row[1], details, at=now)


def light(share: float, rules: settings.Settings) -> Light:
    """Traffic light for the share of time used: green, amber or red; late from the deadline on."""
    if share >= 1:
        return Light.LATE
    percent = share * 100
    if percent >= rules.red_percent:
        return Light.RED
    return Light.AMBER if percent >= rules.amber_percent else Light.GREEN
