"""Bulk import through the whole path, against COPY of the same rows into one plain table.

The file is a real export, its rows repeated under new ids; without one, rows of the same shape are
made up. Ours reads the file, learns nothing (the city is learned before), understands, routes and
writes case, requester, task, answer, acts and their place in the queue of the log.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
import time
from pathlib import Path
from typing import Any

from benchmarks import figures

ROWS = int(os.environ.get("ROWS", "24000"))
REAL = figures.DATA / "311_nyc_2018_one_day" / "dev.csv.gz"
_COLUMNS = (
    "Unique Key", "Created Date", "Closed Date", "Agency", "Agency Name", "Complaint Type",
    "Descriptor", "Incident Address", "City", "Status", "Due Date", "Resolution Description",
    "Community Board", "Borough", "Open Data Channel Type", "Latitude", "Longitude",
)  # fmt: skip


def real_rows() -> tuple[list[str], list[list[str]]]:
    with gzip.open(REAL, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        return next(reader), list(reader)


def made_up_rows() -> tuple[list[str], list[list[str]]]:
    chance = random.Random(5)
    rows = []
    for n in range(5_000):
        board = f"{chance.randrange(1, 19):02d} QUEENS"
        kind = chance.randrange(60)
        rows.append(
            [str(n), f"2018-10-{1 + n % 28:02d}T0{n % 10}:11:00", f"2018-11-{1 + n % 28:02d}T10:00:00",
             f"AG{kind % 15}", f"Agency {kind % 15}", f"Complaint {kind % 20}", f"Kind {kind}",
             f"{n} MAIN STREET", "QUEENS", "Closed", "", "The condition was corrected.", board,
             "QUEENS", "PHONE", f"{40.6 + chance.random() * 0.2:.6f}", f"{-73.9 + chance.random() * 0.2:.6f}"]
        )  # fmt: skip
    return list(_COLUMNS), rows


def write_file(path: Path) -> list[list[str]]:
    columns, rows = real_rows() if REAL.exists() else made_up_rows()
    place = columns.index("Unique Key")
    many = []
    for n in range(ROWS):
        row = list(rows[n % len(rows)])
        row[place] = str(10_000_000 + n)
        many.append(row)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *many])
    return many


def main() -> None:
    with figures.home() as folder:
        from django.db import connection, transaction

        from gongzhi.cases.models import Case
        from gongzhi.intake.importing.running import Request, bring_in
        from gongzhi.registry.authority import SYSTEM

        path = folder / "history.csv"
        rows = write_file(path)
        bring_in(Request(path, "nyc311", learn=True, limit=1), SYSTEM)
        started, cpu = time.perf_counter(), time.process_time()
        warm = bring_in(Request(path, "nyc311", learn=True, limit=len(rows) // 4), SYSTEM)
        learning = time.perf_counter() - started
        del cpu
        connection.close()
        started, cpu = time.perf_counter(), time.process_time()
        outcome = bring_in(Request(path, "nyc311"), SYSTEM)
        seconds, own = time.perf_counter() - started, time.process_time() - cpu
        fresh = outcome.imported
        ours = fresh / seconds
        names = [f.column for f in Case._meta.concrete_fields if f.name != "id"]
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(f"SELECT {', '.join(names)} FROM cases_case LIMIT {fresh}")  # noqa: S608
            written = cursor.fetchall()
            cursor.execute(f"CREATE TABLE plain AS SELECT {', '.join(names)} FROM cases_case LIMIT 0")  # noqa: S608
        as_text = [
            tuple(v if v is None or isinstance(v, str | int | float) else str(v) for v in row)
            for row in written
        ]
        started = time.perf_counter()
        with transaction.atomic(), connection.connection.cursor() as cursor:
            with cursor.copy(f"COPY plain ({', '.join(names)}) FROM STDIN") as copy:
                for row in as_text:
                    copy.write_row(row)
        by_driver = len(as_text) / (time.perf_counter() - started)
        with connection.cursor() as cursor:
            texts = ", ".join(f"c{n} text" for n in range(len(rows[0])))
            cursor.execute(f"CREATE TABLE plain_file ({texts})")
        raw = path.read_bytes()
        started = time.perf_counter()
        with transaction.atomic(), connection.connection.cursor() as cursor:
            with cursor.copy("COPY plain_file FROM STDIN (FORMAT csv, HEADER)") as copy:
                copy.write(raw)
        by_file = len(rows) / (time.perf_counter() - started)
        result: list[dict[str, Any]] = [
            {
                "what": f"cases/s, {fresh} rows of {'a real export' if REAL.exists() else 'made-up rows'}; "
                "reference: COPY of the same case rows into one plain table by the same driver",
                "ours": round(ours),
                "reference": round(by_driver),
                "ratio": round(ours / by_driver, 3),
                "goal": "ratio at least 0.1, at least 3,000/s",
                "met": ours / by_driver >= 0.1 and ours >= 3_000,
                "own_cpu_us_per_case": round(own / fresh * 1e6),
            },
            {
                "what": "the same; reference: COPY of the file as it is, all columns as text",
                "ours": round(ours),
                "reference": round(by_file),
                "ratio": round(ours / by_file, 3),
                "goal": "",
                "met": None,
            },
            {
                "what": "with learning the city first, rows/s",
                "ours": round(warm.rows_this_time / learning),
                "reference": None,
                "ratio": None,
                "goal": "",
                "met": None,
            },
        ]
        figures.write("import", result)


if __name__ == "__main__":
    main()
