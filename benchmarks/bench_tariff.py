"""A million bills of a city with four kinds of tiers, beside DuckDB's decimals, and real tariffs read."""

from __future__ import annotations

import sys
import tarfile
import tempfile
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.figures import DATA, seconds, write
from gongzhi.improvement.tariffs import examples, reading, simulation
from gongzhi.improvement.tariffs import usage as usages

TARIFF = """\
tariff: 1
name: Four tiers
unit: m3
period: monthly
classes:
  home:
    fixed: 5.25
    tiers:
      - {from: 0, to: 12, price: 2.60}
      - {from: 12, to: 21, price: 3.45}
      - {from: 21, to: 60, price: 5.55}
      - {from: 60, price: 8.15}
  shop: {price: 4.15}
"""
QUERY = """
SELECT sum(due) FROM (SELECT round(CASE class WHEN 'shop' THEN u * 4.15 ELSE 5.25 + u * 2.60
 + greatest(u - 12, 0) * 0.85 + greatest(u - 21, 0) * 2.10 + greatest(u - 60, 0) * 2.60 END, 2) due FROM
 (SELECT CAST(usage_m3 AS DECIMAL(18, 1)) u, class FROM read_parquet('{path}')))
"""


def main(rows: int = 1_000_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, tariff_path = Path(folder) / "usage.parquet", Path(folder) / "tariff.yaml"
        tariff_path.write_text(TARIFF, encoding="utf-8")
        rng = np.random.default_rng(3)
        tenths = rng.gamma(2.0, 80, rows).astype(np.int64)
        connection = duckdb.connect()
        connection.execute("CREATE TABLE t (tenths BIGINT, shop BOOLEAN)")
        frame = {"tenths": tenths, "shop": rng.random(rows) < 0.1}
        connection.register("frame", frame)
        connection.execute(
            "COPY (SELECT CAST(tenths AS DECIMAL(18, 1)) / 10 usage_m3,"
            f" CASE WHEN shop THEN 'shop' ELSE 'home' END \"class\" FROM frame) TO '{path}' (FORMAT parquet)"
        )
        tariff = reading.load(tariff_path)
        data = usages.read(path, {}, None, *tariff.needs())
        asked = simulation.Question()
        bills = simulation.bill(tariff, data, asked)
        alone = min(seconds(lambda: simulation.bill(tariff, data, asked)) for _ in range(5))
        whole = min(
            seconds(lambda: simulation.bill(tariff, usages.read(path, {}, None, *tariff.needs()), asked))
            for _ in range(3)
        )
        theirs = min(
            seconds(lambda: connection.execute(QUERY.format(path=path)).fetchone()) for _ in range(3)
        )
        row = connection.execute(QUERY.format(path=path)).fetchone()
        assert row is not None and round(float(row[0]) * 100) == bills.revenue, (row, bills.revenue)
        rows_out = [
            {
                "what": f"{rows:,} bills in memory", "ours": f"{rows / alone:,.0f}/s", "reference": None,
                "ratio": None, "goal": ">= 1,000,000/s", "met": rows / alone >= 1_000_000,
            },
            {
                "what": f"{rows:,} bills from Parquet, equal revenue to the cent",
                "ours": f"{rows / whole:,.0f}/s", "reference": f"DuckDB DECIMAL {rows / theirs:,.0f}/s",
                "ratio": round(theirs / whole, 3), "goal": "", "met": None,
            },
        ]  # fmt: skip
        archive = DATA / "water_tariffs" / "owrs_full_utility_rates.tar.gz"
        if archive.exists():
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
            checked = [examples.check(p) for p in sorted(Path(folder).rglob("*.owrs"))]
            sound = sum(not c["faults"] for c in checked)
            rows_out.append(
                {
                    "what": f"real tariffs read and billed in every class ({sum(c['read'] for c in checked)} read,"
                    f" {sum(c['billed'] for c in checked)} of {sum(c['classes'] for c in checked)} classes)",
                    "ours": sound, "reference": len(checked), "ratio": round(sound / len(checked), 3),
                    "goal": "", "met": None,
                }
            )  # fmt: skip
    write("tariff", rows_out)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
