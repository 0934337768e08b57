"""Where the public sees a matter: exact for public things, else shared with at least k people.

A point on a map can tell who wrote: a complaint about the flat above comes from the flat below.
Published is the centre of a hexagon of the H3 grid (Uber, 2018) that at least `k` residents share
(k-anonymity, Sweeney 2002). A street lamp is nobody's home: for things the place stays exact.
"""

from __future__ import annotations

from functools import lru_cache

import h3

DEFAULT_K = 5
FINEST, COARSEST = 11, 5
"""H3 resolutions: hexagons of about 0.002 km² and 250 km²."""


def published(
    lng: float, lat: float, *, is_thing: bool, people_per_km2: float, k: int
) -> tuple[float, float]:
    """The (longitude, latitude) in WGS 84 degrees that anybody may see.

    Args:
        lng, lat: the place that was reported.
        is_thing: the matter is about a public thing (部件), whose place is public anyway.
        people_per_km2: residents of the area; 0 when unknown, which gives the coarsest hexagon.
        k: how many residents have to share the published place.
    """
    if is_thing or k <= 1:
        return lng, lat
    centre_lat, centre_lng = h3.cell_to_latlng(shared_cell(lng, lat, people_per_km2, k))
    return round(centre_lng, 6), round(centre_lat, 6)


def shared_cell(lng: float, lat: float, people_per_km2: float, k: int) -> str:
    """The smallest hexagon around a place that at least `k` residents share, as an H3 address."""
    cell = ""
    for resolution in range(FINEST, COARSEST - 1, -1):
        cell = h3.latlng_to_cell(lat, lng, resolution)
        if _area_km2(cell) * people_per_km2 >= k:
            break
    return cell


@lru_cache(maxsize=50_000)
def _area_km2(cell: str) -> float:
    """Hexagons of one resolution differ in area, but the same ones come again and again."""
    return float(h3.cell_area(cell, unit="km^2"))
