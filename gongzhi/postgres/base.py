"""The backend that `settings.DATABASES` names."""

from __future__ import annotations

import select
import time
from collections.abc import Generator
from typing import Any, Final

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper as DjangoWrapper
from django.db.backends.postgresql.psycopg_any import IsolationLevel

from gongzhi.postgres.answering import Address, answers

_SILENCE_S: Final = 0.4
"""After so long without an answer to a statement the server is asked whether it lives."""
_CHECK_AGAIN_S: Final = 1.0


class Connection(psycopg.Connection[Any]):
    """A connection that gives up when the server has stopped answering, but waits for slow work."""

    address: Address | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if self.address is None:
            return super().wait(gen, interval, timeout)
        return super().wait(self._watched(gen, self.address), interval, timeout)

    def _watched(self, gen: Any, address: Address) -> Generator[Any, Any, Any]:
        began = time.monotonic()
        next_look = began + _SILENCE_S
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() >= next_look:
                    if not answers(address):
                        self.pgconn.finish()
                        raise psycopg.OperationalError("the database server does not answer")
                    next_look = time.monotonic() + _CHECK_AGAIN_S
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


class DatabaseWrapper(DjangoWrapper):
    """Opens `Connection`s, and only to a server that answers."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """Connect within a second or not at all (libpq itself knows no timeout under two seconds).

        Raises:
            psycopg.OperationalError: the server is gone, hangs or refuses.
        """
        self.isolation_level = IsolationLevel.READ_COMMITTED
        host = str(conn_params.get("host") or "")
        address = Address(host, int(conn_params.get("port") or 5432)) if host else None
        if address is not None and not answers(address):
            raise psycopg.OperationalError("the database server does not answer")
        connection = Connection.connect(**conn_params)
        connection.address = address
        return connection


def drop_if_dead(wrapper: BaseDatabaseWrapper) -> None:
    """Close a connection whose server went away while it was idle, so that the next use opens a new one.

    Costs one system call and no round trip: an idle connection has nothing to read, unless the
    server has closed it.
    """
    opened = wrapper.connection
    if opened is None or wrapper.in_atomic_block:
        return
    try:
        poll = select.poll()
        poll.register(opened.pgconn.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
        is_dead = bool(poll.poll(0))
    except (psycopg.Error, OSError, ValueError):
        is_dead = True
    if is_dead:
        wrapper.close()
