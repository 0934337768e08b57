"""The sequencer as a loop in the worker process."""

from __future__ import annotations

import threading

import structlog
from django.db import DatabaseError, InterfaceError, connection

from gongzhi.ledger.sequencer import sequence

log = structlog.get_logger(__name__)


def run_sequencer(stop: threading.Event, interval: float = 1.0) -> None:
    """Sequence every `interval` seconds until `stop` is set; outlives a lost database."""
    while not stop.is_set():
        try:
            while sequence() is not None and not stop.is_set():
                pass
        except (DatabaseError, InterfaceError) as problem:
            log.warning("sequencer.database_lost", problem=type(problem).__name__)
            connection.close()
        except LookupError as problem:
            log.error("sequencer.tree_damaged", problem=str(problem))
            stop.wait(30)
        stop.wait(interval)
    connection.close()
