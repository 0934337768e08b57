"""Whether the process lives and whether the system can do its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

WORKER_SILENT_AFTER_S: Final = 15.0
LEDGER_LATE_AFTER_S: Final = 60.0

_QUESTION: Final = """
SELECT (SELECT count(*) FROM ledger_pending),
       (SELECT extract(epoch FROM now() - greatest(
            (SELECT max(signed_at) FROM ledger_checkpoint),
            (SELECT recorded_at FROM ledger_act WHERE id = (SELECT min(act_id) FROM ledger_pending))))
          WHERE EXISTS (SELECT 1 FROM ledger_pending)),
       (SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers),
       (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND coalesce(scheduled_at, now()) <= now()),
       (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed')
"""


@dataclass(frozen=True, slots=True)
class Condition:
    """What the database says about the work behind the pages.

    Attributes:
        acts_waiting: recorded acts that are not in the signed log yet.
        ledger_lag_s: seconds since the log should have moved, 0 when nothing waits.
        worker_silence_s: seconds since the worker's last sign; None: it never gave one.
        jobs_waiting: jobs that are due.
        jobs_failed: jobs that were given up after all their tries.
    """

    acts_waiting: int
    ledger_lag_s: float
    worker_silence_s: float | None
    jobs_waiting: int
    jobs_failed: int

    @classmethod
    def read(cls) -> Condition:
        """Ask once, in one statement."""
        with connection.cursor() as cursor:
            cursor.execute(_QUESTION)
            waiting, lag, silence, todo, failed = cursor.fetchone()
        return cls(
            int(waiting),
            max(0.0, float(lag or 0)),
            None if silence is None else max(0.0, float(silence)),
            int(todo),
            int(failed),
        )


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether everything behind the pages works; 503 when not (by the guard when there is no database)."""
    condition = Condition.read()
    silence = condition.worker_silence_s
    parts = {
        "database": "ok",
        "migrations": "ok" if _is_migrated() else "pending",
        "worker": "ok" if silence is not None and silence < WORKER_SILENT_AFTER_S else "silent",
        "ledger": "ok" if condition.ledger_lag_s < LEDGER_LATE_AFTER_S else "late",
    }
    is_ready = set(parts.values()) == {"ok"}
    body = parts | {
        "acts_waiting": condition.acts_waiting,
        "ledger_lag_s": round(condition.ledger_lag_s, 1),
        "worker_silence_s": None if silence is None else round(silence, 1),
        "jobs_waiting": condition.jobs_waiting,
        "jobs_failed": condition.jobs_failed,
    }
    response = JsonResponse(body, status=200 if is_ready else 503)
    response["Cache-Control"] = "no-store"
    return response


_migrated: list[bool] = []
"""Holds True once all migrations were seen applied; they are never taken back while pages are served."""


def _is_migrated() -> bool:
    if not _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.append(True)
    return True
