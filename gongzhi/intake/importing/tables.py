"""Reading tables that people have: CSV in any common encoding, plain or gzipped, in bounded memory.

A row that cannot be read is reported and the next one is read; only a file that is no table at
all is refused. Nothing is ever read whole: memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LONGEST_LINE = 4 * 1024 * 1024
LONGEST_RECORD_LINES = 2_000
_SAMPLE_BYTES = 1 << 20
_BOMB_BYTES = 100 << 20
_BOMB_RATIO = 400
_DELIMITERS = ",;\t|"

csv.field_size_limit(LONGEST_LINE)


class FileInvalid(ValueError):
    """The file cannot be read as what it claims to be; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a table.

    Attributes:
        number: its place in the file, counted from 1 behind the header.
        values: one for every column; None when the record could not be read.
        reason: why it could not be read, else empty.
        raw: the text as it stood in the file, for the list of rejected rows.
    """

    number: int
    values: list[str] | None
    reason: str
    raw: str


@dataclass(frozen=True)
class Table:
    """A readable table: the names of its columns, and its records one after the other."""

    columns: tuple[str, ...]
    lines: Iterator[Line]
    encoding: str
    share_read: Callable[[], float] = lambda: 0.0
    """How much of the file has been read, from 0 to 1."""


class _Bounded(io.RawIOBase):
    """Decompressed bytes, refused when there are unreasonably many for what was compressed."""

    def __init__(self, inner: IO[bytes], compressed_bytes: int) -> None:
        self._inner = inner
        self._allowed = max(_BOMB_BYTES, compressed_bytes * _BOMB_RATIO)
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._inner.read(len(view))
        view[: len(data)] = data
        self._read += len(data)
        if self._read > self._allowed:
            raise FileInvalid(
                "The file unpacks to more than 400 times its size, which no table does. Unpack it "
                "yourself and look at it first."
            )
        return len(data)


def opened(path: Path, stored: list[IO[bytes]] | None = None) -> IO[bytes]:
    """The bytes of a file, unpacked when it is gzipped (told by content, not by name).

    Args:
        stored: if given, the file as it is stored is appended, to ask how far it has been read.

    Raises:
        FileInvalid: it does not exist, cannot be read, or is another kind of archive.
    """
    try:
        file = path.open("rb")
        magic = file.read(4)
        file.seek(0)
        size = path.stat().st_size
    except OSError as problem:
        raise FileInvalid(f"{path}: {problem.strerror or problem}") from problem
    if stored is not None:
        stored.append(file)
    if magic[:2] == b"\x1f\x8b":
        raw = gzip.GzipFile(fileobj=file)
        return io.BufferedReader(_Bounded(raw, size), 1 << 18)  # type: ignore[arg-type]
    if magic == b"PK\x03\x04":
        file.close()
        raise FileInvalid(f"{path} is a ZIP archive or an Excel workbook: save it as CSV first.")
    return file


def read_table(path: Path) -> Table:
    """Open a CSV file: encoding and delimiter are found out, the first record names the columns.

    Raises:
        FileInvalid: missing, empty, not text, or without a usable header.
    """
    try:
        return _read_table(path)
    except (EOFError, OSError, zlib.error) as problem:
        raise FileInvalid(f"{path} is damaged: {problem}") from problem


def _read_table(path: Path) -> Table:
    sample = _sample(path)
    if not sample.strip(b"\x00 \r\n\t"):
        raise FileInvalid(f"{path} is empty.")
    encoding = _encoding(sample)
    head = sample.decode(encoding, "replace").removeprefix("\ufeff")
    if head.count("\x00") > len(head) // 10:
        raise FileInvalid(f"{path} is not a text file.")
    delimiter = _delimiter(head)
    stored: list[IO[bytes]] = []
    size = max(1, path.stat().st_size)
    records = _records(path, encoding, delimiter, stored)
    first = next(records, None)
    if first is None or first.values is None:
        raise FileInvalid(f"{path}: the first line does not name columns.")
    columns = tuple(name.strip() for name in first.values)
    if len({c for c in columns if c}) < 2 and len(columns) < 2 and not columns[0]:
        raise FileInvalid(f"{path}: the first line does not name columns.")
    doubled = sorted({c for c in columns if c and columns.count(c) > 1})
    if doubled:
        raise FileInvalid(f"{path}: the column {doubled[0]!r} occurs twice; rename one of them.")
    return Table(
        columns,
        _checked(records, columns, delimiter),
        encoding,
        lambda: min(1.0, stored[0].tell() / size) if stored and not stored[0].closed else 1.0,
    )


def _sample(path: Path) -> bytes:
    """The beginning of a file, as far as it can be read."""
    pieces, size = [], 0
    with opened(path) as file:
        while size < _SAMPLE_BYTES:
            try:
                piece = file.read1(1 << 14)  # type: ignore[attr-defined]
            except (EOFError, zlib.error, gzip.BadGzipFile):
                if not size:
                    raise
                break
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
    return b"".join(pieces)


def _encoding(sample: bytes) -> str:
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if sample.startswith(mark):
            return name
    if sample[1:200:2].count(0) > 40:
        return "utf-16-le"
    if sample[0:200:2].count(0) > 40:
        return "utf-16-be"
    faults = {}
    for name in ("utf-8", "gb18030"):
        text = codecs.getincrementaldecoder(name)("replace").decode(sample)
        faults[name] = text.count("\ufffd") - sample.count("\ufffd".encode())
    if faults["utf-8"] <= 0 or faults["utf-8"] * 50 < sum(b > 127 for b in sample):
        return "utf-8"
    return "gb18030" if faults["gb18030"] == 0 else "cp1252"


def _delimiter(head: str) -> str:
    first = next((line for line in head.splitlines() if line.strip()), "")
    outside = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=lambda d: (outside.count(d), -_DELIMITERS.index(d)))


class _Lines:
    """Physical lines for the CSV reader, remembering those of the record under way."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.taken: list[str] = []
        self._again: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) >= LONGEST_LINE:
            raise FileInvalid(
                "The file has a line of more than 4 MB, so it is no table. Check its line ends and quotes."
            )
        self.taken.append(line)
        if len(self.taken) > LONGEST_RECORD_LINES:
            raise csv.Error("a quote is opened and not closed")
        return line.replace("\x00", "\ufffd") if "\x00" in line else line

    def put_back(self, lines: list[str]) -> None:
        self._again.extend(reversed(lines))


