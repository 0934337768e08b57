"""Likely duplicates among a million: time and recall beside an exact scan with the same score.

A city of 30 km by 30 km, a year of matters, three quarters of them within its densest 8 km; one
corner where ten thousand were reported in a month. Paraphrases are planted: a third of the
characters gone, clauses turned round, other words added, up to 150 m away and ten days later.

    python -m benchmarks.bench_duplicates [--rows 1000000]
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import figures

PACK = figures.ROOT / "cities" / "linjiang" / "functions.yaml"
CENTRE = (111.40, 30.515)
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PLANTED, ASKED_EXACTLY = 400, 40
HOT_SPOT, HOT_ROWS = (111.41, 30.52), 10_000
_ADDED = ("昨晚又", "物业不管", "已经半个月", "孩子老人都", "麻烦派人看看", "打了电话没人来", "越来越")


def phrases() -> list[tuple[int, str]]:
    """(function number, something said about it) in both languages, from the demo pack."""
    import yaml

    said = []
    for number, f in enumerate(yaml.safe_load(PACK.read_text(encoding="utf-8"))["functions"], 1):
        for kind in ("synonyms", "examples"):
            for language in ("zh", "en"):
                said += [(number, t) for t in f.get(kind, {}).get(language, [])]
    return said


def a_text(rng: random.Random, said: list[tuple[int, str]]) -> tuple[int, str]:
    """A matter of two or three clauses, most about the same function."""
    number, first = rng.choice(said)
    places = "东西南北中新老上下前后大小长平和安康宁福泰", "门街桥湾园里苑坊庄湖山路塘坡"
    where = "".join(rng.choice(places[0]) for _ in range(2)) + rng.choice(places[1])
    parts = [f"{where}{rng.choice(('旁边', '门口', '路口', '后面', '二期'))}", first, rng.choice(said)[1]]
    return number, "，".join(parts)


def paraphrase(rng: random.Random, text: str) -> str:
    """The same matter in other words."""
    clauses = text.split("，")
    rng.shuffle(clauses)
    kept = []
    for clause in clauses:
        units = clause.split(" ") if clause.isascii() else list(clause)
        joint = " " if clause.isascii() else ""
        kept.append(joint.join(u for u in units if rng.random() > 0.3))
    return "，".join([*kept, rng.choice(_ADDED)])


def a_point(rng: random.Random) -> tuple[float, float]:
    spread = 0.028 if rng.random() < 0.75 else 0.11
    return CENTRE[0] + rng.gauss(0, spread), CENTRE[1] + rng.gauss(0, spread * 0.86)


def fill(rows: int, rng: random.Random) -> list[tuple[int, str, float, float, datetime, int]]:
    """Write fingerprints and, in bare form, their cases; return the matters of the last 25 days."""
    from django.db import connection

    from gongzhi.understanding import fingerprints

    said, recent = phrases(), []
    with connection.cursor() as cursor:
        for start in range(0, rows, 50_000):
            ids = range(start + 1, min(rows, start + 50_000) + 1)
            told = [a_text(rng, said) for _ in ids]
            points = [
                (HOT_SPOT[0] + rng.gauss(0, 0.0004), HOT_SPOT[1] + rng.gauss(0, 0.0004))
                if i <= HOT_ROWS
                else a_point(rng)
                for i in ids
            ]
            times = [NOW - timedelta(days=rng.random() * (30 if i <= HOT_ROWS else 365)) for i in ids]
            made = fingerprints.rows(ids, [t for _, t in told], points, times, [n for n, _ in told])
            columns = ", ".join(fingerprints.COLUMNS)
            with cursor.copy(f"COPY {fingerprints.TABLE} ({columns}) FROM STDIN") as copy:
                for row in made:
                    copy.write_row(row.values)
            recent += [
                (i, text, *point, at, number)
                for i, (number, text), point, at in zip(ids, told, points, times, strict=True)
                if at > NOW - timedelta(days=25) and i > HOT_ROWS
            ]
    return recent


_CASES = """
INSERT INTO cases_case (id, number, kind, channel, language, state, closure, version, text,
  public_text, is_public, attributes, urgency, address, public_address, opened_at, due_at,
  updated_at, reading, route, returns, transfers, supporters, source, source_id, lng, lat)
SELECT case_id, case_id::text, 'concern', 'web', 'zh-hans', 'assigned', '', 1, '', 'said before',
  true, '{}', 'normal', '', '', opened_at, opened_at, opened_at, '{}', '{}', 0, 0, 0, '', '', lng, lat
