"""R2: database hanging, gone or locked: 503 within a second, public pages go on, back within a second."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.operations.system import HERE, Answer, System

MATTER = {"text": "小区门口的路灯坏了", **HERE}
PAGES = ("/", "/cases/", "/board/", "/ledger/checkpoint")


@pytest.fixture(autouse=True)
def _healthy(system: System) -> None:
    system.wait_for("/readyz", within=40)
    system.ask("/api/v1/cases", body=MATTER)
    deadline = time.monotonic() + 20
    while system.one("SELECT count(*) FROM ledger_pending") and time.monotonic() < deadline:
        time.sleep(0.1)
    for _ in range(12):  # every process has shown every page once
        for page in PAGES:
            assert system.ask(page).status == 200, page


@contextmanager
def hanging(system: System) -> Iterator[None]:
    """The server and all its processes stand still, as on a machine that has frozen."""
    postmaster = system.postmaster()
    frozen = [postmaster, *postmaster.children(recursive=True)]
    for process in frozen:
        process.suspend()
    try:
        yield
    finally:
        for process in frozen:
            process.resume()


@contextmanager
def gone(system: System) -> Iterator[None]:
    """The server has ended, and the launcher is kept from starting it again."""
    launcher = psutil.Process(system.launcher.pid)
    launcher.suspend()
    try:
        postmaster = system.postmaster()
        postmaster.send_signal(signal.SIGQUIT)
        psutil.wait_procs([postmaster], timeout=10)
        yield
    finally:
        launcher.resume()


def _is_a_refusal_in_time(answer: Answer) -> None:
    assert answer.status == 503, (answer.status, answer.body[:200])
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.seconds < 1.2, f"{answer.seconds:.2f} s"  # 1 s and what a busy machine adds


@pytest.mark.parametrize("trouble", [hanging, gone])
def test_a_lost_database_is_said_within_a_second_and_its_return_noticed_as_fast(
    system: System, trouble: object
) -> None:
    with trouble(system):  # type: ignore[operator]
        for _ in range(3):
            _is_a_refusal_in_time(system.ask("/api/v1/cases", body=MATTER))
            _is_a_refusal_in_time(system.ask("/readyz"))
        refused = system.ask("/api/v1/cases", body=MATTER)
        assert refused.headers["content-type"] == "application/problem+json"
        assert system.ask("/healthz").status == 200
        for page in PAGES:
            shown = system.ask(page)
            assert shown.status == 200, page
            assert "110" in shown.headers["warning"]
            assert int(shown.headers["age"]) >= 0
            assert b'csrfmiddlewaretoken" value=""' in shown.body or b"csrfmiddlewaretoken" not in shown.body
        uncached = system.ask("/cases/?q=abc")
        assert uncached.status == 503
        assert uncached.headers["content-type"].startswith("text/html")
    began = time.monotonic()
    while not _database_answers(system):
        assert time.monotonic() - began < 20
        time.sleep(0.02)
    returned = time.monotonic()
    while system.ask("/api/v1/cases", body=MATTER).status != 201:
        assert time.monotonic() - returned < 2, "no success after the database came back"
        time.sleep(0.05)
    assert time.monotonic() - returned < 1.5
    while "warning" in system.ask("/").headers:
        assert time.monotonic() - returned < 3, "old pages are shown though the database is back"
        time.sleep(0.05)


def _database_answers(system: System) -> bool:
    try:
        return bool(system.one("SELECT 1") == 1)
    except Exception:  # noqa: BLE001 – starting up, not accepting, no file yet
        return False


def test_a_lock_that_somebody_holds_is_not_waited_for(system: System) -> None:
    with system.database() as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE cases_case IN ACCESS EXCLUSIVE MODE")
        try:
            _is_a_refusal_in_time(system.ask("/api/v1/cases", body=MATTER))
        finally:
            holder.execute("ROLLBACK")
    assert system.ask("/api/v1/cases", body=MATTER).status == 201
