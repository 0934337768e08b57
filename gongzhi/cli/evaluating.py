"""`gongzhi evaluate …`: measuring on files, with the code that serves the city."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Measure on files, with the code that serves the city.")
