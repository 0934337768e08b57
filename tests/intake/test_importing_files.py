"""Files as people have them: encodings, quotes, damage, bombs; each row is read or named."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongzhi.intake.importing import documents, tables
from gongzhi.intake.importing.tables import FileInvalid, Line, read_table

HEADER = "id,text,opened\n"


def lines_of(folder: Path, data: bytes, name: str = "f.csv") -> list[Line]:
    path = folder / name
    path.write_bytes(data)
    return list(read_table(path).lines)


def values_of(folder: Path, data: bytes) -> list[list[str] | None]:
    return [line.values for line in lines_of(folder, data)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_every_common_encoding_is_recognised(tmp_path: Path, encoding: str) -> None:
    text = HEADER + "1,路灯坏了好几天,2024-01-02\n2,下水道堵塞，污水外溢,2024-01-03\n"
    expected = [["1", "路灯坏了好几天", "2024-01-02"], ["2", "下水道堵塞，污水外溢", "2024-01-03"]]
    assert values_of(tmp_path, text.encode(encoding)) == expected


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_common_delimiter_and_line_end_is_recognised(tmp_path: Path, delimiter: str, end: str) -> None:
    rows = [["id", "text", "opened"], ["1", "a lamp", "2024-01-02"], ["2", "", "2024-01-03"]]
    data = end.join(delimiter.join(row) for row in rows) + end
    assert values_of(tmp_path, data.encode()) == rows[1:]


def test_a_quoted_value_may_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    data = HEADER + '1,"a, ""b""\r\nc",2024-01-02\r\n'
    assert values_of(tmp_path, data.encode()) == [["1", 'a, "b"\r\nc', "2024-01-02"]]


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    data = HEADER + '1,"broken,2024-01-02\n' + "".join(f"{i},fine,2024-01-02\n" for i in range(2, 60))
    lines = lines_of(tmp_path, data.encode())
    assert [x.values[0] for x in lines if x.values] == [str(i) for i in range(2, 60)]
    assert [x.reason for x in lines if x.values is None] == ["damaged record: quotes do not match"]


def test_a_row_with_too_many_or_too_few_values_is_named(tmp_path: Path) -> None:
    lines = lines_of(tmp_path, (HEADER + "1,a\n2,b,2024-01-02\n3,c,d,e\n4,f,2024-01-02,,\n").encode())
    assert [x.reason for x in lines] == ["2 values instead of 3", "", "4 values instead of 3", ""]
    assert [x.number for x in lines] == [1, 2, 3, 4]


def test_nul_characters_and_wrong_bytes_cost_their_row_only(tmp_path: Path) -> None:
    data = HEADER.encode() + "1,街,x\n".encode() * 60 + b"2,a\x00b,x\n3,a\xffb,x\n4,ok,x\n"
    lines = lines_of(tmp_path, data)
    assert {x.reason for x in lines if x.values is None} == {"NUL characters", "bytes that are not UTF-8"}
    assert lines[-1].values == ["4", "ok", "x"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\x00" * 5000, b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused_with_a_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FileInvalid, match=r"empty|name columns"):
        lines_of(tmp_path, data)


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    assert lines_of(tmp_path, HEADER.encode()) == []


def test_a_column_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileInvalid, match="twice"):
        lines_of(tmp_path, b"id,text,text\n1,a,b\n")


def test_an_excel_workbook_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(FileInvalid, match="save it as CSV"):
        lines_of(tmp_path, b"PK\x03\x04" + b"x" * 100)


def test_a_truncated_gzip_gives_its_rows_and_says_that_it_is_damaged(tmp_path: Path) -> None:
    import random

    chance = random.Random(7)
    body = "".join(f"{i},{chance.getrandbits(200):x},2024-01-02\n" for i in range(20_000))
    packed = gzip.compress((HEADER + body).encode())
    lines = lines_of(tmp_path, packed[: len(packed) // 2], "f.csv.gz")
    assert lines[-1].number == -1 and "damaged" in lines[-1].reason
    assert sum(x.values is not None for x in lines) > 5_000


def test_a_zip_bomb_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(HEADER.encode())
        for _ in range(40):
            file.write(b"0" * (1 << 20))
    tracemalloc.start()
    with pytest.raises(FileInvalid, match="no table"):
        list(read_table(path).lines)
    assert tracemalloc.get_traced_memory()[1] < 60 << 20
    tracemalloc.stop()


def test_a_bomb_of_many_short_lines_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_BOMB_BYTES", 1 << 20)
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(HEADER.encode() + b"1,a,b\n" * 2_000_000)
    with pytest.raises(FileInvalid, match="400 times"):
        list(read_table(path).lines)


def test_a_long_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write(HEADER)
        for i in range(120_000):
            file.write(f"{i},{'x' * 100},2024-01-02\n")
    tracemalloc.start()
    assert sum(1 for _ in read_table(path).lines) == 120_000
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_no_bytes_whatever_raise_anything_but_a_sentence(data: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(b"id,text\n" + data)
        file.flush()
        path = Path(file.name)
        try:
            reader = documents.read_document if documents.is_document(path) else read_table
            for line in reader(path).lines:
                assert line.values is not None or line.reason
        except FileInvalid as problem:
            assert str(problem)


@given(st.lists(st.lists(st.text(alphabet='ab,"\n\r 路;', max_size=6), min_size=3, max_size=3), max_size=8))
@settings(max_examples=150, deadline=None)
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    import csv
    import io
    import tempfile

    rows = [row for row in rows if any(value.strip() for value in row)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "text", "opened"], *rows])
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(text.getvalue().encode())
        file.flush()
        assert [x.values for x in read_table(Path(file.name)).lines] == rows


XML = """<?xml version="1.0" encoding="utf-8"?>
<service_requests><request><service_request_id>7</service_request_id><status>open</status>
<description>坑 &amp; pit</description><lat>37.1</lat><long>-122.4</long></request>
<request><service_request_id>8</service_request_id><status>closed</status></request></service_requests>"""


def test_open311_xml_and_json_give_the_same_rows(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(XML, encoding="utf-8")
    (tmp_path / "a.json").write_text(
        '[{"service_request_id": "7", "status": "open", "description": "坑 & pit", "lat": 37.1, '
        '"long": -122.4}, {"service_request_id": 8, "status": "closed", "description": null}]',
        encoding="utf-8",
    )
    found = [list(documents.read_document(tmp_path / f"a.{kind}").lines) for kind in ("xml", "json")]
    assert [x.values for x in found[0]] == [x.values for x in found[1]]
    assert found[0][0].values[0] == "7" and len(found[0]) == 2  # type: ignore[index]


@pytest.mark.parametrize(
    "declaration",
    ['<!DOCTYPE r [<!ENTITY a "aaaa">]>', '<!DOCTYPE r SYSTEM "file:///etc/passwd">'],
)
def test_xml_with_a_document_type_is_refused(tmp_path: Path, declaration: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f"<?xml version='1.0'?>{declaration}<r><request><status>&a;</status></request></r>")
    with pytest.raises(FileInvalid, match="document type"):
        list(documents.read_document(path).lines)


def test_deep_or_cut_documents_are_refused_or_named(tmp_path: Path) -> None:
    deep = tmp_path / "deep.xml"
    deep.write_text("<a>" * 100)
    with pytest.raises(FileInvalid, match="nested"):
        list(documents.read_document(deep).lines)
    cut = tmp_path / "cut.xml"
    cut.write_text(XML[:-60])
    assert list(documents.read_document(cut).lines)[-1].number == -1
    nested = tmp_path / "deep.json"
    nested.write_text("[" * 200_000)
    with pytest.raises(FileInvalid, match="no JSON"):
        list(documents.read_document(nested).lines)
