"""Who asks for what: segments, what people ask next, and needs that no mandate covers.

Nothing is built on, or shown for, fewer than `K` matters, nor fewer than `K` people where people are known.
Such groups are left out, not rounded; and where a single one would be left out, whose size a subtraction
would tell, the next smallest goes with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gongzhi.lake.tables import Codes, open_table
from gongzhi.sensing.hot_issues import Matters, hot_issues

K: Final = 10
REPEAT_DAYS: Final = 90
NEXT_WITHIN_DAYS: Final = 180
UNSURE: Final = 0.35
"""A reading less sure than this has found no function of the city."""
BACKGROUND: Final = 20_000
"""So many other matters are looked at as well when unmatched ones are grouped."""
DAY_US: Final = 86_400_000_000
HOUR_US: Final = 3_600_000_000
PARTS_OF_DAY: Final = ("night (0-6)", "morning (6-12)", "afternoon (12-18)", "evening (18-24)")
PART_OF_DAY: Final = "time of day"


@dataclass(frozen=True, slots=True)
class Asked:
    """Matters as columns.

    Attributes:
        moments: (n,) µs since 1970.
        function: what was asked for; -1 where none was found.
        sides: further columns by which to divide, by their name.
        requester: who asked, as pseudonyms; None when not known.
        texts: what was said; None when not at hand.
        confidence: how sure the function is, 0 to 1; None when not known.
    """

    moments: NDArray[np.int64]
    function: Codes
    sides: dict[str, Codes] = field(default_factory=dict)
    requester: Codes | None = None
    texts: list[str] | None = None
    confidence: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Matters of one function in one part of a side.

    Attributes:
        share: of the function's matters.
        lift: that share over the share of this part in all matters.
        people: how many asked, None when not known.
    """

    function: str
    side: str
    part: str
    matters: int
    share: float
    lift: float
    people: int | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """People who come again with the same function within `REPEAT_DAYS`."""

    function: str
    people: int
    again: int
    share: float


@dataclass(frozen=True, slots=True)
class Next:
    """After `function` people ask for `then` within `NEXT_WITHIN_DAYS`; `lift` over how often anybody does."""

    function: str
    then: str
    people: int
    share: float
    lift: float
    median_days: float


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Matters that no function covers and that say the same."""

    title: str
    place: str
    matters: int
    people: int | None
    rows: list[int]


@dataclass(frozen=True, slots=True)
class Needs:
    """Everything that may be shown, and how many groups were too small."""

    matters: int
    segments: list[Segment]
    repeats: list[Repeat]
    following: list[Next]
    uncovered: list[Uncovered]
    unmatched: int
    left_out: int


def read_asked(
    path: Path,
    time: str,
    function: str,
    sides: Sequence[str] = (),
    requester: str | None = None,
    text: str | None = None,
    confidence: str | None = None,
) -> Asked:
    """Read matters from a file.

    Raises:
        TableInvalid: the file, a column or a value cannot be used; names row and column.
    """
    extra = [c for c in (requester, text, confidence) if c]
    with open_table(path, [time, function, *sides, *extra]) as table:
        return Asked(
            table.moments(time),
            table.codes(function),
            {s: table.codes(s) for s in sides},
            table.codes(requester) if requester else None,
            table.texts(text) if text else None,
            table.numbers(confidence, empty_allowed=True) if confidence else None,
        )


def needs(asked: Asked) -> Needs:
    """All of it, with every group smaller than `K` left out."""
    hour = (asked.moments // HOUR_US) % 24 // 6
    sides = asked.sides | {PART_OF_DAY: Codes(hour.astype(np.int32), list(PARTS_OF_DAY))}
    segments: list[Segment] = []
    left_out = 0
    for side, codes in sides.items():
        found, small = _segments(asked, side, codes)
        segments += found
        left_out += small
    repeats, small = _repeats(asked)
    following, smaller = _following(asked)
    uncovered, unmatched, smallest = _uncovered(asked)
    segments.sort(key=lambda s: (-s.lift * np.sqrt(s.matters), s.function, s.part))
    return Needs(
        len(asked.moments),
        segments,
        repeats,
        following,
        uncovered,
        unmatched,
        left_out + small + smaller + smallest,
    )


def _segments(asked: Asked, side: str, codes: Codes) -> tuple[list[Segment], int]:
    usable = (asked.function.of_row >= 0) & (codes.of_row >= 0)
    function, part = asked.function.of_row[usable], codes.of_row[usable]
    shape = (len(asked.function.names), len(codes.names))
    table = np.zeros(shape, np.int64)
    np.add.at(table, (function, part), 1)
    people = None
    if asked.requester is not None:
        people = np.zeros(shape, np.int64)
        who = asked.requester.of_row[usable]
        triples = np.unique(np.stack([function, part, who], axis=1)[who >= 0], axis=0)
        np.add.at(people, (triples[:, 0], triples[:, 1]), 1)
    shown = may_be_shown(table, people)
    total = max(1, int(table.sum()))
    part_share = table.sum(axis=0) / total
    function_total = table.sum(axis=1)
    found = [
        Segment(
            asked.function.names[f],
            side,
            codes.names[p],
            int(table[f, p]),
            float(table[f, p] / function_total[f]),
            float(table[f, p] / function_total[f] / part_share[p]),
            None if people is None else int(people[f, p]),
        )
        for f, p in np.argwhere(shown).tolist()
    ]
    return found, int(((table > 0) & ~shown).sum())


def may_be_shown(table: NDArray[np.int64], people: NDArray[np.int64] | None = None) -> NDArray[np.bool_]:
    """Which counts of a table may be shown: none below `K`, and none that a subtraction would tell.

    Args:
        table: (rows, parts) counts whose row sums are known.
        people: the same for different people.
    """
    shown = table >= K
    if people is not None:
        shown &= people >= K
    for row in range(table.shape[0]):
        hidden = (table[row] > 0) & ~shown[row]
        if int(table[row][hidden].sum()) >= K and hidden.sum() > 1:
            continue
        if hidden.any() and shown[row].any():
            visible = np.flatnonzero(shown[row])
            shown[row, visible[np.argmin(table[row][visible])]] = False
    return shown


def _by_requester(asked: Asked) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Requester, function and moment of all matters of known people, by person and then time."""
    if asked.requester is None:
        empty = np.empty(0, np.int32)
        return empty, empty, np.empty(0, np.int64)
    usable = (asked.requester.of_row >= 0) & (asked.function.of_row >= 0)
    who, what, when = asked.requester.of_row[usable], asked.function.of_row[usable], asked.moments[usable]
    order = np.lexsort((when, who))
    return who[order], what[order], when[order]


