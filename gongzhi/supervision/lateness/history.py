"""What is learned from: cases as arrays, in the order in which they came in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400.0

FACTORS = ("organisation", "function", "function_parent", "channel", "district", "street", "urgency")
"""What a case can be told apart by when it comes in; each may be missing altogether."""


@dataclass(frozen=True)
class History:
    """Cases by time of intake.

    Attributes:
        opened, due, closed: (n,) seconds since 1970; `due` is NaN without a deadline, `closed` NaN while open.
        local_hour, weekday: (n,) of the intake, in the city's zone; Monday is 0.
        due_weekday: (n,) of the deadline; -1 without one.
        season: (n,) part of the year at intake, 0 to 1.
        factors: name → (n,) words; "" where nothing is known.
        observed_until: seconds; what happened later is not in this history.
    """

    opened: NDArray[np.float64]
    due: NDArray[np.float64]
    closed: NDArray[np.float64]
    local_hour: NDArray[np.float64]
    weekday: NDArray[np.int64]
    due_weekday: NDArray[np.int64]
    season: NDArray[np.float64]
    factors: dict[str, NDArray[np.str_]] = field(default_factory=dict)
    observed_until: float = 0.0

    def __len__(self) -> int:
        return len(self.opened)

    @property
    def allotted_days(self) -> NDArray[np.float64]:
        """(n,) days between intake and deadline, at least 0."""
        return np.maximum(self.due - self.opened, 0) / DAY_S

    @property
    def is_late(self) -> NDArray[np.float64]:
        """(n,) 1 late, 0 in time, NaN where it cannot be said: no deadline, or it had not come when the record ends.

        A case that is still open after its deadline is late. Punctual cases whose deadline is still
        to come are left out although their outcome is known (see `is_late_heard`): the late ones of
        the same days are not known yet, so that rates would look better than they are.
        """
        late = self.is_late_heard
        late[self.due >= self.observed_until] = np.nan
        return late

    @property
    def is_late_heard(self) -> NDArray[np.float64]:
        """(n,) as `is_late`, besides 0 for what has ended before a deadline that is still to come."""
        late = np.where(np.isnan(self.closed), 1.0, (self.closed > self.due).astype(float))
        late[np.isnan(self.due) | ((self.due >= self.observed_until) & (late == 1))] = np.nan
        return late

    @property
    def known_at(self) -> NDArray[np.float64]:
        """(n,) seconds: when it could be said whether the case was late."""
        return np.fmin(self.closed, self.due)

    def followed_by(self, other: History) -> tuple[History, NDArray[np.int64]]:
        """Both histories in the order of intake, and the places of the other one's cases in it."""
        n = len(self)
        names = [name for name in FACTORS if name in self.factors or name in other.factors]

        def words(history: History, name: str) -> NDArray[np.str_]:
            return history.factors.get(name, np.full(len(history), "", dtype=np.str_))

        both = History(
            np.concatenate([self.opened, other.opened]),
            np.concatenate([self.due, other.due]),
            np.concatenate([self.closed, other.closed]),
            np.concatenate([self.local_hour, other.local_hour]),
            np.concatenate([self.weekday, other.weekday]),
            np.concatenate([self.due_weekday, other.due_weekday]),
            np.concatenate([self.season, other.season]),
            {name: np.concatenate([words(self, name), words(other, name)]) for name in names},
            max(self.observed_until, other.observed_until),
        )
        order = np.argsort(both.opened, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        return both.rows(order), place[n:]

    def rows(self, which: NDArray[np.int64]) -> History:
        """Some of the cases, in the order of `which`."""
        return History(
            self.opened[which],
            self.due[which],
            self.closed[which],
            self.local_hour[which],
            self.weekday[which],
            self.due_weekday[which],
            self.season[which],
            {name: words[which] for name, words in self.factors.items()},
            self.observed_until,
        )

    def until(self, moment: float) -> History:
        """This history as it stood just before `moment`: later cases are gone, later endings unknown."""
        seen = self.rows(np.flatnonzero(self.opened < moment))
        closed = np.where(seen.closed < moment, seen.closed, np.nan)
        return History(
            seen.opened, seen.due, closed, seen.local_hour, seen.weekday, seen.due_weekday, seen.season,
            seen.factors, min(moment, self.observed_until),
        )  # fmt: skip
