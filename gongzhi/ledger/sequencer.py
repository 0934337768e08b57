"""Putting recorded acts into the tree and signing its head, one sequencer at a time."""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from gongzhi.ledger import keys, notes, tree
from gongzhi.ledger.models import Checkpoint

LOCK = 0x676F6E67
"""Number of the advisory lock that makes the sequencer the only one."""

BATCH = 200_000


_LOCKED = f"SELECT pg_try_advisory_xact_lock({LOCK})"

_TAKE = """
WITH waiting AS (SELECT act_id FROM ledger_pending ORDER BY act_id LIMIT %s),
     taken AS (DELETE FROM ledger_pending p USING waiting w WHERE p.act_id = w.act_id
               RETURNING p.act_id),
     placed AS (INSERT INTO ledger_position (act_id, position)
                SELECT act_id, %s + row_number() OVER (ORDER BY act_id) - 1 FROM taken)
SELECT count(*), count(a.id), string_agg(a.commitment, ''::bytea ORDER BY t.act_id)
FROM taken t LEFT JOIN ledger_act a ON a.id = t.act_id
"""
"""One pass over what waits: off the list, into positions, and their commitments in order."""


def sequence(batch: int = BATCH) -> Checkpoint | None:
    """Take pending acts in order of their ids into the log and sign the new head.

    Returns the new checkpoint, or None when there was nothing to do or another sequencer is at
    work. One transaction: tiles, positions and checkpoint are written together or not at all.

    The head moves by compare-and-swap: positions are unique, so a second writer that started from
    the same head cannot commit.

    Raises:
        LookupError: the stored tiles do not fit the signed head; run ``gongzhi ledger verify``.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCKED)
        if not cursor.fetchone()[0]:
            return None
        last = tree.head()
        size = last.size if last else 0
        cursor.execute(_TAKE, [batch, size])
        taken, known, joined = cursor.fetchone()
        if not taken:
            return None
        if known != taken:
            raise LookupError(f"{taken - known} acts that wait for the log are gone")
        commitments = bytes(joined)
        changed, frontier = tree.extend(
            size, [commitments[i : i + 32] for i in range(0, len(commitments), 32)]
        )
        tree.store(changed)
        root = frontier.root()
        text = notes.Checkpoint(settings.LEDGER_ORIGIN, frontier.size, root).text()
        return Checkpoint.objects.create(
            size=frontier.size,
            root=root,
            note=notes.sign(text, settings.LEDGER_ORIGIN, keys.signing_key()),
            signed_at=timezone.now(),
        )
