"""Acts and cases flow from the database into the lake, each act exactly once by its position in the log."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import duckdb
from django.conf import settings
from django.db import connection, transaction
from psycopg import sql as pg

from gongzhi.lake import schemas
from gongzhi.lake.store import Lake, LakeInvalid, Manifest
from gongzhi.registry.models import City

BATCH = 1_000_000
"""Acts written at once, so that disk and memory stay bounded."""

_BLOCK, _STRETCH = 1_000, 100_000
"""Acts that travel as one text, and acts asked for at once.

A row of its own costs more on its way through the protocol than reading it from the table does.
"""
_ACTS = """
SELECT string_agg(concat(p.position, E'\\x1f', (date_part('epoch', a.recorded_at) * 1e6)::bigint, E'\\x1f', a.verb,
    E'\\x1f', a.actor_kind, E'\\x1f', a.organisation_id, E'\\x1f', a.subject_kind, E'\\x1f', a.subject_id,
    E'\\x1f', a.id, E'\\x1f', a.actor_id, E'\\x1f', a.post_id, E'\\x1f', a.mandate_id, E'\\x1f',
    CASE a.subject_key WHEN '' THEN '' ELSE to_json(a.subject_key)::text END, E'\\x1f', a.details, E'\\x1f',
    CASE a.reason WHEN '' THEN '' ELSE to_json(a.reason)::text END), E'\\n') || E'\\n'
FROM ledger_position p JOIN ledger_act a ON a.id = p.act_id
WHERE p.position >= {begin} AND p.position < {stop} AND p.act_id BETWEEN {low} AND {high} AND a.id BETWEEN {low} AND {high}
GROUP BY p.position / {block} ORDER BY p.position / {block}
"""
"""Cells are parted by U+001F. JSON writes no control character as it is, so neither parts a cell in two;
verbs and kinds are words of the program."""
_RAW: Final = {
    "seq": "BIGINT", "us": "BIGINT", "verb": "VARCHAR", "actor_kind": "VARCHAR", "organisation_id": "BIGINT",
    "subject_kind": "VARCHAR", "subject": "BIGINT", "act": "BIGINT", "actor": "BIGINT", "post": "BIGINT",
    "mandate": "BIGINT", "subject_key": "VARCHAR", "details": "VARCHAR", "reason": "VARCHAR",
}  # fmt: skip

_CASES = """
SELECT c.id, c.number, c.kind, c.channel, c.language, c.state, c.closure, c.urgency, c.is_public,
  coalesce(f.code, ''), coalesce(a.code, ''), coalesce(s.code, ''), coalesce(d.code, ''), coalesce(o.code, ''),
  c.opened_at AT TIME ZONE 'UTC', (c.opened_at AT TIME ZONE {zone})::date,
  extract(hour FROM c.opened_at AT TIME ZONE {zone})::int,
  c.resolved_at AT TIME ZONE 'UTC', c.closed_at AT TIME ZONE 'UTC', c.due_at AT TIME ZONE 'UTC',
  c.returns, c.transfers, c.supporters, c.public_lng, c.public_lat, c.public_text,
  CASE WHEN jsonb_typeof(c.reading->'confidence') = 'number' THEN (c.reading->>'confidence')::float8 END,
  c.lng, c.lat, c.address, c.text, coalesce(r.pseudonym, '')
FROM cases_case c
LEFT JOIN registry_function f ON f.id = c.function_id
LEFT JOIN registry_area a ON a.id = c.area_id
LEFT JOIN registry_area s ON s.level = 'street' AND s.id = ANY(a.ancestors)
LEFT JOIN registry_area d ON d.level = 'district' AND d.id = ANY(a.ancestors)
LEFT JOIN registry_organisation o ON o.id = c.organisation_id
LEFT JOIN LATERAL (
  SELECT left(encode(sha256(convert_to({key} || coalesce(nullif(y.phone, ''), 'person ' || y.person_id), 'UTF8')), 'hex'), 24) pseudonym
  FROM cases_party y WHERE y.case_id = c.id AND y.role = 'requester' ORDER BY y.id LIMIT 1) r ON true
"""

_TOUCHED = """
SELECT DISTINCT to_char(c.opened_at AT TIME ZONE %s, 'YYYY-MM')
FROM ledger_position p JOIN ledger_act a ON a.id = p.act_id
JOIN cases_case c ON a.subject_kind = 'case' AND c.id = a.subject_id
WHERE p.position >= %s AND p.position < %s
"""
_IN_MONTH = " WHERE to_char(c.opened_at AT TIME ZONE {zone}, 'YYYY-MM') = {month}"
_HIDDEN = {
    "number": "''",
    "public_text": "''",
    "public_lng": "NULL",
    "public_lat": "NULL",
}
"""What the masked table of cases shows of a case that is not public."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    acts: int
    cases: int
    months: int
    acts_until: int


