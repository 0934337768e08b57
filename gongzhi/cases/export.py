"""Cases as tables for spreadsheets: cells that no spreadsheet program takes for a formula."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

BYTE_ORDER_MARK: Final = "\ufeff"
"""Written first, so that spreadsheet programs read Chinese as UTF-8."""

_STARTS_A_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠|%")
"""What the common spreadsheet programs evaluate at the start of a cell (OWASP, CSV injection), with
their full-width forms, which Chinese editions accept as well."""
_GUARD: Final = "'"
_UNSEEN: Final = frozenset(("Zs", "Zl", "Zp", "Cc", "Cf"))
"""Unicode categories of what a spreadsheet may skip: blanks, controls, byte-order and direction marks."""


def csv_cell(value: object) -> str:
    """A value as the text of one cell that is shown, never evaluated.

    Text that would start a formula, also behind spaces, gets an apostrophe in front, and so does text that begins
    with an apostrophe, so that `read_cell` gives back exactly what was there. Numbers stay numbers.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value).replace("\x00", "")
    if not text or text[0].isalnum():
        return text
    if text[0] == _GUARD or text[0] in _STARTS_A_FORMULA or _first_seen(text) in _STARTS_A_FORMULA:
        return _GUARD + text
    return text


def _first_seen(text: str) -> str:
    """The first character that is neither blank, control character nor invisible mark; empty if none."""
    return next((c for c in text if unicodedata.category(c) not in _UNSEEN), "")


def read_cell(text: str) -> str:
    """The text that `csv_cell` was given."""
    return text[1:] if text.startswith(_GUARD) else text


class _Line:
    """A file-like place that gives back the line just written."""

    def write(self, line: str) -> str:
        return line


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table line by line (RFC 4180, UTF-8 with a byte-order mark), for a streamed answer."""
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + str(writer.writerow([csv_cell(name) for name in header]))
    for row in rows:
        yield str(writer.writerow([csv_cell(value) for value in row]))
