"""The process map: the directly-follows graph of an event log with counts, times and what they cost.

One event directly follows another when it is the next event of the same case. Everything is one
pass over arrays sorted by case; nothing loops over events. (van der Aalst, Process Mining, 2016, ch. 7)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gongzhi.improvement.event_log import EventLog

SECOND = 1e6
"""Microseconds."""
SMALL = 1 << 22
"""Up to so many different keys are counted in a table, more by sorting."""


@dataclass(frozen=True, slots=True)
class Edge:
    """`count` times `to` came directly after `origin`; seconds lie between the two completions."""

    origin: str
    to: str
    count: int
    mean_seconds: float
    median_seconds: float
    total_hours: float


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity: how often, in how many cases, how often again in the same case, and its times.

    `waiting_seconds` is the mean time from the completion before it until its work began, and
    `working_seconds` from then until it was complete; None where the log has no start times.
    """

    name: str
    count: int
    cases: int
    repeated: int
    mean_seconds_before: float | None
    waiting_seconds: float | None
    working_seconds: float | None


@dataclass(frozen=True, slots=True)
class Variant:
    """One sequence of activities, the number of cases that ran so, and their median duration."""

    activities: tuple[str, ...]
    count: int
    median_seconds: float


@dataclass(frozen=True, slots=True)
class Loop:
    """Work that came again: `path` is (a, a) for a repetition or (a, b, a) for a return."""

    path: tuple[str, ...]
    count: int
    cases: int
    hours: float


@dataclass(frozen=True, slots=True)
class ProcessMap:
    """What `process_map` found. `rework_cases` are cases in which any activity came again."""

    events: int
    cases: int
    activities: list[Activity]
    edges: list[Edge]
    starts: dict[str, int]
    ends: dict[str, int]
    variants_count: int
    variants: list[Variant]
    loops: list[Loop]
    rework_cases: int
    handovers: list[Edge] | None
    bottlenecks: list[Edge]
    median_case_seconds: float
    mean_case_seconds: float
    out_of_order: int

    def as_json(self) -> dict[str, Any]:
        """The map as plain data, in the words of the command line."""
        return {
            "events": self.events,
            "cases": self.cases,
            "activities": [{name: getattr(a, name) for name in Activity.__slots__} for a in self.activities],
            "edges": [_edge_json(e) for e in self.edges],
            "start_activities": self.starts,
            "end_activities": self.ends,
            "variants_count": self.variants_count,
            "variants": [
                {"activities": list(v.activities), "count": v.count, "median_seconds": v.median_seconds}
                for v in self.variants
            ],
            "rework": {
                "cases": self.rework_cases,
                "loops": [
                    {"path": list(w.path), "count": w.count, "cases": w.cases, "hours": w.hours}
                    for w in self.loops
                ],
            },
            "handovers": None if self.handovers is None else [_edge_json(e) for e in self.handovers],
            "bottlenecks": [_edge_json(e) for e in self.bottlenecks],
            "case_seconds": {"mean": self.mean_case_seconds, "median": self.median_case_seconds},
            "events_out_of_order": self.out_of_order,
        }


def _edge_json(edge: Edge) -> dict[str, Any]:
    return {
        "from": edge.origin,
        "to": edge.to,
        "count": edge.count,
        "mean_seconds": edge.mean_seconds,
        "median_seconds": edge.median_seconds,
        "total_hours": edge.total_hours,
    }


def process_map(log: EventLog, top: int = 20) -> ProcessMap:
    """Compute the map of a log; `top` limits variants, loops and bottlenecks, never edges."""
    names, act, case, moment = log.activity.names, log.activity.of_row, log.case, log.moment
    wide = len(names)
    begins = np.flatnonzero(np.diff(case, prepend=np.int32(-1)))
    ends = np.concatenate((begins[1:], [len(case)])) - 1
    follows = case[1:] == case[:-1]
    passed = np.diff(moment)[follows] / SECOND
    pair = (act[:-1].astype(np.int64) * wide + act[1:])[follows]
    edges = _edges(pair, passed, names)
    lasted = (moment[ends] - moment[begins]) / SECOND
    in_cases, rework_cases = _distinct(log, ends - begins + 1)
    return ProcessMap(
        events=len(case),
        cases=len(begins),
        activities=_activities(log, follows, in_cases),
        edges=edges,
        starts=_named_counts(act[begins], names),
        ends=_named_counts(act[ends], names),
        **_variants(act, begins, ends, lasted, names, top),
        loops=_loops(log, follows, top),
        rework_cases=rework_cases,
        handovers=_handovers(log, follows, passed),
        bottlenecks=sorted(edges, key=lambda e: -e.total_hours)[:top],
        median_case_seconds=float(np.median(lasted)),
        mean_case_seconds=float(lasted.mean()),
        out_of_order=log.out_of_order,
    )