def export(folder: Path) -> Exported:
    """Bring a lake up to the head of the log.

    Doing it twice, or again after a crash at any moment, has one effect: the manifest says up to which
    position acts were written, and is replaced together with the list of files.

    Raises:
        LakeInvalid: another export is at work, or the lake belongs to another log.
    """
    lake = Lake(folder)
    with (
        lake.writing() as manifest,
        duckdb.connect() as db,
        tempfile.TemporaryDirectory(dir=folder) as scratch,
    ):
        _same_log(manifest, folder)
        zone = _zone()
        acts = 0
        is_outermost = not connection.in_atomic_block
        with transaction.atomic(), connection.cursor() as cursor:
            if is_outermost:
                # One snapshot for all: cases as they were at the position up to which acts were taken.
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL TimeZone = 'UTC'")
            head = _head()
            if head < manifest.acts_until:
                raise LakeInvalid(
                    f"{folder} holds acts up to position {manifest.acts_until}, the log only {head}: the database is "
                    "older than the lake (restored?). Export into an empty folder."
                )
            while manifest.acts_until < head:
                stop = min(head, manifest.acts_until + BATCH)
                acts += _export_acts(lake, db, manifest, Path(scratch), zone, stop)
            cases, months = _export_cases(lake, db, manifest, Path(scratch), zone)
        lake.compact(db, manifest)
        return Exported(acts, cases, months, manifest.acts_until)


def _same_log(manifest: Manifest, folder: Path) -> None:
    if manifest.log and manifest.log != settings.LEDGER_ORIGIN:
        raise LakeInvalid(f"{folder} is the lake of the log {manifest.log}, not of {settings.LEDGER_ORIGIN}")
    manifest.log = settings.LEDGER_ORIGIN


def _zone() -> str:
    city = City.objects.first()
    return city.timezone if city is not None else "UTC"


def _head() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(position) + 1, 0) FROM ledger_position")
        return int(cursor.fetchone()[0])


def _export_acts(
    lake: Lake, db: duckdb.DuckDBPyConnection, manifest: Manifest, scratch: Path, zone: str, stop: int
) -> int:
    _load_acts(db, manifest.acts_until, stop, zone, scratch / "acts.csv")
    counted = db.execute("SELECT count(*), count(DISTINCT seq) FROM batch").fetchone()
    rows, distinct = counted or (0, 0)
    if rows != stop - manifest.acts_until or distinct != rows:
        raise LakeInvalid(
            f"the log lacks acts between positions {manifest.acts_until} and {stop}: run gongzhi ledger verify"
        )
    for masked in (True, False):
        name = schemas.dataset("acts", masked=masked)
        manifest.parts.setdefault(name, []).extend(lake.write(db, "batch", "acts", masked=masked))
    manifest.acts_until = stop
    lake.commit(manifest)
    return int(rows)


def _export_cases(
    lake: Lake, db: duckdb.DuckDBPyConnection, manifest: Manifest, scratch: Path, zone: str
) -> tuple[int, int]:
    """Write anew the months in which a case changed."""
    if manifest.cases_until >= manifest.acts_until:
        return 0, 0
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, [zone, manifest.cases_until, manifest.acts_until])
        months = sorted(row[0] for row in cursor.fetchall())
    is_first = manifest.cases_until == 0
    key = pg.Literal(settings.SECRET_KEY + " lake ")
    written = 0
    for month in [None] if is_first else months:
        text = _CASES + (_IN_MONTH if month else "")
        query = pg.SQL(text).format(zone=pg.Literal(zone), key=key, month=pg.Literal(month))
        _load_cases(db, query, scratch / "cases.csv")
        hidden = ", ".join(f"CASE WHEN is_public THEN {c} ELSE {v} END AS {c}" for c, v in _HIDDEN.items())
        db.execute(f"CREATE OR REPLACE TEMP TABLE shown AS SELECT * REPLACE ({hidden}) FROM batch")
        for masked in (True, False):
            name = schemas.dataset("cases", masked=masked)
            old = [p for p in manifest.parts.get(name, []) if month is None or p.month == month]
            kept = [p for p in manifest.parts.get(name, []) if p not in old]
            manifest.parts[name] = kept + lake.write(
                db, "shown" if masked else "batch", "cases", masked=masked
            )
            lake.retire(manifest, old)
        counted = db.execute("SELECT count(*) FROM batch").fetchone()
        written += int(counted[0]) if counted else 0
    manifest.cases_until = manifest.acts_until
    lake.commit(manifest)
    return written, len(months)


