"""A lake of invented cases and acts, made with DuckDB alone: for tests and benches that need many."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from gongzhi.lake import schemas
from gongzhi.lake.store import Lake

ACTS_PER_CASE = 5


def lake(folder: Path, cases: int) -> Lake:
    """A lake with so many cases of one year and five acts each, masked tables only."""
    made = Lake(folder)
    with made.writing() as manifest, duckdb.connect() as db, tempfile.TemporaryDirectory() as scratch:
        db.execute(f"SET temp_directory = '{scratch}'")
        make_tables(db, cases)
        for table in schemas.TABLES:
            manifest.parts[schemas.dataset(table, masked=True)] = made.write(db, table, table, masked=True)
        manifest.acts_until = manifest.cases_until = cases * ACTS_PER_CASE
        made.commit(manifest)
    return made


def make_tables(db: duckdb.DuckDBPyConnection, cases: int) -> None:
    """Tables `cases` and `acts` in DuckDB, the same on every run."""
    db.execute(
        f"""CREATE TABLE cases AS
        SELECT i id, 'N' || i number, 'concern' kind, ['web','phone','app','wechat'][1 + h % 4] channel,
          ['zh-hans','zh-hans','en'][1 + h % 3] "language", ['resolved','closed','under_way','rated'][1 + h % 4] state,
          CASE WHEN h % 41 = 0 THEN 'duplicate' ELSE 'fixed' END closure, 'normal' urgency, true is_public,
          'f' || (h % 150) "function", 'a' || (h % 160) area, 's' || (h % 24) street, 'd' || (h % 4) district,
          'o' || (h % 36) organisation, opened opened_at, opened::DATE "day", hour(opened)::TINYINT "hour",
          opened + to_minutes((60 + h % 20000)::BIGINT) resolved_at, NULL::TIMESTAMP closed_at,
          opened + INTERVAL 7 DAY due_at, (h % 3)::SMALLINT "returns", (h % 2)::SMALLINT transfers, 0 supporters,
          111.3 + (h % 1000) / 10000.0::DOUBLE public_lng, 30.5::DOUBLE public_lat, 'text ' || h public_text,
          (h % 100) / 100.0::DOUBLE confidence
        FROM (SELECT i, h, TIMESTAMP '2025-01-01' + to_seconds(((h * 7919) % 31536000)::BIGINT) opened
              FROM (SELECT i, (hash(i) % 1000000007)::BIGINT h FROM range({cases}) t(i)))"""
    )
    db.execute(
        f"""CREATE TABLE acts AS
        SELECT i * {ACTS_PER_CASE} + step seq, "at", "at"::DATE "day", hour("at")::TINYINT "hour",
          ['case.open','case.assign','case.accept', CASE WHEN h % 5 = 0 THEN 'case.transfer' ELSE 'case.reply' END,
           'case.resolve'][1 + step] verb,
          CASE WHEN step < 2 THEN 'system' ELSE 'person' END actor_kind,
          'o' || ((h + CASE WHEN h % 5 = 0 AND step > 2 THEN 1 ELSE 0 END) % 36) organisation,
          'case' subject_kind, i subject
        FROM (SELECT id i, (hash(id) % 1000000007)::BIGINT h, step,
                opened_at + to_seconds((step * (600 + hash(id) % 90000))::BIGINT) "at"
              FROM cases, range({ACTS_PER_CASE}) s(step))"""
    )
