"""A whole running system in a folder of its own, to be hurt: real processes, a real database."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg

ROOT = Path(__file__).resolve().parents[2]
HERE = {"lng": 111.36, "lat": 30.52}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int,
    path: str,
    *,
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 5.0,
) -> Answer:
    """One request on a fresh connection; raises OSError or HTTPException when nobody answers."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        sent = None if body is None else json.dumps(body)
        marks = {"Content-Type": "application/json"} if body is not None else {}
        connection.request("POST" if body is not None else "GET", path, sent, marks | (headers or {}))
        response = connection.getresponse()
        content = response.read()
        return Answer(
            response.status,
            {k.lower(): v for k, v in response.getheaders()},
            content,
            time.monotonic() - began,
        )
    finally:
        connection.close()


@dataclass
class System:
    """`gongzhi run` in `home`, on `port`."""

    home: Path
    port: int
    launcher: subprocess.Popen[bytes]
    log: Path
    environment: dict[str, str] = field(repr=False)

    def ask(self, path: str, **options: Any) -> Answer:
        return ask(self.port, path, **options)

    def wait_for(self, path: str = "/healthz", status: int = 200, within: float = 20) -> float:
        """Seconds until `path` answers with `status`."""
        began = time.monotonic()
        while True:
            with suppress(OSError, http.client.HTTPException):
                if self.ask(path, timeout=2).status == status:
                    return time.monotonic() - began
            assert time.monotonic() - began < within, f"{path} was not {status} within {within} s"
            time.sleep(0.02)

    def processes(self, part: str) -> list[psutil.Process]:
        """The processes of the web server (parent first) or of the worker."""
        word = {"web": "granian", "worker": "worker"}[part]
        children = psutil.Process(self.launcher.pid).children()
        found = [p for p in children if word in p.cmdline()]
        return [q for p in found for q in (p, *p.children(recursive=True))]

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer requests (granian's children that hold the application)."""
        everything = self.processes("web")
        return [p for p in everything[1:] if "resource_tracker" not in " ".join(p.cmdline())]

    def postmaster(self) -> psutil.Process:
        text = (self.home / "postgres" / "postmaster.pid").read_text()
        return psutil.Process(int(text.split()[0]))

    def database_url(self) -> str:
        lines = (self.home / "postgres" / "postmaster.pid").read_text().splitlines()
        return f"postgresql://postgres@/gongzhi?host={lines[4]}&port={lines[3]}"

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.database_url(), autocommit=True) as connection:
            yield connection

    def one(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row."""
        with self.database() as connection:
            row = connection.execute(sql, parameters).fetchone()  # type: ignore[arg-type]
        return row[0] if row else None

    def command(
        self, *words: str, home: Path | None = None, **extra: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `gongzhi …` against this system."""
        environment = self.environment | {"GONGZHI_HOME": str(home or self.home)} | extra
        return subprocess.run(
            [sys.executable, "-m", "gongzhi", *words],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def verified(self) -> dict[str, Any]:
        """What `gongzhi ledger verify` finds once everything waiting is in the log."""
        began = time.monotonic()
        while self.one("SELECT count(*) FROM ledger_pending"):
            assert time.monotonic() - began < 60, "the sequencer does not catch up"
            time.sleep(0.1)
        done = self.command("ledger", "verify", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def stop(self) -> int:
        """Ctrl-C; gives the exit code."""
        if self.launcher.poll() is None:
            self.launcher.send_signal(signal.SIGINT)
            try:
                return self.launcher.wait(40)
            except subprocess.TimeoutExpired:
                self.launcher.kill()
        return self.launcher.wait(5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(home: Path, **extra: str) -> System:
    """Start `gongzhi run` and wait until it answers."""
    port = free_port()
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GONGZHI_", "DJANGO_", "PYTEST_")) and name != "DATABASE_URL"
    }
    environment = clean | {
        "GONGZHI_HOME": str(home),
        "PORT": str(port),
        "GONGZHI_RATE_LIMITS": "off",
        "GONGZHI_LOG_LEVEL": "INFO",
        "GONGZHI_DEMO": "0",
        **extra,
    }
    home.mkdir(parents=True, exist_ok=True)
    log = home / "run.log"
    with log.open("ab") as sink:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "gongzhi", "run"],
            cwd=ROOT, env=environment, stdout=sink, stderr=sink, start_new_session=True,
        )  # fmt: skip
    system = System(home, port, launcher, log, environment)
    began = time.monotonic()
    while launcher.poll() is None and time.monotonic() - began < 120:
        with suppress(OSError, http.client.HTTPException):
            if system.ask("/readyz", timeout=2).status == 200:
                return system
        time.sleep(0.1)
    system.stop()
    raise AssertionError(f"it did not start:\n{log.read_text()[-3000:]}")


@dataclass
class Crowd:
    """People who submit until each of them has a receipt, whatever happens to the system."""

    system: System
    size: int
    clients: int = 4
    receipts: dict[str, str] = field(default_factory=dict)
    refusals: int = 0
    longest_gap_s: float = 0.0
    _last: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def submit_all(self, disturb: Callable[[Crowd], None]) -> None:
        """Submit `size` matters while `disturb` runs beside."""
        keys = [uuid.uuid4().hex for _ in range(self.size)]
        self._last = time.monotonic()
        with ThreadPoolExecutor(self.clients + 1) as pool:
            disturbing = pool.submit(disturb, self)
            try:
                list(pool.map(self._submit, keys))
            finally:
                self._ended.set()
            disturbing.result()

    def wait_until(self, acknowledged: int) -> None:
        """For `disturb`: until so many have their receipt."""
        while len(self.receipts) < min(acknowledged, self.size) and not self._ended.is_set():
            time.sleep(0.005)

    def _submit(self, key: str) -> None:
        body = {"text": f"门口的路灯坏了好几天 {key}", **HERE}
        began = time.monotonic()
        while True:
            assert not self._ended.is_set(), "another submission failed"
            assert time.monotonic() - began < 60, "one submission found no answer for a minute"
            try:
                answer = self.system.ask(
                    "/api/v1/cases", body=body, headers={"Idempotency-Key": key}, timeout=10
                )
            except (OSError, http.client.HTTPException):
                self.refusals += 1
                time.sleep(0.05)
                continue
            if answer.status == 201:
                self._note(key, answer.json()["number"])
                return
            if answer.status not in (503, 507):
                self._ended.set()
            assert answer.status in (503, 507), f"{answer.status}: {answer.body[:300]!r}"
            self.refusals += 1
            time.sleep(0.05)

    def _note(self, key: str, number: str) -> None:
        with self._lock:
            now = time.monotonic()
            self.longest_gap_s = max(self.longest_gap_s, now - self._last)
            self._last = now
            self.receipts[key] = number


def check_all_are_there_once(system: System, crowd: Crowd) -> None:
    """Every acknowledged matter exists exactly once under the number that was given out."""
    with system.database() as connection:
        rows = connection.execute(
            "SELECT right(text, 32), number FROM cases_case WHERE right(text, 32) = ANY(%s)",
            [list(crowd.receipts)],
        ).fetchall()
    found = dict(rows)
    assert len(rows) == len(found), "a matter was written twice"
    missing = set(crowd.receipts) - set(found)
    assert not missing, f"{len(missing)} acknowledged matters are gone"
    wrong = {key for key, number in crowd.receipts.items() if found[key] != number}
    assert not wrong, f"{len(wrong)} matters have another number than their receipt"
