"""An analyst's file, opened with DuckDB: columns as arrays, and faults named by row and column.

Rows are numbered as a spreadsheet shows them: the heading is row 1, the first record row 2.
The order of the file is the order of every array.
"""

from __future__ import annotations

import csv
import gzip
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from gongzhi.lake.columns import (
    EARLIEST_US,
    HEADING_ROWS,
    LATEST_US,
    Codes,
    Groups,
    TableInvalid,
    grouped,
)

__all__ = ["HEADING_ROWS", "Codes", "Table", "TableInvalid", "column_names", "open_table"]

MEMORY = "160MB"
"""What DuckDB may use before it writes to disk; a million short rows take about 90 MB."""
LARGEST_COUNT = 10_000_000_000
"""More than there are people: what is larger is a slip, and its square would be no number."""
MOMENT_FORMATS = ("%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日", "%Y%m%d", "%Y%m%d%H%M%S")
"""Tried for times that are not ISO 8601; day-first and month-first forms are refused as ambiguous."""


class Table:
    """Columns of one file. Made by `open_table`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, columns: list[str]) -> None:
        self._db, self.path, self._columns = connection, path, columns
        self._index = {name: f"c{i}" for i, name in enumerate(columns)}
        counted = connection.execute("SELECT count(*) FROM rows").fetchone()
        self.rows = int(counted[0]) if counted else 0

    def _array(self, expression: str) -> NDArray[Any]:
        """(n,) the values of an SQL expression over the rows; masked where NULL."""
        found: NDArray[Any] = self._db.execute(f"SELECT {expression} v FROM rows").fetchnumpy()["v"]
        return found

    def _fault(self, column: str, wrong: str, sentence: str) -> None:
        """Refuse the file when the SQL condition `wrong` holds for a row; names the first one."""
        name = self._index[column]
        found = self._db.execute(
            f"SELECT rowid, {name}, count(*) OVER () FROM rows WHERE {wrong} ORDER BY rowid LIMIT 1"
        ).fetchone()
        if found:
            shown = "" if found[1] is None else f" {str(found[1])[:60]!r}"
            more = f" ({found[2]} such rows)" if found[2] > 1 else ""
            raise TableInvalid(
                f"{self.path}: row {found[0] + HEADING_ROWS}, column {column!r}: {sentence}{shown}{more}"
            )

    def require(self, column: str) -> None:
        """Refuse the file when a cell of the column is empty."""
        self._fault(column, f"{self._index[column]} IS NULL", "the cell is empty")

    def texts(self, column: str) -> list[str]:
        """The cells as they stand, empty ones as ""."""
        name = self._index[column]
        return [r[0] for r in self._db.execute(f"SELECT coalesce({name}, '') FROM rows").fetchall()]

    def distinct(self, column: str) -> int:
        """How many different words the column holds, empty cells apart."""
        found = self._db.execute(f"SELECT count(DISTINCT hash({self._index[column]})) FROM rows").fetchone()
        return int(found[0]) if found else 0

    def codes(self, column: str) -> Codes:
        """The column as numbers and their names; meant for columns with few distinct words."""
        name = self._index[column]
        found = self._db.execute(
            f"SELECT {name}, hash({name}) h FROM rows WHERE {name} IS NOT NULL GROUP BY ALL ORDER BY min(rowid)"
        ).fetchall()
        keys = np.array([h for _, h in found], np.uint64)
        order = np.argsort(keys)
        if len(keys) and (np.diff(keys[order]) == 0).any():
            raise TableInvalid(f"{self.path}: column {column!r}: two words have the same hash")
        hashes = self._array(f"hash({name})")
        if len(keys) == 0:
            return Codes(np.full(self.rows, -1, np.int32), [])
        at = order[np.searchsorted(keys[order], hashes).clip(0, len(keys) - 1)]
        codes = np.where(keys[at] == hashes, at, -1).astype(np.int32)
        return Codes(codes, [word for word, _ in found])

    def groups(self, column: str) -> Groups:
        """Which rows have equal cells; for many distinct cells."""
        self.require(column)
        name = self._index[column]
        found = self._db.execute(f"SELECT hash({name}) a, hash({name} || '~') b FROM rows").fetchnumpy()
        return grouped(found["a"], found["b"]) or Groups.of(self.codes(column).of_row)

    def moments(self, column: str, *, empty_allowed: bool = False) -> NDArray[np.int64]:
        """(n,) microseconds since 1970 UTC, of years that can be meant; see `_moments`.

        Raises:
            TableInvalid: as `_moments`, or a year before 1800 or after 2200.
        """
        found = self._moments(column, empty_allowed=empty_allowed)
        is_far = (found != np.iinfo(np.int64).min) & ((found < EARLIEST_US) | (found >= LATEST_US))
        if is_far.any():
            row = int(is_far.argmax())
            raise TableInvalid(
                f"{self.path}: row {row + HEADING_ROWS}, column {column!r}: a year that cannot be meant "
                f"(1800 to 2200 are read) ({int(is_far.sum())} such rows)"
            )
        return found

    def _moments(self, column: str, *, empty_allowed: bool = False) -> NDArray[np.int64]:
        """(n,) microseconds since 1970 UTC; the smallest integer where the cell is empty.

        Times with a zone are brought to UTC. Times without one are taken as they stand, all in the
        same unnamed zone; a column that mixes both kinds is refused, since nothing says how they compare.

        Raises:
            TableInvalid: an unreadable time, an empty cell (unless allowed), or zones missing in part.
        """
        name = self._index[column]
        if not empty_allowed:
            self.require(column)
        bare = self._array(f"epoch_us(try_cast({name} AS TIMESTAMP))")
        if not np.ma.isMaskedArray(bare) or not np.ma.getmaskarray(bare).any():
            # 2026-03-31 17:05:00 has no room for a zone: most files need no closer look.
            odd = self._db.execute(
                f"SELECT count(*) FILTER (strlen({name}) <> 19 OR array_extract({name}, 17) <> ':') FROM rows"
            ).fetchone()
            if odd is not None and odd[0] == 0:
                return np.asarray(np.ma.getdata(bare), np.int64)
        # The zone can only stand after the date, so that the hyphens of the date do not count.
        tail = f"substr({name}, 11)"
        zoned = f"(contains({tail}, '+') OR contains({tail}, '-') OR right(rtrim({name}), 1) IN ('Z','z','C','T'))"
        kinds = self._db.execute(
            f"SELECT count(*) FILTER ({zoned}), count(*) FROM rows WHERE {name} IS NOT NULL"
        ).fetchone()
        with_zone, filled = kinds if kinds else (0, 0)
        if 0 < with_zone < filled:
            few = f"NOT {zoned}" if with_zone * 2 > filled else zoned
            said = (
                "no time zone where the other rows have one:"
                if few != zoned
                else "a time zone where the others have none:"
            )
            self._fault(column, f"{name} IS NOT NULL AND {few}", said)
        # A cast to TIMESTAMP would drop the offset in silence (DuckDB 2.0), hence TIMESTAMPTZ.
        plain = f"epoch_us(try_cast({name} AS {'TIMESTAMPTZ' if with_zone else 'TIMESTAMP'}))"
        values = self._array(plain)
        if np.ma.isMaskedArray(values) and int(np.ma.getmaskarray(values).sum()) > self.rows - filled:
            others = "".join(f", epoch_us(try_strptime({name}, '{f}'))" for f in MOMENT_FORMATS)
            plain = f"coalesce({plain}{others})"
            self._fault(
                column,
                f"{name} IS NOT NULL AND ({plain}) IS NULL",
                "not a time that is understood (write it as 2026-03-31 17:05:00):",
            )
            values = self._array(plain)
        filled_values: NDArray[np.int64] = np.ma.filled(values, np.iinfo(np.int64).min).astype(np.int64)
        return filled_values

    def numbers(self, column: str, *, empty_allowed: bool = False) -> NDArray[np.float64]:
        """(n,) float64, NaN where the cell is empty.

        Raises:
            TableInvalid: a cell that is not a finite number, or an empty one unless allowed.
        """
        name = self._index[column]
        if not empty_allowed:
            self.require(column)
        self._fault(
            column,
            f"{name} IS NOT NULL AND NOT coalesce(isfinite(try_cast({name} AS DOUBLE)), false)",
            "not a number:",
        )
        return np.ma.filled(self._array(f"try_cast({name} AS DOUBLE)"), np.nan).astype(np.float64)

    def counts(self, column: str) -> NDArray[np.float64]:
        """(n,) numbers of matters or people, NaN where the cell is empty.

        Raises:
            TableInvalid: a cell that is not a number, is below zero, or above LARGEST_COUNT.
        """
        found = self.numbers(column, empty_allowed=True)
        read = f"try_cast({self._index[column]} AS DOUBLE)"
        if (found < 0).any():
            self._fault(column, f"{read} < 0", "a count below zero:")
        if (found > LARGEST_COUNT).any():
            self._fault(
                column, f"{read} > {LARGEST_COUNT}", f"too large to be a count (at most {LARGEST_COUNT:,}):"
            )
        return found

    def scaled(self, column: str, digits: int) -> NDArray[np.int64]:
        """(n,) the exact decimal values times 10^digits, as integers.

        Raises:
            TableInvalid: not a number, empty, too large, or with more decimals than `digits`.
        """
        name = self._index[column]
        read = self._array(f"try_cast({name} AS DOUBLE)")
        if not np.ma.isMaskedArray(read) or not np.ma.getmaskarray(read).any():
            # A decimal of few digits is the nearest double of exactly one integer over 10^digits.
            values = np.ma.getdata(read) * 10.0**digits
            nearest = np.rint(values)
            if np.isfinite(values).all() and np.abs(values).max(initial=0) < 2**51:
                if (np.abs(values - nearest) <= 4e-16 * np.abs(values)).all():
                    return nearest.astype(np.int64)
        self.require(column)
        exact = f"try_cast({name} AS DECIMAL(38, 12))"
        self._fault(column, f"{exact} IS NULL", "not a number:")
        self._fault(column, f"abs({exact}) >= 1000000000", "too large to be a real quantity:")
        self._fault(
            column,
            f"{exact} * {10**digits} <> floor({exact} * {10**digits})",
            f"more than {digits} decimals:",
        )
        return self._array(f"CAST({exact} * {10**digits} AS BIGINT)").astype(np.int64)


@contextmanager
def open_table(path: Path, columns: Sequence[str]) -> Iterator[Table]:
    """Read the named columns of a CSV (comma, semicolon or tab; plain or gzipped; UTF-8 or GB18030) or Parquet file.

    Raises:
        TableInvalid: the file or a column is missing, the file is empty or damaged.
    """
    if not path.is_file():
        raise TableInvalid(f"{path}: there is no such file")
    wanted = list(dict.fromkeys(columns))
    with tempfile.TemporaryDirectory(prefix="gongzhi-") as folder:
        connection = duckdb.connect(
            config={"threads": min(4, os.cpu_count() or 1), "memory_limit": MEMORY, "temp_directory": folder}
        )
        try:
            connection.execute("SET TimeZone = 'UTC'")
            source, present = _source(connection, path, Path(folder))
            missing = [c for c in wanted if c not in present]
            if missing:
                shown = [repr(c)[1:-1][:40] for c in present[:20]] + ["…"] * (len(present) > 20)
                raise TableInvalid(f"{path}: no column {', '.join(missing)}; it has {', '.join(shown)}")
            picked = ", ".join(f"CAST(h{present.index(c)} AS VARCHAR) c{i}" for i, c in enumerate(wanted))
            connection.execute(f"CREATE TABLE rows AS SELECT {picked} FROM {source}")
            table = Table(connection, path, wanted)
            if table.rows == 0:
                raise TableInvalid(f"{path}: no rows below the heading")
            yield table
        except duckdb.Error as problem:
            raise TableInvalid(f"{path}: {' '.join(str(problem).split())[:400]}") from problem
        finally:
            connection.close()


def _source(connection: duckdb.DuckDBPyConnection, path: Path, folder: Path) -> tuple[str, list[str]]:
    """The table function that reads the file with its columns as h0, h1 …, and their real names."""
    if path.suffix.lower() == ".parquet":
        described = connection.execute(f"SELECT * FROM read_parquet({_literal(path)}) LIMIT 0").description
        present = [str(d[0]) for d in described or []]
        renamed = ", ".join(f"h{i}" for i in range(len(present)))
        return f"read_parquet({_literal(path)}) AS file({renamed})", present
    packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            head = file.read(1 << 16)
    except (OSError, EOFError) as problem:
        raise TableInvalid(f"{path}: {problem}") from problem
    if not head.strip():
        raise TableInvalid(f"{path}: the file is empty")
    if b"\0" in head:
        kind = "UTF-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "binary"
        raise TableInvalid(f"{path}: {kind}, not a table in text; save it as CSV in UTF-8")
    if not _is_utf8(head):
        path, packed = _recoded(path, packed, folder), False
        head = path.open("rb").read(1 << 16)
    first = head.split(b"\n", 1)[0].decode("utf-8-sig", "replace").rstrip("\r")
    # The heading decides the separator; guessing from all rows is misled by prose full of commas.
    delimiter = max((",", "\t", ";"), key=first.count)
    present = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
    typed = ", ".join(f"'h{i}': 'VARCHAR'" for i in range(len(present)))
    return (
        f"read_csv({_literal(path)}, auto_detect = false, header = true, columns = {{{typed}}},"
        f" delim = '{delimiter}', quote = '\"', escape = '\"', nullstr = '', strict_mode = true,"
        f" allow_quoted_nulls = true, buffer_size = 8388608, null_padding = false, compression = '{'gzip' if packed else 'none'}')"
    ), present


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _is_utf8(head: bytes) -> bool:
    """Whether the beginning of a file is UTF-8; a character cut at the end does not count."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as problem:
        return problem.start >= len(head) - 3
    return True


