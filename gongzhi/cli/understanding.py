"""Commands of understanding: train, compare and switch models, measure on files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gongzhi.cli import evaluating
from gongzhi.cli.starting import fail, start_django

models_app = typer.Typer(no_args_is_help=True, help="Trained models: which there are, which is used.")
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(train)
    evaluating.app.command("understanding")(evaluate)
    app.add_typer(models_app, name="models")


def train(as_json: JsonOption = False) -> None:
    """Train understanding on the pack's words, closed cases and corrections; switch if not worse."""
    start_django()
    from gongzhi.understanding import training

    try:
        result = asdict(training.train())
    except ValueError as problem:
        fail(str(problem))
    _say(result, as_json)


def evaluate(
    train_file: Annotated[Path, typer.Argument(help="CSV, may be gzipped")],
    test_file: Annotated[Path, typer.Argument(help="CSV, may be gzipped")],
    text: Annotated[str, typer.Option(help="columns, separated by commas")],
    label: Annotated[str, typer.Option(help="column")],
    as_json: JsonOption = False,
) -> None:
    """Train on one file and measure on another, with the code that serves the city."""
    from gongzhi.understanding.evaluation import FileInvalid, evaluate_files

    columns = [name.strip() for name in text.split(",") if name.strip()]
    try:
        figures = evaluate_files(train_file, test_file, columns, label.strip())
    except FileInvalid as problem:
        fail(str(problem), 2)
    _say(figures, as_json)


@models_app.command("list")
def models_list(as_json: JsonOption = False) -> None:
    """All versions, the newest first."""
    start_django()
    from gongzhi.understanding.models import Model

    rows = [
        {"version": m.version, "in_use": m.in_use, **m.metrics} for m in Model.objects.order_by("-trained_at")
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        mark = "*" if row.pop("in_use") else " "
        facts = ", ".join(f"{k} {v}" for k, v in row.items() if k != "version" and v is not None)
        typer.echo(f"{mark} {row['version']}  {facts}")


@models_app.command("use")
def models_use(
    version: str, reason: Annotated[str, typer.Option(help="why; kept in the record")] = ""
) -> None:
    """Take a version into use."""
    _switch(version, reason)


@models_app.command("rollback")
def models_rollback(
    reason: Annotated[str, typer.Option(help="why; kept in the record")] = "",
) -> None:
    """Go back to the version before the one in use."""
    _switch("", reason)


def _switch(version: str, reason: str) -> None:
    start_django()
    from gongzhi.errors import GongzhiError
    from gongzhi.understanding import training

    try:
        model = training.switch(version, reason=reason)
    except GongzhiError as problem:
        fail(str(problem))
    typer.echo(model.version)


def _say(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result))
    else:
        typer.echo("\n".join(f"{name:20} {value}" for name, value in result.items()))
