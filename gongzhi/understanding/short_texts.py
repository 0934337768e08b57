"""One short text at a time, in plain Python: the same folding and hashing as `ngrams` and `sketches`.

NumPy is made for many texts; on a single sentence its fixed cost a call is most of the time. What
is computed here is equal to the last bit to what the modules for many texts compute.
"""

from __future__ import annotations

import re
import unicodedata

from gongzhi.understanding.ngrams import SPACE

MOST_CHARACTERS = 400
"""Longer texts are faster with NumPy."""
_MASK = 0xFFFFFFFF
_MIX, _SPREAD = 0x9E3779B1, 0x85EBCA6B


class _Folding(dict[int, int]):
    """Code point → what it is compared as; filled as characters are met."""

    def __missing__(self, code: int) -> int:
        folded = code
        if code < 0x10000 and not (0x4E00 <= code < 0xA000 or 0xD800 <= code < 0xE000):
            form = unicodedata.normalize("NFKC", chr(code)).lower()
            if form[:1].isspace() or code < SPACE:
                folded = SPACE
            elif len(form) == 1:
                folded = ord("0") if form.isdigit() else ord(form)
        if code < 0x10000:
            self[code] = folded
        return folded


_FOLDING = _Folding()
_REPEATED = re.compile(r"(?<= ) +|(?<=0)0+")
_NEEDLESS = re.compile(r"(?<![\x01-\x7f]) | (?![\x01-\x7f])")


def folded(text: str) -> str:
    """The text as it is compared; equal to `ngrams.fold`."""
    plain = text.translate(_FOLDING)
    if "00" in plain or "  " in plain:
        plain = _REPEATED.sub("", plain)
    return _NEEDLESS.sub("", plain) if " " in plain else plain


def folded_with_origin(text: str) -> tuple[str, list[int]]:
    """The text as it is compared, and for each of its characters its index in `text`."""
    plain = text.translate(_FOLDING)
    origin = list(range(len(plain)))
    for pattern in (_REPEATED, _NEEDLESS):
        cuts = [m.span() for m in pattern.finditer(plain)]
        for start, end in reversed(cuts):
            del origin[start:end]
        plain = pattern.sub("", plain) if cuts else plain
    return plain, origin


def spread(gram: str) -> int:
    """The 32-bit hash of an n-gram; its highest bits are the bucket of `ngrams.grams`."""
    rolling = 0
    for order, character in enumerate(gram, 1):
        rolling = (rolling + ord(character) + order) * _MIX & _MASK
        rolling ^= rolling >> 15
    hashed = rolling * _SPREAD & _MASK
    return hashed ^ (hashed >> 13)