def _records(path: Path, encoding: str, delimiter: str, stored: list[IO[bytes]]) -> Iterator[Line]:
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    with opened(path, stored) as binary:
        file = io.TextIOWrapper(binary, encoding=encoding, errors=errors, newline="")
        lines = _Lines(file)
        number = 0
        while True:
            reader = csv.reader(lines, delimiter=delimiter)
            try:
                for values in reader:
                    raw = lines.taken
                    lines.taken = []
                    if not values or (len(values) == 1 and not values[0].strip()):
                        continue
                    yield Line(number, values, "", "".join(raw))
                    number += 1
                return
            except csv.Error as problem:
                first, *rest = lines.taken
                lines.taken = []
                lines.put_back(rest)
                yield Line(number, None, f"damaged record: {problem}", first)
                number += 1
            except UnicodeError as problem:
                raise FileInvalid(f"{path} is not {encoding} throughout: {problem}") from problem
            except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
                yield Line(-1, None, f"the file ends early or is damaged here ({problem})", "")
                return


def _checked(records: Iterator[Line], columns: tuple[str, ...], delimiter: str) -> Iterator[Line]:
    """Records with the right number of values; one that swallowed its neighbours is taken apart."""
    width = len(columns)
    number = 0
    for line in records:
        for one in _mended(line, width, delimiter):
            if one.number < 0:
                yield one
                continue
            number += 1
            yield Line(number, one.values, one.reason, one.raw)


def _mended(line: Line, width: int, delimiter: str) -> Iterator[Line]:
    if line.values is None:
        yield line
        return
    values, found = line.values, len(line.values)
    if found > width and not any(v.strip() for v in values[width:]):
        values, found = values[:width], width
    if found == width:
        if line.raw.isascii() and "\x00" not in line.raw:
            yield Line(line.number, values, "", line.raw)
        elif "\udc80" <= max(map(_highest_escape, values), default="") <= "\udcff":
            yield Line(line.number, None, "bytes that are not UTF-8", line.raw)
        elif any("\ufffd" in v for v in values) and "\x00" in line.raw:
            yield Line(line.number, None, "NUL characters", line.raw)
        else:
            yield Line(line.number, values, "", line.raw)
        return
    physical = line.raw.splitlines(keepends=True)
    if len(physical) > 1:
        for single in physical:
            alone = next(csv.reader([single], delimiter=delimiter), [])
            if len(alone) == width and single.count('"') % 2 == 0:
                yield from _mended(Line(line.number, alone, "", single), width, delimiter)
            elif single.strip():
                yield Line(line.number, None, "damaged record: quotes do not match", single)
        return
    yield Line(line.number, None, f"{found} values instead of {width}", line.raw)


def _highest_escape(value: str) -> str:
    if value.isascii():
        return ""
    return max((c for c in value if "\udc80" <= c <= "\udcff"), default="")
