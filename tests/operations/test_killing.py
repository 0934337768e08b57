"""R1, R3: whatever is killed, every acknowledged matter is there once and every effect happens once."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable

import psutil
import pytest

from tests.operations.conftest import PROVE
from tests.operations.mail_server import POINTS, MailServer
from tests.operations.system import HERE, Crowd, System, check_all_are_there_once

ROUNDS = 50 if PROVE else 1
MATTERS = 2_000 if PROVE else 300


def _kill(system: System, part: str) -> None:
    if part == "web process":
        random.choice(_running(system.web_workers)).kill()
    elif part == "web server":
        _running(lambda: system.processes("web"))[0].kill()
    elif part == "worker":
        _running(lambda: system.processes("worker"))[0].kill()
    else:
        system.postmaster().kill()


def _running(find: Callable[[], list[psutil.Process]]) -> list[psutil.Process]:
    """Processes of a kind; a moment after another kill there may be none yet."""
    until = time.monotonic() + 10
    while not (found := find()):
        assert time.monotonic() < until, "nothing was started again within 10 s"
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_every_acknowledged_matter_is_there_once_after_kills(system: System, round_: int) -> None:
    back_after: dict[str, float] = {}

    def disturb(crowd: Crowd) -> None:
        parts = ["web process", "worker", "web server", "database"]
        random.shuffle(parts)
        for number, part in enumerate(parts):
            crowd.wait_until(crowd.size * (number + 1) // 6)
            before = len(crowd.receipts)
            began = time.monotonic()
            _kill(system, part)
            crowd.wait_until(before + 9)  # more than the answers that may be under way
            back_after[part] = time.monotonic() - began

    crowd = Crowd(system, MATTERS)
    crowd.submit_all(disturb)
    assert len(crowd.receipts) == MATTERS
    check_all_are_there_once(system, crowd)
    assert system.verified()["sound"]
    print({part: round(seconds, 2) for part, seconds in back_after.items()}, f"refused {crowd.refusals}")
    assert back_after["web process"] < 2, back_after
    assert back_after["web server"] < 2, back_after
    assert back_after["worker"] < 2, back_after
    assert back_after["database"] < 15, back_after
    system.wait_for("/readyz")


@pytest.mark.parametrize("point", POINTS if PROVE else ("rcpt", "content"))
@pytest.mark.parametrize("round_", range(20 if PROVE else 1))
def test_a_notice_reaches_its_receiver_once_though_the_worker_dies_on_the_way(
    system: System, mail_server: MailServer, point: str, round_: int
) -> None:
    system.wait_for("/readyz")
    deaths: list[float] = []

    def die() -> None:
        for process in system.processes("worker"):
            process.kill()
        deaths.append(time.monotonic())

    mail_server.at[point] = die
    address = f"{uuid.uuid4().hex}@example.org"
    body = {"text": "路灯坏了，请派人来修", "contact": {"email": address}, **HERE}
    case = system.ask("/api/v1/cases", body=body).json()
    notice = system.one(
        "SELECT n.id FROM cases_notice n JOIN cases_party p ON p.id = n.party_id WHERE p.email = %s", address
    )
    _wait(lambda: system.one("SELECT state FROM cases_notice WHERE id = %s", notice) == "sent", 60)
    assert deaths, f"the delivery never reached {point}"
    reached = {key for key in mail_server.received if str(notice) in key}
    assert len(reached) == 1, "one key at the receiver, however often it was sent"
    assert case["secret"] in mail_server.bodies[reached.pop()]


def _wait(is_done: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < until, f"not done within {seconds} s"
        time.sleep(0.1)
