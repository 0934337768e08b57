"""Hot issues over a month of 100,000 texts beside TF-IDF + DBSCAN on the same texts.

Groups are planted among matters of the same kinds about other places. Each program runs in a process of
its own, so that its memory is its own.

    python -m benchmarks.bench_hot_issues [--rows 100000]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

from benchmarks import figures

GROUPS_PER, GROUP_SIZE = 200, 20
"""One planted group for so many texts, and its size."""

READ = """
import sys, time, json, re, random
import numpy as np
sys.path.insert(0, ".")
from tests.sensing import planted
from tests.sensing.test_hot_issues import of, agreement
rows = planted.chinese(random.Random(11), int(sys.argv[1]), int(sys.argv[1]) // int(sys.argv[2]), int(sys.argv[3]))
rows = [(title, text, moment // 11, group) for title, text, moment, group in rows]
truth = [r[3] for r in rows]
def told(seconds, group, **more):
    peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
    print(json.dumps({"seconds": seconds, "mb": peak, "agreement": agreement(truth, group), **more}))
"""
OURS = (
    READ
    + """
from gongzhi.sensing.hot_issues import Matters, group_matters, issues_of
from gongzhi.sensing.joining import Stream
matters = of(rows)
start = time.perf_counter()
grouping = group_matters(matters)
issues_of(matters, grouping)
seconds = time.perf_counter() - start
stream, joins = Stream(matters, grouping), []
for title, text, moment, _ in rows[-100:]:
    begin = time.perf_counter()
    stream.join([title + "又来了", text], moment)
    joins.append((time.perf_counter() - begin) * 1000)
told(seconds, grouping.group.tolist(), join_ms=sorted(joins)[95])
"""
)
THEIRS = (
    READ
    + """
from sklearn.cluster import DBSCAN
from sklearn.feature_extraction.text import TfidfVectorizer
start = time.perf_counter()
vectors = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True, min_df=2).fit_transform(
    [title + " " + text for title, text, _, _ in rows])
group = DBSCAN(eps=0.4, min_samples=3, metric="cosine").fit_predict(vectors)
told(time.perf_counter() - start, group.tolist())
"""
)


def run(script: str, rows: int) -> dict[str, float]:
    """Seconds, megabytes and agreement of one program."""
    done = subprocess.run(  # noqa: S603 – our own script
        [sys.executable, "-c", script, str(rows), str(GROUPS_PER), str(GROUP_SIZE)],
        capture_output=True,
        text=True,
        check=True,
        cwd=figures.ROOT,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(rows: int) -> list[dict[str, Any]]:
    """All figures of one run."""
    tenth, ours, theirs = run(OURS, rows // 10), run(OURS, rows), run(THEIRS, rows)
    ratio, growth = theirs["seconds"] / ours["seconds"], ours["seconds"] / tenth["seconds"]
    return [
        {
            "what": f"hot issues over {rows:,} texts, seconds (TF-IDF + DBSCAN)",
            "ours": round(ours["seconds"], 1),
            "reference": round(theirs["seconds"], 1),
            "ratio": round(ratio, 1),
            "goal": "at least 5 times faster",
            "met": ratio >= 5,
        },
        {
            "what": "agreement with the planted groups, adjusted Rand index (TF-IDF + DBSCAN)",
            "ours": round(ours["agreement"], 4),
            "reference": round(theirs["agreement"], 4),
            "ratio": round(ours["agreement"] / max(theirs["agreement"], 1e-4), 2),
            "goal": "equal or better",
            "met": ours["agreement"] >= theirs["agreement"],
        },
        {
            "what": "peak memory, MB (TF-IDF + DBSCAN)",
            "ours": round(ours["mb"]),
            "reference": round(theirs["mb"]),
            "ratio": round(theirs["mb"] / ours["mb"], 2),
            "goal": "at most 11 times a tenth of the texts",
            "met": ours["mb"] <= 11 * tenth["mb"],
            "tenth_mb": round(tenth["mb"]),
        },
        {
            "what": "time when texts grow ten times (itself)",
            "ours": round(growth, 1),
            "reference": 1.0,
            "ratio": round(growth, 1),
            "goal": "at most 11 times",
            "met": growth <= 11,
        },
        {
            "what": f"a new matter joins a group of {rows:,}, 95th percentile, ms",
            "ours": round(ours["join_ms"], 2),
            "goal": "below 50 ms",
            "met": ours["join_ms"] < 50,
        },
    ]


def main() -> None:
    """Measure, print and keep the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    figures.write("hot_issues", measure(arguments.parse_args().rows))


if __name__ == "__main__":
    main()
