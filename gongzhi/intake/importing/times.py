"""Dates as people and systems write them, read into aware times."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_TIME = (
    r"(?:[T\s,]+(?P<h>\d{1,2})(?:[:时](?P<mi>\d{1,2}))?(?:[:分](?P<s>\d{1,2})(?:[.,](?P<f>\d{1,9}))?秒?)?分?"
    r"\s*(?P<ap>[AaPp]\.?[Mm]\.?|上午|下午)?\s*(?P<z>Z|[+-]\d{2}:?\d{2}|UTC|GMT)?)?"
)
_YEAR_FIRST = re.compile(rf"(?P<y>\d{{4}})[-/.年](?P<a>\d{{1,2}})[-/.月](?P<b>\d{{1,2}})日?{_TIME}")
_YEAR_LAST = re.compile(rf"(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<y>\d{{4}}){_TIME}")
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<a>\d{2})(?P<b>\d{2})(?:T?(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})?)?")


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """A time zone by its IANA name."""
    return ZoneInfo(name)


def read_time(written: str, time_zone: str, *, day_first: bool = False) -> datetime | None:
    """The moment that `written` names, in UTC; None when it is no date.

    A time without an offset is local time of `time_zone`. In the hour that a clock change skips or
    repeats, the offset before the change counts (PEP 495, fold 0).

    Args:
        day_first: whether 3/4/2020 is the third of April.
    """
    text = written.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        found = _parts(text, day_first)
        if found is None:
            return None
        moment = found
    try:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone(time_zone))
        moment = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return moment if 1900 <= moment.year <= 2200 else None


def _parts(text: str, day_first: bool) -> datetime | None:
    match = _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text)
    last = match is None
    if match is None:
        match = _YEAR_LAST.fullmatch(text)
    if match is None:
        return None
    groups = match.groupdict()
    month, day = int(groups["a"]), int(groups["b"])
    if last and (day_first or month > 12):
        month, day = day, month
    hour = int(groups.get("h") or 0)
    half = (groups.get("ap") or "").lower().replace(".", "")
    if half in ("pm", "下午") and hour < 12:
        hour += 12
    elif half in ("am", "上午") and hour == 12:
        hour = 0
    fraction = (groups.get("f") or "0")[:6].ljust(6, "0")
    try:
        moment = datetime(
            int(groups["y"]),
            month,
            day,
            hour,
            int(groups.get("mi") or 0),
            int(groups.get("s") or 0),
            int(fraction),
        )
    except ValueError:
        return None
    offset = groups.get("z")
    if not offset:
        return moment
    if offset in ("Z", "UTC", "GMT"):
        return moment.replace(tzinfo=UTC)
    return datetime.fromisoformat(f"{moment.isoformat()}{offset[:3]}:{offset[-2:]}")
