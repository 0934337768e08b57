from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shapely.geometry import Point, shape
from stdnum import luhn

from gongzhi.demo import grammar
from gongzhi.demo.matters import Matter, generate
from gongzhi.registry import packs
from tests.conftest import PACK

UNTIL = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def matters() -> list[Matter]:
    return list(generate(PACK, 3_000, until=UNTIL))


def test_the_same_seed_gives_the_same_matters_and_another_seed_others() -> None:
    first = list(generate(PACK, 200, until=UNTIL))
    assert first == list(generate(PACK, 200, until=UNTIL))
    other = list(generate(PACK, 200, seed=1, until=UNTIL))
    assert {m.text for m in first} != {m.text for m in other}


def test_exactly_as_many_come_out_in_the_order_of_time_and_within_the_year(matters: list[Matter]) -> None:
    times = [m.at for m in matters]
    assert len(matters) == 3_000 and times == sorted(times)
    assert UNTIL - timedelta(days=366) <= times[0] and times[-1] <= UNTIL


def test_nothing_is_said_twice_and_nothing_is_left_unfilled(matters: list[Matter]) -> None:
    assert len({m.text for m in matters}) >= 0.995 * len(matters)
    for m in matters:
        assert not re.search(r"\{\w*\}", m.text), m.text
        assert len(m.text) >= 4


def test_four_fifths_speak_chinese(matters: list[Matter]) -> None:
    share = Counter(m.language for m in matters)["zh-hans"] / len(matters)
    assert 0.75 <= share <= 0.85


def test_every_function_and_every_channel_comes_up(matters: list[Matter]) -> None:
    known = grammar.read(PACK / "matters").functions
    assert len({m.function for m in matters}) >= 0.97 * len(known)
    assert {m.channel for m in matters} == {"web", "phone", "counter", "app", "wechat", "email"}


def test_every_leaf_of_the_pack_has_words_and_every_group_an_answer() -> None:
    read, words = packs.read(PACK), grammar.read(PACK / "matters")
    parents = {f["parent"] for f in read.functions}
    leaves = {f["code"]: f["parent"] for f in read.functions if f["code"] not in parents}
    assert set(words.functions) == set(leaves)
    assert set(leaves.values()) == set(words.groups) == set(words.replies["fixed"])


def test_no_text_is_one_of_the_examples_from_which_understanding_learns(matters: list[Matter]) -> None:
    learned = {e for f in packs.read(PACK).functions for rows in f["examples"].values() for e in rows}
    assert sum(m.text.rstrip("。.") in learned for m in matters) <= len(matters) * 0.002


def test_matters_lie_in_the_city_and_seasons_show(matters: list[Matter]) -> None:
    city = shape(next(a["geometry"] for a in packs.read(PACK).areas if a["level"] == "city"))
    placed = [m for m in matters if m.lng is not None and m.lat is not None]
    assert len(placed) > 0.8 * len(matters)
    assert all(city.contains(Point(m.lng, m.lat)) for m in placed)
    heating = Counter(m.at.month for m in matters if m.function == "heating")
    assert sum(heating[n] for n in (11, 12, 1, 2)) > sum(heating[n] for n in (5, 6, 7, 8)) * 3


def test_nobody_speaks_of_the_heat_in_january(matters: list[Matter]) -> None:
    cold = [m.text for m in matters if m.at.month in (1, 12)]
    assert cold and not [t for t in cold if "三伏" in t or "这么热" in t]


def test_what_many_report_is_grouped_and_said_in_different_words(matters: list[Matter]) -> None:
    groups: dict[int, list[Matter]] = {}
    for m in matters:
        if m.group:
            groups.setdefault(m.group, []).append(m)
    several = [g for g in groups.values() if len(g) > 1]
    assert len(several) > 60 and max(map(len, several)) >= 12
    for group in several:
        assert len({m.function for m in group}) == 1
        assert len({m.text for m in group}) == len(group)


def test_planted_personal_data_stands_in_the_text_and_is_invented(matters: list[Matter]) -> None:
    planted = [(m, p) for m in matters for p in m.planted]
    assert {p.kind for _, p in planted} >= {"name", "phone", "email", "id", "plate"}
    for m, p in planted:
        assert p.value in m.text
        if p.kind == "phone":
            assert p.value.replace("-", "")[:4] in ("1420", "1430", "1540")
        if p.kind == "email":
            assert p.value.endswith("@example.com")
        if p.kind == "card":
            assert luhn.is_valid(p.value.replace(" ", ""))


def test_a_pack_without_a_grammar_is_named(tmp_path: Path) -> None:
    with pytest.raises(packs.PackInvalid) as problem:
        grammar.read(tmp_path / "matters")
    assert "phrases.yaml: the file is missing" in str(problem.value)
