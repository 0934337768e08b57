"""The registry in memory: what routing and intake ask thousands of times a second.

A snapshot is immutable and belongs to one `City.revision`; processes ask for the revision they
have just read from the database and rebuild only when it has risen.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import shapely
from shapely.geometry import shape

from gongzhi.errors import Unavailable
from gongzhi.registry.models import Area, City, Function, Mandate, Organisation

CHECK_EVERY_S = 1.0
PEOPLE_PER_KM2 = 1000.0
"""Taken for areas of which nothing is known: a small town's."""
KM_PER_DEGREE = 111.32
_LEVEL_ORDER = {"city": 0, "district": 1, "street": 2, "grid": 3}


@dataclass(frozen=True, slots=True)
class AreaView:
    id: int
    code: str
    level: str
    parent_id: int | None
    ancestors: tuple[int, ...]
    name_zh: str
    name_en: str
    people_per_km2: float
    """Of the area itself or the smallest one around it whose population is known."""


@dataclass(frozen=True, slots=True)
class FunctionView:
    id: int
    code: str
    kind: str
    ancestors: tuple[int, ...]
    name_zh: str
    name_en: str
    working_days: int
    urgency: str
    is_public: bool
    is_leaf: bool
    attributes: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class OrganisationView:
    id: int
    code: str
    kind: str
    level: str
    parent_id: int | None
    area_id: int | None
    name_zh: str
    name_en: str
    phone: str


@dataclass(frozen=True, slots=True)
class MandateView:
    id: int
    organisation_id: int
    function_id: int
    area_id: int
    role: str
    valid_from: date
    valid_until: date | None
    basis_zh: str
    basis_en: str

    def is_valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True)
class Snapshot:
    """Everything routing needs, by id and by code."""

    revision: int
    city: City
    areas: dict[int, AreaView]
    functions: dict[int, FunctionView]
    organisations: dict[int, OrganisationView]
    mandates_of: dict[tuple[int, int], tuple[MandateView, ...]]
    """(function id, area id) exactly as written in the mandate → mandates."""
    area_by_code: dict[str, AreaView] = field(default_factory=dict)
    function_by_code: dict[str, FunctionView] = field(default_factory=dict)
    organisation_by_code: dict[str, OrganisationView] = field(default_factory=dict)
    _tree: shapely.STRtree | None = None
    _tree_areas: tuple[AreaView, ...] = ()
    _boundary: Any = None

    def area_at(self, lng: float, lat: float) -> AreaView | None:
        """The smallest area that covers a WGS 84 point, or None outside the city."""
        if self._tree is None:
            return None
        hits = self._tree.query(shapely.points(lng, lat), predicate="intersects")
        if not len(hits):
            return None
        found: list[AreaView] = [self._tree_areas[i] for i in hits]
        return max(found, key=lambda area: (_LEVEL_ORDER.get(area.level, 0), -area.id))

    def areas_at(self, points: Sequence[tuple[float, float]]) -> list[AreaView | None]:
        """`area_at` for many (lng, lat) points in one pass over the tree."""
        result: list[AreaView | None] = [None] * len(points)
        if self._tree is None or not points:
            return result
        geometry = shapely.points(list(points))
        rows, columns = self._tree.query(geometry, predicate="intersects")
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            area, best = self._tree_areas[column], result[row]
            rank = (_LEVEL_ORDER.get(area.level, 0), -area.id)
            if best is None or rank > (_LEVEL_ORDER.get(best.level, 0), -best.id):
                result[row] = area
        return result

    def has_boundary(self) -> bool:
        """Whether the city's outline is known, so that a point can lie outside it."""
        return self._boundary is not None

    def root_area(self) -> AreaView | None:
        return next((a for a in self.areas.values() if a.level == "city"), None)


_lock = threading.Lock()
_current: Snapshot | None = None
_checked_at = 0.0


