"""Lights and wordings: small rules that the desks show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.cases.lights import Light, light, share_used
from gongzhi.cases.reply_wordings import BUILT_IN, FIELD, finished
from gongzhi.errors import Invalid

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ORDER = [Light.GREEN, Light.AMBER, Light.RED, Light.LATE]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(0, "green"), (4.9, "green"), (5, "amber"), (7.9, "amber"), (8, "red"), (9.9, "red"), (10, "late")],
)
def test_the_light_changes_at_half_and_at_four_fifths_of_the_time(hours: float, expected: str) -> None:
    assert light(NOON, NOON + timedelta(hours=10), NOON + timedelta(hours=hours)) == expected


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_light_never_goes_back(length: int, first: int, more: int) -> None:
    due = NOON + timedelta(seconds=length)
    early, later = NOON + timedelta(seconds=first), NOON + timedelta(seconds=first + more)
    assert ORDER.index(light(NOON, due, early)) <= ORDER.index(light(NOON, due, later))
    assert 0 <= share_used(NOON, due, early) <= share_used(NOON, due, later)


def test_a_text_with_a_field_in_braces_is_not_finished() -> None:
    assert finished("已于11月24日修好。") == "已于11月24日修好。"
    with pytest.raises(Invalid, match=r"\{上门日期\}"):
        finished("我们将于{上门日期}上门。")
    assert all(FIELD.search(wording.text) for wording in BUILT_IN)
