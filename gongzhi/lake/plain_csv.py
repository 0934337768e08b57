"""The columns of a plain CSV file as numbers, block by block, without ever making words of its cells.

Most long logs are plain: no quotation marks, as many separators in every line as in the heading, times
as ISO 8601. Such a file is read here with a fifth of the memory and in half the time that a table of
words takes. Anything else is left to `tables.open_table`, which reads more and names what is wrong:
`read` never guesses and never reports a fault.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from gongzhi.lake.columns import Codes, Groups, grouped
from gongzhi.lake.plain_times import moments_of

BLOCK = 1 << 20
"""Bytes read at a time: what is computed for them stays in the processor's cache."""
LONGEST_CELL = 256
"""Bytes of a cell that is hashed here."""
_Number = TypeVar("_Number", bound=np.generic)
PADDING = bytes(LONGEST_CELL + 8)
"""Behind every block, so that eight bytes can be taken from any place in it."""
_NEWLINE, _RETURN, _QUOTE = ord("\n"), ord("\r"), ord('"')
_FIRST = np.array([(1 << (8 * i)) - 1 for i in range(9)], np.uint64)
"""Masks for the first 0 to 8 bytes of a word in the order of memory (little-endian)."""
_ODD = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))
_HALF = np.uint64(32)


class _NotPlain(ValueError):
    """The file is for `tables.open_table`."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What was read. `words` and `moments` stand in the order asked for; moments are microseconds."""

    groups: Groups
    words: list[Codes]
    moments: list[NDArray[np.int64]]


