"""Deadlines in working days of the city's calendar and time zone: dates in, dates out.

China's adjusted workdays (调休) come from `chinesecalendar`; elsewhere, and for years the State
Council has not announced yet, from `holidays`. The day of receipt does not count (FACTS.md), and
a deadline falls at the end of the day's service hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays

DAY = timedelta(days=1)
MORNING = timedelta(hours=2)
"""How long an office has in the morning for what would have been due while it was closed."""


@dataclass(frozen=True)
class Calendar:
    """Working days of one place.

    Args:
        country: ISO 3166-1 alpha-2 code, with an optional subdivision after a hyphen (``US-NY``).
        timezone: IANA name of the zone in which days begin and end.
        day_end: local end of service hours, when deadlines fall due.
        day_start: local beginning of service hours.
    """

    country: str = "CN"
    timezone: str = "Asia/Shanghai"
    day_end: time = time(18, 0)
    day_start: time = time(8, 30)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on `day`."""
        return _is_working_day(self.country, day)

    def day_after(self, day: date, working_days: int) -> date:
        """The day that is `working_days` (≥ 0) working days after `day`, which itself does not count.

        With 0 the same day is returned, whether or not it is a working day.
        """
        return _day_after(self.country, day, working_days)

    def due(self, start: datetime, working_days: int) -> datetime:
        """When something received at `start` (aware) is due; an aware time in UTC.

        Zero working days mean: by the end of service hours today, or of the next working day when
        those are over or nobody works today.
        """
        local = start.astimezone(self.zone)
        if working_days == 0:
            open_today = self.is_working_day(local.date()) and local.time() < self.day_end
            day = local.date() if open_today else self.day_after(local.date(), 1)
        else:
            day = self.day_after(local.date(), working_days)
        return datetime.combine(day, self.day_end, self.zone).astimezone(UTC)

    def is_open(self, moment: datetime) -> bool:
        """Whether offices are open at `moment`."""
        local = moment.astimezone(self.zone)
        return self.day_start <= local.time() < self.day_end and self.is_working_day(local.date())

    def next_opening(self, moment: datetime) -> datetime:
        """When offices open next after `moment`, in UTC."""
        local = moment.astimezone(self.zone)
        day = local.date()
        if local.time() >= self.day_start or not self.is_working_day(day):
            day = self.day_after(day, 1)
        return datetime.combine(day, self.day_start, self.zone).astimezone(UTC)

    def answer_by(self, start: datetime, hours: float, *, day_and_night: bool = False) -> datetime:
        """Until when an office must have answered what reached it at `start`; hours count as they pass.

        What comes while offices are closed reaches them when they open, and a limit that would end
        while they are closed ends `MORNING` after they open. Emergencies count day and night.
        """
        if day_and_night:
            return start.astimezone(UTC) + timedelta(hours=hours)
        reached = start if self.is_open(start) else self.next_opening(start)
        end = reached.astimezone(UTC) + timedelta(hours=hours)
        return end if self.is_open(end) else self.next_opening(end) + MORNING

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """How long offices were open from `start` to `end`; nothing when `end` lies before `start`."""
        total = timedelta()
        day, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        while day <= last:
            if self.is_working_day(day):
                opens, closes = self._hours(day)
                total += max(min(closes, end) - max(opens, start), timedelta())
            day += DAY
        return total

    def plus_working_time(self, moment: datetime, working: timedelta) -> datetime:
        """`moment` moved on by so much working time, in UTC; the inverse of `working_time_between`.

        Nothing moves a moment by nothing; what ends exactly with a day ends on that day.
        """
        if working <= timedelta():
            return moment.astimezone(UTC)
        day, left = moment.astimezone(self.zone).date(), working
        while True:
            if self.is_working_day(day):
                opens, closes = self._hours(day)
                begin = max(opens, moment)
                there = max(closes - begin, timedelta())
                if left <= there:
                    return begin.astimezone(UTC) + left
                left -= there
            day += DAY

    def _hours(self, day: date) -> tuple[datetime, datetime]:
        """In UTC, because the difference of two local times ignores a change of the clocks."""
        opens = datetime.combine(day, self.day_start, self.zone).astimezone(UTC)
        return opens, datetime.combine(day, self.day_end, self.zone).astimezone(UTC)

    def working_days_between(self, start: datetime, end: datetime) -> int:
        """Working days from the day after `start` up to and including the day of `end`, as people
        count "in 3 working days"; negative when `end` lies before `start`."""
        first, last = start.astimezone(self.zone).date(), end.astimezone(self.zone).date()
        if last < first:
            return -self.working_days_between(end, start)
        days = (last - first).days
        return sum(self.is_working_day(first + DAY * n) for n in range(1, days + 1))


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> holidays.HolidayBase:
    code, _, subdivision = country.partition("-")
    return holidays.country_holidays(code, subdiv=subdivision or None, years=year)


@lru_cache(maxsize=100_000)
def _is_working_day(country: str, day: date) -> bool:
    if country == "CN":
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            pass
    return day.weekday() < 5 and day not in _holidays(country, day.year)


@lru_cache(maxsize=100_000)
def _day_after(country: str, day: date, working_days: int) -> date:
    left = working_days
    while left > 0:
        day += DAY
        if _is_working_day(country, day):
            left -= 1
    return day
