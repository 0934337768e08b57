"""What must be seen when it goes wrong: notices that did not arrive, work in the background that piles up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from gongzhi.cases.models import Notice

WITHIN: Final = timedelta(days=7)
"""How long a notice that failed for good stays an alarm."""
SLOW_AFTER_S: Final = 600.0
"""From which wait of the oldest job that is due the queue does not drain."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """The state of delivery and background work.

    Attributes:
        notices_failed: given up within seven days; their people do not know what happened.
        oldest_job_s: how long the oldest job that is due has been waiting.
    """

    notices_failed: int
    notices_waiting: int
    jobs_waiting: int
    oldest_job_s: float
    jobs_failed: int

    @property
    def is_slow(self) -> bool:
        return self.oldest_job_s > SLOW_AFTER_S

    @property
    def is_ringing(self) -> bool:
        return bool(self.notices_failed) or self.is_slow

    @property
    def oldest_job_minutes(self) -> int:
        return round(self.oldest_job_s / 60)


def read(now: datetime | None = None) -> Alarms:
    """Ask once, in one statement."""
    moment = now or timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT
              (SELECT count(*) FROM cases_notice WHERE state = 'failed' AND settled_at >= %(since)s)
                + (SELECT count(*) FROM cases_staffnotice WHERE state = 'failed' AND settled_at >= %(since)s),
              (SELECT count(*) FROM cases_notice WHERE state = 'waiting'),
              count(*) FILTER (WHERE j.status = 'todo'),
              coalesce(extract(epoch FROM %(now)s - min(coalesce(j.scheduled_at, e.at))
                FILTER (WHERE j.status = 'todo')), 0),
              count(*) FILTER (WHERE j.status = 'failed')
            FROM procrastinate_jobs j
            LEFT JOIN LATERAL (SELECT min(at) AS at FROM procrastinate_events WHERE job_id = j.id
                               AND type = 'deferred') e ON j.status = 'todo'
            WHERE j.status = 'failed' OR (j.status = 'todo' AND coalesce(j.scheduled_at, %(now)s) <= %(now)s)""",
            {"now": moment, "since": moment - WITHIN},
        )
        row = cursor.fetchone()
    return Alarms(int(row[0]), int(row[1]), int(row[2]), max(0.0, float(row[3])), int(row[4]))


def failed_notices(limit: int = 20, now: datetime | None = None) -> list[Notice]:
    """Those that were given up, the latest first, so that somebody can call instead."""
    since = (now or timezone.now()) - WITHIN
    rows = Notice.objects.filter(state=Notice.State.FAILED, settled_at__gte=since)
    return list(rows.select_related("case").order_by("-settled_at")[:limit])
