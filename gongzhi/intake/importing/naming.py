"""Codes for what a file names: the same name always gives the same code."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=100_000)
def slug(name: str, most: int) -> str:
    """Lower-case letters, digits and hyphens, at most `most`; a digest stands in for what is lost."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    short = _NOT_PLAIN.sub("-", plain).strip("-")
    is_whole = len(short) <= most and all(c.isascii() for c in name) and short
    if is_whole:
        return short
    mark = hashlib.sha256(name.casefold().encode()).hexdigest()[:8]
    return f"{short[: most - 9]}-{mark}".lstrip("-")


@lru_cache(maxsize=100_000)
def function_code(name: str, parent: str) -> str:
    """Code of a function under a parent; empty for an empty name."""
    if not name:
        return ""
    return f"{slug(parent, 24)}.{slug(name, 34)}" if parent else slug(name, 40)


@lru_cache(maxsize=100_000)
def group_code(parent: str) -> str:
    """Code of the group that functions with this parent stand under."""
    return f"{slug(parent, 40)}.all" if parent else ""


@lru_cache(maxsize=10_000)
def organisation_code(name: str) -> str:
    """Code of an organisation; empty for an empty name."""
    return slug(name, 40) if name else ""


@lru_cache(maxsize=100_000)
def area_code(level: str, name: str) -> str:
    """Code of an area; empty for an empty name."""
    return f"{level}-{slug(name, 30)}" if name else ""
