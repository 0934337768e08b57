"""Places that a text names: areas, streets and points of interest of the city, in both languages.

A gazetteer of all names is built once per revision of the registry; texts are searched in one
pass, the longest name winning. An area is also known by its bare name (望江 for 望江街道) when no
other place is called so.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gongzhi.registry.models import Place
from gongzhi.registry.snapshot import AreaView, Snapshot

_SUFFIXES_ZH = ("街道", "镇", "乡", "区", "县", "市", "新区", "开发区")
_SUFFIXES_EN = (" street", " town", " township", " district", " county", " city", " subdistrict")
_MOST_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Named:
    """A place that a text names.

    Attributes:
        start, end: where its name stands in the text.
        name: as it stands there.
        area_id: the smallest area that holds the whole place, None outside all areas.
        place_code: of a street or point of interest; empty for an area.
        lng, lat: of a point of interest; None for what is longer than a point.
    """

    start: int
    end: int
    name: str
    area_id: int | None
    place_code: str = ""
    lng: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    area_id: int | None
    place_code: str = ""
    lng: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All names by their first two characters, the longest first."""

    revision: int
    by_start: dict[str, tuple[_Entry, ...]]

    def find(self, text: str) -> list[Named]:
        """The places that `text` names, in order, without overlap."""
        text = text[:_MOST_CHARACTERS]
        lowered = text.lower()
        if len(lowered) != len(text):  # a few characters grow when lowered
            lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        found: list[Named] = []
        at = 0
        while at < len(lowered) - 1:
            entry = self._at(lowered, at)
            if entry is None:
                at += 1
                continue
            end = at + len(entry.name)
            found.append(Named(at, end, text[at:end], entry.area_id, entry.place_code, entry.lng, entry.lat))
            at = end
        return found

    def _at(self, text: str, at: int) -> _Entry | None:
        for entry in self.by_start.get(text[at : at + 2], ()):
            if text.startswith(entry.name, at) and _stands_alone(text, at, at + len(entry.name)):
                return entry
        return None


_lock = threading.Lock()
_current: Gazetteer | None = None


def gazetteer(registry: Snapshot) -> Gazetteer:
    """The gazetteer of a registry, built when its revision is a new one (one query)."""
    global _current
    found = _current
    if found is None or found.revision != registry.revision:
        with _lock:
            found = _current = _build(registry)
    return found


def forget() -> None:
    """Drop the gazetteer, so that the next question builds it anew."""
    global _current
    _current = None


def named(text: str, registry: Snapshot) -> list[Named]:
    """The places that `text` names, in order, without overlap."""
    return gazetteer(registry).find(text)


def area_named(text: str, registry: Snapshot) -> AreaView | None:
    """The smallest area that all places named in `text` lie in; None without a hint.

    The city as a whole is no hint. Of two names of which one lies in the other the smaller counts.
    """
    areas = [registry.areas[p.area_id] for p in named(text, registry) if p.area_id is not None]
    areas = [area for area in areas if len(area.ancestors) > 1]
    around = {ancestor for area in areas for ancestor in area.ancestors[:-1]}
    smallest = [area for area in areas if area.id not in around]
    if not smallest:
        return None
    shared = _shared(smallest, registry)
    return shared if shared is not None and len(shared.ancestors) > 1 else None


def _shared(areas: Sequence[AreaView], registry: Snapshot) -> AreaView | None:
    """The smallest area that holds all the given ones."""
    common = set(areas[0].ancestors).intersection(*(area.ancestors for area in areas[1:]))
    held = [registry.areas[i] for i in common if i in registry.areas]
    return max(held, key=lambda area: len(area.ancestors), default=None)


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a Latin name is not just part of a longer word; Chinese has no such sign."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    return not (_latin(text[start]) and _latin(before) or _latin(text[end - 1]) and _latin(after))


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _build(registry: Snapshot) -> Gazetteer:
    entries = [*_of_areas(registry), *_of_places(registry)]
    names: dict[str, _Entry] = {}
    for entry in entries:
        names.setdefault(entry.name, entry)
    by_start: dict[str, list[_Entry]] = defaultdict(list)
    for entry in names.values():
        by_start[entry.name[:2]].append(entry)
    return Gazetteer(
        registry.revision,
        {start: tuple(sorted(group, key=lambda e: -len(e.name))) for start, group in by_start.items()},
    )


def _of_areas(registry: Snapshot) -> Iterator[_Entry]:
    bare: Counter[str] = Counter()
    known = []
    for area in registry.areas.values():
        for name, suffixes in ((area.name_zh, _SUFFIXES_ZH), (area.name_en, _SUFFIXES_EN)):
            full = name.strip().lower()
            if len(full) < 2:
                continue
            yield _Entry(full, area.id)
            ending = next((s for s in suffixes if full.endswith(s)), "")
            short = full.removesuffix(ending).strip() if ending else ""
            if len(short) >= (2 if not short.isascii() else 4) and area.level != "city":
                bare[short] += 1
                known.append(_Entry(short, area.id))
    for entry in known:
        if bare[entry.name] == 1:
            yield entry


def _of_places(registry: Snapshot) -> Iterator[_Entry]:
    rows = list(Place.objects.values_list("code", "name_zh", "name_en", "aliases", "geometry"))
    points = [_vertices(geometry) for *_rest, geometry in rows]
    flat = registry.areas_at([point for group in points for point in group])
    at = 0
    for (code, name_zh, name_en, aliases, _geometry), group in zip(rows, points, strict=True):
        areas = [area for area in flat[at : at + len(group)] if area is not None]
        at += len(group)
        area = _shared(areas, registry) if areas else None
        lng, lat = group[0] if len(group) == 1 else (None, None)
        for name in (name_zh, name_en, *aliases):
            lowered = name.strip().lower()
            if len(lowered) >= 2:
                yield _Entry(lowered, area.id if area else None, code, lng, lat)


def _vertices(geometry: Any) -> list[tuple[float, float]]:
    """The points of a GeoJSON geometry, however deep they lie."""
    points: list[tuple[float, float]] = []
    waiting = [(geometry or {}).get("coordinates", [])]
    while waiting:
        part = waiting.pop()
        if part and isinstance(part[0], int | float):
            points.append((float(part[0]), float(part[1])))
        else:
            waiting.extend(part)
    return points
