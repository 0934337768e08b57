"""The city's time limits: by kind of function and urgency, from a day on (city.yaml, `limits`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Limit:
    """How long things may take. Hours count as they pass, working days by the city's calendar.

    Attributes:
        sign_hours: until an organisation must have accepted (签收).
        reply_hours, reply_working_days: until the first answer, whichever is given.
        resolve_hours, resolve_working_days: until it must be done; exactly one is given.
        extension_working_days: what may be asked for once.
        contest_days: calendar days in which a closure can be contested.
        return_hours: after being sent on, until which an organisation may return it; without it
            `sign_hours`.
        answer_working_days: how long the clock stands still at most when the requester is asked.
        questions: how often the requester may be asked.
        rework_working_days: for what was contested or opened again.
        arbitration_working_days: for deciding who does it after a return.
    """

    sign_hours: float = 24
    reply_hours: float | None = None
    reply_working_days: int | None = 3
    resolve_hours: float | None = None
    resolve_working_days: int | None = 5
    extension_working_days: int = 5
    contest_days: int = 15
    return_hours: float | None = None
    answer_working_days: int = 5
    questions: int = 2
    rework_working_days: int = 5
    arbitration_working_days: int = 1


_USUAL = {
    "normal": Limit(),
    "urgent": Limit(sign_hours=2, reply_working_days=1, resolve_working_days=1),
    "emergency": Limit(
        sign_hours=0.5,
        reply_hours=2,
        reply_working_days=None,
        resolve_hours=4,
        resolve_working_days=None,
        extension_working_days=0,
    ),
}
"""For a city whose pack says nothing."""


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    urgency: str
    since: date
    until: date | None
    limit: Limit


class Limits:
    """The limits of one city.

    Args:
        config: `City.config`; its `limits` are rows as city.yaml has them.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        rows = config.get("limits")
        self._rows = [_row(row) for row in rows] if isinstance(rows, list) else []
        self._rows.sort(key=lambda row: (row.kind == "any", -row.since.toordinal()))

    def of(self, kind: str, urgency: str, on: date) -> Limit:
        """The limit for a kind of function and an urgency on a day.

        A row for the kind itself comes before one for any kind, then the latest that has begun.
        """
        for row in self._rows:
            if (
                row.kind in (kind, "any")
                and row.urgency == urgency
                and row.since <= on
                and (row.until is None or on <= row.until)
            ):
                return row.limit
        return _USUAL.get(urgency, _USUAL["normal"])


def _row(row: Mapping[str, Any]) -> _Row:
    names = Limit.__dataclass_fields__
    given = {name: value for name, value in row.items() if name in names}
    if "resolve_hours" in given:
        given.setdefault("resolve_working_days", None)
    if "reply_hours" in given:
        given.setdefault("reply_working_days", None)
    until = row.get("until")
    return _Row(
        kind=str(row["kind"]),
        urgency=str(row["urgency"]),
        since=date.fromisoformat(str(row["from"])),
        until=date.fromisoformat(str(until)) if until else None,
        limit=Limit(**given),
    )