def _recoded(path: Path, packed: bool, folder: Path) -> Path:
    """A UTF-8 copy of a file in GB18030, which office programs in China still write."""
    target = folder / "recoded.csv"
    try:
        with (
            gzip.open(path, "rt", encoding="gb18030", newline="")
            if packed
            else path.open(encoding="gb18030", newline="") as source,
            target.open("w", encoding="utf-8", newline="") as copy,
        ):
            while part := source.read(1 << 20):
                copy.write(part)
    except UnicodeDecodeError as problem:
        raise TableInvalid(f"{path}: neither UTF-8 nor GB18030 ({problem})") from problem
    return target


def column_names(path: Path) -> list[str]:
    """The columns of a CSV or Parquet file, in its order.

    Raises:
        TableInvalid: the file is missing, empty or damaged.
    """
    if not path.is_file():
        raise TableInvalid(f"{path}: there is no such file")
    with tempfile.TemporaryDirectory(prefix="gongzhi-") as folder:
        connection = duckdb.connect(config={"threads": 1, "memory_limit": MEMORY, "temp_directory": folder})
        try:
            return _source(connection, path, Path(folder))[1]
        except duckdb.Error as problem:
            raise TableInvalid(f"{path}: {' '.join(str(problem).split())[:400]}") from problem
        finally:
            connection.close()
