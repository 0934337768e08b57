"""Reading what a client asks for: dates, lists, paging, attributes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.translation import gettext as _

from gongzhi.errors import Invalid

SPAN = timedelta(days=90)
MOST_ROWS = 1000
_ATTRIBUTE = re.compile(r"^attribute\[([^\[\]]{1,100})\](?:\[\d*\])?$")


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to before or at `end`, both aware."""

    start: datetime
    end: datetime


def moment(written: str, name: str, zone: ZoneInfo) -> datetime:
    """A W3C date-time, or a day; without an offset the city's own time is meant.

    Raises:
        Invalid: it is neither.
    """
    text = written.strip()
    text = re.sub(r" (\d{2}:\d{2})$", r"+\1", text)
    try:
        found = datetime.fromisoformat(text)
        aware = found if found.tzinfo else found.replace(tzinfo=zone)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise Invalid(fields={name: _("Write a time like 2026-11-24T09:30:00+08:00.")}) from problem


def period(query: QueryDict, zone: ZoneInfo, now: datetime) -> Period:
    """The span that is asked for: at most 90 days, without dates the last 90.

    Raises:
        Invalid: a date cannot be read, or the end lies before the start.
    """
    first, last = query.get("start_date", ""), query.get("end_date", "")
    try:
        if first and last:
            start, end = moment(first, "start_date", zone), moment(last, "end_date", zone)
        elif first:
            start = moment(first, "start_date", zone)
            end = start + SPAN
        else:
            end = moment(last, "end_date", zone) if last else now + timedelta(seconds=1)
            start = end - SPAN
    except OverflowError as problem:
        raise Invalid(fields={"start_date": _("Write a time like 2026-11-24T09:30:00+08:00.")}) from problem
    if end < start:
        raise Invalid(fields={"end_date": _("The end lies before the start.")})
    return Period(max(start, end - SPAN), end)


def listed(query: QueryDict, name: str) -> list[str]:
    """The entries of a comma-separated parameter."""
    return [part.strip() for part in query.get(name, "").split(",") if part.strip()]


def page(query: QueryDict) -> tuple[int, int]:
    """(offset, limit) from `page` and `page_size`.

    Raises:
        Invalid: not a positive number, or further than 100,000 rows.
    """
    size = _number(query, "page_size", MOST_ROWS)
    number = _number(query, "page", 1)
    size = min(size, MOST_ROWS)
    offset = (number - 1) * size
    if offset > 100_000:
        raise Invalid(fields={"page": _("Narrow the dates instead of paging this far.")})
    return offset, size


def _number(query: QueryDict, name: str, otherwise: int) -> int:
    written = query.get(name, "").strip()
    if not written:
        return otherwise
    if not (written.isascii() and written.isdecimal() and len(written) < 7 and int(written)):
        raise Invalid(fields={name: _("A whole number from 1 on.")})
    return int(written)


def attributes(form: QueryDict) -> dict[str, list[str]]:
    """``attribute[CODE]`` and ``attribute[CODE][]`` parameters, by code."""
    found: dict[str, list[str]] = {}
    for name in form:
        match = _ATTRIBUTE.match(name)
        if match:
            values = [value for value in form.getlist(name) if value != ""]
            found.setdefault(match[1], []).extend(values)
    return found


def checked_attributes(
    given: dict[str, list[str]], defined: Iterable[dict[str, Any]]
) -> dict[str, list[str]]:
    """The given attributes that the service defines.

    Raises:
        Invalid: a required one is missing, or a value is not one of those allowed.
    """
    wrong: dict[str, str] = {}
    kept: dict[str, list[str]] = {}
    for attribute in defined:
        code = str(attribute["code"])
        values = given.get(code, [])
        if attribute.get("required") and not values:
            wrong[f"attribute[{code}]"] = _("This is required.")
        allowed = [str(v.get("key", v)) if isinstance(v, dict) else str(v) for v in attribute.get("values", [])]  # fmt: skip
        if allowed and set(values) - set(allowed):
            wrong[f"attribute[{code}]"] = _("Choose one of: %(values)s.") % {"values": ", ".join(allowed)}
        if values:
            kept[code] = [value[:1000] for value in values[:50]]
    if wrong:
        raise Invalid(fields=wrong)
    return kept


def coordinate(written: str, name: str) -> float | None:
    """A number of degrees, None when empty.

    Raises:
        Invalid: not a number.
    """
    if not written.strip():
        return None
    try:
        return float(written)
    except ValueError as problem:
        raise Invalid(fields={name: _("Latitude and longitude must be numbers.")}) from problem
