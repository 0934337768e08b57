"""Waiting times in the words of people, and names of figures' rows."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from gongzhi.cases import rules
from gongzhi.intake.counters.queries import Outlook, Row
from gongzhi.intake.counters.waiting import Expected

register = template.Library()


@register.filter
def about(expected: Expected | None) -> str:
    """An expected time with its range, as one would say it; empty when nothing can be said."""
    if not expected:
        return ""
    if expected.high < 60:
        return _("in a moment")
    low, middle, high = (max(0, round(s / 60)) for s in (expected.low, expected.seconds, expected.high))
    if middle == 0:
        return _("soon, at most %(n)d min") % {"n": high}
    if low == high:
        return ngettext("about %(n)d minute", "about %(n)d minutes", middle) % {"n": middle}
    told = ngettext("about %(n)d minute (%(low)d–%(high)d)", "about %(n)d minutes (%(low)d–%(high)d)", middle)
    return told % {"n": middle, "low": low, "high": high}


@register.filter
def span(expected: Expected | None) -> str:
    """The same as short as a table needs it."""
    if not expected:
        return "–"
    low, middle, high = (round(s / 60) for s in (expected.low, expected.seconds, expected.high))
    return _("%(n)d min (%(low)d–%(high)d)") % {"n": middle, "low": low, "high": high}


@register.filter
def newcomer(outlook: Outlook | None, queue_id: int) -> Expected | None:
    """What somebody has to expect who takes a number of a queue now."""
    return outlook.newcomers.get(queue_id) if outlook else None


@register.filter
def minutes(seconds: float | None) -> str:
    """Seconds as minutes with one place, – when there is nothing."""
    return "–" if seconds is None else f"{seconds / 60:.1f}"


@register.filter
def clock(moment: datetime | None) -> str:
    """The time of day in the city's zone."""
    return "–" if moment is None else f"{moment.astimezone(rules.calendar().zone):%H:%M}"


@register.filter
def row_name(row: Row) -> str:
    """The queue of a row of figures."""
    if row.letter is None:
        return _("The whole hall")
    chinese = (get_language() or "zh").startswith("zh")
    return f"{row.letter} {row.name_zh if chinese else row.name_en}"
