"""Ids handed out in blocks, so that a case and its act can name each other before they are written.

A block of ids costs one round trip; unused ids of a block are lost when the process ends, which
leaves gaps and harms nothing.
"""

from __future__ import annotations

import threading

from django.db import connection

_BLOCK = 256
_lock = threading.Lock()
_blocks: dict[tuple[str, str], list[int]] = {}
"""(database, table) → ids that are free, the lowest last."""


def take(table: str, count: int = 1) -> list[int]:
    """`count` fresh ids for `table`, rising within the call."""
    key = (str(connection.settings_dict["NAME"]), table)
    with _lock:
        block = _blocks.setdefault(key, [])
        if len(block) >= count:
            return [block.pop() for _ in range(count)]
    fresh = _fetch(table, max(count, _BLOCK))
    if count < _BLOCK:
        with _lock:
            _blocks[key] = fresh[: count - 1 : -1]
    return fresh[:count]


def forget() -> None:
    """Drop all blocks (a database was restored or replaced)."""
    with _lock:
        _blocks.clear()


def _fetch(table: str, count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table, count],
        )
        return [row[0] for row in cursor.fetchall()]
