"""Which cells a post walks, who looks after an area, and what authority needs to know of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gongzhi.registry import queries, snapshot
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.snapshot import AreaView, Snapshot


def keeper(area_id: int) -> int | None:
    """The government that looks after an area: the one of the smallest area around it that has one."""
    view = snapshot.current()
    area = view.areas.get(area_id)
    return _nearest(area, _governments(view)) if area else None


def kept_by(organisation_ids: Collection[int]) -> list[AreaView]:
    """The areas that these organisations look after."""
    view = snapshot.current()
    governments = _governments(view)
    return [area for area in view.areas.values() if _nearest(area, governments) in organisation_ids]


def _governments(view: Snapshot) -> dict[int, int]:
    """Area → its government, the first registered where there are several of one level."""
    return {
        o.area_id: o.id
        for o in sorted(view.organisations.values(), key=lambda o: -o.id)
        if o.kind == "government" and o.area_id in view.areas and o.level == view.areas[o.area_id].level
    }


def _nearest(area: AreaView, governments: Mapping[int, int]) -> int | None:
    return next((governments[a] for a in reversed(area.ancestors) if a in governments), None)


def subject_of(area_id: int) -> Subject:
    """An area as authority sees it: where it lies, and whose superiors oversee it."""
    area = snapshot.current().areas.get(area_id)
    around = frozenset(area.ancestors) if area else frozenset()
    return Subject(organisation_id=keeper(area_id), area_ids=around)


def own_subject(actor: Actor) -> Subject:
    """The area that the actor's own post is for."""
    return subject_of(actor.area_id or 0)


def walked_by(actor: Actor) -> list[AreaView]:
    """The area of the actor's post and all areas within it, in the order of their codes."""
    if actor.area_id is None:
        return []
    areas = snapshot.current().areas
    found = [areas[pk] for pk in queries.area_ids_within(actor.area_id) if pk in areas]
    return sorted(found, key=lambda area: area.code)
