"""Where a matter lies in the city's order: the district or street around it, the group of its function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from gongzhi.lake.tables import Codes
from gongzhi.registry.snapshot import Snapshot

NONE: Final = "-"
"""Code of matters without function or area."""


def around(view: Snapshot, area_id: int | None, level: str) -> str:
    """Code of the area of a level that an area lies in, or `NONE`."""
    area = view.areas.get(area_id or 0)
    for identity in area.ancestors if area is not None else ():
        found = view.areas.get(identity)
        if found is not None and found.level == level:
            return found.code
    return NONE


def group_of(view: Snapshot, function_id: int | None) -> str:
    """Code of the group at the top of a function's branch, or `NONE`."""
    function = view.functions.get(function_id or 0)
    top = view.functions.get(function.ancestors[0]) if function is not None else None
    return top.code if top is not None else NONE


def coded(words: Sequence[str], missing: str | None = None) -> Codes:
    """Words as numbers; `missing` becomes -1."""
    known = {word: i for i, word in enumerate(w for w in dict.fromkeys(words) if w != missing)}
    return Codes(np.array([known.get(w, -1) for w in words], np.int32), list(known))
