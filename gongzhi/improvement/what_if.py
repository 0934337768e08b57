"""A process played again with other staff, deadlines or steps: discrete-event simulation from its own log.

Each case of the log arrives when it really did and goes through the activities that it really had.
A step waits for a free member of staff, takes working time drawn from what such steps took, and then
waits for what no staff decide (an answer from outside, a fixed day). What a log without start times
holds of working time is estimated: from the later of the case's and the person's completion before it
(Nakatumba & van der Aalst, 2009), in the hours in which the log shows anybody at work. The outside
wait is scaled once so that the queue is not counted twice. The model learns from the earlier part of the
log; the later part is then predicted and compared with what happened.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gongzhi.improvement.event_log import EventLog

HOUR = 3600.0
TRAINED_SHARE = 0.7
"""Of the cases, by their beginning: what the model learns from; the rest judges it."""
CALIBRATIONS = 6
RECENT = 30
"""Of each path the last so many cases: work changes, and tomorrow is like last month, not like years ago."""
LONGEST_WORK_HOURS = 8.0
"""More than a day's work at one step is waiting."""
MOST_EVENTS = 300_000


@dataclass(frozen=True, slots=True)
class Change:
    """What is done differently.

    Attributes:
        staff: people at work, instead of what the log shows.
        deadlines: activity → hours that its outside wait may last at most.
        without: activities that are left out.
        work: activity → factor on its working time.
    """

    staff: int | None = None
    deadlines: Mapping[str, float] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    work: Mapping[str, float] = field(default_factory=dict)


class Hours:
    """The hours of the week in which people work, and time counted in them."""

    def __init__(self, moments: NDArray[np.float64]) -> None:
        of_week = (np.floor(moments / HOUR).astype(np.int64) + 72) % 168  # 1970 began on a Thursday
        counts = np.bincount(of_week, minlength=168)
        busy = counts > 0.1 * counts[counts > 0].mean()
        self.sums = np.concatenate(([0.0], np.cumsum(busy * HOUR)))
        self.week = float(self.sums[-1])

    def worked(self, moment: Any) -> Any:
        """Working seconds before a moment, or before each of an array of moments."""
        moment = np.asarray(moment, float) + 72 * HOUR
        weeks, inside = np.divmod(moment, 168 * HOUR)
        hour = np.floor(inside / HOUR).astype(np.int64)
        open_now = (self.sums[hour + 1] - self.sums[hour]) / HOUR
        return weeks * self.week + self.sums[hour] + (inside - hour * HOUR) * open_now

    def after(self, worked: float) -> float:
        """The moment at which so many working seconds are over: the inverse of `worked`."""
        weeks, inside = divmod(worked, self.week)
        hour = (
            int(np.searchsorted(self.sums, inside, side="left")) - 1
            if inside > 0
            else int(np.flatnonzero(np.diff(self.sums))[0])
        )
        return weeks * 168 * HOUR + hour * HOUR + (inside - float(self.sums[hour])) - 72 * HOUR


@dataclass(slots=True)
class Model:
    """What was learned: (working seconds, outside wait) by activity, and the staff.

    `donors` holds them for whole cases by their path: steps of one case are slow or quick together, so
    a case is played with the times of a real one that went the same way; only where none did, each
    step is drawn by itself from `samples`.
    """

    names: list[str]
    samples: list[NDArray[np.float64]]
    donors: dict[tuple[int, ...], list[NDArray[np.float64]]]
    usual_hours: dict[tuple[int, ...], float]
    staff: int
    hours: Hours
    scale: float = 1.0


