from __future__ import annotations

import pytest

from gongzhi.intake.preview import preview
from gongzhi.registry import snapshot
from gongzhi.registry.models import Place
from gongzhi.understanding import places

pytestmark = pytest.mark.django_db


def _area(text: str) -> str | None:
    area = places.area_named(text, snapshot.current())
    return area.name_zh if area else None


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("望江街道的路灯坏了", "望江街道"),
        ("我们钟楼这边一直停水", "钟楼街道"),
        ("No water in Wangjiang Street since noon", "望江街道"),
        ("江北区望江街道垃圾没人收", "望江街道"),
        ("望江街道和钟楼街道交界处", "江北区"),
        ("临江市的路灯坏了", None),
        ("门口的路灯坏了", None),
        ("望江街道和南湖街道都停水", None),
    ],
)
def test_the_smallest_area_that_holds_all_named_places_counts(text: str, area: str | None) -> None:
    assert _area(text) == area


def test_a_point_of_interest_is_known_by_its_name_in_both_languages() -> None:
    place = Place.objects.filter(geometry__type="Point").order_by("code").first()
    assert place is not None
    registry = snapshot.current()
    for name in (place.name_zh, place.name_en):
        (found,) = [p for p in places.named(f"在{name} 旁边", registry) if p.place_code]
        assert (found.name, found.place_code) == (name, place.code)
        assert found.lng is not None
        here = registry.area_at(found.lng, found.lat or 0)
        assert here is not None and found.area_id == here.id


def test_a_latin_name_inside_a_longer_word_is_not_a_place() -> None:
    assert places.named("the wangjiangs came", snapshot.current()) == []


def test_a_matter_without_a_point_goes_to_the_area_it_names(submit) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.cases.models import Case

    receipt = submit("望江街道的路灯坏了好几天", lng=None, lat=None)
    area = Case.objects.get(number=receipt.number).area
    assert area is not None and area.name_zh == "望江街道"


def test_the_preview_names_the_places_it_found() -> None:
    seen = preview("望江街道的路灯坏了", None, None)
    assert "望江街道" in seen.reading.places
    assert seen.organisation is not None


def test_a_long_text_is_searched_in_a_moment() -> None:
    import time

    registry = snapshot.current()
    places.named("x", registry)
    start = time.perf_counter()
    places.named("望江街道" * 250_000, registry)
    assert time.perf_counter() - start < 0.5
