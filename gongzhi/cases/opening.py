"""Writing new cases: one in a single statement, many by COPY; the rows are the same.

A case, its requester, first task and act belong together or not at all. The single form is one
SQL statement, so that receiving a matter costs one round trip and one commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.db import connection, transaction

from gongzhi.cases import serials
from gongzhi.cases.attachments import StoredFile
from gongzhi.ledger import acts


@dataclass(frozen=True, slots=True)
class Row:
    """A row of another table that is written together with the case.

    `table` and `columns` are names from the code, never from a person.
    """

    table: str
    columns: tuple[str, ...]
    values: tuple[Any, ...]


CASE_COLUMNS = (
    "id", "number", "kind", "channel", "language", "state", "closure", "version", "text",
    "public_text", "is_public", "attributes", "function_id", "area_id", "organisation_id",
    "post_id", "urgency", "lng", "lat", "address", "public_address",
    "public_lng", "public_lat", "opened_at", "assigned_at",
    "accepted_at", "replied_at", "resolved_at", "closed_at", "due_at", "updated_at", "reading",
    "route", "returns", "transfers", "supporters", "merged_into_id", "source", "source_id",
)  # fmt: skip
PARTY_COLUMNS = (
    "id", "case_id", "role", "person_id", "name", "phone", "email", "language", "secret_hash",
    "is_confidential", "joined_at",
)  # fmt: skip
TASK_COLUMNS = (
    "case_id", "organisation_id", "post_id", "mandate_id", "role", "state", "opened_at", "due_at",
    "done_at", "result",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "case_id", "party_id", "post_id", "organisation_id", "audience", "text", "public_text", "salt",
    "said_at",
)  # fmt: skip

ATTACHMENT_COLUMNS = (
    "case_id", "sha256", "content_type", "size_bytes", "width", "height", "name", "is_public",
    "redactions", "added_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewCase:
    """Everything that is written when a case is opened; values in the order of the columns above.

    `beside` are rows of other tables that belong to the case from its first moment: photos, a
    fingerprint for finding duplicates, the idempotency key it came with.
    """

    case: tuple[Any, ...]
    party: tuple[Any, ...]
    task: tuple[Any, ...] | None
    acts: tuple[tuple[Any, ...], ...]
    messages: tuple[tuple[Any, ...], ...] = ()
    beside: tuple[Row, ...] = ()


def attachment_row(case_id: int, file: StoredFile, at: str) -> Row:
    """The row of a file that came with the matter; the public sees it once staff released it."""
    values = (
        case_id, file.sha256, file.content_type, file.size_bytes, file.width, file.height,
        file.name, False, "{}", at,
    )  # fmt: skip
    return Row("cases_attachment", ATTACHMENT_COLUMNS, values)


def secret_hash(secret: str) -> bytes:
    """What is stored of the secret in a requester's link."""
    return hashlib.sha256(secret.encode()).digest()


def _rows(new: NewCase) -> list[Row]:
    rows = [
        Row("cases_case", CASE_COLUMNS, new.case),
        Row("cases_party", PARTY_COLUMNS, new.party),
    ]
    if new.task is not None:
        rows.append(Row("cases_task", TASK_COLUMNS, new.task))
    rows += [Row("cases_message", MESSAGE_COLUMNS, values) for values in new.messages]
    for values in new.acts:
        rows += [
            Row("ledger_act", acts.COLUMNS, values),
            Row("ledger_pending", ("act_id",), values[:1]),
        ]
    return [*rows, *new.beside]


@lru_cache(maxsize=64)
def _statement(shape: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    inserts, given = [], 0
    for table, columns in shape:
        places = ", ".join(f"${given + n}" for n in range(1, len(columns) + 1))
        inserts.append(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})")  # noqa: S608
        given += len(columns)
    parts = [f"r{n} AS ({insert})" for n, insert in enumerate(inserts[:-1])]
    return f"WITH {', '.join(parts)} {inserts[-1]}"


def write_one(new: NewCase) -> None:
    """Write one case with all its rows in one statement (foreign keys are checked at its end).

    The statement is prepared once a connection. Numbers travel as text, so that the parameters
    always have the same types and one prepared statement serves every case.
    """
    rows = _rows(new)
    sql = _statement(tuple((row.table, row.columns) for row in rows))
    parameters = [
        str(value) if type(value) is int or type(value) is float else value
        for row in rows
        for value in row.values
    ]
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.RawCursor(connection.connection) as cursor:
        cursor.execute(sql, parameters, prepare=True)


def write_many(cases: Sequence[NewCase]) -> None:
    """Write many cases in one transaction, table by table, by COPY."""
    act_rows = [act for new in cases for act in new.acts]
    beside: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}
    for new in cases:
        for row in new.beside:
            beside.setdefault((row.table, row.columns), []).append(row.values)
    with transaction.atomic():
        _copy("cases_case", CASE_COLUMNS, [new.case for new in cases])
        _copy("cases_party", PARTY_COLUMNS, [new.party for new in cases])
        _copy("cases_task", TASK_COLUMNS, [new.task for new in cases if new.task is not None])
        _copy("cases_message", MESSAGE_COLUMNS, [m for new in cases for m in new.messages])
        _copy("ledger_act", acts.COLUMNS, act_rows)
        _copy("ledger_pending", ("act_id",), [act[:1] for act in act_rows])
        for (table, columns), rows in beside.items():
            _copy(table, columns, rows)


def _copy(table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def fresh_ids(cases: int, act_count: int) -> tuple[list[int], list[int], list[int]]:
    """Ids in advance for `cases` cases, as many parties, and `act_count` acts."""
    return (
        serials.take("cases_case", cases),
        serials.take("cases_party", cases),
        serials.take("ledger_act", act_count),
    )


def utc_text(moment: datetime) -> str:
    """RFC 3339 in UTC to the second, as times stand in an act's details."""
    return moment.astimezone(UTC).isoformat()[:19] + "Z"
