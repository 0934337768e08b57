"""Figures of the whole city that a page shows at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from gongzhi.cases.kept import kept

PERIOD_DAYS = 30


@dataclass(frozen=True, slots=True)
class AtAGlance:
    """Of the last 30 days: matters received, ended, and ended before their deadline; and open now.

    Duplicates and withdrawn matters count as received, not as ended.
    """

    received: int
    ended: int
    in_time: int
    open_now: int
    at: datetime

    @property
    def in_time_percent(self) -> int | None:
        """Share of the ended that ended in time, None when fewer than ten ended."""
        return round(100 * self.in_time / self.ended) if self.ended >= 10 else None


def at_a_glance() -> AtAGlance:
    """The figures, in one query; at most a minute old in a large city."""
    found = kept("at_a_glance", _counted)
    received, ended, in_time, open_now = found.value
    return AtAGlance(received, ended, in_time, open_now, found.at)


def _counted() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*),
                 count(*) FILTER (WHERE ended),
                 count(*) FILTER (WHERE ended AND coalesce(resolved_at, closed_at) <= due_at),
                 count(*) FILTER (WHERE state IN ('received', 'assigned', 'under_way'))
               FROM (SELECT *, state IN ('resolved', 'rated', 'closed')
                              AND closure NOT IN ('duplicate', 'withdrawn') AS ended
                     FROM cases_case WHERE opened_at >= %s) recent""",
            [timezone.now() - timedelta(days=PERIOD_DAYS)],
        )
        return list(cursor.fetchone())