def current(revision: int | None = None) -> Snapshot:
    """The snapshot for `revision`, or for the database's own (looked up at most once a second).

    Raises:
        Unavailable: no city pack has been loaded yet.
    """
    global _current, _checked_at
    snapshot = _current
    now = time.monotonic()
    if snapshot is not None:
        if revision == snapshot.revision or (revision is None and now - _checked_at < CHECK_EVERY_S):
            return snapshot
    if revision is None:
        revision = City.objects.values_list("revision", flat=True).first()
        _checked_at = now
        if snapshot is not None and revision == snapshot.revision:
            return snapshot
    with _lock:
        if _current is None or _current.revision != revision:
            _current = _build()
        return _current


def forget() -> None:
    """Drop the snapshot, so that the next question reads the database."""
    global _current, _checked_at
    _current, _checked_at = None, 0.0


def _density(rows: Sequence[Area], outlines: dict[int, Any]) -> dict[int, float]:
    """Area id → residents per km², where population and outline are known."""
    found = {}
    for area in rows:
        outline = outlines.get(area.pk)
        if outline is not None and area.population:
            squeeze = math.cos(math.radians(outline.centroid.y))
            km2 = outline.area * KM_PER_DEGREE**2 * squeeze
            if km2 > 0:
                found[area.pk] = area.population / km2
    return found


def _build() -> Snapshot:
    city = City.objects.first()
    if city is None:
        raise Unavailable("No city has been described yet: load one with `gongzhi city load DIR`.")
    shapes: list[Any] = []
    shaped: list[AreaView] = []
    boundary = None
    areas: dict[int, AreaView] = {}
    rows = list(Area.objects.all())
    outlines = {area.pk: shape(area.geometry) for area in rows if area.geometry}
    density = _density(rows, outlines)
    usual = float(city.config.get("people_per_km2", PEOPLE_PER_KM2))
    for area in rows:
        view = AreaView(
            area.pk,
            area.code,
            area.level,
            area.parent_id,
            tuple(area.ancestors),
            area.name_zh,
            area.name_en,
            next((density[a] for a in reversed(area.ancestors) if a in density), usual),
        )
        areas[view.id] = view
        if area.geometry:
            polygon = outlines[area.pk]
            shapely.prepare(polygon)
            shapes.append(polygon)
            shaped.append(view)
            if area.level == "city":
                boundary = polygon
    functions = {
        f.pk: FunctionView(
            f.pk,
            f.code,
            f.kind,
            tuple(f.ancestors),
            f.name_zh,
            f.name_en,
            f.working_days,
            f.urgency,
            f.is_public,
            f.is_leaf,
            tuple(f.attributes),
        )
        for f in Function.objects.filter(is_active=True).iterator()
    }
    organisations = {
        o.pk: OrganisationView(
            o.pk,
            o.code,
            o.kind,
            o.level,
            o.parent_id,
            o.area_id,
            o.name_zh,
            o.name_en,
            o.phone,
        )
        for o in Organisation.objects.filter(is_active=True).iterator()
    }
    mandates: dict[tuple[int, int], list[MandateView]] = defaultdict(list)
    for m in Mandate.objects.all().order_by("pk").iterator():
        if m.organisation_id in organisations:
            mandates[(m.function_id, m.area_id)].append(
                MandateView(
                    m.pk,
                    m.organisation_id,
                    m.function_id,
                    m.area_id,
                    m.role,
                    m.valid_from,
                    m.valid_until,
                    m.basis_zh,
                    m.basis_en,
                )
            )
    return Snapshot(
        revision=city.revision,
        city=city,
        areas=areas,
        functions=functions,
        organisations=organisations,
        mandates_of={key: tuple(rows) for key, rows in mandates.items()},
        area_by_code={a.code: a for a in areas.values()},
        function_by_code={f.code: f for f in functions.values()},
        organisation_by_code={o.code: o for o in organisations.values()},
        _tree=shapely.STRtree(shapes) if shapes else None,
        _tree_areas=tuple(shaped),
        _boundary=boundary,
    )