def _load_acts(db: duckdb.DuckDBPyConnection, begin: int, stop: int, zone: str, file: Path) -> None:
    """Bring acts of the log into the DuckDB table `batch`."""
    with connection.wrap_database_errors, connection.connection.cursor() as cursor, file.open("wb") as out:
        # A stretch is summed up in memory: about 20 MB of text.
        cursor.execute("SET LOCAL work_mem = '64MB'")
        for at in range(begin, stop, _STRETCH):
            end = min(at + _STRETCH, stop)
            cursor.execute(
                "SELECT min(act_id), max(act_id) FROM ledger_position WHERE position >= %s AND position < %s",
                [at, end],
            )
            low, high = cursor.fetchone() or (None, None)
            # Without the range of ids a merge of the two tables would begin at the first act each time.
            cursor.execute(
                pg.SQL(_ACTS).format(
                    begin=pg.Literal(at),
                    stop=pg.Literal(end),
                    low=pg.Literal(low),
                    high=pg.Literal(high),
                    block=pg.SQL(str(_BLOCK)),
                )
            )
            out.writelines(block.encode() for (block,) in cursor)
        cursor.execute("SELECT id, code FROM registry_organisation")
        codes = cursor.fetchall()
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in _RAW.items())
    name = str(file).replace("'", "''")
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE raw AS SELECT * FROM read_csv('{name}', columns = {{{columns}}}, header = false, "
        "auto_detect = false, delim = '\x1f', quote = '', escape = '', nullstr = '', new_line = '\\n', "
        "max_line_size = 8388608)"
    )
    db.execute("CREATE OR REPLACE TEMP TABLE organisation (id BIGINT, code VARCHAR)")
    if codes:
        db.executemany("INSERT INTO organisation VALUES (?, ?)", codes)
    low, high = db.execute("SELECT min(us), max(us) FROM raw").fetchone() or (None, None)
    local = f"make_timestamp(us + {_shift(zone, low, high)})" if low is not None else "make_timestamp(us)"
    spoken = {name: f"coalesce({name}->>'$', '') AS {name}" for name in ("subject_key", "reason")}
    made = {
        "at": 'make_timestamp(us) AS "at"',
        "day": f'CAST({local} AS DATE) AS "day"',
        "hour": f'CAST(hour({local}) AS TINYINT) AS "hour"',
        "organisation": "coalesce(o.code, '') AS organisation",
        **spoken,
    }
    picked = ", ".join(made.get(c.name, f"r.{c.name}") for c in schemas.ACTS)
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE batch AS SELECT {picked} FROM raw r LEFT JOIN organisation o ON o.id = organisation_id"
    )
    db.execute("DROP TABLE raw")
    file.unlink()


def _shift(zone: str, low: int, high: int) -> str:
    """SQL for the microseconds that a city's clock is ahead of `us`, which lies between `low` and `high`.

    Asking for the zone row by row costs more than all else; in a year the answer changes twice at most.
    """
    clock, step = ZoneInfo(zone), timedelta(hours=6)

    def ahead(moment: datetime) -> int:
        return int((moment.astimezone(clock).utcoffset() or timedelta()) / timedelta(microseconds=1))

    start = datetime(1970, 1, 1, tzinfo=UTC)
    before, last = start + timedelta(microseconds=low), start + timedelta(microseconds=high)
    pieces = []
    while before < last:
        after = min(before + step, last)
        if ahead(before) != ahead(after):
            left, right = before, after
            while right - left > timedelta(microseconds=1):
                middle = left + (right - left) / 2
                left, right = (middle, right) if ahead(middle) == ahead(before) else (left, middle)
            pieces.append(f"WHEN us < {(right - start) // timedelta(microseconds=1)} THEN {ahead(before)}")
        before = after
    return f"CASE {' '.join(pieces)} ELSE {ahead(last)} END" if pieces else str(ahead(last))


def _load_cases(db: duckdb.DuckDBPyConnection, query: pg.Composed, file: Path) -> None:
    """Copy the rows of a query in the database into the DuckDB table `batch`."""
    statement = pg.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(query)
    with connection.wrap_database_errors, connection.connection.cursor() as cursor, file.open("wb") as out:
        with cursor.copy(statement) as copy:
            for part in copy:
                out.write(part)
    typed = ", ".join(f"'{c.name}': '{c.type}'" for c in schemas.CASES)
    name = str(file).replace("'", "''")
    # An unquoted empty cell is NULL, a quoted one an empty text: only so do both survive.
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE batch AS SELECT * FROM read_csv('{name}', columns = {{{typed}}}, header = false, "
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, "
        "max_line_size = 8388608)"
    )