def learn(log: EventLog, cases: NDArray[np.bool_]) -> Model:
    """Learn from the events of some cases (a mask over case numbers)."""
    chosen = cases[log.case]
    moment = log.moment / 1e6
    hours = Hours(moment[chosen])
    before = np.full(len(moment), -np.inf)
    same = log.case[1:] == log.case[:-1]
    before[1:][same] = moment[:-1][same]
    begun = before.copy()
    if log.begun is not None:
        begun = log.begun / 1e6
    elif log.resource is not None:
        begun = np.maximum(before, _last_of_person(log, moment))
    first = ~np.isfinite(before)
    start = np.where(np.isfinite(begun), begun, moment)
    work = np.clip(hours.worked(moment) - hours.worked(start), 0, LONGEST_WORK_HOURS * HOUR)
    work[first] = 0.0
    outside = np.where(first, 0.0, np.maximum(moment - np.where(first, moment, before) - work, 0.0))
    samples = []
    for code in range(len(log.activity.names)):
        rows = chosen & (log.activity.of_row == code)
        known = rows & ~first if (rows & ~first).any() else rows
        samples.append(np.stack((work[known], outside[known]), axis=1) if known.any() else np.zeros((1, 2)))
    donors: dict[tuple[int, ...], list[tuple[float, float, NDArray[np.float64]]]] = {}
    begins = np.flatnonzero(np.diff(log.case, prepend=np.int32(-1)))
    both = np.stack((work, outside), axis=1)
    for begin, end in zip(begins, np.concatenate((begins[1:], [len(moment)])), strict=True):
        if chosen[begin]:
            like = donors.setdefault(tuple(log.activity.of_row[begin:end].tolist()), [])
            like.append((float(moment[begin]), float(moment[end - 1]), both[begin:end]))
    latest = {path: sorted(like, key=lambda d: d[0])[-RECENT:] for path, like in donors.items()}
    recent = {path: [times for *_, times in like] for path, like in latest.items()}
    usual = {p: sum(end - begin for begin, end, _ in like) / len(like) / HOUR for p, like in latest.items()}
    return Model(log.activity.names, samples, recent, usual, _staff(log, chosen, moment), hours)


def _last_of_person(log: EventLog, moment: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) when the person who did it had last completed something before."""
    assert log.resource is not None  # noqa: S101
    who = log.resource.of_row
    order = np.lexsort((moment, who))
    last = np.full(len(moment), -np.inf)
    same = (who[order][1:] == who[order][:-1]) & (who[order][1:] >= 0)
    last[order[1:][same]] = moment[order[:-1][same]]
    return last


def _staff(log: EventLog, chosen: NDArray[np.bool_], moment: NDArray[np.float64]) -> int:
    """How many people are seen at work on a usual day; without names, what the busiest tenth of days needs."""
    day = np.floor(moment[chosen] / 86400).astype(np.int64)
    if log.resource is not None:
        who = log.resource.of_row[chosen].astype(np.int64)
        pairs = np.unique(np.stack((day[who >= 0], who[who >= 0]), axis=1), axis=0)
        if len(pairs):
            return max(1, round(float(np.unique(pairs[:, 0], return_counts=True)[1].mean())))
    return max(1, round(float(np.quantile(np.unique(day, return_counts=True)[1], 0.9)) / 8))


def play(
    model: Model, arrivals: NDArray[np.float64], paths: list[list[int]], change: Change, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One replication: hours from arrival to completion, and of those waiting for staff, by case."""
    rng = np.random.default_rng(seed)
    names = model.names
    skipped = {i for i, n in enumerate(names) if n in change.without}
    factor = [float(change.work.get(n, 1.0)) for n in names]
    limit = [float(change.deadlines.get(n, np.inf)) * HOUR for n in names]
    draws = [iter(np.zeros((0, 2))) for _ in names]

    def drawn(activity: int) -> Any:
        found = next(draws[activity], None)
        if found is None:
            pool = model.samples[activity]
            draws[activity] = iter(pool[rng.integers(0, len(pool), 256)])
            found = next(draws[activity])
        return found

    taken: list[NDArray[np.float64] | None] = []
    for path in paths:
        like = model.donors.get(tuple(path))
        taken.append(like[int(rng.integers(0, len(like)))] if like else None)
    free = [(-np.inf)] * (change.staff or model.staff)
    heapq.heapify(free)
    queue = [(float(t), i, 0) for i, t in enumerate(arrivals)]
    heapq.heapify(queue)
    ends, waited = np.array(arrivals, float), np.zeros(len(arrivals))
    worked = model.hours.worked
    while queue:
        now, case, place = heapq.heappop(queue)
        if place >= len(paths[case]):
            ends[case] = now
            continue
        activity = paths[case][place]
        if activity in skipped:
            heapq.heappush(queue, (now, case, place + 1))
            continue
        donor = taken[case]
        work, outside = drawn(activity) if donor is None else donor[place]
        done = now
        if work > 0:
            since = float(worked(now))
            ready = heapq.heappop(free)
            start = max(since, ready)
            waited[case] += start - since
            heapq.heappush(free, start + work * factor[activity])
            done = model.hours.after(start + work * factor[activity])
            done = max(done, now)
        heapq.heappush(queue, (done + min(outside * model.scale, limit[activity]), case, place + 1))
    return (ends - arrivals) / HOUR, waited / HOUR


