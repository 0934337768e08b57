"""`gongzhi city`: checking, loading and exporting city packs, and filling a city with a demo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gongzhi.cli.starting import fail, start_django

app = typer.Typer(no_args_is_help=True, help="City packs: the files that describe a city.")

Folder = Annotated[Path, typer.Argument(help="The folder of the pack.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@app.command()
def check(folder: Folder, as_json: AsJson = False) -> None:
    """Name every fault of a pack by file and line; load nothing. Ends with 1 if there is one."""
    start_django()
    from gongzhi.registry import packs

    try:
        pack = packs.read(folder)
    except packs.PackInvalid as problem:
        if as_json:
            rows = [{"file": f.file, "line": f.line, "field": f.field, "message": f.message} for f in problem.faults]  # fmt: skip
            typer.echo(json.dumps({"faults": rows}, ensure_ascii=False))
        else:
            typer.echo(str(problem), err=True)
            typer.echo(f"{len(problem.faults)} faults; nothing can be loaded", err=True)
        raise typer.Exit(1) from None
    warnings = [str(warning) for warning in pack.warnings]
    if as_json:
        typer.echo(json.dumps({"faults": [], "warnings": warnings}, ensure_ascii=False))
        return
    for warning in warnings:
        typer.echo(f"worth a look: {warning}")
    typer.echo("no faults")


@app.command()
def load(
    folder: Folder,
    password: Annotated[
        str, typer.Option(help="First password of new accounts; without it they cannot sign in yet.")
    ] = "",
) -> None:
    """Load a pack whole, or not at all; loading it again updates what has changed."""
    start_django()
    from gongzhi.registry import packs

    try:
        counts = packs.load(folder, password=password)
    except packs.PackInvalid as problem:
        typer.echo(str(problem), err=True)
        typer.echo(f"{len(problem.faults)} faults; nothing was loaded", err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(counts))


@app.command()
def export(folder: Folder) -> None:
    """Write the city out as a pack that can be checked, changed, and loaded again."""
    start_django()
    from gongzhi.registry import packs
    from gongzhi.registry.models import City

    try:
        counts = packs.export(folder)
    except City.DoesNotExist:
        typer.echo("No city has been described yet: load one with `gongzhi city load DIR`.", err=True)
        raise typer.Exit(1) from None
    except OSError as problem:
        typer.echo(f"{folder} cannot be written: {problem.strerror}", err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(counts))


@app.command()
def demo(
    n: Annotated[int, typer.Argument(min=1, max=200_000, help="How many matters.")] = 5_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same matters.")] = 2026,
) -> None:
    """Fill the city with a year of invented matters, dealt with by its staff."""
    start_django()
    from gongzhi.demo.loading import load_demo
    from gongzhi.registry import packs

    try:
        loaded = load_demo(n, _tell, seed=seed)
    except packs.PackInvalid as problem:
        fail(str(problem), 1)
    typer.echo(f"{loaded.matters} matters, {loaded.steps} steps of the staff, {loaded.seconds} s")


def _tell(what: str, done: int, of: int) -> None:
    typer.echo(f"{what}: {done} of {of}", err=True)
