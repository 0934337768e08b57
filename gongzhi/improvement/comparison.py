"""Two periods or two areas of one log beside each other: what became more frequent, what slower, what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gongzhi.improvement.event_log import EventLog
from gongzhi.improvement.process_map import Edge, ProcessMap, process_map


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two maps with their names, and for each step of either what differs (see `steps`)."""

    first: str
    second: str
    before: ProcessMap
    after: ProcessMap
    steps: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """The comparison as plain data; hours are per case, so that periods of unequal length compare."""
        return {
            "first": self.first,
            "second": self.second,
            **{
                name: {
                    "cases": found.cases,
                    "events": found.events,
                    "variants_count": found.variants_count,
                    "rework_share": round(found.rework_cases / found.cases, 4),
                    "median_case_seconds": found.median_case_seconds,
                    "mean_case_seconds": round(found.mean_case_seconds, 3),
                }
                for name, found in (("before", self.before), ("after", self.after))
            },
            "steps": self.steps,
        }


def by_period(log: EventLog, at: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str, str]:
    """Cases that began before a day, and from it on: two masks over case numbers and their names.

    Raises:
        ValueError: not a day, or one of the periods holds no case.
    """
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise ValueError(f"{at!r} is not a day; write it as 2026-03-31") from None
    limit = np.datetime64(moment.replace(tzinfo=None), "us").astype(np.int64)
    begins = np.flatnonzero(np.diff(log.case, prepend=np.int32(-1)))
    early = log.moment[begins] < limit
    if early.all() or not early.any():
        raise ValueError(
            f"all cases began {'before' if early.all() else 'on or after'} {at}: nothing to compare"
        )
    return early, ~early, f"before {at}", f"from {at}"


def by_group(log: EventLog, first: str, second: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str, str]:
    """Cases of two values of the column that the log was read with.

    Raises:
        ValueError: no such value.
    """
    if log.group is None:
        raise ValueError("name the column to compare by")
    begins = np.flatnonzero(np.diff(log.case, prepend=np.int32(-1)))
    of_case = log.group.of_row[begins]
    masks = []
    for name in (first, second):
        if name not in log.group.names:
            raise ValueError(f"no case is of {name!r}; there are {', '.join(log.group.names[:20])}")
        masks.append(of_case == log.group.names.index(name))
        if not masks[-1].any():
            raise ValueError(f"no case begins with {name!r}")
    return masks[0], masks[1], first, second


def compare(
    log: EventLog, parts: tuple[NDArray[np.bool_], NDArray[np.bool_], str, str], top: int = 20
) -> Comparison:
    """Map both parts and put their steps beside each other, the largest change of hours per case first."""
    one, other, first, second = parts
    before, after = process_map(log.part(one), top), process_map(log.part(other), top)
    return beside(first, before, second, after)


def beside(first: str, before: ProcessMap, second: str, after: ProcessMap) -> Comparison:
    """Two maps' steps beside each other, the largest change of hours per case first."""
    known: dict[tuple[str, str], list[Edge | None]] = {}
    for place, found in enumerate((before, after)):
        for edge in found.edges:
            known.setdefault((edge.origin, edge.to), [None, None])[place] = edge
    steps = []
    for (origin, to), (was, now) in known.items():
        hours = [e.total_hours / found.cases if e else 0.0 for e, found in ((was, before), (now, after))]
        steps.append(
            {
                "from": origin,
                "to": to,
                "count_before": was.count if was else 0,
                "count_after": now.count if now else 0,
                "per_case_before": round(was.count / before.cases, 5) if was else 0.0,
                "per_case_after": round(now.count / after.cases, 5) if now else 0.0,
                "median_seconds_before": was.median_seconds if was else None,
                "median_seconds_after": now.median_seconds if now else None,
                "hours_per_case_before": round(hours[0], 4),
                "hours_per_case_after": round(hours[1], 4),
                "hours_per_case_change": round(hours[1] - hours[0], 4),
            }
        )
    steps.sort(key=lambda s: -abs(float(str(s["hours_per_case_change"]))))
    return Comparison(first, second, before, after, steps)
