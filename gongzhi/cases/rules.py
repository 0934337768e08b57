"""What the city's limits say about one case: which row counts for it, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gongzhi.cases.deadlines import Calendar
from gongzhi.cases.models import Case
from gongzhi.registry import snapshot
from gongzhi.registry.limits import Limit, Limits
from gongzhi.registry.models import Function

RETURNS_BEFORE_ARBITRATION = 2
"""The second return goes to an arbiter."""


def calendar() -> Calendar:
    """The city's calendar of working days."""
    city = snapshot.current().city
    return Calendar(country=city.country, timezone=city.timezone)


def limit_of(case: Case, on: datetime) -> Limit:
    """The limits for a case at a moment, by the kind of its function and its urgency."""
    view = snapshot.current()
    function = view.functions.get(case.function_id or 0)
    day = on.astimezone(calendar().zone).date()
    return _limits().of(function.kind if function else "any", case.urgency, day)


def answer_by(case: Case) -> datetime:
    """Until when the organisation to which the case was sent must have accepted or returned it."""
    sent = case.assigned_at or case.opened_at
    return _by(case, sent, limit_of(case, sent).sign_hours)


def return_by(case: Case) -> datetime:
    """Until when the organisation to which the case was sent may return it."""
    sent = case.assigned_at or case.opened_at
    limit = limit_of(case, sent)
    return _by(case, sent, limit.sign_hours if limit.return_hours is None else limit.return_hours)


def moved_by_pause(case: Case, until: datetime) -> datetime:
    """The deadline of a paused case whose clock starts again at `until`.

    It moves by the working time for which the clock stood still; where the limit is in hours, by
    the hours as they passed.
    """
    if case.paused_at is None or until <= case.paused_at:
        return case.due_at
    if limit_of(case, case.opened_at).resolve_hours is not None:
        return case.due_at.astimezone(UTC) + (until - case.paused_at)
    city = calendar()
    stopped = city.working_time_between(case.paused_at, until)
    return city.plus_working_time(case.due_at, stopped)


def at_least_a_day(case: Case, now: datetime) -> datetime:
    """The deadline of a case for somebody who gets it now: the time left, at least one working day."""
    return max(case.due_at, calendar().due(now, 1))


_read: tuple[object, Limits] | None = None


def _limits() -> Limits:
    """The limits of the present city, read once for as long as its description stays the same."""
    global _read
    config = snapshot.current().city.config
    if _read is None or _read[0] is not config:
        _read = (config, Limits(config))
    return _read[1]


def _by(case: Case, sent: datetime, hours: float) -> datetime:
    is_emergency = case.urgency == Function.Urgency.EMERGENCY
    return calendar().answer_by(sent, hours, day_and_night=is_emergency)


def shortest_wait() -> timedelta:
    """Every organisation has at least this long to answer, whatever the case."""
    rows = snapshot.current().city.config.get("limits") or []
    hours = [float(row.get("sign_hours", 0.5)) for row in rows if isinstance(row, dict)]
    return timedelta(hours=min([0.5, *hours]))
