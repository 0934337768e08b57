"""Who is next: the fair rule, in plain Python. `calling` has it as SQL; a test holds both together.

At every counter somebody with priority is called first, but never twice running while somebody
without priority waits there. So whoever has priority waits for one ordinary call at most, and
ordinary people get at least every second call of the counters that serve them. Among equals the
earlier place counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One who waits: `at` orders, the smaller the earlier; `id` decides between equals."""

    at: float
    id: int
    is_priority: bool


def rank(place: Place, last_was_priority: bool) -> tuple[bool, float, int]:
    """The smaller the sooner, at a counter whose last call was (or was not) for somebody with priority."""
    return (place.is_priority == last_was_priority, place.at, place.id)


def next_of(places: Iterable[Place], *, last_was_priority: bool) -> Place | None:
    """Who is called next, None when nobody waits."""
    return min(places, key=lambda place: rank(place, last_was_priority), default=None)
