"""Hot issues kept up with what arrives: a new matter joins its group within a minute.

The worker holds the groups of the last `HOT_DAYS` (see `joining.Stream`). Once a minute the matters that came
since then join them, and what changed is written down; once an hour, or when another process holds no groups yet,
they are found anew over the whole period, which puts right what arriving one by one could not see.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray

from gongzhi.cases.models import Case, Figure
from gongzhi.registry import snapshot
from gongzhi.registry.snapshot import Snapshot
from gongzhi.sensing.areas import NONE, around
from gongzhi.sensing.hot_issues import HEAT_FORMULA, Grouping, Issue, Matters, group_matters, issues_of
from gongzhi.sensing.joining import Stream

KEY: Final = "sensing:issues"
HOT_DAYS: Final = 60
HOT_MATTERS: Final = 20_000
SHOWN_ISSUES: Final = 12
MOST_MEMBERS: Final = 500
"""So many matters of one issue are named; its size counts all."""
WAITING_DAYS: Final = 14
"""Lone matters of so many days may still find company."""
ANEW_AFTER: Final = timedelta(hours=1)
LOOK_BACK: Final = 200
"""So many numbers before the last one seen are looked at again: what is written later may carry an earlier one."""
WEEK_US: Final = 7 * 86_400_000_000
_FIELDS: Final = ("pk", "number", "public_text", "opened_at", "area_id", "organisation_id", "supporters")


@dataclass(slots=True)
class _Heard:
    """The groups as this process holds them; all lists lie along each other, one place a matter."""

    begun: datetime
    stream: Stream
    group: list[int] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)
    votes: list[float] = field(default_factory=list)
    streets: list[str] = field(default_factory=list)
    holders: list[int | None] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Group → its issue, for groups of two or more."""

    def add(self, row: tuple[Any, ...], street: str, group: int) -> None:
        pk, number, text, opened_at, _, holder, supporters = row
        self.seen.add(pk)
        self.numbers.append(number)
        self.texts.append(text)
        self.moments.append(_moment(opened_at))
        self.votes.append(float(supporters))
        self.streets.append(street)
        self.holders.append(holder)
        self.group.append(group)

    def describe(self, groups: set[int]) -> None:
        """Write down anew what these groups are about."""
        group = np.array(self.group, np.int32)
        rows = np.flatnonzero(np.isin(group, list(groups)))
        known, number = np.unique(group[rows], return_inverse=True)
        part = self._part(rows)
        # Only the groups matter for what an issue is called and how hot it is, not what was learned about words.
        grouping = Grouping(number.astype(np.int32), None, None)  # type: ignore[arg-type]
        for issue in issues_of(part, grouping):
            if len(issue.rows) >= 2:
                of_group = int(known[number[int(issue.rows[0])]])
                self.issues[of_group] = self._document(issue, rows[issue.rows])

    def _part(self, rows: NDArray[np.int64]) -> Matters:
        chosen = rows.tolist()
        return Matters(
            [self.numbers[i] for i in chosen],
            [[self.texts[i] for i in chosen]],
            np.array([self.moments[i] for i in chosen], np.int64),
            np.array([self.votes[i] for i in chosen], np.float64),
            [self.streets[i] for i in chosen],
        )

    def _document(self, issue: Issue, rows: NDArray[np.int64]) -> dict[str, Any]:
        members = rows.tolist()
        areas = [self.streets[i] for i in members if self.streets[i] != NONE]
        holders = [h for i in members if (h := self.holders[i])]
        newest = sorted(members, key=lambda i: -self.moments[i])
        return {
            "title": issue.title,
            "place": issue.place,
            "area": max(set(areas), key=areas.count) if areas else "",
            "size": len(members),
            "heat": round(issue.heat, 1),
            "reach": issue.reach,
            "pace": issue.pace,
            "supporters": int(sum(self.votes[i] for i in members)),
            "start": issue.start // 1_000_000,
            "end": issue.end // 1_000_000,
            "numbers": [self.numbers[i] for i in newest[:MOST_MEMBERS]],
            "moments": [self.moments[i] // 1_000_000 for i in newest[:MOST_MEMBERS]],
            "organisations": sorted(set(holders), key=lambda h: -holders.count(h))[:3],
        }


_heard: _Heard | None = None
_lock = threading.Lock()


def arrive() -> int:
    """Let the matters that came since the last time join; how many came."""
    global _heard
    with _lock:
        view, now = snapshot.current(), timezone.now()
        if _heard is None or now - _heard.begun > ANEW_AFTER:
            _heard = _begun(view, now)
            came = len(_heard.numbers)
        else:
            came = _joined(_heard, view)
        if came or not Figure.objects.filter(pk=KEY).exists():
            _keep(_heard, now)
        else:
            Figure.objects.filter(pk=KEY).update(at=now)
        return came


def begin_anew() -> None:
    """Find the groups over the whole period and write them down, without holding them."""
    now = timezone.now()
    _keep(_begun(snapshot.current(), now), now)


def forget() -> None:
    """Drop the groups that this process holds."""
    global _heard
    with _lock:
        _heard = None


def _public(now: datetime) -> Any:
    since = now - timedelta(days=HOT_DAYS)
    return Case.objects.filter(is_public=True, opened_at__gte=since).exclude(public_text="")


def _begun(view: Snapshot, now: datetime) -> _Heard:
    rows = list(_public(now).order_by("-opened_at").values_list(*_FIELDS)[:HOT_MATTERS])[::-1]
    streets = [around(view, r[4], "street") for r in rows]
    matters = Matters(
        [r[1] for r in rows],
        [[r[2] for r in rows]],
        np.array([_moment(r[3]) for r in rows], np.int64),
        np.array([r[6] for r in rows], np.float64),
        streets,
    )
    if not rows:
        return _Heard(now, _empty_stream())
    grouping = group_matters(matters)
    heard = _Heard(now, Stream(matters, grouping))
    waiting_from = _moment(now - timedelta(days=WAITING_DAYS))
    changed: set[int] = set(range(len(grouping.means)))
    for row, street, group in zip(rows, streets, grouping.group.tolist(), strict=True):
        # A lone matter of the last days waits for company: the next one like it finds it there.
        if group < 0 and _moment(row[3]) >= waiting_from:
            group = heard.stream.join([row[2]], _moment(row[3]), street)
            changed.add(group)
        heard.add(row, street, group)
    heard.describe(changed)
    return heard


def _empty_stream() -> Stream:
    nothing = Matters(["", ""], [["", ""]], np.zeros(2, np.int64))
    return Stream(nothing, group_matters(nothing))


def _joined(heard: _Heard, view: Snapshot) -> int:
    last = max(heard.seen, default=0)
    rows = _public(timezone.now()).filter(pk__gt=last - LOOK_BACK).order_by("pk").values_list(*_FIELDS)
    changed: set[int] = set()
    came = 0
    for row in rows:
        if row[0] in heard.seen:
            continue
        street = around(view, row[4], "street")
        group = heard.stream.join([row[2]], _moment(row[3]), street)
        heard.add(row, street, group)
        changed.add(group)
        came += 1
    if changed:
        heard.describe(changed)
    return came


def _keep(heard: _Heard, now: datetime) -> None:
    hottest = sorted(heard.issues.values(), key=lambda i: (-i["heat"], i["start"]))[:SHOWN_ISSUES]
    document = {
        "issues": hottest,
        "formula": HEAT_FORMULA,
        "groups": len(heard.issues),
        "matters": len(heard.numbers),
        "days": HOT_DAYS,
    }
    with transaction.atomic():
        value = json.loads(json.dumps(document, allow_nan=False))
        Figure.objects.update_or_create(pk=KEY, defaults={"value": value, "at": now})


def _moment(at: datetime) -> int:
    return int(at.timestamp() * 1e6)
