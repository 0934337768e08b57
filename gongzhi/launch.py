"""`make run`: database, migrations, demo city, web and worker; one address; a clean end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

from gongzhi.environment import DEMO_ACCOUNTS, DEMO_PASSWORD, Environment, EnvironmentInvalid
from gongzhi.processes import Child

_LOOK_EVERY_S = 0.05
_LEAST_FREE_BYTES = 300 * 1024 * 1024


def compile_translations(root: Path) -> None:
    """Write the .mo beside every .po that is newer."""
    import polib

    for po in root.glob("locale/*/LC_MESSAGES/*.po"):
        mo = po.with_suffix(".mo")
        if not mo.exists() or mo.stat().st_mtime < po.stat().st_mtime:
            polib.pofile(str(po)).save_as_mofile(str(mo))


def prepare() -> bool:
    """Migrate, collect static files, load the demo city if there is none; whether it was loaded."""
    compile_translations(Path(__file__).parent)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    from django.conf import settings

    from gongzhi.registry import packs
    from gongzhi.registry.models import City
    from gongzhi.understanding import training
    from gongzhi.understanding.models import Model

    is_first = not City.objects.exists()
    if is_first:
        print("Loading the city pack …", flush=True)
        packs.load(settings.CITY_PACK, password="" if settings.PRODUCTION else DEMO_PASSWORD)
    if not Model.objects.filter(in_use=True).exists():
        print("Learning the city's words …", flush=True)
        training.train()
    if is_first and settings.DEMO_MATTERS and (settings.CITY_PACK / "matters").is_dir():
        _fill(settings.DEMO_MATTERS)
        print("Learning from what was answered …", flush=True)
        training.train()
    return is_first


def _fill(matters: int) -> None:
    """A year of invented matters, dealt with by the city's staff, so that every page shows something."""
    from gongzhi.demo.loading import load_demo

    print(f"Living through a year with {matters} matters (GONGZHI_DEMO=0 leaves this out) …", flush=True)
    loaded = load_demo(matters)
    print(f"  {loaded.matters} matters in {loaded.seconds:.0f} s", flush=True)


class CannotStart(RuntimeError):
    """Something has to be put right first; one sentence says what."""


def run() -> int:
    """Start everything and wait; gives the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gongzhi.settings")
    from gongzhi import database

    began = time.monotonic()
    try:
        environment = Environment.read()
        _check_machine(environment)
        owns_database = not environment.database_url
        if owns_database:
            os.environ["DATABASE_URL"] = database.embedded_url(environment.home)
    except (EnvironmentInvalid, CannotStart, database.DatabaseUnavailable) as problem:
        print(f"gongzhi cannot start: {problem}", file=sys.stderr)
        return 2
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: stopping.append(n))
    children: list[Child] = []
    try:
        prepare()
        children = [] if stopping else _children(environment)
        _wait_until_it_answers(environment, children, stopping)
        if not stopping:
            _announce(environment, time.monotonic() - began)
        while not stopping:
            for child in children:
                child.look_after()
            if owns_database and not database.is_running(environment.home):
                print("the database ended; starting it again", flush=True)
                _revive(environment.home, stopping)
            time.sleep(_LOOK_EVERY_S)
    finally:
        _end(children)
        if owns_database:
            from django.db import connections

            connections.close_all()
            database.stop(environment.home)
    print("stopped", flush=True)
    return 0


def _check_machine(environment: Environment) -> None:
    home = environment.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        mark = home / ".writable"
        mark.touch()
        mark.unlink()
    except OSError as problem:
        raise CannotStart(f"{home} cannot be written ({problem.strerror}); set GONGZHI_HOME") from problem
    if shutil.disk_usage(home).free < _LEAST_FREE_BYTES:
        raise CannotStart(f"less than 300 MB are free in {home}; free some or set GONGZHI_HOME")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((environment.host, environment.port))
        except PermissionError as problem:
            raise CannotStart(f"port {environment.port} needs more rights; set PORT above 1023") from problem
        except OSError as problem:
            taken = f"port {environment.port} of {environment.host} is taken; set PORT to another one"
            raise CannotStart(taken) from problem


def _children(environment: Environment) -> list[Child]:
    metrics = environment.home / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(parents=True)
    web = [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", environment.host),
        *("--port", str(environment.port), "--workers", str(environment.web_processes)),
        *("--blocking-threads", "8", "--backlog", "1024", "--backpressure", "256", "--http", "1"),
        *("--respawn-failed-workers", "--respawn-interval", "0.1", "--workers-kill-timeout", "10"),
        # Warnings of granian's are about numbers chosen here on purpose; what dies is said as an error.
        *("--log-level", "error", "--no-ws", "gongzhi.wsgi:application"),
    ]
    worker = [sys.executable, "-m", "gongzhi", "worker"]
    marks = {"PROMETHEUS_MULTIPROC_DIR": str(metrics), "PYTHONUNBUFFERED": "1"}
    return [
        Child("web", web, os.environ | marks | {"GONGZHI_PART": "web"}),
        Child("worker", worker, os.environ | marks | {"GONGZHI_PART": "worker"}),
    ]


def _wait_until_it_answers(environment: Environment, children: list[Child], stopping: list[int]) -> None:
    """Return when the port answers, so that the printed address works at once."""
    while children and not stopping:
        try:
            socket.create_connection((environment.host, environment.port), 0.2).close()
            return
        except OSError:
            for child in children:
                child.look_after()
            time.sleep(_LOOK_EVERY_S)


def _announce(environment: Environment, seconds: float) -> None:
    print(f"\ngongzhi is running: {environment.public_url}  (started in {seconds:.1f} s)")
    if not environment.production:
        print(f"Demo accounts: {', '.join(DEMO_ACCOUNTS)} – password {DEMO_PASSWORD}")
    print("Ctrl-C stops it.", flush=True)


def _revive(home: Path, stopping: list[int]) -> None:
    from gongzhi import database

    while not stopping and not database.revive(home):
        time.sleep(0.2)


def _end(children: list[Child]) -> None:
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.wait(15)