def simulate(log: EventLog, change: Change, replications: int = 20, seed: int = 1) -> dict[str, Any]:
    """Learn, validate on held-out cases, and play the process with and without the change.

    Raises:
        ValueError: too few cases, too many events, or an activity that the log does not have.
    """
    named = {*change.deadlines, *change.without, *change.work}
    if unknown := sorted(named - set(log.activity.names)):
        raise ValueError(
            f"the log has no activity {', '.join(unknown)}; it has {', '.join(log.activity.names)}"
        )
    if len(log.case) > MOST_EVENTS:
        raise ValueError(
            f"{len(log.case)} events are too many to play; take a period of at most {MOST_EVENTS}"
        )
    if change.staff is not None and change.staff < 1:
        raise ValueError("at least one person must be at work")
    begins = np.flatnonzero(np.diff(log.case, prepend=np.int32(-1)))
    ends = np.concatenate((begins[1:], [len(log.case)])) - 1
    if len(begins) < 20:
        raise ValueError(f"{len(begins)} cases are too few to learn from")
    arrivals = log.moment[begins] / 1e6
    actual = (log.moment[ends] / 1e6 - arrivals) / HOUR
    paths = [log.activity.of_row[b : e + 1].tolist() for b, e in zip(begins, ends, strict=True)]
    order = np.argsort(arrivals, kind="stable")
    known = np.zeros(len(begins), bool)
    known[order[: int(TRAINED_SHARE * len(begins))]] = True
    model = learn(log, known)
    _calibrate(model, arrivals, paths, known, seed)
    seeds = [seed + i for i in range(1, replications + 1)]
    base = [play(model, arrivals, paths, Change(), s) for s in seeds]
    changed = [play(model, arrivals, paths, change, s) for s in seeds]
    held = ~known
    differences = [float(c[0].mean() - b[0].mean()) for b, c in zip(base, changed, strict=True)]
    return {
        "cases": len(begins),
        "staff_seen": model.staff,
        "staff_played": change.staff or model.staff,
        "replications": replications,
        "learned_from": int(known.sum()),
        "outside_wait_scale": round(model.scale, 4),
        "validation": _validation(actual, held, base),
        "before": {name: _interval([float(rule(b[0])) for b in base]) for name, rule in _FIGURES.items()}
        | {"waiting_for_staff_hours": _interval([float(b[1].mean()) for b in base])},
        "after": {name: _interval([float(rule(c[0])) for c in changed]) for name, rule in _FIGURES.items()}
        | {"waiting_for_staff_hours": _interval([float(c[1].mean()) for c in changed])},
        "difference_in_mean_hours": _interval(differences),
        "interval": "5 % to 95 % of replications",
    }


def _validation(actual: NDArray[np.float64], held: NDArray[np.bool_], base: list[Any]) -> dict[str, Any]:
    """Predicted against real times of cases that were not learned from, and how much the work itself changed."""
    found: dict[str, Any] = {"held_out_cases": int(held.sum())}
    for name, rule in _FIGURES.items():
        real, predicted = float(rule(actual[held])), _interval([float(rule(b[0][held])) for b in base])
        found[name] = {
            "actual": round(real, 3),
            "actual_before": round(float(rule(actual[~held])), 3),
            **predicted,
            "within": predicted["low"] <= real <= predicted["high"],
        }
    before = found["mean_hours"]["actual_before"]
    found["drift_percent"] = round((found["mean_hours"]["actual"] / before - 1) * 100, 1) if before else None
    return found


_FIGURES: dict[str, Any] = {
    "mean_hours": np.mean,
    "median_hours": np.median,
    "ninetieth_hours": lambda v: np.quantile(v, 0.9),
}


def _interval(values: list[float]) -> dict[str, float]:
    low, high = np.quantile(values, (0.05, 0.95))
    return {
        "mean": round(float(np.mean(values)), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
    }


def _calibrate(
    model: Model, arrivals: NDArray[np.float64], paths: list[list[int]], known: NDArray[np.bool_], seed: int
) -> None:
    """Scale the outside wait until cases take as long as those whose times they are played with.

    Without it the queue for staff, which the log's waits already hold, would be counted twice.
    """
    rows = np.flatnonzero(known)
    rows = rows[np.argsort(arrivals[rows])][len(rows) * 3 // 4 :]
    chosen = [paths[i] for i in rows]
    target = float(np.mean([model.usual_hours[tuple(path)] for path in chosen]))
    low, high = 0.0, 2.0
    for _ in range(CALIBRATIONS):
        model.scale = (low + high) / 2
        mean = float(play(model, arrivals[rows], chosen, Change(), seed)[0].mean())
        low, high = (model.scale, high) if mean < target else (low, model.scale)
    model.scale = (low + high) / 2
