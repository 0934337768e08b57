"""R10: a migration that is killed at any moment goes on where it stopped."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from gongzhi import database
from tests.operations.conftest import PROVE
from tests.operations.system import ROOT

ROUNDS = 10 if PROVE else 1


def test_a_killed_migration_goes_on(tmp_path: Path) -> None:
    url = database.embedded_url(tmp_path / "home")
    try:
        for round_ in range(ROUNDS):
            name = f"killed{round_}"
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            _killed_until_done(url.replace("/gongzhi?", f"/{name}?"), tmp_path)
    finally:
        database.stop(tmp_path / "home")


def _killed_until_done(url: str, home: Path) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GONGZHI_")}
    environment = clean | {
        "DATABASE_URL": url,
        "GONGZHI_HOME": str(home / "home"),
        "GONGZHI_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "gongzhi.settings",
    }
    command = [sys.executable, "-W", "ignore", "-m", "django", "migrate", "--verbosity", "0"]
    kills = 0
    for patience in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 60.0):
        running = subprocess.Popen(command, cwd=ROOT, env=environment)
        until = time.monotonic() + patience + random.random()
        while running.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        if running.poll() is not None:
            break
        running.kill()
        running.wait()
        kills += 1
    assert running.returncode == 0
    assert kills, "it was never killed, so nothing was tried"
    checked = subprocess.run([*command[:6], "--check"], cwd=ROOT, env=environment, check=False)
    assert checked.returncode == 0, "something is left to migrate"


def test_a_step_and_its_record_are_one(tmp_path: Path) -> None:
    """Killed right before a step is noted, it was not taken: the next start takes it again."""
    url = database.embedded_url(tmp_path / "home")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GONGZHI_")} | {
        "DATABASE_URL": url,
        "GONGZHI_HOME": str(tmp_path / "home"),
        "GONGZHI_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "gongzhi.settings",
    }
    dies = (
        "import os, django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from django.db.migrations.recorder import MigrationRecorder\n"
        "noted = MigrationRecorder.record_applied\n"
        "def record(self, app, name):\n"
        "    if app == 'registry': os._exit(9)\n"
        "    noted(self, app, name)\n"
        "MigrationRecorder.record_applied = record\n"
        "call_command('migrate', verbosity=0)\n"
    )
    try:
        died = subprocess.run([sys.executable, "-W", "ignore", "-c", dies], cwd=ROOT, env=environment)
        assert died.returncode == 9
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT to_regclass('registry_area')").fetchone()
        assert found == (None,), "tables stand whose migration is not noted"
        again = [sys.executable, "-W", "ignore", "-m", "django", "migrate", "--verbosity", "0"]
        assert subprocess.run(again, cwd=ROOT, env=environment).returncode == 0
    finally:
        database.stop(tmp_path / "home")
