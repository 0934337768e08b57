from __future__ import annotations

from datetime import date

from gongzhi.registry.limits import Limits
from gongzhi.registry.packs import read
from tests.conftest import PACK

DAY = date(2026, 3, 2)
ROWS = [
    {"from": "2024-01-01", "kind": "any", "urgency": "normal", "sign_hours": 24, "resolve_working_days": 5},
    {"from": "2026-07-01", "kind": "any", "urgency": "normal", "sign_hours": 8, "resolve_working_days": 4},
    {"from": "2024-01-01", "until": "2026-06-30", "kind": "service", "urgency": "normal", "resolve_working_days": 10},
    {"from": "2024-01-01", "kind": "any", "urgency": "emergency", "resolve_hours": 4},
]  # fmt: skip


def test_a_row_for_the_kind_comes_before_one_for_any_kind() -> None:
    limits = Limits({"limits": ROWS})
    assert limits.of("service", "normal", DAY).resolve_working_days == 10
    assert limits.of("event", "normal", DAY).resolve_working_days == 5


def test_the_latest_row_that_has_begun_and_not_ended_counts() -> None:
    limits = Limits({"limits": ROWS})
    assert limits.of("event", "normal", date(2026, 7, 1)).sign_hours == 8
    assert limits.of("service", "normal", date(2026, 7, 1)).resolve_working_days == 4


def test_an_emergency_counts_in_hours() -> None:
    limit = Limits({"limits": ROWS}).of("thing", "emergency", DAY)
    assert (limit.resolve_hours, limit.resolve_working_days) == (4, None)


def test_a_city_that_says_nothing_has_usual_limits() -> None:
    for config in ({}, {"limits": {"emergency_hours": 4}}):
        assert Limits(config).of("thing", "emergency", DAY).resolve_hours == 4
        assert Limits(config).of("thing", "urgent", DAY).resolve_working_days == 1


def test_the_demo_city_has_a_limit_for_every_kind_and_urgency() -> None:
    limits = Limits(read(PACK).city)
    for kind in ("thing", "event", "service", "consultation"):
        for urgency in ("normal", "urgent", "emergency"):
            limit = limits.of(kind, urgency, DAY)
            assert (limit.resolve_hours is None) != (limit.resolve_working_days is None)
