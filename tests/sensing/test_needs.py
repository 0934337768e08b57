"""Needs are shown for groups, never for the few; hot cells are hot for themselves."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from typer.testing import CliRunner

from gongzhi.cli.main import app
from gongzhi.lake.tables import Codes
from gongzhi.sensing import grid
from gongzhi.sensing.needs import DAY_US, Asked, K, may_be_shown, needs
from tests.sensing import planted


def codes(words: list[str]) -> Codes:
    names = [w for w in dict.fromkeys(words) if w]
    return Codes(np.array([names.index(w) if w else -1 for w in words], np.int32), names)


@given(arrays.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(2, 6)), elements=st.integers(0, 30)))
@settings(max_examples=200, deadline=None)
def test_no_small_group_is_shown_nor_told_by_a_subtraction(table: np.ndarray) -> None:
    shown = may_be_shown(table)
    assert (table[shown] >= K).all()
    for row, visible in zip(table, shown, strict=True):
        hidden = (row > 0) & ~visible
        if hidden.any() and visible.any():
            assert hidden.sum() > 1 and row[hidden].sum() >= K


def test_segments_say_who_asks_more_than_others() -> None:
    words = ["noise"] * 100 + ["lamps"] * 100
    channel = ["app"] * 80 + ["phone"] * 20 + ["phone"] * 90 + ["app"] * 5 + ["letter"] * 5
    found = needs(Asked(np.arange(200) * DAY_US, codes(words), {"channel": codes(channel)}))
    shown = {(s.function, s.part): s for s in found.segments if s.side == "channel"}
    assert shown["noise", "app"].share == 0.8 and shown["noise", "app"].lift == pytest.approx(
        0.8 / (85 / 200)
    )
    assert ("lamps", "letter") not in shown and ("lamps", "app") not in shown
    assert found.left_out > 0


def test_what_people_ask_next_is_counted_by_people() -> None:
    who, what, when = [], [], []
    for person in range(40):
        who += [f"p{person}"] * 2
        what += ["birth", "kindergarten" if person < 15 else "tax" if person < 19 else "birth"]
        when += [person * DAY_US, (person + 30) * DAY_US]
    who += [f"q{i}" for i in range(60)]
    what += ["tax"] * 60
    when += [0] * 60
    found = needs(Asked(np.array(when, np.int64), codes(what), requester=codes(who)))
    assert [(n.function, n.then, n.people) for n in found.following] == [("birth", "kindergarten", 15)]
    only = found.following[0]
    assert only.median_days == 30 and only.share == 15 / 40 and only.lift > 2
    assert [(r.function, r.again) for r in found.repeats] == [("birth", 21)]


def test_needs_that_nothing_covers_are_clustered_and_named() -> None:
    others = [row[0] for row in planted.chinese(random.Random(1), 600, 4, 10)]
    texts = [f"充电桩太少，小区里新能源车没地方充电，{i}号楼" for i in range(14)]
    texts += [f"想学钢琴，第{i}次问" for i in range(3)] + others
    what = [""] * 17 + ["other"] * len(others)
    found = needs(Asked(np.arange(len(texts)) * DAY_US // 20, codes(what), texts=texts))
    assert found.unmatched == 17
    assert [u.matters for u in found.uncovered] == [14] and "充电" in found.uncovered[0].title


def test_a_cell_is_hot_against_its_own_past_not_for_being_large() -> None:
    rng = np.random.default_rng(3)
    when, where = [], []
    for cell, usual in (("large", 20), ("small", 0.4), ("calm", 2)):
        for day in range(300):
            times = rng.poisson(usual * (5 if cell == "small" and day >= 275 else 1))
            when += [(19_000 + day) * DAY_US] * times
            where += [cell] * times
    found = grid.figures(np.array(when, np.int64), codes(where), is_open=np.ones(len(when), np.bool_))
    assert [c.cell for c in found.cells if c.is_hot] == ["small"]
    large = next(c for c in found.cells if c.cell == "large")
    assert large.open == large.matters and sum(large.by_month) == large.matters and len(found.months) == 12


def test_hexagons_take_points_and_refuse_what_lies_off_the_globe() -> None:
    found = grid.hexagons(np.array([111.36, np.nan, 111.36]), np.array([30.52, 30.5, 30.52]), 8)
    assert found.of_row.tolist() == [0, -1, 0]
    with pytest.raises(ValueError, match="row 3"):
        grid.hexagons(np.array([111.0, 30.5]), np.array([30.5, 111.0]), 8)


def test_the_commands_print_json(tmp_path: Path) -> None:
    path = tmp_path / "matters.csv"
    lines = [
        f"2024-03-{1 + i % 28:02d} {i % 24:02d}:00:00,{'lamps' if i % 3 else 'noise'},30.5{i % 7},111.3"
        for i in range(200)
    ]
    path.write_text("\n".join(["time,what,lat,lng", *lines]) + "\n", encoding="utf-8")
    run = CliRunner().invoke(app, ["needs", str(path), "--time", "time", "--function", "what", "--json"])
    document = json.loads(run.output)
    assert (
        document["k"] == 10 and document["segments"] and min(s["matters"] for s in document["segments"]) >= 10
    )
    run = CliRunner().invoke(
        app, ["grid", str(path), "--time", "time", "--lat", "lat", "--lng", "lng", "--json"]
    )
    assert sum(c["matters"] for c in json.loads(run.output)["cells"]) == 200
    assert CliRunner().invoke(app, ["grid", str(path), "--time", "time"]).exit_code == 2
