"""What every command begins and ends with."""

from __future__ import annotations

import os
from typing import NoReturn

import typer


def start_django() -> None:
    """Load the settings and models: only commands that need them pay for it."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gongzhi.settings")
    django.setup()


def fail(sentence: str, code: int = 1) -> NoReturn:
    """End the command with a sentence for the reader on standard error.

    Raises:
        typer.Exit: always, with `code` (1: it did not work out; 2: what was asked cannot be).
    """
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
