"""Forecasts of 500 series beside statsforecast's AutoETS, each from the same file in a process of its own.

The series are made up: weekdays, a yearly wave, levels that wander, some that jump, outliers, quiet ones.
Real requests of one city agency over fifteen years are forecast as well, where the data lie beside the repository.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import figures
from gongzhi.sensing.forecasts import forecast
from gongzhi.sensing.series import Counts, read_counts
from tests.oracles import PYTHON

ROOT = Path(__file__).parents[1]

HORIZON = 14
DAYS = 730
ANIMALS = figures.DATA / "311_nyc_animals_2010_2025" / "dev.csv.gz"
OURS = """
import json, sys, time
import numpy as np
from benchmarks.bench_forecast import HORIZON, counts_of
from gongzhi.sensing.forecasts import forecast
values = np.load(sys.argv[1])
counts = counts_of(values[:, :-HORIZON])
start = time.perf_counter()
found = forecast(counts, HORIZON)
seconds = time.perf_counter() - start
means = {s.label[0]: s.mean.tolist() for s in found.series if s.label}
print(json.dumps({"seconds": seconds, "means": [means[f"s{i}"] for i in range(len(values))]}))
"""
THEIRS = """
import json, sys, time
import numpy as np, pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoETS
values = np.load(sys.argv[1])
horizon = int(sys.argv[2])
n, t = values.shape
days = pd.date_range("2024-01-01", periods=t - horizon)
frame = pd.DataFrame({"unique_id": np.repeat(np.arange(n), t - horizon), "ds": np.tile(days, n),
    "y": values[:, :-horizon].reshape(-1)})
# Compiled before the clock starts.
StatsForecast([AutoETS(season_length=7)], freq="D", n_jobs=1).forecast(df=frame[frame.unique_id == 0], h=horizon)
start = time.perf_counter()
found = StatsForecast([AutoETS(season_length=7)], freq="D", n_jobs=1).forecast(df=frame, h=horizon)
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "means": found.AutoETS.to_numpy().reshape(n, horizon).tolist()}))
"""


def made_up(series: int, days: int, seed: int = 5) -> np.ndarray:
    """(series, days) counts with what real ones have."""
    rng = np.random.default_rng(seed)
    day = np.arange(days)
    level = np.exp(rng.uniform(np.log(0.3), np.log(60), series))[:, None]
    wander = np.cumsum(rng.normal(0, rng.choice([0.0, 0.01, 0.03], series)[:, None], (series, days)), axis=1)
    weekday = np.exp(rng.normal(0, 0.1, (series, 7)))
    weekday[:, 5:] *= rng.choice([1.0, 0.6, 0.2], (series, 1))
    yearly = 1 + rng.choice([0.0, 0.2, 0.4], series)[:, None] * np.sin(
        2 * np.pi * (day / 365.25 + rng.uniform(0, 1, (series, 1)))
    )
    mean = level * np.exp(wander - wander.mean(axis=1, keepdims=True)) * weekday[:, day % 7] * yearly
    jump = rng.random(series) < 0.1
    mean[jump, int(days * 0.7) :] *= rng.choice([0.5, 2.0], (jump.sum(), 1))
    size = rng.choice([2.0, 8.0, 50.0], series)[:, None]
    counts = rng.poisson(rng.gamma(size, mean / size)).astype(np.float64)
    wild = rng.random(counts.shape) < 0.001
    return np.where(wild, counts * 8 + 10, counts)


def counts_of(values: np.ndarray) -> Counts:
    start = int(np.datetime64("2024-01-01", "D").astype(int))
    return Counts(
        start, "day", values.copy(), np.ones(values.shape, np.bool_),
        [(f"s{i}",) for i in range(len(values))], ("series",),
    )  # fmt: skip


def run(python: str, script: str, *arguments: object) -> dict:
    done = subprocess.run(
        [python, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return json.loads([line for line in done.stdout.splitlines() if line[:1] == "{"][-1])


def mase(means: list, values: np.ndarray) -> float:
    """Mean over the series of the error over that of the seasonal naive forecast in the training data."""
    past, came = values[:, :-HORIZON], values[:, -HORIZON:]
    scale = np.abs(past[:, 7:] - past[:, :-7]).mean(axis=1)
    return float((np.abs(came - np.array(means)).mean(axis=1) / scale).mean())


def real() -> list[dict]:
    """Requests of one agency: whether the backtest beats seasonal naive and holds its coverage."""
    if not ANIMALS.exists():
        print("real data not beside the repository: only made-up series")
        return []
    rows = []
    for freq in ("day", "week"):
        start = time.perf_counter()
        found = forecast(read_counts(ANIMALS, "Created Date", ("Borough",), freq), HORIZON)
        seconds = time.perf_counter() - start
        whole, every = found.series[0].backtest, found.overall
        assert whole and every
        rows.append(
            {
                "what": f"real requests by {freq}: mean absolute error of the total, seasonal naive beside it",
                "ours": round(whole.mae, 3),
                "reference": round(whole.naive_mae, 3),
                "ratio": round(whole.relative_mae, 3),
                "goal": "below 1",
                "met": whole.relative_mae < 1,
                "seconds": round(seconds, 2),
            }
        )
        off = max(abs(every.coverage[0] - 0.8), abs(every.coverage[1] - 0.95))
        rows.append(
            {
                "what": f"real requests by {freq}: coverage of the 80 and 95 % intervals, all series",
                "ours": [round(c, 3) for c in every.coverage],
                "reference": [0.8, 0.95],
                "ratio": round(off, 3),
                "goal": "at most 0.05 off",
                "met": off <= 0.05,
            }
        )
    return rows


def main(series: int = 500, with_reference: bool = True) -> None:
    values = made_up(series, DAYS + HORIZON)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "values.npy"
        np.save(path, values)
        ours = min((run(sys.executable, OURS, path) for _ in range(2)), key=lambda r: r["seconds"])
        tenth = Path(folder) / "tenth.npy"
        np.save(tenth, values[: max(1, series // 10)])
        small = min(run(sys.executable, OURS, tenth)["seconds"] for _ in range(2))
        theirs = run(str(PYTHON), THEIRS, path, HORIZON) if with_reference and PYTHON.exists() else None
    if theirs is None:
        print("statsforecast is not installed (requirements/oracles.in): no reference")
    reference = mase(theirs["means"], values) if theirs else None
    own = mase(ours["means"], values)
    rows = [
        {
            "what": f"{series} series of {DAYS} days: seconds for all, AutoETS beside it",
            "ours": round(ours["seconds"], 2),
            "reference": round(theirs["seconds"], 1) if theirs else None,
            "ratio": round(ours["seconds"] / theirs["seconds"], 4) if theirs else None,
            "goal": "at most 5 s",
            "met": ours["seconds"] <= 5,
        },
        {
            "what": "the same series: MASE",
            "ours": round(own, 4),
            "reference": round(reference, 4) if reference else None,
            "ratio": round(own / reference, 4) if reference else None,
            "goal": "at most AutoETS's",
            "met": own <= reference if reference else None,
        },
        {
            "what": "ten times the series",
            "ours": round(ours["seconds"], 2),
            "reference": round(small, 2),
            "ratio": round(ours["seconds"] / small, 2),
            "goal": "at most 11",
            "met": ours["seconds"] / small <= 11,
        },
    ]
    figures.write("forecast", rows + real())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
