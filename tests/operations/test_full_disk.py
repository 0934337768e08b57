"""R4: a full disk refuses with 503 or 507, leaves no half files, and needs no restart afterwards."""

from __future__ import annotations

import base64
import io
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.operations.system import HERE, System, start

SIZE_MB = 480
MATTER = {"text": "门口的路灯坏了好几天", **HERE}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, small enough to be filled."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here: needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte is left for anybody."""
    filler = disk / "filler"
    for block in (1 << 16, 1):
        try:
            with filler.open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(block))
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


def _photo() -> str:
    from PIL import Image

    out = io.BytesIO()
    Image.effect_noise((900, 700), 90).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def _submissions(system: System, seconds: float) -> list[tuple[int, str]]:
    """Status and number of each submission within so many seconds."""
    found = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = system.ask("/api/v1/cases", body=MATTER, timeout=15)
        found.append((answer.status, answer.json().get("number", "")))
        time.sleep(0.02)
    return found


def _files(home: Path) -> set[Path]:
    return {p for p in (home / "attachments").rglob("*") if p.is_file()}


def test_a_full_disk_is_said_loses_nothing_and_is_forgotten_when_there_is_room(small_disk: Path) -> None:
    system = start(small_disk / "home")
    try:
        acknowledged = [number for status, number in _submissions(system, 1) if status == 201]
        assert acknowledged
        before = _files(system.home)
        with filled(small_disk):
            during = _submissions(system, 4)
            with_photo = {**MATTER, "photos": [_photo()]}
            refused = system.ask("/api/v1/cases", body=with_photo, timeout=15)
        assert {status for status, _number in during} <= {201, 503, 507}, during
        assert any(status in (503, 507) for status, _number in during), "the disk was never full"
        assert refused.status in (503, 507), refused.body[:300]
        assert _files(system.home) == before, "a half file was left behind"
        acknowledged += [number for status, number in during if status == 201]
        began = time.monotonic()
        while system.ask("/api/v1/cases", body=MATTER, timeout=15).status != 201:
            assert time.monotonic() - began < 15, "no success though there is room again"
            time.sleep(0.1)
        there = system.one("SELECT count(*) FROM cases_case WHERE number = ANY(%s)", acknowledged)
        assert there == len(acknowledged)
        assert system.verified()["sound"]
    finally:
        system.stop()
