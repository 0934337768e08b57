"""Recording overlaps and gaps of mandates, once each, and decisions of people each time."""

from __future__ import annotations

import threading
from datetime import datetime

from gongzhi.routing.models import Finding
from gongzhi.routing.resolution import Route

_lock = threading.Lock()
_seen: set[tuple[str, int, int]] = set()


def record(routes: list[Route]) -> None:
    """Write the overlaps and gaps among `routes` that are not known yet, in one statement."""
    fresh = {}
    for route in routes:
        if route.rule in ("overlap", "gap") and route.function_id and route.area_id:
            key = (route.rule, route.function_id, route.area_id)
            if key not in _seen:
                fresh[key] = route
    if not fresh:
        return
    Finding.objects.bulk_create(
        [
            Finding(kind=k, function_id=f, area_id=a, mandate_ids=list(route.equal_mandates))
            for (k, f, a), route in fresh.items()
        ],
        ignore_conflicts=True,
    )
    with _lock:
        _seen.update(fresh)


def record_decision(kind: str, function_id: int, area_id: int, organisation_id: int, at: datetime) -> None:
    """Write down that a person decided who does `function_id` in `area_id`; counted each time.

    Belongs into the transaction of the decision.

    Args:
        kind: `Finding.Kind.RULING` (an arbiter had to) or `AGAINST` (otherwise than the mandates say).
    """
    row, is_new = Finding.objects.select_for_update().get_or_create(
        kind=kind,
        function_id=function_id,
        area_id=area_id,
        defaults={"organisation_id": organisation_id, "last_seen_at": at},
    )
    if not is_new:
        row.times, row.organisation_id, row.last_seen_at = row.times + 1, organisation_id, at
        row.save(update_fields=["times", "organisation_id", "last_seen_at"])


def forget() -> None:
    """Drop the memory of what was written (the database was replaced)."""
    _seen.clear()
