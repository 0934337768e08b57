"""A plain file read in one pass says the same as the table of words; any other file is left to it."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongzhi.lake import plain_csv
from gongzhi.lake.columns import Groups
from gongzhi.lake.tables import TableInvalid, open_table

CELL = st.text(st.characters(exclude_characters='",\n\r\0', exclude_categories=["Cs"]), max_size=24)
STAMP = st.datetimes(
    min_value=datetime(1800, 1, 1),
    max_value=datetime(2199, 12, 31),
)
ZONE = st.sampled_from(["Z", "+08:00", "-05:30", "+00:00"])


def closely(path: Path) -> plain_csv.Columns:
    with open_table(path, ["case", "what", "when"]) as table:
        return plain_csv.Columns(table.groups("case"), [table.codes("what")], [table.moments("when")])


def same(one: plain_csv.Columns, other: plain_csv.Columns) -> bool:
    return (
        np.array_equal(one.groups.rows, other.groups.rows)
        and np.array_equal(one.groups.sizes, other.groups.sizes)
        and one.words[0].names == other.words[0].names
        and np.array_equal(one.words[0].of_row, other.words[0].of_row)
        and np.array_equal(one.moments[0], other.moments[0])
    )


def read(path: Path) -> plain_csv.Columns | None:
    return plain_csv.read(path, "case", ["what"], ["when"])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL.filter(bool), CELL, STAMP, ZONE), min_size=1, max_size=40),
    zoned=st.booleans(),
    space=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from([",", ";", "\t"]),
    ends=st.booleans(),
    block=st.sampled_from([300, 1 << 20]),
)
def test_both_ways_of_reading_agree(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, object, str]],
    zoned: bool,
    space: bool,
    newline: str,
    delimiter: str,
    ends: bool,
    block: int,
) -> None:
    lines = [delimiter.join(("case", "what", "when"))]
    for case, what, moment, zone in rows:
        stamp = moment.isoformat(" " if space else "T") + (zone if zoned else "")  # type: ignore[attr-defined]
        lines.append(delimiter.join((case.replace(delimiter, "_"), what.replace(delimiter, "_"), stamp)))
    path = tmp_path_factory.mktemp("plain") / "log.csv"
    path.write_bytes((newline.join(lines) + newline * ends).encode())
    with mock.patch.object(plain_csv, "BLOCK", block):
        found = read(path)
    try:
        expected = closely(path)
    except TableInvalid:
        return  # years that a zone moves past 1800 or 2200: told by the closer look
    assert found is not None
    assert same(found, expected)


def test_a_cell_is_the_same_whatever_stands_beside_it_in_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.csv"
    stamp = "2026-02-01T08:00:00"
    lines = [f"a,x,{stamp}", f"{'b' * 60},{'y' * 90},{stamp}", f"a,x,{stamp}", f"a,,{stamp}"]
    path.write_text("\n".join(["case,what,when", *lines]))
    monkeypatch.setattr(plain_csv, "BLOCK", 200)
    found = read(path)
    assert found is not None
    assert sorted(found.groups.sizes.tolist()) == [1, 3]
    assert same(found, closely(path))


def test_blocks_meet_in_the_middle_of_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\ufeffcase,what,when\n")
        for i in range(2000):
            file.write(
                f"案{i % 377},步骤{i % 7}{'长' * (i % 5)},2026-02-{i % 28 + 1:02d} 08:{i % 60:02d}:09\n"
            )
    monkeypatch.setattr(plain_csv, "BLOCK", 1000)
    found = read(path)
    assert found is not None
    assert same(found, closely(path))


@pytest.mark.parametrize(
    "rows",
    [
        '"a",x,2026-01-01 00:00:00',
        "a,x,2026-01-01 00:00:00,more",
        "a,x",
        ",x,2026-01-01 00:00:00",
        "a,x,",
        "a,x,2026-02-29 00:00:00",
        "a,x,2026-01-01 24:00:00",
        "a,x,2026-01-01 00:00:60",
        "a,x,2026-13-01 00:00:00",
        "a,x,2026/01/01 00:00:00",
        "a,x,1799-12-31 23:59:59",
        "a,x,2026-01-01 00:00:00.",
        "a,x,2026-01-01 00:00:00.12x",
        "a,x,2026-01-01 00:00:00+8:00",
        "a,x,2026-01-01 00:00:00\nb,x,2026-01-01 00:00:00Z",
        "a,x,2026-01-01 00:00:00+08:00\nb,x,2026-01-01 00:00:00",
        "a,x,2026-01-01 00:00:00\n\nb,x,2026-01-01 00:00:00",
        "a" * 300 + ",x,2026-01-01 00:00:00",
    ],
)
def test_what_is_not_plain_is_left_to_the_closer_look(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"case,what,when\n{rows}\n", encoding="utf-8")
    assert read(path) is None


def test_words_in_gb18030_are_left_to_the_closer_look(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes("case,what,when\n甲,受理,2026-01-01 00:00:00\n".encode("gb18030"))
    assert read(path) is None
    assert closely(path).words[0].names == ["受理"]


def test_rows_are_grouped_in_the_order_of_their_first_use() -> None:
    found = Groups.of(np.array([0, 1, 0, 2, 1], np.int32))
    assert found.rows.tolist() == [0, 2, 1, 4, 3]
    assert found.sizes.tolist() == [2, 2, 1]
