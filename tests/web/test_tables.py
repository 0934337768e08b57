"""Tables for spreadsheets: no cell is taken for a formula, and none loses what was in it."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gongzhi.cases import export

FORMULAS = (
    "=1+1", "=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(1)", "=HYPERLINK(\"//evil.test\",\"x\")", "\t=1+1",
    "\r=1+1", " =1+1", "＝1+1", "＋1", "－1", "＠SUM(1)", "|calc", "%0A=1+1", "'=1+1", "\u3000=1+1", "\ufeff=1+1",
    "=DDE(\"cmd\";\"/c calc\")", "=IMPORTXML(\"//evil.test\")", "\n=1+1", "+86 13812345678", "-12.5", "--", "=",
)  # fmt: skip
_EVALUATED = set("=+-@＝＋－＠|%\t\r\n")


def _read(table: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.removeprefix(export.BYTE_ORDER_MARK), newline="")))


def _would_be_evaluated(cell: str) -> bool:
    """Whether a spreadsheet that skips blanks and marks it does not show would find a formula."""
    seen = cell.lstrip(" \u3000\u00a0\ufeff\u200b\u200e\u2060")
    return cell[:1] in _EVALUATED or seen[:1] in _EVALUATED


@given(st.text(max_size=60) | st.sampled_from(FORMULAS))
@example("=1+1")
@example("'=1+1")
@settings(max_examples=500, deadline=None)
def test_no_cell_is_a_formula_and_every_cell_comes_back(text: str) -> None:
    text = text.replace("\x00", "").encode("utf-8", "ignore").decode()
    ((header,), (cell, neighbour)) = _read("".join(export.csv_lines(["a"], [[text, "b"]])))
    assert (header, neighbour) == ("a", "b")
    assert export.read_cell(cell) == text
    assert not _would_be_evaluated(cell)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none())
def test_numbers_stay_numbers(value: float | bool | None) -> None:
    ((_,), (cell, _)) = _read("".join(export.csv_lines(["a"], [[value, "b"]])))
    if value is None or isinstance(value, bool):
        assert cell == {None: "", True: "true", False: "false"}[value]
    else:
        assert float(cell) == float(value)


@pytest.mark.django_db
@pytest.mark.parametrize("formula", FORMULAS)
def test_the_public_table_evaluates_nothing(client: Client, submit, formula: str) -> None:  # type: ignore[no-untyped-def]
    submit(f"{formula} the street lamp is out")
    table = b"".join(client.get("/cases.csv").streaming_content).decode()  # type: ignore[attr-defined]
    (_, row) = _read(table)
    assert not [cell for cell in row if _would_be_evaluated(cell)]
