"""A process map of a million events beside pm4py, each from the same file in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracles import PYTHON

ROOT = Path(__file__).parents[1]

OURS = """
import sys, time, json, re
from pathlib import Path
from gongzhi.improvement.event_log import read_log
from gongzhi.improvement.process_map import process_map
start, spent = time.perf_counter(), time.process_time()
found = process_map(read_log(Path(sys.argv[1]), "case", "activity", "time"))
seconds, cpu = time.perf_counter() - start, time.process_time() - spent
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"seconds": seconds, "cpu": cpu, "mb": peak,
    "variants": found.variants_count, "edges": sorted([e.origin, e.to, e.count] for e in found.edges)}))
"""
THEIRS = """
import sys, time, json, re
import pandas as pd, pm4py
start, spent = time.perf_counter(), time.process_time()
log = pd.read_csv(sys.argv[1])
log["time"] = pd.to_datetime(log["time"])
log = pm4py.format_dataframe(log, case_id="case", activity_key="activity", timestamp_key="time")
graph, _, _ = pm4py.discover_dfg(log)
times = pm4py.discover_performance_dfg(log)
variants = pm4py.get_variants(log)
seconds, cpu = time.perf_counter() - start, time.process_time() - spent
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"seconds": seconds, "cpu": cpu, "mb": peak, "whole": time.process_time(),
    "variants": len(variants), "edges": sorted([a, b, n] for (a, b), n in graph.items())}))
"""


def log_file(path: Path, events: int) -> None:
    """A log of cases with five to nine events that wander over 25 activities, in order of time."""
    rng = np.random.default_rng(7)
    length = rng.integers(5, 10, events // 5)
    case = np.repeat(np.arange(len(length)), length)[:events]
    step = np.arange(len(case)) - np.repeat(np.cumsum(length) - length, length)[:events]
    activity = (step * 3 + rng.choice([0, 0, 0, 0, 1, 2, 5], len(case))) % 25
    moment = case * 40 + step * rng.integers(60, 90000, len(case))
    order = np.argsort(moment, kind="stable")
    stamps = (np.datetime64("2025-01-01T00:00:00") + moment[order].astype("timedelta64[s]")).astype(str)
    with path.open("w", encoding="utf-8") as file:
        file.write("case,activity,time,organisation\n")
        file.writelines(
            f"case-{c},activity {a},{t},organisation {a % 7}\n"
            for c, a, t in zip(case[order].tolist(), activity[order].tolist(), stamps.tolist(), strict=True)
        )


def run(python: str, script: str, path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-c", script, str(path)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    found: dict[str, Any] = json.loads([line for line in done.stdout.splitlines() if line[:1] == "{"][-1])
    return found


def command(path: Path) -> float:
    """CPU seconds of `gongzhi process-map` from its start to its last line, the interpreter included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    asked = ["--case", "case", "--activity", "activity", "--time", "time", "--json"]
    subprocess.run(
        [sys.executable, "-m", "gongzhi", "process-map", str(path), *asked],
        stdout=subprocess.DEVNULL,
        check=True,
        cwd=ROOT,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def least(runs: list[dict[str, Any]], name: str) -> float:
    return float(min(run[name] for run in runs))


def main(events: int = 1_000_000, rounds: int = 3) -> None:
    if not PYTHON.exists():
        sys.exit("pm4py is not installed: see requirements/oracles.in")
    ours, theirs, tenth, whole = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "log.csv", Path(folder) / "small.csv"
        log_file(path, events)
        log_file(small, events // 10)
        for _ in range(rounds):  # in turn, so that a busy machine slows both alike
            tenth.append(run(sys.executable, OURS, small))
            ours.append(run(sys.executable, OURS, path))
            theirs.append(run(str(PYTHON), THEIRS, path))
            whole.append(command(path))
    result = {
        "events": events,
        "ours_seconds": round(least(ours, "seconds"), 3),
        "reference": "pm4py",
        "reference_seconds": round(least(theirs, "seconds"), 3),
        "ratio": round(least(theirs, "seconds") / least(ours, "seconds"), 2),
        "ours_cpu_seconds": round(least(ours, "cpu"), 3),
        "reference_cpu_seconds": round(least(theirs, "cpu"), 3),
        "cpu_ratio": round(least(theirs, "cpu") / least(ours, "cpu"), 2),
        "command_cpu_seconds": round(min(whole), 3),
        "reference_script_cpu_seconds": round(least(theirs, "whole"), 3),
        "command_cpu_ratio": round(least(theirs, "whole") / min(whole), 2),
        "ours_mb": round(least(ours, "mb")),
        "reference_mb": round(least(theirs, "mb")),
        "same_edges_and_variants": ours[0]["edges"] == theirs[0]["edges"]
        and ours[0]["variants"] == theirs[0]["variants"],
        "growth_from_a_tenth": round(least(ours, "cpu") / least(tenth, "cpu"), 2),
    }
    print(json.dumps(result))
    target = ROOT / "benchmarks" / "results" / "process_map.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
