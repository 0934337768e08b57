"""Places for the pages: the city's outlines for maps, and places by name."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from shapely.geometry import shape

from gongzhi.cases import map_points
from gongzhi.errors import Invalid
from gongzhi.registry import place_search, snapshot
from gongzhi.registry import queries as registry_queries
from gongzhi.web.portal.browsing import filters_of
from gongzhi.web.templatetags.words import state_name

_drawn: dict[tuple[int, str], bytes] = {}
_LEVELS = ("city", "district", "street")
_WATER = ("river", "lake", "water")
_WIDEST_M = 420
"""How broad the longest river is drawn, in metres."""


@require_safe
def outlines(request: HttpRequest) -> HttpResponse:
    """Areas, water and ways of the city as GeoJSON, drawn anew when the city's description changes."""
    view = snapshot.current()
    language = (get_language() or "zh-hans")[:2]
    tag = f'"{view.revision}-{language}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    key = (view.revision, language)
    if key not in _drawn:
        _drawn.clear()
        _drawn[key] = json.dumps(_collection(language == "zh"), ensure_ascii=False).encode()
    response = HttpResponse(_drawn[key], content_type="application/geo+json")
    response["ETag"] = tag
    response["Cache-Control"] = "public, max-age=300"
    response["Vary"] = "Accept-Language, Cookie"
    return response


def _collection(chinese: bool) -> dict[str, Any]:
    def feature(geometry: Any, level: str, name: str, **more: Any) -> dict[str, Any]:
        return {
            "type": "Feature",
            "properties": {"level": level, "name": name, **more},
            "geometry": geometry,
        }

    features = []
    for n, area in enumerate(registry_queries.areas_with_outline(_LEVELS)):
        name = area.name_zh if chinese else area.name_en
        features.append(feature(_simpler(area.geometry or {}), area.level, name, shade=n % 6))
    rivers = [p for p in registry_queries.lines() if p.kind in _WATER]
    longest = max((_length(p.geometry) for p in rivers), default=0.0)
    for place in registry_queries.lines():
        name = place.name_zh if chinese else place.name_en
        if place.kind in _WATER:
            # A pack gives the course of a river; how broad it is drawn follows how long it is.
            width = round(_WIDEST_M * (_length(place.geometry) / longest) ** 2)
            features.append(feature(_simpler(place.geometry), "water", name, width_m=width))
        else:
            level = "avenue" if place.kind == "avenue" else "way"
            features.append(feature(_simpler(place.geometry), level, name))
    order = {"street": 0, "district": 1, "city": 2, "way": 3, "avenue": 4, "water": 5}
    features.sort(key=lambda f: order[f["properties"]["level"]])
    return {"type": "FeatureCollection", "features": features}


def _length(geometry: dict[str, Any]) -> float:
    return float(shape(geometry).length)


def _simpler(geometry: dict[str, Any]) -> dict[str, Any]:
    """An outline with points closer than some ten metres left out: a map of a whole city shows no more."""
    return dict(shape(geometry).simplify(0.0001).__geo_interface__)


@require_safe
def points(request: HttpRequest) -> HttpResponse:
    """Public matters within a box, near ones as one point with a count."""
    box, zoom = _box_in(request)
    found = map_points.map_points(box, zoom, filters_of(request))
    rows = [
        {
            "lat": p.lat,
            "lng": p.lng,
            "count": p.count,
            **(
                {"number": p.number, "text": p.text[:120], "state": state_name(p.state)}
                if p.count == 1
                else {}
            ),
        }
        for p in found
    ]
    return JsonResponse({"points": rows})


@require_safe
def here(request: HttpRequest) -> HttpResponse:
    """The newest public matters within a small box: what a point stands for when zooming ends."""
    box, _zoom = _box_in(request)
    found = map_points.matters_within(box, filters_of(request))
    rows = [{"number": c.number, "text": c.public_text[:120], "state": state_name(c.state)} for c in found]
    return JsonResponse({"matters": rows})


def _box_in(request: HttpRequest) -> tuple[tuple[float, float, float, float], int]:
    try:
        west, south, east, north = (float(x) for x in request.GET.get("bbox", "").split(","))
        return (west, south, east, north), int(request.GET.get("zoom", "12"))
    except ValueError as problem:
        raise Invalid(fields={"bbox": _("Give west,south,east,north in degrees, and a zoom.")}) from problem


@require_safe
def named(request: HttpRequest) -> HttpResponse:
    """Places whose name contains what was typed; a fragment for the page."""
    found = place_search.places_like(request.GET.get("address", "")[:60])
    return render(request, "portal/places.html", {"places": found})
