"""Who might be responsible when no rule could say it: for each function that was read, the mandate's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gongzhi.registry.snapshot import Snapshot
from gongzhi.routing.resolution import resolve


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An organisation, the function under which it would get the matter, and how likely that one is."""

    organisation_id: int
    function_id: int
    confidence: float


def suggested(
    reading: Mapping[str, Any],
    function_id: int | None,
    area_id: int | None,
    registry: Snapshot,
    on: date,
    *,
    most: int = 3,
) -> list[Suggestion]:
    """Organisations that lead one of the functions in `reading`, the likeliest function first.

    Args:
        reading: as it is stored with a case.
        function_id: what the matter is held to be about; it comes first when a person said so.
    """
    area = registry.areas.get(area_id or 0)
    known = registry.functions.get(function_id or 0)
    if known is not None and known.code == reading.get("function"):
        known = None  # only read so, and as surely as the reading says
    read = [[reading.get("function", ""), reading.get("confidence", 0.0)], *reading.get("others", [])]
    candidates = [(known, 1.0)] if known is not None else []
    candidates += [
        (registry.function_by_code[c], float(p or 0)) for c, p in read if c in registry.function_by_code
    ]
    found: dict[int, Suggestion] = {}
    for function, confidence in candidates:
        route = resolve(registry, function, area, on)
        if route.rule in ("mandate", "overlap", "assist") and route.organisation_id is not None:
            found.setdefault(
                route.organisation_id, Suggestion(route.organisation_id, function.id, confidence)
            )
        if route.rule in ("mandate", "overlap") and route.runner_up_id is not None:
            found.setdefault(route.runner_up_id, Suggestion(route.runner_up_id, function.id, confidence / 2))
    ranked = sorted(found.values(), key=lambda s: -s.confidence)
    return ranked[:most]