@dataclass(slots=True)
class _Block:
    """Whole lines: `bytes` with padding behind them, and where each cell begins and ends."""

    bytes: NDArray[np.uint8]
    begin: NDArray[np.int64]
    """(rows, columns)"""
    end: NDArray[np.int64]

    def hashes(self, column: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """(rows,) two hashes of the cells of a column; every round can be undone, so none forgets.

        A cell takes part in as many rounds as it has words of eight bytes, and in one at least: what
        stands beside it in the block must not change its hashes.
        """
        begin = self.begin[:, column]
        length = self.end[:, column] - begin
        longest = int(length.max())
        if longest > LONGEST_CELL:
            raise _NotPlain
        first = length.astype(np.uint64)
        second = ~first
        at_any_byte = np.ndarray((len(self.bytes) - 7,), np.uint64, self.bytes, strides=(1,))
        shortest = int(length.min())
        for offset in range(0, max(longest, 1), 8):
            is_whole = offset == 0 or shortest > offset
            rows = slice(None) if is_whole else np.flatnonzero(length > offset)
            word = at_any_byte[begin[rows] + offset]
            word &= _FIRST[np.clip(length[rows] - offset, 0, 8)]
            for hashes, odd in ((first, _ODD[0]), (second, _ODD[1])):
                mixed = hashes[rows]
                mixed ^= word
                mixed *= odd
                mixed ^= mixed >> _HALF
                if not is_whole:
                    hashes[rows] = mixed
        return first, second


@dataclass(slots=True)
class _Keys:
    """A column whose cells are many different words: their hashes alone."""

    column: int
    first: list[NDArray[np.uint64]] = field(default_factory=list)
    second: list[NDArray[np.uint64]] = field(default_factory=list)

    def add(self, block: _Block) -> None:
        if (block.begin[:, self.column] == block.end[:, self.column]).any():
            raise _NotPlain
        first, second = block.hashes(self.column)
        self.first.append(first)
        self.second.append(second)

    def groups(self) -> Groups:
        found = grouped(_joined(self.first), _joined(self.second))
        if found is None:
            raise _NotPlain
        return found


@dataclass(slots=True)
class _Words:
    """A column of few distinct words, those so far found by hash."""

    column: int
    parts: list[NDArray[np.int32]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    """Ascending."""
    seconds: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    codes: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    def add(self, block: _Block) -> None:
        first, second = block.hashes(self.column)
        place = self._place(first)
        if (new := np.flatnonzero(place < 0)).size:
            self._learn(block, new, first, second)
            place = self._place(first)
        if (self.seconds[place] != second).any():
            raise _NotPlain  # two words with one hash
        self.parts.append(self.codes[place])

    def _place(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """(rows,) where the hashes stand among those known, -1 for unknown ones."""
        if not self.hashes.size:
            return np.full(len(hashes), -1)
        place = np.searchsorted(self.hashes, hashes)
        place[place == len(self.hashes)] = 0
        place[self.hashes[place] != hashes] = -1
        return place

    def _learn(
        self,
        block: _Block,
        rows: NDArray[np.int64],
        first: NDArray[np.uint64],
        second: NDArray[np.uint64],
    ) -> None:
        """Add the words of `rows`, which are new, in the order of the file."""
        _, at = np.unique(first[rows], return_index=True)
        new = rows[np.sort(at)]
        codes = np.empty(len(new), np.int32)
        for i, row in enumerate(new.tolist()):
            begin, end = block.begin[row, self.column], block.end[row, self.column]
            codes[i] = len(self.names) if end > begin else -1
            if end > begin:
                self.names.append(block.bytes[begin:end].tobytes().decode("utf-8"))
        hashes = np.concatenate((self.hashes, first[new]))
        order = np.argsort(hashes)
        self.hashes = hashes[order]
        self.seconds = np.concatenate((self.seconds, second[new]))[order]
        self.codes = np.concatenate((self.codes, codes))[order]


@dataclass(slots=True)
class _Moments:
    """A column of times, all with a zone or all without."""

    column: int
    parts: list[NDArray[np.int64]] = field(default_factory=list)
    is_zoned: bool | None = None

    def add(self, block: _Block) -> None:
        found = moments_of(block.bytes, block.begin[:, self.column], block.end[:, self.column])
        if found is None or self.is_zoned not in (None, found.is_zoned):
            raise _NotPlain
        self.is_zoned = found.is_zoned
        self.parts.append(found.microseconds)


def read(path: Path, key: str, words: Sequence[str], moments: Sequence[str]) -> Columns | None:
    """Read a CSV file, also gzipped; None when it is not plain.

    Args:
        key: column whose equal cells make a group; no cell may be empty.
        words: columns with few distinct words.
        moments: columns of times, all with a zone or all without; no cell may be empty.
    """
    if path.suffix.lower() == ".parquet" or not path.is_file():
        return None
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            heading, delimiter = _heading(file.readline(BLOCK))
            keys = _Keys(heading.index(key))
            coded = [_Words(heading.index(name)) for name in words]
            timed = [_Moments(heading.index(name)) for name in moments]
            asked: list[_Keys | _Words | _Moments] = [keys, *coded, *timed]
            for lines in _whole_lines(cast(BinaryIO, file)):
                block = _cut(lines, delimiter, len(heading))
                for column in asked:
                    column.add(block)
        if not keys.first:
            return None
        return Columns(
            keys.groups(),
            [Codes(_joined(column.parts), column.names) for column in coded],
            [_joined(column.parts) for column in timed],
        )
    except (ValueError, OSError, EOFError):
        return None


def _joined(parts: list[NDArray[_Number]]) -> NDArray[_Number]:
    """One array; the parts are let go as they are copied."""
    whole = np.empty(sum(map(len, parts)), parts[0].dtype)
    filled = 0
    for i, part in enumerate(parts):
        whole[filled : filled + len(part)] = part
        filled += len(part)
        parts[i] = part[:0]
    return whole


def _heading(line: bytes) -> tuple[list[str], int]:
    """The names of the columns, as `tables.open_table` reads them, and the separator."""
    first = line.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    if not first or _QUOTE in line or b"\0" in line:
        raise _NotPlain
    delimiter = max((",", "\t", ";"), key=first.count)
    return [name.strip() for name in first.split(delimiter)], ord(delimiter)


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """The rest of the file in blocks that end with a line."""
    begun = b""
    while more := file.read(BLOCK):
        lines, newline, rest = (begun + more).rpartition(b"\n")
        if newline:
            yield lines + newline
        if len(rest) > BLOCK:
            raise _NotPlain
        begun = rest
    if begun:
        yield begun + b"\n"


def _cut(lines: bytes, delimiter: int, columns: int) -> _Block:
    """Find the cells; every line must have as many as the heading."""
    padded = np.frombuffer(lines + PADDING, np.uint8)
    used = padded[: len(lines)]
    if b'"' in lines or b"\0" in lines:
        raise _NotPlain
    if not lines.isascii():
        lines.decode("utf-8")
    ends = np.flatnonzero((used == delimiter) | (used == _NEWLINE))
    if len(ends) % columns:
        raise _NotPlain
    end = ends.reshape(-1, columns)
    is_newline = used[end] == _NEWLINE
    if is_newline[:, :-1].any() or not is_newline[:, -1].all():
        raise _NotPlain
    begin = np.empty_like(end)
    begin[0, 0] = 0
    begin.reshape(-1)[1:] = ends[:-1] + 1
    if b"\r" in lines:
        has_return = used[end[:, -1] - 1] == _RETURN
        if int((used == _RETURN).sum()) != len(end) or not has_return.all():
            raise _NotPlain
        end[:, -1] -= 1
    return _Block(padded, begin, end)
