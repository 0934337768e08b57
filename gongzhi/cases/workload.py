"""How much every organisation has open, what of it is late or at risk, and what came in lately.

Sets are counted as sets: one query each; in a large city a figure is at most a minute old.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from gongzhi.cases.kept import kept
from gongzhi.cases.lights import RED_FROM

WEEK = timedelta(days=7)
YEAR = timedelta(weeks=52)
"""So many whole weeks back the days of the week are the same."""


@dataclass(frozen=True, slots=True)
class Load:
    """Open cases of one organisation.

    Attributes:
        to_accept: sent to it and not taken up yet.
        at_risk: not late, but 80 % of the time is used.
        came_back: returned at least once on their way.
    """

    organisation_id: int
    open: int
    to_accept: int
    at_risk: int
    overdue: int
    came_back: int

    @property
    def in_time(self) -> int:
        """Neither late nor at risk."""
        return self.open - self.at_risk - self.overdue


@dataclass(frozen=True, slots=True)
class Flow:
    """Received, ended, and ended in time within seven days."""

    received: int
    ended: int
    in_time: int

    @property
    def in_time_percent(self) -> int | None:
        """Share of the ended that ended in time, None when fewer than ten ended."""
        return round(100 * self.in_time / self.ended) if self.ended >= 10 else None


@dataclass(frozen=True, slots=True)
class Flows:
    """The last seven days beside the seven before and the same days 52 weeks ago."""

    now: Flow
    last_week: Flow
    last_year: Flow


@dataclass(frozen=True, slots=True)
class Rise:
    """How many matters of a function came in within seven days, and in the seven before."""

    function_id: int
    now: int
    before: int


def loads(organisation_ids: Collection[int]) -> list[Load]:
    """The load of each of the organisations that has anything open, the most overdue first."""
    wanted = set(organisation_ids)
    rows = [Load(*row) for row in kept("workload", _loads).value]
    found = [load for load in rows if load.organisation_id in wanted]
    return sorted(found, key=lambda x: (-x.overdue, -x.at_risk, -x.open, x.organisation_id))


def _loads() -> list[list[int]]:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT organisation_id, count(*), count(*) FILTER (WHERE state = 'assigned'),
                 count(*) FILTER (WHERE due_at > coalesce(paused_at, %(now)s)
                                  AND opened_at + (due_at - opened_at) * %(red)s <= coalesce(paused_at, %(now)s)),
                 count(*) FILTER (WHERE due_at <= coalesce(paused_at, %(now)s)), count(*) FILTER (WHERE returns > 0)
               FROM cases_case
               WHERE state <> 'closed' AND state <> 'resolved'
                 AND state IN ('received', 'assigned', 'under_way') AND organisation_id IS NOT NULL
               GROUP BY 1""",
            {"now": now, "red": RED_FROM},
        )
        return [list(row) for row in cursor.fetchall()]


def flows(organisation_ids: Collection[int], key: str) -> Flows:
    """What came in and what ended, of these organisations.

    Args:
        key: names the set of organisations, for keeping the figure in a large city.
    """
    ids = sorted(organisation_ids)
    value = kept(f"flows:{key}", lambda: _flows(ids)).value
    return Flows(*(Flow(*part) for part in value))


def _flows(ids: list[int]) -> list[list[int]]:
    now = timezone.now()
    return [_flow(ids, now - back - WEEK, now - back) for back in (timedelta(), WEEK, YEAR)]


def _flow(ids: list[int], since: datetime, until: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FILTER (WHERE opened_at BETWEEN %(since)s AND %(until)s),
                 count(*) FILTER (WHERE ended BETWEEN %(since)s AND %(until)s),
                 count(*) FILTER (WHERE ended BETWEEN %(since)s AND %(until)s AND ended <= due_at)
               FROM (SELECT opened_at, due_at,
                       CASE WHEN closure NOT IN ('duplicate', 'withdrawn')
                            THEN coalesce(resolved_at, closed_at) END AS ended
                     FROM cases_case
                     WHERE organisation_id = ANY(%(ids)s)
                       AND opened_at BETWEEN %(before)s AND %(until)s) AS recent""",
            {"since": since, "until": until, "before": since - timedelta(days=90), "ids": ids},
        )
        return list(cursor.fetchone())


def rises(organisation_ids: Collection[int], key: str, *, most: int = 8) -> list[Rise]:
    """Functions of which most came in lately, of these organisations."""
    ids = sorted(organisation_ids)
    return [Rise(*row) for row in kept(f"rises:{key}:{most}", lambda: _rises(ids, most)).value]


def _rises(ids: list[int], most: int) -> list[list[int]]:
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT function_id, count(*) FILTER (WHERE opened_at >= %(week)s),
                 count(*) FILTER (WHERE opened_at < %(week)s)
               FROM cases_case
               WHERE opened_at >= %(two)s AND organisation_id = ANY(%(ids)s) AND function_id IS NOT NULL
               GROUP BY 1 HAVING count(*) FILTER (WHERE opened_at >= %(week)s) > 0
               ORDER BY 2 DESC, 1 LIMIT %(most)s""",
            {"week": now - WEEK, "two": now - 2 * WEEK, "ids": ids, "most": most},
        )
        return [list(row) for row in cursor.fetchall()]
