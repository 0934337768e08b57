"""One running system for all tests of operations; those that need another start their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operations.mail_server import MailServer
from tests.operations.system import System, start

PROVE = os.environ.get("GONGZHI_PROVE") == "1"
"""`make prove`: the full sizes of the reliability targets; CI runs one small round of each."""


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, mail_server: MailServer) -> Iterator[System]:
    home: Path = tmp_path_factory.mktemp("system") / "home"
    running = start(home, EMAIL_URL=f"smtp://127.0.0.1:{mail_server.port}")
    yield running
    assert running.stop() == 0, running.log.read_text()[-2000:]
