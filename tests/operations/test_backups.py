"""R10: a backup taken while people write comes back elsewhere with a log that verifies, same root."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.operations.conftest import PROVE
from tests.operations.system import Crowd, System


@pytest.mark.parametrize("round_", range(10 if PROVE else 1))
def test_a_backup_taken_while_writing_restores_to_the_same_root(
    system: System, tmp_path: Path, round_: int
) -> None:
    file, empty = tmp_path / "city.backup", tmp_path / "new-home"
    outputs: list[str] = []

    def disturb(crowd: Crowd) -> None:
        crowd.wait_until(40)
        done = system.command("backup", str(file), DATABASE_URL=system.database_url())
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)

    crowd = Crowd(system, 120)
    crowd.submit_all(disturb)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    restored = system.command("restore", str(file), home=empty)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    facts = dict(line.split(": ", 1) for line in restored.stdout.splitlines() if ": " in line)
    assert facts["sound"] == "True"
    assert int(facts["cases"]) >= 40
    size = int(facts["log_size"])
    root = system.one("SELECT encode(root, 'hex') FROM ledger_checkpoint WHERE size = %s", size)
    assert facts["root"] == root, "the restored log is a state that the running one has published"
    again = system.command("restore", str(file), home=empty)
    assert again.returncode == 1
    assert "already" in again.stderr


def test_a_damaged_or_foreign_file_restores_nothing(system: System, tmp_path: Path) -> None:
    file = tmp_path / "holiday.jpg"
    file.write_bytes(b"\xff\xd8\xff" + bytes(5000))
    done = system.command("restore", str(file), home=tmp_path / "home")
    assert done.returncode == 1
    assert "no backup" in done.stderr
