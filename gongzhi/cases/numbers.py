"""Case numbers that can be read out on the telephone: digits only, with a check digit.

Form: two digits of the year, two of the month, a serial of at least seven digits and one check
digit by Damm (2004), which finds every single wrong digit and every swap of neighbours.
Written for people as ``2611-0004213-7``.
"""

from __future__ import annotations

from datetime import datetime

from stdnum import damm

_SERIAL_DIGITS = 7


def make(serial: int, opened_at: datetime) -> str:
    """The number of the case with `serial` (≥ 1), received at `opened_at` in the city's zone."""
    body = f"{opened_at.year % 100:02d}{opened_at.month:02d}{serial:0{_SERIAL_DIGITS}d}"
    return body + damm.calc_check_digit(body)


def parse(written: str) -> str | None:
    """The plain number in what a person typed (spaces, hyphens, full-width digits allowed), or None."""
    digits = "".join(str(int(c)) for c in written if c.isdigit() and c not in "²³¹" and c.isdecimal())
    others = {c for c in written if not c.isdecimal()}
    if others - set(" -–—－　#№") or len(digits) < 4 + _SERIAL_DIGITS + 1 or len(digits) > 24:
        return None
    return digits if damm.is_valid(digits) else None


def spoken(number: str) -> str:
    """The number in groups, as printed on a receipt."""
    return f"{number[:4]}-{number[4:-1]}-{number[-1]}"
