"""What the system would make of a matter, shown while somebody is still writing it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from gongzhi.cases.personal_text import masked
from gongzhi.registry import snapshot
from gongzhi.registry.snapshot import FunctionView, OrganisationView
from gongzhi.routing.resolution import resolve
from gongzhi.understanding import duplicates, places, reading
from gongzhi.understanding.duplicates import Candidate
from gongzhi.understanding.reading import Reading


@dataclass(frozen=True, slots=True)
class Preview:
    """What was understood, who would get it, what looks alike, and what the public would read."""

    reading: Reading
    function: FunctionView | None
    others: tuple[FunctionView, ...]
    organisation: OrganisationView | None
    working_days: int | None
    duplicates: tuple[Candidate, ...]
    public_text: str


def preview(text: str, lng: float | None, lat: float | None) -> Preview:
    """Understand `text` without keeping anything."""
    registry = snapshot.current()
    understood = reading.read(text, registry)
    function = registry.function_by_code.get(understood.function)
    if lng is not None and lat is not None:
        area = registry.area_at(lng, lat)
    else:
        area = places.area_named(text, registry)
    now = timezone.now()
    route = resolve(registry, None if understood.needs_person else function, area, now.date())
    alike = duplicates.candidates(text, lng, lat, now, function.id if function else None)
    return Preview(
        reading=understood,
        function=function,
        others=tuple(
            registry.function_by_code[c] for c, _ in understood.others if c in registry.function_by_code
        ),
        organisation=registry.organisations.get(route.organisation_id or 0),
        working_days=function.working_days if function else None,
        duplicates=tuple(alike),
        public_text=masked(text.strip()),
    )
