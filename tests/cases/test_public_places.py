"""What the public sees of a place does not single a person out."""

from __future__ import annotations

import h3
from hypothesis import given
from hypothesis import strategies as st

from gongzhi.cases.public_places import COARSEST, published, shared_cell

places = st.tuples(st.floats(-179, 179), st.floats(-80, 80))


@given(places, st.floats(1, 50_000), st.integers(2, 50))
def test_a_published_place_is_shared_by_at_least_k_residents(place, density, k) -> None:  # type: ignore[no-untyped-def]
    cell = shared_cell(*place, density, k)
    assert h3.cell_area(cell, "km^2") * density >= k or h3.get_resolution(cell) == COARSEST
    lng, lat = published(*place, is_thing=False, people_per_km2=density, k=k)
    assert h3.latlng_to_cell(lat, lng, h3.get_resolution(cell)) == cell


@given(places, st.floats(1, 50_000))
def test_everyone_in_a_hexagon_is_published_at_the_same_place(place, density) -> None:  # type: ignore[no-untyped-def]
    lng, lat = published(*place, is_thing=False, people_per_km2=density, k=5)
    again = published(lng, lat, is_thing=False, people_per_km2=density, k=5)
    assert h3.great_circle_distance((lat, lng), (again[1], again[0]), "m") < 0.5


def test_a_public_thing_stays_where_it_is() -> None:
    assert published(111.36, 30.52, is_thing=True, people_per_km2=10, k=5) == (111.36, 30.52)
