"""The traffic light of a case: how much of its time is used, as pure functions.

Time counts as it passes from receipt to deadline; the deadline itself was set in working days. While
the requester is asked for more the clock stands still, and so does the light: `now` is then that moment.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

AMBER_FROM = 0.5
RED_FROM = 0.8


class Light(StrEnum):
    """Green, amber and red while there is time; late when there is none left."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    LATE = "late"


def share_used(opened_at: datetime, due_at: datetime, now: datetime) -> float:
    """How much of the time from receipt to deadline has passed: 0 at receipt, 1 at the deadline."""
    whole = (due_at - opened_at).total_seconds()
    if whole <= 0:
        return 1.0 if now >= due_at else 0.0
    return max(0.0, (now - opened_at).total_seconds() / whole)


def light(opened_at: datetime, due_at: datetime, now: datetime) -> Light:
    """The light at `now`; late from the moment of the deadline on."""
    if now >= due_at:
        return Light.LATE
    used = share_used(opened_at, due_at, now)
    if used >= RED_FROM:
        return Light.RED
    return Light.AMBER if used >= AMBER_FROM else Light.GREEN