def _tally(keys: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct keys below `size`, ascending, and how often each occurs."""
    if size <= SMALL:
        counts = np.bincount(keys, minlength=1)
        found = np.flatnonzero(counts)
        return found, counts[found]
    found, counts = np.unique(keys, return_counts=True)
    return found, counts


def _named_counts(codes: NDArray[np.int32], names: list[str]) -> dict[str, int]:
    counts = np.bincount(codes, minlength=len(names))
    return {names[i]: int(counts[i]) for i in np.argsort(-counts, kind="stable") if counts[i]}


def _edges(pair: NDArray[np.int64], passed: NDArray[np.float64], names: list[str]) -> list[Edge]:
    """Edges by falling count. `pair` is from × number of names + to."""
    if not len(pair):
        return []
    wide = len(names)
    found, counts = _tally(pair, wide * wide)
    if wide * wide <= SMALL:
        place = np.zeros(wide * wide, np.int32)
        place[found] = np.arange(len(found), dtype=np.int32)
        rank = place[pair]
    else:
        rank = np.searchsorted(found, pair).astype(np.int32)
    totals = np.bincount(rank, passed, len(found))
    lows, highs = _middles(rank, passed, counts)
    return [
        Edge(
            names[int(found[i]) // wide],
            names[int(found[i]) % wide],
            int(counts[i]),
            round(float(totals[i] / counts[i]), 3),
            round(float((lows[i] + highs[i]) / 2), 3),
            round(float(totals[i] / 3600), 3),
        )
        for i in np.argsort(-counts, kind="stable")
    ]


def _middles(
    group: NDArray[np.int32], values: NDArray[np.float64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two middle values of each group, equal where the group is odd."""
    micros = np.rint(values * SECOND).astype(np.int64)
    room = 62 - len(counts).bit_length()
    if micros.max(initial=0) < 1 << room and micros.min(initial=0) >= 0:
        # Group and value in one integer: a plain sort is several times faster than an indirect one.
        ranked = (np.sort((group.astype(np.int64) << room) | micros) & ((1 << room) - 1)) / SECOND
    else:
        ranked = values[np.lexsort((values, group))]
    first = np.cumsum(counts) - counts
    return ranked[first + (counts - 1) // 2], ranked[first + counts // 2]


def _activities(log: EventLog, follows: NDArray[np.bool_], in_cases: NDArray[np.int64]) -> list[Activity]:
    names, act = log.activity.names, log.activity.of_row
    wide = len(names)
    counts = np.bincount(act, minlength=wide)
    after = act[1:][follows]
    came = np.bincount(after, minlength=wide)
    gap = np.bincount(after, np.diff(log.moment)[follows] / SECOND, wide)
    waiting = working = None
    if log.begun is not None:
        working = np.bincount(act, (log.moment - log.begun) / SECOND, wide) / np.maximum(counts, 1)
        idle = np.maximum(log.begun[1:] - log.moment[:-1], 0)[follows] / SECOND
        waiting = np.bincount(after, idle, wide) / np.maximum(came, 1)
    return [
        Activity(
            names[i],
            int(counts[i]),
            int(in_cases[i]),
            int(counts[i] - in_cases[i]),
            round(float(gap[i] / came[i]), 3) if came[i] else None,
            None if waiting is None else round(float(waiting[i]), 3),
            None if working is None else round(float(working[i]), 3),
        )
        for i in np.argsort(-counts, kind="stable")
    ]


def _distinct(log: EventLog, length: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """In how many cases each activity occurs, and in how many cases any activity comes again.

    Args:
        length: (cases,) events of each case.
    """
    wide = len(log.activity.names)
    key = log.case.astype(np.int64)
    key *= wide
    key += log.activity.of_row
    if len(length) * wide <= 8 * SMALL:
        seen = np.zeros(len(length) * wide, bool)
        seen[key] = True
        found = np.flatnonzero(seen)
    else:
        found = np.unique(key)
    case, activity = np.divmod(found, wide)
    repeats = length - np.bincount(case, minlength=len(length))
    return np.bincount(activity, minlength=wide), int((repeats > 0).sum())


def _loops(log: EventLog, follows: NDArray[np.bool_], top: int) -> list[Loop]:
    """Repetitions a→a and returns a→b→a, by the hours they took."""
    names, act, wide = log.activity.names, log.activity.of_row, len(log.activity.names)
    again = np.flatnonzero(follows & (act[1:] == act[:-1])) + 1
    back = np.flatnonzero(follows[1:] & follows[:-1] & (act[2:] == act[:-2]) & (act[2:] != act[1:-1])) + 2
    found: list[Loop] = []
    for at, length in ((again, 1), (back, 2)):
        if not len(at):
            continue
        key = act[at].astype(np.int64) * wide + act[at - 1]
        keys, group, counts = np.unique(key, return_inverse=True, return_counts=True)
        hours = np.bincount(group, (log.moment[at] - log.moment[at - length]) / SECOND / 3600)
        pairs = np.unique(group.astype(np.int64) * (int(log.case[-1]) + 1) + log.case[at])
        cases = np.bincount(pairs // (int(log.case[-1]) + 1), minlength=len(keys))
        for i, k in enumerate(keys.tolist()):
            a, b = names[k // wide], names[k % wide]
            path = (a, a) if length == 1 else (a, b, a)
            found.append(Loop(path, int(counts[i]), int(cases[i]), round(float(hours[i]), 3)))
    return sorted(found, key=lambda w: (-w.hours, -w.count))[:top]


def _handovers(log: EventLog, follows: NDArray[np.bool_], passed: NDArray[np.float64]) -> list[Edge] | None:
    """Successive events of a case done by different resources; events without one hand nothing over."""
    if log.resource is None:
        return None
    who, names = log.resource.of_row, log.resource.names
    before, after = who[:-1][follows], who[1:][follows]
    moved = (before != after) & (before >= 0) & (after >= 0)
    return _edges((before.astype(np.int64) * len(names) + after)[moved], passed[moved], names)


def _variants(
    act: NDArray[np.int32],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    lasted: NDArray[np.float64],
    names: list[str],
    top: int,
) -> dict[str, Any]:
    """Group cases by their sequence: by a hash first, then every event against its group's first case."""
    length = ends - begins + 1
    place = np.arange(len(act)) - np.repeat(begins, length)
    rng = np.random.default_rng(20240229)
    word = rng.integers(0, 2**63, len(names), np.uint64)[act]
    odd = np.cumprod(np.full(int(length.max()) + 1, 0x9E3779B97F4A7C15, np.uint64), dtype=np.uint64)
    key = np.add.reduceat(word * odd[place], begins) ^ (length.astype(np.uint64) << np.uint64(40))
    _, first, group, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    pattern = first[group]
    same = length == length[pattern]
    if same.all():
        same = np.logical_and.reduceat(act == act[np.repeat(begins[pattern], length) + place], begins)
    if not same.all():  # two sequences with one hash: decide by the sequences themselves
        sequences = np.array([act[b : e + 1].tobytes() for b, e in zip(begins, ends, strict=True)], object)
        _, first, group, counts = np.unique(
            sequences, return_index=True, return_inverse=True, return_counts=True
        )
    order = np.lexsort((first, -counts))[:top]
    variants = [
        Variant(
            tuple(names[c] for c in act[begins[first[i]] : ends[first[i]] + 1].tolist()),
            int(counts[i]),
            round(float(np.median(lasted[group == i])), 3),
        )
        for i in order.tolist()
    ]
    return {"variants_count": len(counts), "variants": variants}
