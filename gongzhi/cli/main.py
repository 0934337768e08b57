"""`gongzhi`: the command line."""

from __future__ import annotations

import os
import sys

import typer

from gongzhi.cli import analysis, evaluating, improvement, supervision, understanding
from gongzhi.cli.backups import backup, restore
from gongzhi.cli.cells import app as cells_app
from gongzhi.cli.city import app as city_app
from gongzhi.cli.explain import explain
from gongzhi.cli.import_ import import_
from gongzhi.cli.keys import app as keys_app
from gongzhi.cli.lake import app as lake_app
from gongzhi.cli.ledger import app as ledger_app
from gongzhi.cli.neighbours import app as neighbour_app
from gongzhi.cli.settlement import settlement
from gongzhi.cli.starting import start_django

app = typer.Typer(no_args_is_help=True, help="gongzhi (共治): governing a city together.")
app.add_typer(ledger_app, name="ledger")
app.add_typer(city_app, name="city")
app.add_typer(cells_app, name="cells")
app.add_typer(lake_app, name="lake")
app.add_typer(keys_app, name="keys")
app.add_typer(neighbour_app, name="neighbour")
app.command()(backup)
app.command()(restore)
app.command("import")(import_)
app.command()(explain)
app.command()(settlement)
app.add_typer(evaluating.app, name="evaluate")
analysis.register(app)
understanding.register(app)
improvement.register(app)
supervision.register(app)


@app.command()
def run() -> None:
    """Start everything: database, web, worker; Ctrl-C stops it."""
    from gongzhi.launch import run as launch

    sys.exit(launch())


@app.command()
def worker() -> None:
    """Run the background worker: the sequencer of the log, notices, nightly work."""
    import signal
    import threading

    os.environ.setdefault("GONGZHI_PART", "worker")
    start_django()
    from gongzhi.worker import run as work

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    work(stop)
