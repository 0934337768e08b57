from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from gongzhi.cases import numbers
from gongzhi.cases.deadlines import Calendar
from gongzhi.cases.lifecycle import OPEN_STATES, RECORDS, TRANSITIONS, WHO, State, Verb

CHINA = Calendar("CN", "Asia/Shanghai")


@settings(deadline=None)
@given(st.integers(1, 10**9), st.data())
def test_a_wrong_digit_or_swapped_neighbours_are_found(serial: int, data: st.DataObject) -> None:
    number = numbers.make(serial, datetime(2026, 11, 3, tzinfo=UTC))
    assert numbers.parse(numbers.spoken(number)) == number
    at = data.draw(st.integers(0, len(number) - 2))
    digit = data.draw(st.integers(0, 9).map(str).filter(lambda d: d != number[at]))
    assert numbers.parse(number[:at] + digit + number[at + 1 :]) is None
    if number[at] != number[at + 1]:
        assert numbers.parse(number[:at] + number[at + 1] + number[at] + number[at + 2 :]) is None


def test_adjusted_workdays_of_china_count_as_working_days() -> None:
    assert CHINA.is_working_day(date(2024, 9, 14))  # a Saturday worked for the mid-autumn festival
    assert not CHINA.is_working_day(date(2024, 10, 1))


@settings(deadline=None)
@given(st.datetimes(datetime(2018, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)), st.integers(0, 30))
def test_a_deadline_is_after_its_start_on_a_working_day_and_counts_back(start: datetime, days: int) -> None:
    due = CHINA.due(start, days)
    assert due > start
    assert CHINA.is_working_day(due.astimezone(CHINA.zone).date())
    if days:
        assert CHINA.working_days_between(start, due) == days


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(Verb)), max_size=30))
def test_no_sequence_of_verbs_leaves_the_table(verbs: list[Verb]) -> None:
    state = State.RECEIVED
    for verb in verbs:
        state = TRANSITIONS.get((state, verb), state)
        assert state in State
        if state in OPEN_STATES:
            assert any(s == state for s, _ in TRANSITIONS)


def test_every_verb_says_who_may_and_what_it_records() -> None:
    for verb in Verb:
        assert verb in RECORDS
        assert f"case.{verb}" in WHO or verb in (Verb.ABSORB, Verb.LET_GO)