def _repeats(asked: Asked) -> tuple[list[Repeat], int]:
    who, what, when = _by_requester(asked)
    found, small = [], 0
    for f, name in enumerate(asked.function.names):
        mine = what == f
        person, moment = who[mine], when[mine]
        everyone = np.unique(person)
        same = (person[1:] == person[:-1]) & (moment[1:] - moment[:-1] <= REPEAT_DAYS * DAY_US)
        again = np.unique(person[1:][same])
        if len(everyone) < K or len(again) < K or len(everyone) - len(again) < K:
            small += int(len(again) > 0)
            continue
        found.append(Repeat(name, len(everyone), len(again), len(again) / len(everyone)))
    return sorted(found, key=lambda r: -r.share), small


def _following(asked: Asked) -> tuple[list[Next], int]:
    who, what, when = _by_requester(asked)
    if len(who) == 0:
        return [], 0
    is_next = (who[1:] == who[:-1]) & (what[1:] != what[:-1])
    is_next &= when[1:] - when[:-1] <= NEXT_WITHIN_DAYS * DAY_US
    rows = np.stack([what[:-1][is_next], what[1:][is_next], who[1:][is_next]], axis=1)
    days = (when[1:] - when[:-1])[is_next] / DAY_US
    pairs, first, group = np.unique(rows[:, :2], axis=0, return_index=True, return_inverse=True)
    asked_by = np.array([len(np.unique(who[what == f])) for f in range(len(asked.function.names))])
    everyone = len(np.unique(who))
    found, small = [], 0
    for i, (origin, then) in enumerate(pairs.tolist()):
        mine = group.ravel() == i
        people = len(np.unique(rows[mine, 2]))
        if people < K or asked_by[origin] < K:
            small += 1
            continue
        share = people / asked_by[origin]
        found.append(
            Next(
                asked.function.names[origin],
                asked.function.names[then],
                people,
                float(share),
                float(share / (asked_by[then] / everyone)),
                float(np.median(days[mine])),
            )
        )
    return sorted(found, key=lambda n: -n.lift * np.sqrt(n.people)), small


def _uncovered(asked: Asked) -> tuple[list[Uncovered], int, int]:
    unmatched = asked.function.of_row < 0
    if asked.confidence is not None:
        unmatched |= np.nan_to_num(asked.confidence, nan=1.0) < UNSURE
    rows = np.flatnonzero(unmatched)
    if asked.texts is None or len(rows) < K:
        return [], len(rows), 0
    # What is common speech can only be told beside other matters.
    matched = np.flatnonzero(~unmatched)
    looked = np.concatenate([rows, matched[:: max(1, -(-len(matched) // BACKGROUND))]])
    texts = [asked.texts[i] for i in looked.tolist()]
    issues = hot_issues(Matters([str(i) for i in looked], [texts], asked.moments[looked]), len(looked))
    found, small = [], 0
    for issue in issues:
        members = looked[issue.rows]
        members = members[unmatched[members]]
        if len(members) == 0:
            continue
        people = None
        if asked.requester is not None:
            who = asked.requester.of_row[members]
            people = len(np.unique(who[who >= 0]))
        if len(members) < K or (people is not None and people < K):
            small += 1
            continue
        found.append(Uncovered(issue.title, issue.place, len(members), people, members.tolist()))
    return sorted(found, key=lambda u: -u.matters), len(rows), small
