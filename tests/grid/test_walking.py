"""The order of a walk, against the best one there is."""

from __future__ import annotations

from itertools import permutations
from random import Random

import pytest

from gongzhi.grid import walking


def test_walks_are_nearly_as_short_as_the_shortest() -> None:
    ratios = []
    for seed in range(20):
        random = Random(seed)
        start, *stops = [(111.36 + random.random() / 50, 30.52 + random.random() / 50) for _ in range(8)]
        way = walking.order(start, stops)
        best = min(walking.length(start, stops, p) for p in permutations(range(len(stops))))
        assert sorted(way) == list(range(len(stops)))
        ratios.append(walking.length(start, stops, way) / best)
    assert max(ratios) <= 1.2 and sum(ratios) / len(ratios) <= 1.04, ratios


def test_a_walk_along_a_street_goes_from_one_end_to_the_other() -> None:
    stops = [(111.36 + n / 1000, 30.52) for n in (5, 1, 3, 2, 4)]
    assert walking.order((111.36, 30.52), stops) == [1, 3, 2, 4, 0]


def test_metres_are_metres() -> None:
    assert walking.metres((111.36, 30.52), (111.36, 30.53)) == pytest.approx(1113, abs=2)
    assert walking.order((0.0, 0.0), []) == []
