"""What the city pack says of supervision (city.yaml, `supervision`), with what is usual elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gongzhi.registry import snapshot
from gongzhi.supervision.models import Level


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: at which share of the time, in percent, who is pushed."""

    percent: int
    level: str


_LADDER = (
    Rung(50, Level.WORKER),
    Rung(80, Level.HEAD),
    Rung(100, Level.SUPERIOR),
    Rung(120, Level.LEADER),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of supervision.

    Attributes:
        amber_percent, red_percent: share of the time used from which a light changes.
        put_right_working_days: for a bad rating.
        rate_within_days: how long a link to rate is valid.
        urging_working_days: for the answer to a manual urging.
        least_n: below it no rank is made.
        most_excluded_percent: of the cases of an organisation and month that may be left out.
        sample_each_week: answers drawn of each organisation.
        promise_without_date_held, repeated_held: whether the gate holds such answers back.
    """

    ladder: tuple[Rung, ...] = _LADDER
    amber_percent: int = 50
    red_percent: int = 80
    put_right_working_days: int = 15
    rate_within_days: int = 30
    urging_working_days: int = 1
    least_n: int = 30
    most_excluded_percent: int = 5
    sample_each_week: int = 5
    relevance_below: float = 0.08
    repeats_from: int = 3
    quiet_hours: tuple[int, int] = (22, 7)


def current() -> Settings:
    """The settings of the city as its pack has them now."""
    return read(dict(snapshot.current().city.config.get("supervision", {})))


def read(given: dict[str, Any]) -> Settings:
    """Settings from the mapping in the pack; what it does not say is as usual."""
    known = {name: value for name, value in given.items() if name in Settings.__dataclass_fields__}
    if "ladder" in known:
        rungs = [Rung(int(row["percent"]), str(row["level"])) for row in known["ladder"]]
        known["ladder"] = tuple(sorted(rungs, key=lambda rung: rung.percent))
    if "quiet_hours" in known:
        known["quiet_hours"] = tuple(known["quiet_hours"])
    return Settings(**known)
