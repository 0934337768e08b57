"""Whether a PostgreSQL server answers at all, asked without logging in."""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Final

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)
"""The shortest question of the protocol ("do you speak TLS?"): one byte comes back (PostgreSQL, 54.7)."""
PATIENCE_S: Final = 0.35
"""How long the server may take for that byte."""
_REMEMBERED_S: Final = 0.4
"""How long a silent server is taken for silent without asking again, so that requests do not queue up."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens; `host` is a folder for a Unix socket."""

    host: str
    port: int


_silent_since: dict[Address, float] = {}
_lock = threading.Lock()


def answers(address: Address) -> bool:
    """Ask the server, at most once per `_REMEMBERED_S` while it is silent; takes `PATIENCE_S` at most."""
    silent = _silent_since.get(address)
    if silent is not None and time.monotonic() - silent < _REMEMBERED_S:
        return False
    is_alive = _ask(address)
    with _lock:
        if is_alive:
            _silent_since.pop(address, None)
        else:
            _silent_since[address] = time.monotonic()
    return is_alive


def _ask(address: Address) -> bool:
    is_local = address.host.startswith("/")
    probe = socket.socket(socket.AF_UNIX) if is_local else None
    try:
        if probe is None:
            probe = socket.create_connection((address.host, address.port), PATIENCE_S)
        else:
            probe.settimeout(PATIENCE_S)
            probe.connect(f"{address.host}/.s.PGSQL.{address.port}")
        probe.settimeout(PATIENCE_S)
        probe.sendall(_SSL_REQUEST)
        return bool(probe.recv(1))
    except OSError:
        return False
    finally:
        if probe is not None:
            probe.close()
