"""Hot issues as matters arrive: a new one joins the group it belongs to, or waits for company.

Holds a list for each feature of the groups and lone matters in which it weighs, so that one matter costs
a few hundred short look-ups, however many came before. Groups found over history are its beginning;
a nightly run over history puts right what arriving one by one could not see.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from gongzhi.sensing import features
from gongzhi.sensing.hot_issues import (
    AGREED,
    BELONGS,
    DAY,
    ELSEWHERE,
    GAP_DAYS,
    MEAN_FEATURES,
    NEIGHBOUR_FEATURES,
    Grouping,
    Matters,
)

Vector = dict[int, float]
MOST_MET = 60
"""Groups that a new matter is compared with in full."""


class Stream:
    """Groups that grow. One process at a time may use a stream."""

    def __init__(self, matters: Matters, grouping: Grouping) -> None:
        """Begin with the groups of history."""
        self._weights = grouping.weights.with_unseen()
        self._topics: list[Vector] = []
        self._places: list[Vector] = []
        self._size: list[int] = []
        self._latest: list[int] = []
        self._area: list[str] = []
        self._lists: dict[int, set[int]] = defaultdict(set)
        order = np.lexsort((matters.moments, grouping.group))
        ranked = grouping.group[order]
        for number in range(len(grouping.means)):
            rows = order[np.searchsorted(ranked, number) : np.searchsorted(ranked, number, side="right")]
            topic, place = (
                {feature: weight * len(rows) for feature, weight in _row(means, number).items()}
                for means in (grouping.means.topic, grouping.means.place)
            )
            area = matters.areas[int(rows[-1])] if matters.areas else ""
            self._found(topic, place, len(rows), int(matters.moments[rows].max()), area)

    def _found(self, topic: Vector, place: Vector, size: int, moment: int, area: str) -> int:
        """A new group, of one or more."""
        number = len(self._topics)
        self._topics.append(topic)
        self._places.append(place)
        self._size.append(size)
        self._latest.append(moment)
        self._area.append(area)
        for feature in topic:
            self._lists[feature].add(number)
        return number

    def size_of(self, group: int) -> int:
        """How many matters are in the group; 1 is a matter that waits for company."""
        return self._size[group]

    def join(self, columns: Sequence[str], moment: int, area: str = "") -> int:
        """Put a new matter where it belongs and give the number of its group, which may be a new one.

        Args:
            columns: its texts, in the columns that the stream began with.
            moment: microseconds since 1970 UTC.
        """
        vectors = self._weights.vectors([features.counted([text]) for text in columns])
        topic, place = _row(vectors.topic, 0), _row(vectors.place, 0)
        best, most_alike = -1, BELONGS
        for group in self._met(topic):
            if abs(moment - self._latest[group]) > GAP_DAYS * DAY:
                continue
            said = self._topics[group]
            product = sum(weight * said.get(feature, 0.0) for feature, weight in topic.items())
            alike = self._alike(product / _length(said), place, group)
            if area and self._area[group] and area != self._area[group]:
                alike *= ELSEWHERE
            if alike >= most_alike:
                best, most_alike = group, alike
        few = dict(list(topic.items())[:NEIGHBOUR_FEATURES])
        if best < 0:
            return self._found(few, place, 1, moment, area)
        self._grow(best, few, place)
        self._latest[best] = max(self._latest[best], moment)
        return best

    def _met(self, topic: Vector) -> set[int]:
        """Groups that share words with a new matter; words that too many groups have find nobody."""
        shared: dict[int, float] = defaultdict(float)
        for feature, weight in topic.items():
            groups = self._lists.get(feature, ())
            if len(groups) <= features.SHARED_BY:
                for group in groups:
                    shared[group] += weight
        return set(heapq.nlargest(MOST_MET, shared, key=shared.__getitem__))

    def _alike(self, about: float, place: Vector, group: int) -> float:
        """How far a new matter and a group are the same thing in the same place; see `features.likeness`."""
        there = self._places[group]
        if not place or not there:
            return about * (features.ONE_SAYS if place or there else features.NONE_SAYS)
        product = sum(weight * there.get(feature, 0.0) for feature, weight in place.items())
        # The sum of unit rows is as long as the group is large where all are at one place.
        length = _length(there)
        agreed = min(1.0, AGREED * length / self._size[group])
        return min(features.SATED, about) * float(features.agreement(min(1.0, product / length * agreed)))

    def _grow(self, group: int, topic: Vector, place: Vector) -> None:
        """Add a member to the sums of a group and keep only their heaviest features."""
        total = self._topics[group]
        for feature, weight in topic.items():
            total[feature] = total.get(feature, 0.0) + weight
            self._lists[feature].add(group)
        for feature in _beyond(total):
            del total[feature]
            self._lists[feature].discard(group)
        there = self._places[group]
        for feature, weight in place.items():
            there[feature] = there.get(feature, 0.0) + weight
        for feature in _beyond(there):
            del there[feature]
        self._size[group] += 1


def _row(matrix: sparse.csr_matrix, number: int) -> Vector:
    """The heaviest features of a row, heaviest first."""
    begin, end = matrix.indptr[number], matrix.indptr[number + 1]
    weights = matrix.data[begin:end]
    most = np.argsort(-weights)[:MEAN_FEATURES]
    return dict(zip(matrix.indices[begin:end][most].tolist(), weights[most].tolist(), strict=True))


def _length(vector: Vector) -> float:
    return math.sqrt(sum(v * v for v in vector.values())) or 1.0


def _beyond(vector: Vector) -> list[int]:
    """The lightest features of a sum that has grown too long."""
    if len(vector) <= 2 * MEAN_FEATURES:
        return []
    return sorted(vector, key=vector.__getitem__)[: len(vector) - MEAN_FEATURES]
