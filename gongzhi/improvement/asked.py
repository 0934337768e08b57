"""What the pages of improvement ask and a job answers (see `cases.prepared`): plain data in, plain data out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from gongzhi.cases.prepared import Maker
from gongzhi.improvement.acts_log import read_acts
from gongzhi.improvement.event_log import EventLog
from gongzhi.improvement.mandates import queries
from gongzhi.improvement.process_map import Activity, Edge, Loop, ProcessMap, Variant, process_map
from gongzhi.improvement.what_if import MOST_EVENTS, Change, simulate

MANDATES: Final = "improvement.mandates"
WHAT_IF: Final = "improvement.what_if"
PROCESS: Final = "improvement.process"
SIMULATION: Final = "improvement.simulation"
REPLICATIONS: Final = 20


def log_of(asked: dict[str, Any]) -> EventLog:
    """The acts of the cases of the last days, of a function and an area; activities are the bare verbs.

    Args:
        asked: days, and where wanted function, area, language of the names, and before: so many days ago.

    Raises:
        ValueError: no such function or area, or no case.
    """
    until = timezone.now() - timedelta(days=int(asked.get("before", 0)))
    days = timedelta(days=int(asked["days"]))
    return read_acts(
        until - days, until, asked.get("function", ""), asked.get("area", ""), asked.get("language", "zh")
    )


def _mandates(asked: dict[str, Any]) -> dict[str, Any]:
    situation = queries.of_city(int(asked["days"]))
    return {
        "cases": len(situation.past),
        "findings": [queries.as_json(situation, finding) for finding in queries.check(situation)],
    }


def _what_if(asked: dict[str, Any]) -> dict[str, Any]:
    situation = queries.of_city(int(asked["days"]))
    if "written" in asked:
        return queries.what_if_written(situation, asked["written"])
    return queries.what_if_listed(situation, asked["changes"])


def _process(asked: dict[str, Any]) -> dict[str, Any]:
    return process_map(log_of(asked)).as_json()


def _simulation(asked: dict[str, Any]) -> dict[str, Any]:
    log = log_of(asked)
    change = Change(
        staff=asked["staff"],
        deadlines=asked["deadlines"],
        without=frozenset(asked["without"]),
        work=asked["work"],
    )
    if len(log.case) > MOST_EVENTS:
        raise ValueError(f"{len(log.case)} events are too many to play")
    return simulate(log, change, REPLICATIONS)


MAKERS: Final[dict[str, Maker]] = {
    MANDATES: _mandates,
    WHAT_IF: _what_if,
    PROCESS: _process,
    SIMULATION: _simulation,
}


def as_map(document: dict[str, Any], named: dict[str, str]) -> ProcessMap:
    """A kept map with its activities called as `named` says."""

    def called(word: str) -> str:
        return named.get(word, word)

    def edges(rows: list[dict[str, Any]]) -> list[Edge]:
        return [
            Edge(
                called(e["from"]), called(e["to"]), e["count"], e["mean_seconds"], e["median_seconds"],
                e["total_hours"],
            )
            for e in rows
        ]  # fmt: skip

    return ProcessMap(
        events=document["events"],
        cases=document["cases"],
        activities=[_renamed(Activity(**a), named) for a in document["activities"]],
        edges=edges(document["edges"]),
        starts={called(k): v for k, v in document["start_activities"].items()},
        ends={called(k): v for k, v in document["end_activities"].items()},
        variants_count=document["variants_count"],
        variants=[
            Variant(tuple(map(called, v["activities"])), v["count"], v["median_seconds"])
            for v in document["variants"]
        ],
        loops=[
            Loop(tuple(map(called, w["path"])), w["count"], w["cases"], w["hours"])
            for w in document["rework"]["loops"]
        ],
        rework_cases=document["rework"]["cases"],
        handovers=None if document["handovers"] is None else edges(document["handovers"]),
        bottlenecks=edges(document["bottlenecks"]),
        median_case_seconds=document["case_seconds"]["median"],
        mean_case_seconds=document["case_seconds"]["mean"],
        out_of_order=document["events_out_of_order"],
    )


def _renamed(activity: Activity, named: dict[str, str]) -> Activity:
    return replace(activity, name=named.get(activity.name, activity.name))
