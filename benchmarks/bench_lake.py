"""The lake beside what it is built on: its questions beside hand-written DuckDB, its export beside a bare Parquet write.

The Parquet write of the same Arrow table is made by pyarrow in the environment of the references
(requirements/oracles.in), the export from a real PostgreSQL with real acts.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks import figures
from gongzhi.lake import engine, queries
from gongzhi.lake.store import Lake
from tests.lake import made_up
from tests.oracles import PYTHON

BY_HAND = {
    "acts_by_month": "SELECT date_trunc('month', day) m, verb, count(*) FROM {acts} GROUP BY ALL ORDER BY ALL",
    "busy_hours": "SELECT isodow(day) - 1 w, hour, count(*) FROM {acts} GROUP BY ALL ORDER BY ALL",
    "received_by_day": "SELECT day, function, district, count(*) FROM {cases} GROUP BY ALL ORDER BY ALL",
    "organisations_load": """SELECT organisation, count(*), count(*) FILTER (ended), count(*) FILTER (ended AND e <= due_at),
        count(*) FILTER (NOT ended), round(quantile_cont(epoch(e) - epoch(opened_at), 0.5) FILTER (ended) / 3600, 4)
      FROM (SELECT *, state IN ('resolved','rated','closed') ended, coalesce(resolved_at, closed_at) e
            FROM {cases} WHERE closure NOT IN ('duplicate','withdrawn')) GROUP BY 1 ORDER BY 1""",
    "handovers": """SELECT o, organisation, count(*), count(DISTINCT subject) FROM (
        SELECT subject, organisation, lag(organisation) OVER (PARTITION BY subject ORDER BY seq) o
        FROM {acts} WHERE subject_kind = 'case' AND organisation <> '') WHERE o <> organisation GROUP BY ALL ORDER BY ALL""",
    "steps": """SELECT before, verb, count(*), round(avg(w) / 3600, 4) FROM (
        SELECT verb, lag(verb) OVER c before, epoch("at") - epoch(lag("at") OVER c) w FROM {acts}
        WHERE subject_kind = 'case' WINDOW c AS (PARTITION BY subject ORDER BY seq)) WHERE before IS NOT NULL
      GROUP BY ALL ORDER BY ALL""",
}
BARE = """
import json, sys, time
import pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
best = 1e9
for _ in range(3):
    start = time.perf_counter()
    pq.write_table(table, sys.argv[2])
    best = min(best, time.perf_counter() - start)
print(json.dumps({"seconds": best, "rows": table.num_rows}))
"""


def best_of(work: Callable[[], object], times: int = 3) -> float:
    return min(figures.seconds(work) for _ in range(times))


def questions(lake: Lake) -> dict[str, tuple[float, float]]:
    """Per question: our seconds and those of hand-written SQL over the same files, files opened anew in both."""
    found = {}
    for name, text in BY_HAND.items():
        read = {
            t: "read_parquet(" + str([str(f) for f in lake.files(t)]) + ", hive_partitioning = false)"
            for t in ("acts", "cases")
        }

        def ours(name: str = name) -> object:
            with engine.opened(lake, address="duckdb") as opened:
                return queries.ask(opened, name).rows

        def by_hand(text: str = text, read: dict[str, str] = read) -> object:
            with duckdb.connect() as db:
                return db.execute(text.format(**read)).fetchall()

        assert len(ours()) == len(by_hand()), name  # type: ignore[arg-type]
        found[name] = (best_of(ours), best_of(by_hand))
    return found


def exports(acts: int) -> tuple[float, float, float | None]:
    """Seconds of exporting `acts` acts, of a tenth of them, and of a bare Parquet write of both tables of acts."""
    from django.db import connection

    from gongzhi.lake.export import export

    seconds = []
    with tempfile.TemporaryDirectory() as scratch:
        for size in (acts // 10, acts):
            with connection.cursor() as cursor:
                cursor.execute("SELECT coalesce(max(position) + 1, 0) FROM ledger_position")
                have = cursor.fetchone()[0]
                cursor.execute(
                    """WITH made AS (INSERT INTO ledger_act (recorded_at, verb, actor_kind, organisation_id, subject_kind, subject_id,
                         subject_key, details, reason, salt, commitment)
                       SELECT timestamptz '2025-01-01' + i * interval '31 seconds', 'case.reply', 'person',
                         (SELECT min(id) FROM registry_organisation) + i %% 30, 'case', i / 5, 'N' || i / 5,
                         '{"answer": "sent"}', '', '\\x00', '\\x00' FROM generate_series(%s, %s) i RETURNING id)
                       INSERT INTO ledger_position (act_id, position) SELECT id, %s + row_number() OVER () - 1 FROM made""",
                    [have, size - 1, have],
                )
                cursor.execute("ANALYZE")
            best = float("inf")
            for attempt in range(2):
                folder = Path(scratch) / f"lake-{size}-{attempt}"
                best = min(best, figures.seconds(lambda folder=folder: export(folder)))
            seconds.append(best)
        bare = None
        if PYTHON.exists():
            total = 0.0
            for masked in (True, False):
                whole = Path(scratch) / "whole.parquet"
                listed = [str(f) for f in Lake(folder).files("acts", masked=masked)]
                duckdb.sql(
                    f"COPY (FROM read_parquet({listed}, hive_partitioning = false)) TO '{whole}' (FORMAT parquet)"
                )
                done = subprocess.run(
                    [str(PYTHON), "-c", BARE, str(whole), str(Path(scratch) / "bare.parquet")],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                total += json.loads(done.stdout.splitlines()[-1])["seconds"]
            bare = total
    return seconds[1], seconds[0], bare


def main(acts: int = 10_000_000, exported: int = 1_000_000) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gongzhi-bench-lake-"))
    rows = []
    try:
        small = questions(made_up.lake(folder / "small", acts // 10 // made_up.ACTS_PER_CASE))
        large = questions(made_up.lake(folder / "large", acts // made_up.ACTS_PER_CASE))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, (ours, by_hand) in large.items():
        rows.append(
            {
                "what": f"{name} over {acts:,} acts, seconds; hand-written DuckDB beside it",
                "ours": round(ours, 3), "reference": round(by_hand, 3), "ratio": round(ours / by_hand, 2),
                "goal": "at most 1.3", "met": ours <= 1.3 * by_hand,
                "growth_from_a_tenth": round(ours / small[name][0], 1),
            }
        )  # fmt: skip
    growth = max(r["growth_from_a_tenth"] for r in rows)
    rows.append(
        {
            "what": "questions as rows grow ten times",
            "ours": growth,
            "reference": 10,
            "ratio": growth,
            "goal": "at most 11",
            "met": growth <= 11,
        }
    )
    with figures.home():
        figures.demo_city()
        ours, tenth, bare = exports(exported)
    rows.append(
        {
            "what": f"export of {exported:,} acts from PostgreSQL, masked and unmasked, seconds; Parquet write of the same Arrow tables beside it",
            "ours": round(ours, 2), "reference": round(bare, 2) if bare else None,
            "ratio": round(ours / bare, 2) if bare else None, "goal": "at most 3", "met": ours <= 3 * bare if bare else None,
            "growth_from_a_tenth": round(ours / tenth, 1),
        }
    )  # fmt: skip
    figures.write("lake", rows)


if __name__ == "__main__":
    began = time.perf_counter()
    main(*map(int, sys.argv[1:]))
    print(f"{time.perf_counter() - began:.0f} s")
