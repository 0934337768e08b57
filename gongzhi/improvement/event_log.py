"""An event log as arrays: which case, which activity, when, by whom."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from gongzhi.lake import plain_csv
from gongzhi.lake.columns import HEADING_ROWS, Codes, Groups, TableInvalid

XES_CASE, XES_ACTIVITY, XES_TIME, XES_RESOURCE = (
    "concept:name",
    "concept:name",
    "time:timestamp",
    "org:resource",
)


@dataclass(frozen=True, slots=True)
class EventLog:
    """Events sorted by case, then time; events of one case at the same time keep the file's order.

    Attributes:
        case: (n,) int32, from 0, ascending.
        activity: (n,) codes of the activity.
        moment: (n,) int64 microseconds since 1970 UTC, when the activity was complete.
        resource: (n,) codes of who did it, or None where the log does not say.
        begun: (n,) int64 microseconds, when work on it began, or None.
        out_of_order: events that stand in the file before an earlier event of their case.
    """

    case: NDArray[np.int32]
    activity: Codes
    moment: NDArray[np.int64]
    resource: Codes | None
    begun: NDArray[np.int64] | None
    out_of_order: int
    group: Codes | None = None
    """(n,) codes of what the cases are compared by, such as their area, or None."""

    def part(self, chosen: NDArray[np.bool_]) -> EventLog:
        """The events of the cases that a mask over case numbers chooses, numbered anew."""
        rows = np.flatnonzero(chosen[self.case])
        number = np.cumsum(chosen, dtype=np.int32) - 1
        resource, group = self.resource, self.group
        return EventLog(
            number[self.case[rows]],
            Codes(self.activity.of_row[rows], self.activity.names),
            self.moment[rows],
            Codes(resource.of_row[rows], resource.names) if resource else None,
            None if self.begun is None else self.begun[rows],
            self.out_of_order,
            Codes(group.of_row[rows], group.names) if group else None,
        )


def read_log(
    path: Path,
    case: str,
    activity: str,
    time: str,
    resource: str | None = None,
    start: str | None = None,
    group: str | None = None,
) -> EventLog:
    """Read a log from CSV, Parquet or XES (IEEE 1849-2016), each also gzipped where it is text.

    Args:
        start: column with the time when work began; without it working time is not known.
        group: column that cases are compared by, such as their area.

    Raises:
        TableInvalid: the file, a column or a value cannot be used; names row and column.
    """
    if path.name.lower().removesuffix(".gz").endswith(".xes"):
        if group:
            raise TableInvalid(f"{path}: cases of an XES file can be compared by period only")
        return _read_xes(path, case, activity, time, resource)
    words, times = [activity, *filter(None, (resource, group))], [time, *filter(None, (start,))]
    found = plain_csv.read(path, case, words, times)
    if found is None or (found.words[0].of_row < 0).any():
        found = _read_closely(path, case, activity, words, times)
    said = dict(zip(words, found.words, strict=True))
    moments, begun = found.moments[0], found.moments[1] if start else None
    if begun is not None and (late := np.flatnonzero(begun > moments)).size:
        raise TableInvalid(
            f"{path}: row {late[0] + HEADING_ROWS}, column {start!r}: work begins after it is complete"
        )
    return sorted_log(
        found.groups,
        said[activity],
        moments,
        said[resource] if resource else None,
        begun,
        said[group] if group else None,
    )


def _read_closely(
    path: Path, case: str, activity: str, words: list[str], times: list[str]
) -> plain_csv.Columns:
    """As `plain_csv.read`, for any form of file and time, with faults named by row and column."""
    from gongzhi.lake.tables import open_table  # DuckDB, which a plain file can do without

    with open_table(path, [case, *words, *times]) as table:
        table.require(activity)
        moments = [table.moments(column) for column in times]
        return plain_csv.Columns(table.groups(case), [table.codes(column) for column in words], moments)


def sorted_log(
    cases: Groups,
    activity: Codes,
    moments: NDArray[np.int64],
    resource: Codes | None = None,
    begun: NDArray[np.int64] | None = None,
    group: Codes | None = None,
) -> EventLog:
    """Put events in the order of the map: by case, time, then place in the file."""
    order = cases.rows
    case = np.repeat(np.arange(len(cases.sizes), dtype=np.int32), cases.sizes)
    moment = moments[order]
    backwards = int(((moment[1:] < moment[:-1]) & (case[1:] == case[:-1])).sum())
    if backwards:
        order = order[np.lexsort((moment, case))]
        moment = moments[order]
    return EventLog(
        case,
        Codes(activity.of_row[order], activity.names),
        moment,
        Codes(resource.of_row[order], resource.names) if resource else None,
        None if begun is None else begun[order],
        backwards,
        Codes(group.of_row[order], group.names) if group else None,
    )


def _read_xes(path: Path, case: str, activity: str, time: str, resource: str | None) -> EventLog:
    """Stream an XES file: traces hold a case's name, events hold activity, time and resource.

    Where the log marks transitions, an event that is not a completion is left out, since it would
    count one piece of work twice; the start of a work item gives the time at which work began.
    """
    cases: list[int] = []
    words: list[dict[str, str]] = []
    traces = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for _, element in ElementTree.iterparse(file, events=("end",)):  # noqa: S314
                if not element.tag.endswith("trace"):
                    continue
                named = any(a.get("key") == case for a in element)
                if not named:
                    raise TableInvalid(f"{path}: trace {traces + 1}: no {case!r}")
                for event in element:
                    if event.tag.endswith("event"):
                        words.append({a.get("key", ""): a.get("value", "") for a in event})
                        cases.append(traces)
                traces += 1
                element.clear()
    except (OSError, EOFError, ElementTree.ParseError) as problem:
        raise TableInvalid(f"{path}: not readable as XES: {problem}") from problem
    if not cases:
        raise TableInvalid(f"{path}: no events in it")
    moments = np.empty(len(words), np.int64)
    for index, event_words in enumerate(words):
        if not event_words.get(activity):
            raise TableInvalid(f"{path}: event {index + 1} (trace {cases[index] + 1}): no {activity!r}")
        try:
            read = datetime.fromisoformat(event_words.get(time, ""))
        except ValueError:
            raise TableInvalid(
                f"{path}: event {index + 1} (trace {cases[index] + 1}), {time!r}:"
                f" not a time: {event_words.get(time, '')!r}"
            ) from None
        moments[index] = _microseconds(read if read.tzinfo else read.replace(tzinfo=UTC))
    who = [w.get(resource, "") for w in words] if resource else None
    done_what = codes_of([w[activity] for w in words])
    return sorted_log(
        Groups.of(np.array(cases, np.int32)), done_what, moments, codes_of(who) if who else None
    )


def _microseconds(moment: datetime) -> int:
    passed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (passed.days * 86400 + passed.seconds) * 1_000_000 + passed.microseconds


def codes_of(words: list[str]) -> Codes:
    """Words as codes in order of first use; "" becomes -1."""
    known = {word: code for code, word in enumerate(dict.fromkeys(w for w in words if w))}
    return Codes(np.array([known.get(w, -1) for w in words], np.int32), list(known))
