"""`gongzhi backup` and `gongzhi restore`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gongzhi.cli.starting import fail, start_django


def backup(
    file: Annotated[Path, typer.Argument(help="the file to write; it holds keys and personal data")],
) -> None:
    """Write database, attachments, keys and models into one file, while the system works."""
    start_django()
    from gongzhi.backups import BackupUnusable, back_up

    try:
        size = back_up(file.resolve())
    except BackupUnusable as problem:
        fail(str(problem), 1)
    typer.echo(f"{file}: {size / 1e6:.1f} MB; keep it where only you can read it")


def restore(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Bring a backup into an empty home (GONGZHI_HOME) or database (DATABASE_URL) and verify it."""
    start_django()
    from gongzhi.backups import BackupUnusable
    from gongzhi.backups import restore as bring_back

    try:
        restored = bring_back(file.resolve())
    except BackupUnusable as problem:
        fail(str(problem), 1)
    for name, value in asdict(restored).items():
        typer.echo(f"{name}: {value}")
    raise typer.Exit(0 if restored.sound else 1)
