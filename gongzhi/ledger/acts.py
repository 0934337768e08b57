"""Recording acts: once, in the transaction of the change they describe."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.db import connection
from django.utils import timezone

from gongzhi.ledger.actor import Actor
from gongzhi.ledger.canonical import canonical, quoted
from gongzhi.ledger.models import Act, Pending


@dataclass(frozen=True, slots=True)
class PreparedAct:
    """All columns of an act, with salt and commitment; ready for any kind of insert."""

    recorded_at: datetime
    verb: str
    actor_kind: str
    actor_id: int | None
    post_id: int | None
    mandate_id: int | None
    organisation_id: int | None
    subject_kind: str
    subject_id: int
    subject_key: str
    details: dict[str, Any]
    reason: str
    salt: bytes
    commitment: bytes
    details_text: str
    """`details` as canonical JSON, for the database."""
    recorded_text: str
    """`recorded_at` as `time_text` writes it."""

    def row(self, act_id: int) -> tuple[Any, ...]:
        """The values of `COLUMNS` for an act that got its id in advance."""
        return (
            act_id, self.recorded_text, self.verb, self.actor_kind, self.actor_id,
            self.post_id, self.mandate_id, self.organisation_id, self.subject_kind, self.subject_id,
            self.subject_key, self.details_text, self.reason, self.salt, self.commitment,
        )  # fmt: skip


COLUMNS = (
    "id", "recorded_at", "verb", "actor_kind", "actor_id", "post_id", "mandate_id",
    "organisation_id", "subject_kind", "subject_id", "subject_key", "details", "reason", "salt",
    "commitment",
)  # fmt: skip
"""Columns of the table of acts, in the order of `PreparedAct.row`."""


def time_text(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: how times stand in an act."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def content(act: Act | PreparedAct) -> dict[str, Any]:
    """What the commitment of an act covers."""
    return {
        "recorded_at": time_text(act.recorded_at),
        "verb": act.verb,
        "actor_kind": act.actor_kind,
        "actor_id": act.actor_id,
        "post_id": act.post_id,
        "mandate_id": act.mandate_id,
        "organisation_id": act.organisation_id,
        "subject_kind": act.subject_kind,
        "subject_id": act.subject_id,
        "subject_key": act.subject_key,
        "details": act.details,
        "reason": act.reason,
    }


def commitment_of(act_content: Mapping[str, Any], salt: bytes) -> bytes:
    """SHA-256 over the canonical JSON of the act with its salt: what the log publishes."""
    document = {"act": dict(act_content), "salt": base64.b64encode(salt).decode()}
    return sha256(canonical(document)).digest()


def prepared(
    actor: Actor,
    verb: str,
    subject_kind: str,
    subject_id: int,
    subject_key: str,
    details: dict[str, Any],
    *,
    reason: str = "",
    at: datetime | None = None,
) -> PreparedAct:
    """An act that is not yet written; `details` hold no floats and no personal data.

    Raises:
        ValueError: `details` or `reason` cannot be written as canonical JSON.
    """
    moment = at or timezone.now()
    salt = os.urandom(16)
    recorded_text = time_text(moment)
    details_text = canonical(details).decode()
    document = (
        f'{{"act":{{"actor_id":{_number(actor.person_id)},"actor_kind":{quoted(actor.kind)},'
        f'"details":{details_text},"mandate_id":{_number(actor.mandate_id)},'
        f'"organisation_id":{_number(actor.organisation_id)},"post_id":{_number(actor.post_id)},'
        f'"reason":{quoted(reason)},"recorded_at":"{recorded_text}",'
        f'"subject_id":{subject_id},"subject_key":{quoted(subject_key)},'
        f'"subject_kind":{quoted(subject_kind)},"verb":{quoted(verb)}}},'
        f'"salt":"{base64.b64encode(salt).decode()}"}}'
    )
    return PreparedAct(
        recorded_at=moment,
        verb=verb,
        actor_kind=actor.kind,
        actor_id=actor.person_id,
        post_id=actor.post_id,
        mandate_id=actor.mandate_id,
        organisation_id=actor.organisation_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        subject_key=subject_key,
        details=details,
        reason=reason,
        salt=salt,
        commitment=sha256(_encoded(document)).digest(),
        details_text=details_text,
        recorded_text=recorded_text,
    )


def _encoded(document: str) -> bytes:
    try:
        return document.encode()
    except UnicodeEncodeError as problem:
        raise ValueError("lone surrogates cannot be written as JSON") from problem


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def record(
    actor: Actor,
    verb: str,
    subject_kind: str,
    subject_id: int,
    subject_key: str,
    details: dict[str, Any],
    *,
    reason: str = "",
    at: datetime | None = None,
) -> Act:
    """Write an act inside the caller's transaction.

    Raises:
        RuntimeError: no transaction is open, so act and change could come apart.
        ValueError: see `prepared`.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an act is recorded in the transaction of the change it describes")
    ready = prepared(actor, verb, subject_kind, subject_id, subject_key, details, reason=reason, at=at)
    act = Act.objects.create(
        **{name: getattr(ready, name) for name in COLUMNS[1:] if name != "details"},
        details=details,
    )
    Pending.objects.create(act_id=act.pk)
    return act


def record_many(ready: Sequence[PreparedAct]) -> list[int]:
    """Write many prepared acts by COPY inside the caller's transaction; gives their ids in order.

    Raises:
        RuntimeError: no transaction is open.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("acts are recorded in the transaction of the change they describe")
    if not ready:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('ledger_act', 'id')) FROM generate_series(1, %s)",
            [len(ready)],
        )
        ids = [int(row[0]) for row in cursor.fetchall()]
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        with cursor.copy(f"COPY ledger_act ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for act_id, act in zip(ids, ready, strict=True):
                copy.write_row(act.row(act_id))
        with cursor.copy("COPY ledger_pending (act_id) FROM STDIN") as copy:
            for act_id in ids:
                copy.write_row((act_id,))
    return ids
