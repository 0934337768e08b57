"""Paths and contents of tiles (C2SP tlog-tiles): 256 hashes wide, numbered in groups of three."""

from __future__ import annotations

import re
from dataclasses import dataclass

WIDTH = 256
HEIGHT = 8
HASH_BYTES = 32

_PATH = re.compile(
    r"(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])/(?P<n>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class TileName:
    """Which tile a path asks for; `level` is None for a bundle of entries, `width` None if full."""

    level: int | None
    index: int
    width: int | None


def parse(path: str) -> TileName | None:
    """The tile behind ``<L>/<N>[.p/<W>]`` or ``entries/<N>[.p/<W>]``, None when it is no such path."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    groups = match["n"].split("/")
    if len(groups) > 1 and groups[0] == "x000":
        return None
    index = int("".join(group.removeprefix("x") for group in groups))
    width = int(match["width"]) if match["width"] else None
    if width is not None and width >= WIDTH:
        return None
    level = None if match["level"] == "entries" else int(match["level"])
    return TileName(level, index, width)


def path(level: int | None, index: int, width: int | None = None) -> str:
    """The path of a tile, as in the specification's examples (``tile/0/x001/x234/067``)."""
    digits = str(index)
    digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    name = "/".join([*(f"x{g}" for g in groups[:-1]), groups[-1]])
    partial = f".p/{width}" if width else ""
    return f"tile/{'entries' if level is None else level}/{name}{partial}"


def bundle(commitments: list[bytes]) -> bytes:
    """An entry bundle: each entry behind its length as 16 bits, big-endian."""
    return b"".join(len(c).to_bytes(2, "big") + c for c in commitments)