FROM understanding_fingerprint
"""


def _bare_cases() -> None:
    """Cases without the indexes that this bench does not ask."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'cases_case'"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'cases_case'"
            " AND is_nullable = 'NO' AND column_default IS NULL"
        )
        for (name,) in cursor.fetchall():
            if f" {name}" not in _CASES and f"({name}" not in _CASES:
                cursor.execute(f'ALTER TABLE cases_case ALTER COLUMN "{name}" DROP NOT NULL')
        cursor.execute(_CASES)
        cursor.execute("VACUUM ANALYZE understanding_fingerprint")
        cursor.execute("VACUUM ANALYZE cases_case")


def measure(rows: int) -> list[dict[str, Any]]:
    """All figures of one run."""
    from django.db import connection

    from gongzhi.understanding import duplicates, sketches

    rng = random.Random(7)
    start = time.perf_counter()
    recent = fill(rows, rng)
    filled_s = time.perf_counter() - start
    _bare_cases()
    planted = rng.sample(recent, min(PLANTED, len(recent)))
    asked = [
        (
            i,
            paraphrase(rng, text),
            lng + rng.uniform(-0.0011, 0.0011),
            lat + rng.uniform(-0.0009, 0.0009),
            at + timedelta(days=rng.random() * 4),
            number,
        )
        for i, text, lng, lat, at, number in planted
    ]
    for _i, text, lng, lat, at, number in asked[:20]:
        duplicates.candidates(text, lng, lat, at, number)
    times, found, answers = [], 0, []
    for i, text, lng, lat, at, number in asked:
        begin = time.perf_counter()
        got = duplicates.candidates(text, lng, lat, at, number)
        times.append((time.perf_counter() - begin) * 1000)
        found += any(c.case_id == i for c in got)
        answers.append([c.case_id for c in got])
    exact_times, shared, wanted = [], 0, 0
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for (_i, text, lng, lat, at, number), got_ids in zip(asked[:ASKED_EXACTLY], answers, strict=False):
            begin = time.perf_counter()
            cursor.execute(
                duplicates.exact_sql(),
                duplicates.parameters(sketches.of(text), lng, lat, at, number, most=3),
            )
            best = [row[0] for row in cursor.fetchall()]
            exact_times.append((time.perf_counter() - begin) * 1000)
            wanted += len(best)
            shared += len(set(best) & set(got_ids))
    hot, anywhere = [], []
    for _ in range(40):
        number, text = a_text(rng, phrases())
        begin = time.perf_counter()
        duplicates.candidates(text, *HOT_SPOT, NOW, number)
        hot.append((time.perf_counter() - begin) * 1000)
        begin = time.perf_counter()
        duplicates.candidates(text, None, None, NOW, number)
        anywhere.append((time.perf_counter() - begin) * 1000)
    questions = [duplicates.Question(t, x, y, at, n) for _i, t, x, y, at, n in asked] * 5
    begin = time.perf_counter()
    duplicates.originals(questions)
    many_s = time.perf_counter() - begin
    ours, exact = statistics.median(times), statistics.median(exact_times)
    recall, planted_recall = shared / max(1, wanted), found / len(asked)
    return [
        {
            "what": f"likely duplicates among {rows:,}, median ms (exact scan, same score)",
            "ours": round(ours, 2),
            "reference": round(exact, 1),
            "ratio": round(exact / ours, 1),
            "goal": "at most 5 ms",
            "met": ours <= 5,
            "p95_ms": round(figures.quantile(times, 0.95), 2),
        },
        {
            "what": "the exact scan's best three that ours names too",
            "ours": round(recall, 4),
            "reference": 1.0,
            "ratio": round(recall, 4),
            "goal": "recall at least 0.95",
            "met": recall >= 0.95,
        },
        {
            "what": "planted paraphrases among the three shown",
            "ours": round(planted_recall, 4),
            "reference": 1.0,
            "ratio": round(planted_recall, 4),
            "goal": "recall at least 0.95",
            "met": planted_recall >= 0.95,
        },
        {
            "what": f"in a hot spot of {HOT_ROWS:,} within a month, median ms (elsewhere)",
            "ours": round(statistics.median(hot), 2),
            "reference": round(ours, 2),
            "ratio": round(statistics.median(hot) / ours, 1),
        },
        {"what": "without a place, median ms", "ours": round(statistics.median(anywhere), 2)},
        {"what": "batch search for imports, matters a second", "ours": round(len(questions) / many_s)},
        {"what": "fingerprints made and copied a second", "ours": round(rows / filled_s)},
    ]


def main() -> None:
    """Fill a database of its own, measure, print and keep the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    rows = arguments.parse_args().rows
    with figures.home():
        figures.write("duplicates", measure(rows))


if __name__ == "__main__":
    main()
