"""Recomputing the whole log from the database and naming the first thing that is wrong.

Everything is read once, in the order of the log, in one consistent view: each act's content gives
its commitment, the commitments give the entries, tiles and roots, and every signed checkpoint must
be the root at its size.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from gongzhi.ledger import acts, keys, merkle, notes, tiles, tree
from gongzhi.ledger.canonical import canonical
from gongzhi.ledger.models import Checkpoint, Tile

_BATCH = 20 * tiles.WIDTH

_ROWS = """
SELECT p.position, p.act_id, a.id, a.recorded_at, a.verb, a.actor_kind, a.actor_id, a.post_id,
       a.mandate_id, a.organisation_id, a.subject_kind, a.subject_id, a.subject_key,
       a.details::text, a.reason, a.salt, a.commitment
FROM ledger_position p LEFT JOIN ledger_act a ON a.id = p.act_id
WHERE p.position >= %s ORDER BY p.position LIMIT %s
"""
_UNPLACED = """
SELECT a.id, a.subject_key FROM ledger_act a
LEFT JOIN ledger_position p ON p.act_id = a.id LEFT JOIN ledger_pending w ON w.act_id = a.id
WHERE p.act_id IS NULL AND w.act_id IS NULL ORDER BY a.id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that differs.

    `kind` is one of: content (the act is not the one recorded), missing (removed), order (a place
    is empty), entry and tile (what is published differs), signature, fork (a checkpoint signs
    another history), truncated (fewer acts than were signed), inserted (acts nobody signed for),
    never_sequenced (an act kept from the log).
    """

    kind: str
    act_id: int | None
    position: int | None
    subject_key: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of a verification: how many acts were checked, the root, and the first fault if any."""

    checked: int
    root: str
    fault: Fault | None

    @property
    def is_sound(self) -> bool:
        return self.fault is None


def verify_all() -> Verdict:
    """Recompute every act, leaf, tile and checkpoint in one consistent view of the database."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = '10min'")
        return _verify()


def _verify() -> Verdict:
    return _Pass().run()


class _Found(Exception):
    """Ends a pass at its first fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence)
        self.fault = fault


