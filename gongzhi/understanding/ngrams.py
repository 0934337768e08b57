"""Hashed character n-grams of many texts at once, without a Python loop over characters.

Characters carry Chinese, English and mixtures alike and need no word list. Texts are folded
first, so that the same words look the same however they were typed or segmented: compatibility
forms, case, digits, and space beside Chinese characters. Folding keeps a map to the original, so
that what decided can be shown as the person wrote it.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ORDERS = (1, 2, 3)
HEAD = 35
"""Characters of the beginning that count once more: people name their matter first."""
SPACE, ZERO, BREAK = 0x20, 0x30, 0
_MIX, _SPREAD = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B)


@functools.cache
def _folding() -> NDArray[np.uint32]:
    """(65536,) what each character of the basic plane is compared as.

    NFKC (Unicode Annex 15) and lower case where these give one character, digits to 0, every
    space to the plain one.
    """
    table = np.arange(0x10000, dtype=np.uint32)
    for code in range(0x10000):
        if 0x4E00 <= code < 0xA000 or 0xD800 <= code < 0xE000:
            continue
        folded = unicodedata.normalize("NFKC", chr(code)).lower()
        if folded[:1].isspace() or code < SPACE:
            table[code] = SPACE
        elif len(folded) == 1:
            table[code] = ZERO if folded.isdigit() else ord(folded)
    return table


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded texts, laid end to end with a BREAK before each and after the last.

    Attributes:
        codes: (n,) uint32 code points.
        text: (n,) which text a character is of; a break belongs to the text after it.
        origin: (n,) index in the original text.
        rank: (n,) index within the folded text.
    """

    codes: NDArray[np.uint32]
    text: NDArray[np.int32]
    origin: NDArray[np.int32]
    rank: NDArray[np.int32]


def fold_many(texts: Sequence[str]) -> Folded:
    """Fold all texts in a few passes over their code points."""
    joined = "\n" + "\n".join(texts) + "\n"
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    starts = np.concatenate(([0], np.cumsum(lengths)))
    low = codes < 0x10000
    folded = _folding()[np.where(low, codes, 0)]
    if not low.all():
        folded = np.where(low, folded, codes)
    folded[starts] = BREAK
    text = np.repeat(np.arange(len(texts) + 1, dtype=np.int32), [*lengths.tolist(), 1])
    origin = (np.arange(len(codes)) - starts[text] - 1).astype(np.int32)
    keep = np.ones(len(folded), bool)
    keep[1:] = ~((folded[1:] == SPACE) & (folded[:-1] == SPACE))
    keep[1:] &= ~((folded[1:] == ZERO) & (folded[:-1] == ZERO))
    folded, text, origin = folded[keep], text[keep], origin[keep]
    latin = (folded < 0x80) & (folded != BREAK)
    keep = np.ones(len(folded), bool)
    keep[1:-1] = (folded[1:-1] != SPACE) | (latin[:-2] & latin[2:])
    folded, text, origin = folded[keep], text[keep], origin[keep]
    begins = np.flatnonzero(folded == BREAK)
    rank = (np.arange(len(folded)) - begins[text] - 1).astype(np.int32)
    return Folded(folded, text, origin, rank)


def fold(text: str) -> str:
    """The text as it is compared: what differs only in writing becomes equal."""
    codes = fold_many([text]).codes[1:-1]
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Grams:
    """Every n-gram of every text.

    Attributes:
        bucket: (n,) hash of the n-gram, below 2^bits.
        text: (n,) which text it stands in.
        at: (n,) index in `Folded` where it begins.
        order: (n,) its length in characters.
    """

    bucket: NDArray[np.int32]
    text: NDArray[np.int32]
    at: NDArray[np.int32]
    order: NDArray[np.int8]


def grams(folded: Folded, bits: int) -> Grams:
    """The hashed n-grams of folded texts; one that begins or ends a text differs from the same inside."""
    codes = folded.codes
    breaks = codes == BREAK
    rolling = np.zeros(len(codes), np.uint32)
    buckets, begins, sizes = [], [], []
    inner = np.ones(len(codes), bool)
    for order in range(1, max(ORDERS) + 1):
        count = len(codes) - order + 1
        if count <= 0:
            break
        rolling = (rolling[:count] + codes[order - 1 :] + np.uint32(order)) * _MIX
        rolling ^= rolling >> np.uint32(15)
        if order == 1:
            whole = ~breaks
        else:
            if order > 2:
                inner = inner[:count] & ~breaks[order - 2 : order - 2 + count]
            whole = inner[:count] & ~(breaks[:count] & breaks[order - 1 :])
        where = np.flatnonzero(whole)
        spread = rolling[where] * _SPREAD
        spread ^= spread >> np.uint32(13)
        buckets.append((spread >> np.uint32(32 - bits)).astype(np.int32))
        begins.append(where.astype(np.int32))
        sizes.append(np.full(len(where), order, np.int8))
    bucket, at = np.concatenate(buckets), np.concatenate(begins)
    return Grams(bucket, folded.text[at], at, np.concatenate(sizes))
