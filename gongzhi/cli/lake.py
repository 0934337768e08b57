"""`gongzhi lake`: acts and cases as Parquet, questions to them, and the data catalogue."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gongzhi.cli.analysis import JsonOption, _faults_in_words
from gongzhi.cli.starting import start_django

app = typer.Typer(no_args_is_help=True, help="acts and cases as Parquet")
Folder = Annotated[Path, typer.Argument(help="the lake's folder")]


@app.command("export")
def export_(folder: Folder, as_json: JsonOption = False) -> None:
    """Write what has been recorded since the last export; needs the database."""
    start_django()
    from gongzhi.lake.export import export

    with _faults_in_words():
        done = export(folder)
    if as_json:
        typer.echo(
            json.dumps(
                {"acts": done.acts, "cases": done.cases, "months": done.months, "acts_until": done.acts_until}
            )
        )
        return
    typer.echo(f"{done.acts} acts and {done.cases} cases written; the lake is at position {done.acts_until}")


@app.command("query")
def query(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="the question; leave it out for a list")] = "",
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the lake, on DuckDB or where LAKE_ENGINE says."""
    from gongzhi.lake import engine, queries
    from gongzhi.lake.store import Lake

    if not name:
        for known, question in queries.QUERIES.items():
            typer.echo(f"{known:26} {(question.__doc__ or '').splitlines()[0]}")
        return
    with _faults_in_words():
        if not folder.is_dir():
            raise ValueError(f"{folder}: there is no such folder")
        with engine.opened(Lake(folder)) as opened:
            found = queries.ask(opened, name)
    rows = [[_plain(value) for value in row] for row in found.rows]
    if as_json:
        typer.echo(json.dumps({"columns": found.columns, "rows": rows}, ensure_ascii=False))
        return
    typer.echo("\t".join(found.columns))
    for row in rows:
        typer.echo("\t".join("" if value is None else str(value) for value in row))


@app.command("catalogue")
def catalogue(as_json: JsonOption = False) -> None:
    """Each dataset: owner, source, how it flows, how often it is renewed, how sensitive it is."""
    from gongzhi.lake import catalogue as found

    if as_json:
        typer.echo(json.dumps(found.document(), ensure_ascii=False))
        return
    for dataset in found.datasets():
        typer.echo(
            f"{dataset.name:26} {dataset.sensitivity:9} {dataset.owner:12} {dataset.title_en} ({dataset.title_zh})"
        )
        typer.echo(f"{'':26} {' → '.join(dataset.lineage)}; renewed {dataset.refresh}")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