class _Pass:
    """One pass over the log."""

    def __init__(self) -> None:
        self.frontier = merkle.Frontier()
        self.heads = {c.size: c for c in Checkpoint.objects.all()}
        self.last = max(self.heads, default=0)
        self.verifiers = keys.verifiers()
        self.full_roots: list[bytes] = []
        self.leaves: list[bytes] = []
        self.names: list[tuple[int, str]] = []
        """Act and subject of every leaf of the tile under way."""
        self.entries = b""

    def run(self) -> Verdict:
        fault = None
        try:
            self._head(0)
            for rows in _batches():
                self._rows(rows)
            self._tile()
            self._whole()
        except _Found as found:
            fault = found.fault
        return Verdict(self.frontier.size, self.frontier.root().hex(), fault)

    def _rows(self, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            position, act_id = row[0], row[1]
            if row[2] is None:
                self._tile(keep=True)
                raise _Found(Fault("missing", act_id, position, "", "the act was removed"))
            key = row[12]
            if position != self.frontier.size:
                self._tile(keep=True)
                sentence = f"position {self.frontier.size} of the log is empty"
                raise _Found(Fault("order", act_id, position, key, sentence))
            if position >= self.last:
                self._tile(keep=True)
                sentence = "nobody signed for this act; it was put in behind the signed head"
                raise _Found(Fault("inserted", act_id, position, key, sentence))
            computed = _commitment(row)
            if computed != bytes(row[16]):
                self._tile(keep=True)
                sentence = "the act is not the one that was recorded"
                raise _Found(Fault("content", act_id, position, key, sentence))
            leaf = merkle.leaf_hash(computed)
            self.leaves.append(leaf)
            self.names.append((act_id, key))
            self.entries += b"\x00\x20" + computed
            self.frontier.append(leaf)
            if len(self.leaves) == tiles.WIDTH:
                self._tile()
            if self.frontier.size in self.heads:
                self._head(self.frontier.size)

    def _tile(self, *, keep: bool = False) -> None:
        """Compare what is published of the tile under way with what was recomputed.

        Called before any later fault is raised too, so that the first one is named.
        """
        if not self.leaves:
            return
        index = (self.frontier.size - 1) // tiles.WIDTH
        start = index * tiles.WIDTH
        for level, item, expected, kind, sentence in (
            (tree.ENTRIES, 34, self.entries, "entry", "the published entry is another one"),
            (0, 32, b"".join(self.leaves), "tile", "the stored tile holds another hash"),
        ):
            stored = _stored(level, index)[: len(expected)]
            if stored != expected:
                n = _first_difference(stored, expected) // item
                act_id, key = self.names[n]
                raise _Found(Fault(kind, act_id, start + n, key, sentence))
        if len(self.leaves) == tiles.WIDTH:
            self.full_roots.append(merkle.root_of(self.leaves))
        if not keep or len(self.leaves) == tiles.WIDTH:
            self.leaves, self.names, self.entries = [], [], b""

    def _head(self, size: int) -> None:
        head = self.heads.get(size)
        if head is None:
            return
        try:
            signed = notes.open_checkpoint(head.note, self.verifiers)
        except notes.NoteInvalid as problem:
            self._tile(keep=True)
            raise _Found(Fault("signature", None, size, "", f"checkpoint {size}: {problem}")) from None
        expected = notes.Checkpoint(settings.LEDGER_ORIGIN, size, self.frontier.root())
        if signed != expected or bytes(head.root) != expected.root:
            act_id, key = self.names[-1] if self.names else (None, "")
            self._tile(keep=True)
            sentence = f"checkpoint {size} signs another history"
            raise _Found(Fault("fork", act_id, max(0, size - 1), key, sentence))

    def _whole(self) -> None:
        """What can only be said at the end: the log is as long as signed, nothing was kept out of it."""
        size = self.frontier.size
        lost = _unplaced()
        if size < self.last:
            act_id, key = (lost[0], lost[1]) if lost else (None, "")
            sentence = f"the signed head counts {self.last} acts, the log holds {size}"
            raise _Found(Fault("truncated", act_id, size, key, sentence))
        self._upper_tiles()
        if lost is not None:
            act_id, key = lost
            sentence = "the act is neither in the log nor waiting for it"
            raise _Found(Fault("never_sequenced", act_id, None, key, sentence))

    def _upper_tiles(self) -> None:
        level, hashes = 1, self.full_roots
        while hashes:
            above = []
            for start in range(0, len(hashes), tiles.WIDTH):
                chunk = hashes[start : start + tiles.WIDTH]
                stored = _stored(level, start // tiles.WIDTH)
                if stored != b"".join(chunk):
                    n = start + _first_difference(stored, b"".join(chunk)) // 32
                    sentence = f"the stored tile {level}/{start // tiles.WIDTH} holds another hash"
                    raise _Found(Fault("tile", None, n << (8 * level), "", sentence))
                if len(chunk) == tiles.WIDTH:
                    above.append(merkle.root_of(chunk))
            level, hashes = level + 1, above


def _batches() -> Iterator[list[tuple[Any, ...]]]:
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_ROWS, [after, _BATCH])
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1][0] + 1


def _commitment(row: tuple[Any, ...]) -> bytes:
    """The commitment that an act's content gives; empty when the content cannot be written at all."""
    (recorded_at, verb, actor_kind, actor_id, post_id, mandate_id, organisation_id, subject_kind,
     subject_id, subject_key, details, reason, salt) = row[3:16]  # fmt: skip
    document = {
        "act": {
            "recorded_at": acts.time_text(recorded_at), "verb": verb, "actor_kind": actor_kind,
            "actor_id": actor_id, "post_id": post_id, "mandate_id": mandate_id,
            "organisation_id": organisation_id, "subject_kind": subject_kind,
            "subject_id": subject_id, "subject_key": subject_key, "details": json.loads(details),
            "reason": reason,
        },
        "salt": base64.b64encode(bytes(salt)).decode(),
    }  # fmt: skip
    try:
        return sha256(canonical(document)).digest()
    except ValueError:
        return b""


def _stored(level: int, index: int) -> bytes:
    data = Tile.objects.filter(level=level, index=index).values_list("data", flat=True).first()
    return bytes(data) if data is not None else b""


def _first_difference(stored: bytes, expected: bytes) -> int:
    """The place of the first byte that differs; a missing byte differs."""
    low, high = 0, len(expected)
    while low < high:
        middle = (low + high) // 2
        if stored[: middle + 1] == expected[: middle + 1]:
            low = middle + 1
        else:
            high = middle
    return min(low, len(expected) - 1)


def _unplaced() -> tuple[int, str] | None:
    with connection.cursor() as cursor:
        cursor.execute(_UNPLACED)
        row = cursor.fetchone()
    return (row[0], row[1]) if row else None
