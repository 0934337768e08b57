"""A quiet history stays quiet, a rise is found within a day, and the evidence says why."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.bench_anomalies import injected, made_up
from gongzhi.cli.main import app
from gongzhi.sensing.anomalies import Weather, anomalies, power, rows_behind
from gongzhi.sensing.series import DAY_US, HOUR_US, Counts, count, read_counts
from tests.oracles import data


@pytest.mark.parametrize(
    ("name", "time", "by"),
    [
        ("311_baltimore/dev.csv.gz", "CreatedDate", "Agency"),
        ("311_nyc_animals_2010_2025/dev.csv.gz", "Created Date", "Borough"),
    ],
)
def test_real_history_gives_at_most_one_alert_in_a_thousand_series_days(
    name: str, time: str, by: str
) -> None:
    found = anomalies(read_counts(data(name), time, [by]))
    assert found.series_days > 10_000
    assert found.per_thousand <= 1


def test_a_threefold_rise_is_found_within_a_day_where_there_are_ten_matters_a_day() -> None:
    counts = made_up(12, 10, 500, seed=1)
    assert anomalies(counts).per_thousand <= 1.2
    risen, days = injected(counts, 0, 1)
    found = [a for a in anomalies(risen).alerts if a.label and a.direction == "rise"]
    hits = [
        any(a.label == label and a.first <= day + 1 and a.last >= day for a in found)
        for label in counts.labels
        for day in days
    ]
    assert len(hits) >= 90 and np.mean(hits) >= 0.9


def test_what_can_be_found_is_calculated_from_the_rate() -> None:
    chance = power(np.array([0.5, 4.0, 12.0]), np.array([1.3, 1.3, 1.3]))
    assert chance[0] < 0.05 and 0.3 < chance[1] < 0.8 and chance[2] > 0.93
    found = anomalies(made_up(0.5, 3, 200, seed=1))
    assert all(promised < 0.9 for _, rate, promised in found.detectable if rate < 2)


def test_a_silent_day_of_a_busy_line_is_an_alert_too() -> None:
    counts = made_up(40, 1, 300, seed=2)
    counts.values[0, 250] = 6
    alerts = anomalies(counts).alerts
    assert any(a.direction == "drop" and a.at == 250 for a in alerts)


def test_days_that_follow_each_other_are_one_alert() -> None:
    counts = made_up(20, 1, 300, seed=2)
    counts.values[0, 250:254] *= 4
    rises = [a for a in anomalies(counts).alerts if a.direction == "rise" and a.label]
    assert len(rises) == 1 and rises[0].first == 250 and rises[0].last >= 252


def test_rain_that_always_brings_matters_is_no_alert_but_without_rain_it_is() -> None:
    rng = np.random.default_rng(5)
    rain = rng.random(700) < 0.1
    values = rng.poisson(np.where(rain, 30, 8)).astype(float)[None]
    counts = Counts(19_000, "day", values, np.ones(values.shape, np.bool_), [()], ())
    weather = Weather(rain.astype(np.int64), ["dry", "rain"])
    told, untold = anomalies(counts, weather=weather), anomalies(counts)
    assert len(told.alerts) <= 2 < 5 < len(untold.alerts)
    surprise = int(np.flatnonzero(~rain)[-30])
    values[0, surprise] = 30
    assert any(a.at == surprise and a.weather == "dry" for a in anomalies(counts, weather=weather).alerts)


def test_an_hour_is_judged_by_its_own_hour_of_the_week() -> None:
    rng = np.random.default_rng(5)
    hours = np.arange(24 * 100)
    usual = np.where((hours % 24 >= 8) & (hours % 24 < 18), 12.0, 0.5)
    values = rng.poisson(usual).astype(float)[None]
    values[0, 24 * 90 + 3] = 12
    counts = Counts(19_000 * 24, "hour", values, np.ones(values.shape, np.bool_), [()], ())
    found = anomalies(counts)
    assert any(a.first <= 24 * 90 + 3 <= a.last for a in found.alerts)
    assert len(found.alerts) <= 2


def test_an_alert_names_the_rows_behind_it() -> None:
    rng = np.random.default_rng(6)
    daily = rng.poisson(6, 120)
    daily[100] = 30
    moments = np.concatenate(
        [19_000 * DAY_US + d * DAY_US + 9 * HOUR_US + np.arange(n) for d, n in enumerate(daily)]
    )
    counts = count(moments.astype(np.int64), [])
    alert = next(a for a in anomalies(counts).alerts if a.at == 100)
    rows = rows_behind(counts, alert, most=1000)
    first = int(daily[: 100 - alert.window + 1].sum())
    assert rows == list(range(first + 2, first + 2 + int(alert.count)))
    assert alert.usual and alert.count > 3 * np.mean(alert.usual) / alert.window


def test_too_short_a_history_says_so_and_alerts_nothing() -> None:
    found = anomalies(made_up(5, 2, 30, seed=1))
    assert not found.alerts and any("too little" in note for note in found.notes)
    with pytest.raises(ValueError, match="by day or by hour"):
        anomalies(Counts(0, "week", np.ones((1, 60)), np.ones((1, 60), np.bool_), [()], ()))


def test_the_command_prints_evidence_and_a_report(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    daily = rng.poisson(8, 150)
    daily[140] = 40
    lines = [
        f"{np.datetime64('2024-01-01') + d}T10:00:00,{'rain' if d % 9 == 0 else 'dry'}"
        for d, n in enumerate(daily)
        for _ in range(n)
    ]
    path = tmp_path / "matters.csv"
    path.write_text("\n".join(["time,sky", *lines]) + "\n", encoding="utf-8")
    report = tmp_path / "report.html"
    run = CliRunner().invoke(
        app, ["anomalies", str(path), "--time", "time", "--weather", "sky", "--json", "--html", str(report)]
    )
    assert run.exit_code == 0, run.output
    document = json.loads(run.output)
    alert = document["alerts"][0]
    assert alert["at"] == "2024-05-20" and alert["rows"] and alert["chance"] < 1e-6 and alert["expected"] < 15
    assert "<svg" in report.read_text(encoding="utf-8")
    table = CliRunner().invoke(app, ["anomalies", str(path), "--time", "time"])
    assert "per 1,000" in table.output
    assert (
        CliRunner().invoke(app, ["anomalies", str(path), "--time", "time", "--freq", "week"]).exit_code == 2
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("command", ["anomalies", "forecast"])
def test_a_number_that_cannot_be_a_count_is_refused_and_a_large_one_is_computed(
    tmp_path: Path, command: str
) -> None:
    def asked(last: str) -> tuple[int, str]:
        path = tmp_path / "counted.csv"
        days = [f"{np.datetime64('2024-01-01') + d} 10:00:00,{3 + d % 4}" for d in range(120)]
        path.write_text("\n".join(["time,number", *days, f"2024-04-30 10:00:00,{last}"]) + "\n")
        run = CliRunner().invoke(app, [command, str(path), "--time", "time", "--value", "number"])
        return run.exit_code, run.output

    code, said = asked("9e300")
    assert code == 2 and "row 122" in said and "'number'" in said and "too large to be a count" in said
    code, said = asked("-1")
    assert code == 2 and "row 122" in said and "below zero" in said
    code, said = asked("10000000000")
    assert code == 0, said
