"""`gongzhi cells`: what the grid cells of the city hold."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gongzhi.cli.starting import fail, start_django

app = typer.Typer(no_args_is_help=True, help="Grid cells: people, places, things, events, organisations.")


@app.callback()
def cells() -> None:
    """Grid cells: people, places, things, events, organisations."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, plain or gzipped; columns see docs/grid.md")],
    rejected: Annotated[Path | None, typer.Option(help="where rejected rows go (FILE.rejected.csv)")] = None,
    dry_run: Annotated[bool, typer.Option(help="read and check, write nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the counts as JSON")] = False,
) -> None:
    """Bring entries in; known codes are brought up to date, rows that cannot be used are listed."""
    start_django()
    from gongzhi.errors import GongzhiError
    from gongzhi.grid.importing import import_register
    from gongzhi.intake.importing.tables import FileInvalid
    from gongzhi.registry.authority import SYSTEM

    try:
        done = import_register(SYSTEM, file, rejected=rejected, dry_run=dry_run)
    except (FileInvalid, GongzhiError) as problem:
        fail(str(problem), 2)
    except OSError as problem:
        fail(f"{problem.filename} cannot be written: {problem.strerror}", 2)
    if as_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    typer.echo(f"{done.added} added, {done.changed} brought up to date, {done.rejected} rejected")
    if done.rejected_file:
        typer.echo(f"rejected rows: {done.rejected_file}")
