"""Forecasts beat repeating last week, keep what their intervals promise, add up, and say what was treated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from benchmarks.bench_forecast import HORIZON, made_up, mase
from gongzhi.cli.main import app
from gongzhi.lake.tables import TableInvalid
from gongzhi.sensing import hierarchy, intervals, profiles
from gongzhi.sensing.forecasts import Forecast, forecast
from gongzhi.sensing.series import DAY_US, Counts, count, read_counts
from tests.oracles import ask, data

START = int(np.datetime64("2023-01-02", "D").astype(int))
"""A Monday."""
MONDAY = START * DAY_US


def of(values: np.ndarray, known: np.ndarray | None = None) -> Counts:
    values = np.atleast_2d(np.asarray(values, np.float64))
    labels = [(f"g{i // 3}", f"s{i}") for i in range(len(values))]
    return Counts(
        START,
        "day",
        values,
        np.ones(values.shape, np.bool_) if known is None else known,
        labels,
        ("group", "series"),
    )


def alone(values: np.ndarray) -> Counts:
    values = np.atleast_2d(np.asarray(values, np.float64))
    return Counts(START, "day", values, np.ones(values.shape, np.bool_), [()], ())


def rows_of(daily: list[int], start: int = START) -> np.ndarray:
    """Moments of so many matters a day, spread over office hours."""
    return np.concatenate(
        [(start + d) * DAY_US + 8 * 3_600_000_000 + np.arange(n) * 60_000_000 for d, n in enumerate(daily)]
    ).astype(np.int64)


def test_forecasts_of_real_requests_beat_seasonal_naive_and_keep_their_intervals() -> None:
    path = data("311_nyc_animals_2010_2025/dev.csv.gz")
    found = forecast(read_counts(path, "Created Date", ["Borough"]))
    whole, every = found.series[0].backtest, found.overall
    assert whole is not None and every is not None
    assert whole.mase < 1 and whole.relative_mae < 1 and every.relative_mae < 1
    assert abs(whole.coverage[0] - 0.8) <= 0.05 and abs(whole.coverage[1] - 0.95) <= 0.05
    # The quietest boroughs have no matter on nearly nine days of ten: 0..0 cannot hold fewer.
    assert abs(every.coverage[0] - every.expected_coverage[0]) <= 0.05
    assert abs(every.coverage[1] - 0.95) <= 0.05


def test_forecasts_come_near_to_autoets_or_better() -> None:
    values = made_up(12, 400 + HORIZON, seed=3)
    theirs = ask(
        "import json,sys,numpy as np,pandas as pd\n"
        "from statsforecast import StatsForecast\nfrom statsforecast.models import AutoETS\n"
        "v=np.array(json.loads(sys.argv[1]));n,t=v.shape\n"
        "f=pd.DataFrame({'unique_id':np.repeat(np.arange(n),t),'ds':np.tile(pd.date_range('2024-01-01',periods=t),n),'y':v.reshape(-1)})\n"
        "r=StatsForecast([AutoETS(season_length=7)],freq='D',n_jobs=1).forecast(df=f,h=14)\n"
        "print(json.dumps(r.AutoETS.to_numpy().reshape(n,14).tolist()))",
        json.dumps(values[:, :-HORIZON].tolist()),
    )
    found = forecast(of(values[:, :-HORIZON]), HORIZON)
    means = {s.label[-1]: s.mean for s in found.series if len(s.label) == 2}
    ours = mase([means[f"s{i}"] for i in range(12)], values)
    assert ours <= mase(theirs, values) * 1.03


def test_groups_add_up_to_the_total_in_every_period() -> None:
    found = forecast(of(made_up(9, 200)), 10)
    by_label = {s.label: s for s in found.series if s.by != ("series",)}
    for depth in (1, 2):
        parts = [s.mean for label, s in by_label.items() if len(label) == depth]
        assert np.allclose(np.sum(parts, axis=0), by_label[()].mean)
    for label, series in by_label.items():
        if len(label) == 1:
            below = [s.mean for other, s in by_label.items() if len(other) == 2 and other[:1] == label]
            assert np.allclose(np.sum(below, axis=0), series.mean)
    assert all((s.mean >= 0).all() and (s.low <= s.high).all() for s in found.series)


def test_reconciliation_is_weighted_least_squares() -> None:
    rng = np.random.default_rng(2)
    tree = hierarchy.tree(of(rng.poisson(5, (7, 20))))
    n = len(tree.parent)
    variance = rng.uniform(1, 9, n)
    summing = np.zeros((n, len(tree.leaf_of)))
    for j, leaf in enumerate(tree.leaf_of.tolist()):
        while leaf >= 0:
            summing[leaf, j] = 1
            leaf = int(tree.parent[leaf])
    mean = summing @ rng.uniform(20, 60, len(tree.leaf_of)) + rng.normal(0, 3, n)
    weight = np.diag(1 / variance)
    exact = summing @ np.linalg.solve(summing.T @ weight @ summing, summing.T @ weight @ mean)
    assert np.allclose(hierarchy.reconcile(tree, mean[:, None], variance[:, None])[:, 0], exact)


@pytest.mark.parametrize("share", [0.8, 0.95])
@pytest.mark.parametrize(
    ("mean", "ratio"), [(0.5, 1.0), (0.9, 1.6), (4.0, 1.3), (25.0, 2.0), (300.0, 3.0), (12.0, 0.6)]
)
def test_whole_number_intervals_hold_what_they_promise(share: float, mean: float, ratio: float) -> None:
    found = intervals.whole_intervals(np.full((1, 400), mean), np.full((1, 400), ratio), share)
    if ratio > 1:
        law = stats.nbinom(mean / (ratio - 1), 1 / ratio)
    elif ratio == 1:
        law = stats.poisson(mean)
    else:
        law = stats.binom(round(mean / (1 - ratio)), 1 - ratio)
    held = law.cdf(found.high[0]) - law.cdf(found.low[0] - 1)
    assert abs(held.mean() - share) < 0.01
    assert np.allclose(held, found.held[0], atol=0.01)


def test_nothing_before_the_origin_of_a_forecast_depends_on_what_comes_after() -> None:
    values = made_up(3, 320)
    changed = values.copy()
    changed[:, 300:] *= 9
    first, second = (forecast(of(v[:, :300]), 7).series[0].mean for v in (values, changed))
    assert np.array_equal(first, second)


def test_a_gap_is_named_and_not_taken_for_zeros() -> None:
    rng = np.random.default_rng(1)
    daily = rng.poisson(20, 300).tolist()
    for d in range(270, 290):
        daily[d] = 0
    counts = count(rows_of(daily), [])
    found = forecast(counts)
    assert any("gap from 2023-09-29 to 2023-10-18" in note for note in found.notes)
    assert abs(found.series[0].mean.mean() - 20) < 2


def test_zeros_of_a_quiet_series_are_zeros() -> None:
    rng = np.random.default_rng(1)
    counts = count(rows_of(rng.poisson(0.2, 400).tolist()), [])
    assert counts.known.all() and not counts.notes
    assert 0.1 < forecast(counts).series[0].mean.mean() < 0.35


def test_a_single_point_is_carried_forward_with_a_wide_interval_and_says_so() -> None:
    found = forecast(count(rows_of([5]), []))
    only = found.series[0]
    assert only.backtest is None and any("single point" in note for note in only.notes)
    assert abs(only.mean.mean() - 5) < 1
    assert (only.low[1] <= 1).all() and (only.high[1] >= 10).all()


def test_after_a_level_shift_the_forecast_follows_within_two_weeks() -> None:
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.poisson(10, 350), rng.poisson(30, 16)])
    series = forecast(alone(values)).series[0]
    assert 24 < series.mean.mean() < 34
    assert any("level moved" in note for note in series.notes)


def test_one_wild_day_hardly_moves_the_forecast_and_is_named() -> None:
    rng = np.random.default_rng(4)
    values = rng.poisson(10, 365).astype(float)
    wild = values.copy()
    wild[350] = 900
    calm, shaken = (forecast(alone(v)).series[0] for v in (values, wild))
    assert abs(shaken.mean.mean() - calm.mean.mean()) < 1.5
    assert any("far outside" in note and "(900)" in note for note in shaken.notes)


def test_a_group_that_begins_late_is_not_thought_to_have_been_zero_before() -> None:
    rng = np.random.default_rng(4)
    old, new = rows_of(rng.poisson(10, 300).tolist()), rows_of(rng.poisson(10, 60).tolist(), START + 240)
    codes = np.concatenate([np.zeros(len(old), np.int32), np.ones(len(new), np.int32)])
    counts = count(np.concatenate([old, new]), [(codes, ["old", "new"])], ("office",))
    assert any("begin later" in note for note in counts.notes)
    assert not counts.known[1, :240].any() and counts.known[1, 241:].all()


def test_unfinished_last_days_and_weeks_are_left_out_and_named() -> None:
    rng = np.random.default_rng(4)
    moments = np.sort(rng.integers(0, 100 * 24, 6000) * 3_600_000_000 + MONDAY)
    cut = moments[moments < MONDAY + 99 * DAY_US + 6 * 3_600_000_000]
    by_day, by_week = count(cut, []), count(cut, [], freq="week")
    assert by_day.periods == 99 and "before it was over" in by_day.notes[0]
    assert by_week.periods == 14 and any("last week" in note for note in by_week.notes)


def test_rows_decades_away_are_left_out_and_named() -> None:
    rng = np.random.default_rng(4)
    moments = np.concatenate([rows_of(rng.poisson(20, 100).tolist()), [0]])
    counts = count(moments, [])
    assert (
        counts.periods <= 100
        and "1970-01-01" in counts.notes[0]
        and f"row {len(moments) + 1}" in counts.notes[0]
    )


def test_holidays_of_the_calendar_lower_what_is_expected() -> None:
    day = np.arange(365 * 2)
    kinds = profiles.day_kinds("CN", START, len(day) + 30)
    usual = np.where((START - 4 + day) % 7 < 5, 40.0, 10.0)
    usual[kinds[: len(day)] == 1] = 4
    values = np.random.default_rng(1).poisson(usual)
    until = int(np.datetime64("2024-09-29", "D").astype(int)) - START
    counts = alone(values[:until])
    with_calendar = forecast(counts, 7, "CN").series[0].mean
    without = forecast(counts, 7).series[0].mean
    # The national holiday begins on Tuesday, 1 October 2024.
    assert with_calendar[2] < 12 < 30 < without[2]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_file_of_counts_is_read_as_counts(tmp_path: Path) -> None:
    lines = [f"{np.datetime64('2024-01-01') + i},{7 if i % 7 < 5 else 0}" for i in range(100)]
    path = write(tmp_path / "counts.csv", ["day,n", *[x for i, x in enumerate(lines) if i != 50]])
    counts = read_counts(path, "day", value="n")
    assert counts.values.sum() == sum(7 for i in range(100) if i % 7 < 5 and i != 50)
    assert not counts.known[0, 50] and any("writes zeros out" in note for note in counts.notes)
    path = write(tmp_path / "bad.csv", ["day,n", "2024-01-01,3", "2024-01-02,-1"])
    with pytest.raises(TableInvalid, match="row 3"):
        read_counts(path, "day", value="n")


def test_the_command_prints_json_a_table_and_a_report(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    lines = [
        f"{np.datetime64('2024-01-01') + d}T10:00:00,{area}"
        for d in range(120)
        for area in ("北区", "<south>")
        for _ in range(rng.poisson(4))
    ]
    path = write(tmp_path / "matters.csv", ["time,area", *lines])
    report = tmp_path / "report.html"
    run = CliRunner().invoke(
        app,
        [
            "forecast",
            str(path),
            "--time",
            "time",
            "--by",
            "area",
            "--horizon",
            "7",
            "--json",
            "--html",
            str(report),
        ],
    )
    assert run.exit_code == 0, run.output
    document = json.loads(run.output)
    names = [s["name"] for s in document["series"]]
    assert names == ["total", "<south>", "北区"] and len(document["series"][0]["forecast"]) == 7
    first = document["series"][0]["forecast"][0]
    assert (
        first["period"] == document["periods"][0]
        and first["low95"] <= first["low80"] <= first["high80"] <= first["high95"]
    )
    page = report.read_text(encoding="utf-8")
    assert (
        "<svg" in page
        and "&lt;south&gt;" in page
        and "<south>" not in page
        and "http" not in page.replace("http://www.w3.org", "")
    )
    table = CliRunner().invoke(app, ["forecast", str(path), "--time", "time"])
    assert "MASE" in table.output
    for wrong in (["--freq", "year"], ["--by", "nothing"], ["--country", "XX"]):
        failed = CliRunner().invoke(app, ["forecast", str(path), "--time", "time", *wrong])
        assert failed.exit_code == 2 and failed.output.strip()


def test_no_forecast_is_made_of_nothing() -> None:
    with pytest.raises(TableInvalid, match="no rows"):
        count(np.empty(0, np.int64), [])
    with pytest.raises(ValueError, match="horizon"):
        forecast(alone(np.ones(10)), 0)


def _is_sane(found: Forecast) -> bool:
    return all(np.isfinite(s.mean).all() and (s.mean >= 0).all() for s in found.series)


@pytest.mark.parametrize("periods", [1, 2, 3, 6, 7, 8, 13, 15, 29, 57])
def test_short_histories_give_sane_numbers(periods: int) -> None:
    values = np.random.default_rng(periods).poisson(3, (3, periods)).astype(float)
    values[0, 0] = 3
    assert _is_sane(forecast(of(values), 14))
    weekly = Counts(100, "week", values, np.ones(values.shape, np.bool_), [("a",), ("b",), ("c",)], ("x",))
    assert _is_sane(forecast(weekly, 14))
