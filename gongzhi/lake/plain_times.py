"""Times in the profile of ISO 8601 that machines write, many at once, from bytes.

``2026-03-31 17:05:00``, with T or a space, a fraction of up to six digits, then Z, an offset as
``+08:00``, or nothing. Eight bytes are computed with at once as one 64-bit word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gongzhi.lake.columns import EARLIEST_US, LATEST_US

SECONDS_END = 19
"""Bytes up to the seconds."""
FRACTION_DIGITS = 6
_MONTHS = np.arange("1800-01", "2201-01", dtype="datetime64[M]")
_MONTH_BEGINS = _MONTHS[:-1].astype("datetime64[D]").astype(np.int64)
"""Days since 1970 of the first of each month from January 1800."""
_MONTH_DAYS = np.diff(_MONTHS.astype("datetime64[D]").astype(np.int64))
_HIGH_BITS, _SIXES = np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x0606060606060606)


@dataclass(frozen=True, slots=True)
class Moments:
    """(n,) microseconds since 1970, UTC where the times have zones."""

    microseconds: NDArray[np.int64]
    is_zoned: bool


def moments_of(text: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64]) -> Moments | None:
    """Read the times at text[begin:end]; None unless all are of this form, all zoned or all not.

    Args:
        text: bytes, with at least 24 more behind the last time.
    """
    if (end - begin).min() < SECONDS_END:
        return None
    last = int(end[0])
    if is_zoned := text[last - 1] == ord("Z") or text[last - 6] in b"+-":
        zone = _zones(text, end)
        if zone is None:
            return None
        end, offset = zone
    seconds = _seconds(text, begin)
    fraction = _fraction(text, begin + SECONDS_END, end)
    if seconds is None or fraction is None:
        return None
    if is_zoned:
        seconds -= offset
    seconds *= 1_000_000
    seconds += fraction
    if seconds.min() < EARLIEST_US or seconds.max() >= LATEST_US:
        return None
    return Moments(seconds, is_zoned)


def _zones(
    text: NDArray[np.uint8], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Where the zones begin, and how many seconds they are ahead of UTC."""
    is_utc = text[end - 1] == ord("Z")
    sign, colon = text[end - 6], text[end - 3]
    if not (is_utc | (((sign == ord("+")) | (sign == ord("-"))) & (colon == ord(":")))).all():
        return None
    digits = [text[end - place].astype(np.int64) - ord("0") for place in (5, 4, 2, 1)]
    hours, minutes = digits[0] * 10 + digits[1], digits[2] * 10 + digits[3]
    is_right = (hours < 16) & (minutes < 60)
    for digit in digits:
        is_right &= (digit >= 0) & (digit <= 9)
    if not (is_right | is_utc).all():
        return None
    ahead = np.where(is_utc, 0, (hours * 60 + minutes) * 60)
    return end - np.where(is_utc, 1, 6), np.where(sign == ord("-"), -ahead, ahead)


def _seconds(text: NDArray[np.uint8], begin: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """(n,) seconds since 1970 of ``2026-03-31T17:05:00``, None where one is not such a time."""
    at_any_byte = np.ndarray((len(text) - 7,), "<u8", text, strides=(1,))
    date = _pairs(at_any_byte[begin], b"0000-00-")
    clock = at_any_byte[begin + 8]
    # A space instead of T between date and time is as good.
    clock[(clock & np.uint64(0xFF0000)) == ord(" ") << 16] ^= np.uint64((ord(" ") ^ ord("T")) << 16)
    time = _pairs(clock, b"00T00:00")
    rest = _pairs(at_any_byte[begin + 16] & np.uint64(0xFFFFFF), b":00\0\0\0\0\0")
    if date is None or time is None or rest is None:
        return None
    month = _byte(date, 5) - 1
    since_1800 = ((_byte(date, 0) - 18) * 100 + _byte(date, 2)) * 12 + month
    day, hour, minute, second = _byte(time, 0) - 1, _byte(time, 3), _byte(time, 6), _byte(rest, 1)
    if not ((month >= 0) & (month < 12) & (since_1800 >= 0) & (since_1800 < len(_MONTH_DAYS))).all():
        return None
    if not ((day >= 0) & (day < _MONTH_DAYS[since_1800]) & (hour < 24) & (minute < 60) & (second < 60)).all():
        return None
    found: NDArray[np.int64] = (((_MONTH_BEGINS[since_1800] + day) * 24 + hour) * 60 + minute) * 60 + second
    return found


def _pairs(word: NDArray[np.uint64], form: bytes) -> NDArray[np.uint64] | None:
    """Byte i of each word becomes the number that the digits i and i + 1 write.

    Args:
        form: "0" stands for any digit, every other byte for itself.
    """
    word = word ^ np.uint64(int.from_bytes(form, "little"))
    fixed = np.uint64(int.from_bytes(bytes(0 if b == ord("0") else 255 for b in form), "little"))
    if (((word | (word + _SIXES)) & _HIGH_BITS) | (word & fixed)).any():
        return None
    return word * np.uint64(10) + (word >> np.uint64(8))


def _byte(word: NDArray[np.uint64], place: int) -> NDArray[np.int64]:
    return ((word >> np.uint64(8 * place)) & np.uint64(0xFF)).astype(np.int64)


def _fraction(
    text: NDArray[np.uint8], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.int64] | int | None:
    """(n,) microseconds behind the point, 0 where there is none."""
    length = end - begin
    if not length.any():
        return 0
    is_right = (length == 0) | ((length >= 2) & (length <= FRACTION_DIGITS + 1) & (text[begin] == ord(".")))
    found = np.zeros(len(begin), np.int64)
    for place in range(1, FRACTION_DIGITS + 1):
        digit = np.where(place < length, text[begin + place].astype(np.int64) - ord("0"), 0)
        is_right &= (digit >= 0) & (digit <= 9)
        found = found * 10 + digit
    return found if is_right.all() else None
