from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from hypothesis import given, settings
from hypothesis import strategies as st

from gongzhi.registry import snapshot
from gongzhi.understanding import duplicates, fingerprints, sketches
from gongzhi.understanding.models import Fingerprint
from tests.conftest import HERE

LAMPS = "菜市场门口连着三盏路灯都不亮了，晚上老人出门很不安全"
AGAIN = "晚上菜市场门口黑漆漆的，三盏路灯不亮，老人不敢出门"


def _found(text: str, *, east_m: float = 60, **more: object) -> list[duplicates.Candidate]:
    lng = HERE[0] + east_m / 95_900
    asked = {"lng": lng, "lat": HERE[1], "at": timezone.now(), "function_id": None, **more}
    return duplicates.candidates(text, **asked)  # type: ignore[arg-type]


def _likeness(one: str, other: str) -> float:
    a, b = (np.unpackbits(np.frombuffer(sketches.of(t), np.uint8)) for t in (one, other))
    return float((a & b).sum() / max(1, min(a.sum(), b.sum())))


@given(st.lists(st.text(max_size=400), min_size=1, max_size=6))
@settings(deadline=None)
def test_a_sketch_is_the_same_alone_and_among_others(texts: list[str]) -> None:
    assert [bytes(s) for s in sketches.of_many(texts)] == [sketches.of(t) for t in texts]


def test_paraphrases_share_bits_and_other_matters_hardly_any() -> None:
    assert _likeness(LAMPS, AGAIN) > 0.4
    assert _likeness(LAMPS, "小区地下车库的电动车充电桩一直充不进去电") < 0.15
    english = "The street lamps by the market have been dark for a week"
    assert _likeness(english, "Lamps near the market are dark again, whole street") > 0.4
    assert _likeness(english, "My rubbish bin was not emptied on Monday") < 0.15


@given(st.floats(-179.9, 179.9), st.floats(-80, 80), st.floats(0, 6.283), st.floats(0, 400))
def test_every_point_within_the_radius_lies_in_a_cell_that_is_read(
    lng: float, lat: float, angle: float, away_m: float
) -> None:
    scale = fingerprints.METRES_PER_DEGREE
    other_lat = lat + away_m * np.sin(angle) / scale
    other_lng = lng + away_m * np.cos(angle) / scale / np.cos(np.radians(lat))
    cells = fingerprints.cells_around(lng, lat, 401)
    assert fingerprints.cell_of(float(other_lng), float(other_lat)) in cells
    assert len(cells) <= 16


@pytest.mark.django_db
def test_the_same_matter_in_other_words_nearby_is_found_and_says_why(submit) -> None:  # type: ignore[no-untyped-def]
    first = submit(LAMPS)
    submit("小区地下车库的电动车充电桩一直充不进去电")
    (candidate,) = [c for c in _found(AGAIN) if c.number == first.number]
    assert candidate.distance_m is not None and 50 < candidate.distance_m < 70
    assert "路灯" in "".join(candidate.shared)
    with translation.override("en"):
        assert candidate.reason.startswith("60 m away, today")
    with translation.override("zh-hans"):
        assert "60" in candidate.reason and "away" not in candidate.reason


@pytest.mark.django_db
def test_what_is_far_or_old_or_ended_or_hidden_is_not_shown(submit, staff) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.cases.models import Case

    receipt = submit(LAMPS)
    assert _found(AGAIN)
    assert not _found(AGAIN, east_m=450)
    assert not _found(AGAIN, at=timezone.now() + timedelta(days=31))
    Case.objects.filter(number=receipt.number).update(is_public=False)
    assert not _found(AGAIN)
    Case.objects.filter(number=receipt.number).update(is_public=True, state="closed", closure="fixed")
    assert not _found(AGAIN)


@pytest.mark.django_db
def test_without_a_place_matters_of_the_same_function_are_compared(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit(LAMPS)
    function = snapshot.current().function_by_code[receipt.function_code]
    (candidate,) = _found(AGAIN, lng=None, lat=None, function_id=function.id)
    assert candidate.number == receipt.number and candidate.distance_m is None
    assert not _found("地铁站台的电梯坏了", lng=None, lat=None, function_id=function.id)


@pytest.mark.django_db
def test_duplicates_cost_one_round_trip_and_none_more_in_a_hot_spot(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit(LAMPS)
    template = Fingerprint.objects.get(case__number=receipt.number)
    Fingerprint.objects.bulk_create(
        Fingerprint(
            case_id=10_000_000 + n, cell=template.cell, lng=HERE[0], lat=HERE[1],
            opened_at=timezone.now(), sketch=sketches.literal(sketches.of(f"别的事情{n}号楼")),
        )
        for n in range(300)
    )  # fmt: skip
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = _found(AGAIN)
    assert len(queries) == 1
    assert found[0].number == receipt.number


@pytest.mark.django_db
def test_a_history_finds_its_originals_in_one_statement(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit(LAMPS)
    later = timezone.now() + timedelta(days=1)
    questions = [
        duplicates.Question(AGAIN, *HERE, later, None),
        duplicates.Question("完全不同的另一件事情", *HERE, later, None),
        duplicates.Question(AGAIN, *HERE, later - timedelta(days=2), None),
    ]
    with CaptureQueriesContext(connection) as queries:
        originals = duplicates.originals(questions)
    assert len(queries) == 1
    assert originals[0] is not None and originals[0][0] == receipt.case_id
    assert originals[1:] == [None, None]
