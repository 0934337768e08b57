"""The cases of a period once more, under another table of mandates: what would it have saved?

Under a table, a case first goes where routing sends the function it was first taken for. The right organisation is the one
that held it in the end if it has a mandate for it under that table, else the one that leads it. A case
that goes wrong first costs what it really cost, or where it really went right, what such cases of the
same function cost on average. Both tables are replayed by this rule, so equal tables differ by nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gongzhi.improvement.mandates.changes import Changed
from gongzhi.improvement.mandates.past import NOBODY, Past
from gongzhi.improvement.mandates.table import Table
from gongzhi.registry.snapshot import OrganisationView

MOST_SHOWN = 200
"""So many cases that would go elsewhere are named."""
RULE = " ".join((__doc__ or "").split("\n\n", 1)[1].split())


@dataclass(frozen=True, slots=True)
class Course:
    """What would have happened: first and right organisation, moves and hours of each case."""

    first: NDArray[np.int64]
    right: NDArray[np.int64]
    moves: NDArray[np.float64]
    hours: NDArray[np.float64]


def course(table: Table, past: Past, merged: dict[int, int] | None = None) -> Course:
    """Replay the cases under a table."""
    function, read = _merged(past.function, merged), _merged(past.routed, merged)
    read = np.where(read == NOBODY, function, read)
    first = table.routes(read, past.area)
    kept = table.covers(past.organisation, function, past.area)
    right = np.where(kept, past.organisation, table.routes(function, past.area))
    wrong = (first != right) & (right != NOBODY)
    really = past.moves > 0
    usual_moves, usual_hours = _usual(past, function, really)
    moves = np.where(wrong, np.where(really, past.moves, usual_moves), 0.0)
    hours = np.where(wrong, np.where(really, past.lost_hours, usual_hours), 0.0)
    return Course(first, right, moves, hours)


def _merged(function: NDArray[np.int64], merged: dict[int, int] | None) -> NDArray[np.int64]:
    result = function.copy()
    for one, other in (merged or {}).items():
        result[function == one] = other
    return result


def _usual(
    past: Past, function: NDArray[np.int64], really: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) mean moves and hours of cases of the same function that moved; of all that moved where none did."""
    codes, place = np.unique(function, return_inverse=True)
    counts = np.bincount(place[really], minlength=len(codes))
    result = []
    for values, otherwise in ((past.moves.astype(float), 1.0), (past.lost_hours, 0.0)):
        whole = float(values[really].mean()) if really.any() else otherwise
        sums = np.bincount(place[really], values[really], len(codes))
        result.append(np.where(counts > 0, sums / np.maximum(counts, 1), whole)[place])
    return result[0], result[1]


def what_if(table: Table, changed: Changed, past: Past) -> dict[str, Any]:
    """Both tables compared on the same cases; plain data, ready for JSON."""
    before, after = course(table, past), course(changed.table, past, changed.merged)
    organisations = table.registry.organisations
    load: list[dict[str, Any]] = []
    for identity in sorted({*before.right.tolist(), *after.right.tolist()} - {NOBODY}):
        was, will = int((before.right == identity).sum()), int((after.right == identity).sum())
        first_was, first_will = int((before.first == identity).sum()), int((after.first == identity).sum())
        load.append(
            {
                "organisation": organisations[identity].code if identity in organisations else str(identity),
                "name": organisations[identity].name_en if identity in organisations else "",
                "name_zh": organisations[identity].name_zh if identity in organisations else "",
                "cases_before": was,
                "cases_after": will,
                "received_first_before": first_was,
                "received_first_after": first_will,
            }
        )
    load.sort(key=lambda row: -abs(int(row["cases_after"]) - int(row["cases_before"])))
    return {
        "cases": len(past),
        "rule": RULE,
        "moved_in_reality": int((past.moves > 0).sum()),
        "transfers_before": round(float(before.moves.sum()), 1),
        "transfers_after": round(float(after.moves.sum()), 1),
        "transfers_saved": round(float(before.moves.sum() - after.moves.sum()), 1),
        "hours_before": round(float(before.hours.sum()), 1),
        "hours_after": round(float(after.hours.sum()), 1),
        "hours_saved": round(float(before.hours.sum() - after.hours.sum()), 1),
        "sent_elsewhere": int((before.first != after.first).sum()),
        "right_organisation_changed": int((before.right != after.right).sum()),
        "load": load,
        "going_elsewhere": _going_elsewhere(before, after, past, organisations),
    }


def _going_elsewhere(
    before: Course, after: Course, past: Past, organisations: dict[int, OrganisationView]
) -> list[dict[str, Any]]:
    """The newest cases that would first go to another organisation, and from which to which."""
    rows = np.flatnonzero(before.first != after.first)[::-1][:MOST_SHOWN]
    return [
        {
            "case": past.numbers[row] if past.numbers else f"row {row + 2}",
            **{
                name: organisations[identity].code if identity in organisations else ""
                for name, identity in (("from", int(before.first[row])), ("to", int(after.first[row])))
            },
            "transfers_saved": round(float(before.moves[row] - after.moves[row]), 1),
            "hours_saved": round(float(before.hours[row] - after.hours[row]), 1),
        }
        for row in rows.tolist()
    ]
