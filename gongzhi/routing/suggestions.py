"""Who might be responsible when no rule could say it, the likeliest first, each with what speaks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gongzhi.cases.precedents import Precedent
from gongzhi.registry.snapshot import FunctionView, MandateView, Snapshot
from gongzhi.routing.resolution import covering


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An organisation, the function under which it would get the matter, and why it.

    Attributes:
        confidence: how likely the matter is about that function.
        mandate: under which it would get the matter; None when only precedents speak for it.
        precedent: how much of this function it dealt with lately.
    """

    organisation_id: int
    function_id: int
    confidence: float
    mandate: MandateView | None = None
    precedent: Precedent | None = None


def suggested(
    reading: Mapping[str, Any],
    function_id: int | None,
    area_id: int | None,
    registry: Snapshot,
    on: date,
    *,
    precedents: Mapping[int, Sequence[Precedent]] | None = None,
    most: int = 3,
) -> list[Suggestion]:
    """Organisations that lead one of the functions in `reading`, the likeliest function first.

    Where no mandate covers a function, those come that dealt with most of it lately.

    Args:
        reading: as it is stored with a case.
        function_id: what the matter is held to be about; it comes first when a person said so.
        precedents: function id → who dealt with it lately, most first.
    """
    area = registry.areas.get(area_id or 0) or registry.root_area()
    found: dict[int, Suggestion] = {}
    for function, confidence in functions_read(reading, function_id, registry):
        done = (precedents or {}).get(function.id, ())
        of = {p.organisation_id: p for p in done}
        ranked = covering(registry, function, area, on) if area else []
        best = {m.organisation_id: m for _rank, m in reversed(ranked)}
        firsts = list(dict.fromkeys(m.organisation_id for _rank, m in ranked))[:2]
        for place, pk in enumerate(firsts):
            likely = confidence / (1 + place)
            found.setdefault(pk, Suggestion(pk, function.id, likely, best[pk], of.get(pk)))
        if not ranked:
            for p in done[:2]:
                likely = confidence * p.done / p.of
                found.setdefault(
                    p.organisation_id, Suggestion(p.organisation_id, function.id, likely, None, p)
                )
    return sorted(found.values(), key=lambda s: -s.confidence)[:most]


def functions_read(
    reading: Mapping[str, Any], function_id: int | None, registry: Snapshot
) -> list[tuple[FunctionView, float]]:
    """What a matter may be about, with how likely that is; what a person said comes first, for sure."""
    known = registry.functions.get(function_id or 0)
    if known is not None and known.code == reading.get("function"):
        known = None  # only read so, and as surely as the reading says
    read = [[reading.get("function", ""), reading.get("confidence", 0.0)], *reading.get("others", [])]
    candidates = [(known, 1.0)] if known is not None else []
    return candidates + [
        (registry.function_by_code[c], float(p or 0)) for c, p in read if c in registry.function_by_code
    ]
