"""`gongzhi import`: a real history through the same path as everything else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gongzhi.cli.starting import fail, start_django

if TYPE_CHECKING:
    from gongzhi.intake.importing.running import Outcome, Progress

_NOTES = {
    "unknown_status": "with a status that the map does not know",
    "no_place": "without a place (0, 0)",
    "impossible_place": "with an impossible place, left out",
    "swapped": "with latitude and longitude swapped, put right",
    "place_outside_the_city": "with a place outside the city, left out",
    "end_unknown": "that ended, nobody knows when",
    "twice_in_the_file": "that stood in the file twice",
    "sent_to_a_person": "that a person has to send on",
}


def import_(
    file: Annotated[Path, typer.Argument(help="CSV, XML or JSON, plain or gzipped")],
    map_name: Annotated[
        str, typer.Option("--map", help="nyc311, baltimore311, open311, generic, or a MAP.yaml")
    ] = "generic",
    learn: Annotated[
        bool,
        typer.Option(help="add the areas, organisations, functions and mandates that the file shows"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the counts as JSON")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="at most so many rows")] = None,
    dry_run: Annotated[bool, typer.Option(help="read and understand, write nothing")] = False,
    rejected: Annotated[Path | None, typer.Option(help="where rejected rows go (FILE.rejected.csv)")] = None,
    city: Annotated[
        str, typer.Option(help="name of the city, when --learn describes it for the first time")
    ] = "",
) -> None:
    """Bring a history in. Interrupted, the same command goes on; repeated, it changes nothing.

    Exit code 0 when the file was read to its end (rejected rows are counted), 1 when it is damaged,
    2 when it or the map cannot be used, 130 when it was interrupted.
    """

    start_django()
    from django.conf import settings
    from django.db import connection

    from gongzhi.environment import DEMO_PASSWORD
    from gongzhi.errors import GongzhiError
    from gongzhi.intake.importing import running
    from gongzhi.intake.importing.maps import MapInvalid
    from gongzhi.intake.importing.tables import FileInvalid
    from gongzhi.registry.authority import SYSTEM

    request = running.Request(
        path=file,
        map_name=map_name,
        learn=learn,
        limit=limit,
        dry_run=dry_run,
        rejected=rejected,
        city_name=city,
        password="" if settings.PRODUCTION else DEMO_PASSWORD,
    )
    try:
        running.open_table(file)
        _make_ready(needs_city=not learn)
        outcome = _with_progress(lambda p: running.bring_in(request, SYSTEM, p), as_json)
    except (FileInvalid, MapInvalid) as problem:
        fail(str(problem), 2)
    except GongzhiError as problem:
        fail(str(problem), 1)
    finally:
        connection.close()
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
    else:
        _tell(outcome)
    if outcome.interrupted:
        typer.echo("Interrupted: the same command goes on from here.", err=True)
        raise typer.Exit(130)
    if outcome.damaged:
        fail(f"{file}: {outcome.damaged}. What stood before it was brought in.", 1)


def _make_ready(*, needs_city: bool) -> None:
    """Bring the database up to date, and load the city pack when there is no city to import into."""
    from django.conf import settings
    from django.core.management import call_command

    from gongzhi.environment import DEMO_PASSWORD
    from gongzhi.registry import packs
    from gongzhi.registry.models import City
    from gongzhi.understanding import training
    from gongzhi.understanding.models import Model

    call_command("migrate", verbosity=0)
    if needs_city and not City.objects.exists():
        typer.echo("Loading the city pack …", err=True)
        packs.load(settings.CITY_PACK, password="" if settings.PRODUCTION else DEMO_PASSWORD)
    if needs_city and not Model.objects.filter(in_use=True).exists():
        typer.echo("Learning the city's words …", err=True)
        training.train()


def _with_progress(work: Callable[[Progress | None], Outcome], as_json: bool) -> Outcome:
    if as_json or not sys.stderr.isatty():
        return work(None)
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.percentage:>3.0f}%"),
        BarColumn(),
        TextColumn("{task.fields[imported]} imported, {task.fields[rejected]} rejected"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("import", total=1.0, imported=0, rejected=0)
        return work(
            lambda outcome, share: bar.update(
                task, completed=share, imported=outcome.imported, rejected=outcome.rejected
            )
        )


def _tell(outcome: Outcome) -> None:
    for meaning, column in outcome.words.items():
        typer.echo(f"{meaning:20} ← {column}")
    if outcome.learned:
        added = ", ".join(f"{n} {what}" for what, n in outcome.learned.items())
        typer.echo(f"added to the city: {added}")
    for note, count in outcome.notes.items():
        if count:
            typer.echo(f"{count} {_NOTES.get(note, note)}")
    typer.echo(
        f"imported {outcome.imported}, rejected {outcome.rejected}, skipped {outcome.skipped} "
        f"in {outcome.seconds:.1f} s ({outcome.rows_per_second:.0f} rows a second)"
    )
    if outcome.rejected_file:
        typer.echo(f"rejected rows: {outcome.rejected_file}")
