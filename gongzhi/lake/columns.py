"""Columns of a file as numbers, and what can be wrong with a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEADING_ROWS = 2
"""Added to the position of a record to give the row a spreadsheet shows."""
EARLIEST_US, LATEST_US = -5_364_662_400_000_000, 7_258_118_400_000_000
"""1800-01-01 and 2200-01-01 UTC in microseconds since 1970."""


class TableInvalid(ValueError):
    """A file or one of its values cannot be used; the sentence names row and column."""


@dataclass(frozen=True, slots=True)
class Codes:
    """A column of words as numbers.

    Attributes:
        of_row: (n,) int32 index into `names`, -1 where the cell is empty.
        names: distinct words, in the order in which the file first uses them.
    """

    of_row: NDArray[np.int32]
    names: list[str]


@dataclass(frozen=True, slots=True)
class Groups:
    """Which rows belong together.

    Attributes:
        rows: (n,) int64 rows, group by group in the order of their first rows, each in file order.
        sizes: (groups,) rows of each.
    """

    rows: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, numbers: NDArray[np.int32]) -> Groups:
        """From the number of each row's group, counted from 0 by first use."""
        return cls(np.argsort(numbers, kind="stable"), np.bincount(numbers))


def grouped(key: NDArray[np.uint64], second: NDArray[np.uint64]) -> Groups | None:
    """Rows with equal hashes together; None when `second` denies what `key` says.

    Args:
        key, second: (n,) two hashes of the same cells.
    """
    n = len(key)
    # Key and row in one integer: a plain sort is several times faster than an indirect one.
    bits = np.uint64(max(n - 1, 1).bit_length())
    mask = (np.uint64(1) << bits) - np.uint64(1)
    packed = key & ~mask
    packed |= np.arange(n, dtype=np.uint64)
    packed.sort()
    rows = (packed & mask).view(np.int64)
    packed >>= bits
    is_first = np.empty(n, bool)
    is_first[0] = True
    np.not_equal(packed[1:], packed[:-1], out=is_first[1:])
    del packed
    begins = np.flatnonzero(is_first)
    sizes = np.diff(begins, append=n)
    beside = second[rows]
    if ((beside[1:] != beside[:-1]) & ~is_first[1:]).any():
        return None  # two words share the part of their hashes that was sorted
    by_first_use = np.argsort(rows[begins])
    sizes = sizes[by_first_use]
    at = np.repeat(begins[by_first_use] - (np.cumsum(sizes) - sizes), sizes)
    at += np.arange(n)
    return Groups(rows[at], sizes)
