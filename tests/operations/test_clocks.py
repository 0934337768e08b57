"""R5: clocks that jump: deadlines stay right, the log stays in order."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.cases.deadlines import Calendar
from gongzhi.ledger import acts, sequencer, verification
from gongzhi.ledger.models import Position
from gongzhi.registry.authority import SYSTEM

NEW_YORK = Calendar("US-NY", "America/New_York")
CHINA = Calendar("CN", "Asia/Shanghai")
JUMPS = (
    timedelta(hours=1),
    timedelta(hours=-1),
    timedelta(days=1),
    timedelta(days=-1),
    timedelta(days=-3652),
    timedelta(days=3652),
)


@given(
    st.datetimes(datetime(2018, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 40),
)
def test_a_deadline_falls_at_the_end_of_a_local_working_day_through_daylight_saving(
    start: datetime, days: int
) -> None:
    due = NEW_YORK.due(start, days)
    local = due.astimezone(NEW_YORK.zone)
    assert (local.hour, local.minute) == (18, 0)
    assert NEW_YORK.is_working_day(local.date())
    assert due > start


@given(
    st.datetimes(datetime(2018, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(days=20)),
    st.integers(0, 20),
)
def test_what_comes_later_is_never_due_earlier(start: datetime, later: timedelta, days: int) -> None:
    for calendar in (NEW_YORK, CHINA):
        assert calendar.due(start + later, days) >= calendar.due(start, days)


def test_the_leap_day_is_a_day() -> None:
    start = datetime(2028, 2, 28, 3, 0, tzinfo=UTC)
    assert CHINA.due(start, 1).astimezone(CHINA.zone).date() == date(2028, 2, 29)
    start = datetime(2027, 2, 26, 3, 0, tzinfo=UTC)  # a Friday
    assert CHINA.due(start, 1).astimezone(CHINA.zone).date() == date(2027, 3, 1)


@pytest.mark.parametrize("hour", [0, 1, 2, 3])
def test_an_hour_that_does_not_exist_or_comes_twice_moves_no_deadline(hour: int) -> None:
    forward = datetime(2027, 3, 14, hour, 30, tzinfo=NEW_YORK.zone)
    back = datetime(2027, 11, 7, hour, 30, tzinfo=NEW_YORK.zone)
    assert NEW_YORK.due(forward, 1).astimezone(NEW_YORK.zone).date() == date(2027, 3, 15)
    assert NEW_YORK.due(back, 1).astimezone(NEW_YORK.zone).date() == date(2027, 11, 8)


@pytest.mark.usefixtures("committed")
def test_the_log_keeps_the_order_of_recording_when_the_clock_jumps() -> None:
    now = datetime.now(UTC)
    recorded = []
    for n, jump in enumerate(JUMPS):
        with transaction.atomic():
            act = acts.record(SYSTEM, "test.tick", "clock", n, str(n), {"n": n}, at=now + jump)
        recorded.append(act.pk)
    sequencer.sequence()
    placed = Position.objects.filter(act_id__in=recorded).order_by("position")
    assert list(placed.values_list("act_id", flat=True)) == recorded
    assert verification.verify_all().is_sound
