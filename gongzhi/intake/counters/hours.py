"""When a hall is open, by the city's calendar and zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from gongzhi.cases import rules
from gongzhi.cases.deadlines import Calendar
from gongzhi.intake.counters.models import Hall


def day_of(moment: datetime) -> date:
    """The day in the city's zone; numbers begin anew with it."""
    return moment.astimezone(rules.calendar().zone).date()


def calendar_of(hall: Hall) -> Calendar:
    """The city's calendar with the hours of the hall."""
    return replace(rules.calendar(), day_start=hall.opens_at, day_end=hall.closes_at)


def is_open(hall: Hall, moment: datetime) -> bool:
    """Whether numbers are given: within the hours, and as long as somebody still sits at a counter."""
    return calendar_of(hall).is_open(moment) or hall.counters.filter(post__isnull=False).exists()
