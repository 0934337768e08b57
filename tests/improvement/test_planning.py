"""Crews by expected demand against trying every plan; a process played again against one that was planned."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gongzhi.improvement import comparison, what_if
from gongzhi.improvement.allocation import Demand, Infeasible, allocate, deviation_of
from gongzhi.improvement.event_log import EventLog, codes_of, read_log, sorted_log
from gongzhi.lake.columns import Groups


def unmet(mean: float, served: float) -> float:
    counts = np.arange(200)
    return float((np.maximum(counts - served, 0) * stats.poisson.pmf(counts, mean)).sum())


@given(st.lists(st.floats(0, 40), min_size=2, max_size=3), st.integers(3, 7), st.sampled_from([0.0, 0.4]))
@settings(deadline=None, max_examples=15)
def test_no_other_plan_leaves_less_unmet(means: list[float], units: int, least: float) -> None:
    demands = [Demand(f"a{i}", m) for i, m in enumerate(means)]
    plans = [
        plan
        for plan in itertools.product(range(units + 1), repeat=len(means))
        if sum(plan) == units and all(k * 5 >= least * m - 1e-9 for k, m in zip(plan, means, strict=True))
    ]
    if not plans:
        with pytest.raises(Infeasible, match="cannot keep the limit"):
            allocate(demands, units, 5, least_share=least)
        return
    left = [[unmet(m, k * 5) for k in range(units + 1)] for m in means]
    best = min(sum(left[i][k] for i, k in enumerate(plan)) for plan in plans)
    found = allocate(demands, units, 5, least_share=least)
    assert found["plans"]["planned"]["expected_unmet"] == pytest.approx(best, abs=2e-3)
    assert found["plans"]["even"]["expected_unmet"] >= best - 2e-3


def test_no_more_crews_move_than_allowed_and_today_is_compared() -> None:
    demands = [Demand("A", 50, today=1), Demand("B", 5, today=9)]
    found = allocate(demands, 10, 8, most_moves=2)
    assert [r["planned"] for r in found["areas"]] == [3, 7] and found["moves"] == 2
    assert found["plans"]["today"]["expected_unmet"] > found["plans"]["planned"]["expected_unmet"]
    assert deviation_of(10, 20, 0.8) == pytest.approx(3.9015, abs=1e-3)


def queueing(cases: int, staff: int, seed: int = 1) -> EventLog:
    """A log of two steps worked on by a few people around the clock, with the start of each piece of work."""
    rng = np.random.default_rng(seed)
    free = [0.0] * staff
    rows: list[tuple[int, str, float, float, str]] = []
    arrival = 0.0
    for case in range(cases):
        arrival += float(rng.exponential(1.0))
        rows.append((case, "open", arrival, arrival, "desk"))
        who = int(np.argmin(free))
        begin = max(arrival, free[who])
        end = begin + float(rng.exponential(1.6))
        free[who] = end
        rows.append((case, "check", begin, end, f"p{who}"))
    epoch = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
    at = np.array([[epoch + r[2] * 3600, epoch + r[3] * 3600] for r in rows])
    return sorted_log(
        Groups.of(np.array([r[0] for r in rows], np.int32)),
        codes_of([r[1] for r in rows]),
        (at[:, 1] * 1e6).astype(np.int64),
        codes_of([r[4] for r in rows]),
        (at[:, 0] * 1e6).astype(np.int64),
    )


def test_held_out_cases_are_predicted_and_less_staff_makes_cases_wait() -> None:
    log = queueing(600, staff=2)
    found = what_if.simulate(log, what_if.Change(staff=4), replications=6)
    check = found["validation"]["mean_hours"]
    assert check["mean"] == pytest.approx(check["actual"], rel=0.6)
    assert found["difference_in_mean_hours"]["high"] < 0
    assert (
        found["after"]["waiting_for_staff_hours"]["mean"] < found["before"]["waiting_for_staff_hours"]["mean"]
    )


def test_a_step_left_out_and_a_deadline_shorten_the_case() -> None:
    log = queueing(200, staff=3)
    without = what_if.simulate(log, what_if.Change(without=frozenset({"check"})), replications=2)
    assert without["after"]["mean_hours"]["mean"] == 0.0
    quicker = what_if.simulate(log, what_if.Change(work={"check": 0.5}), replications=3)
    assert quicker["difference_in_mean_hours"]["high"] < 0
    with pytest.raises(ValueError, match="the log has no activity dream"):
        what_if.simulate(log, what_if.Change(without=frozenset({"dream"})))
    with pytest.raises(ValueError, match="too few"):
        what_if.simulate(queueing(5, 1), what_if.Change())


@given(st.floats(0, 5e9))
def test_working_time_and_its_inverse_agree(moment: float) -> None:
    office = np.array([86400.0 * d + 3600 * h for d in range(4, 9) for h in range(9, 17)])
    hours = what_if.Hours(office)
    worked = float(hours.worked(moment))
    assert float(hours.worked(hours.after(worked))) == pytest.approx(worked, abs=1e-3)
    assert hours.after(worked) <= moment + 168 * 3600


def test_two_areas_and_two_periods_are_compared(tmp_path: Path) -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    lines = ["case,what,when,area"]
    for i in range(6):
        start = begin + timedelta(days=i)
        place = "east" if i % 2 else "west"
        lines.append(f"{i},a,{start.isoformat()},{place}")
        lines.append(f"{i},b,{(start + timedelta(hours=1 if i < 3 else 5)).isoformat()},{place}")
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    log = read_log(path, "case", "what", "when", group="area")
    found = comparison.compare(log, comparison.by_period(log, "2026-03-04")).as_json()
    step = found["steps"][0]
    assert (step["median_seconds_before"], step["median_seconds_after"]) == (3600, 18000)
    assert found["before"]["cases"] == found["after"]["cases"] == 3
    areas = comparison.compare(log, comparison.by_group(log, "east", "west"))
    assert (areas.before.cases, areas.after.cases) == (3, 3)
    with pytest.raises(ValueError, match="no case is of 'north'"):
        comparison.by_group(log, "north", "west")
    with pytest.raises(ValueError, match="nothing to compare"):
        comparison.by_period(log, "2030-01-01")
