"""`gongzhi ledger`: checking the record, its checkpoint and its key."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gongzhi.cli.starting import fail, start_django

app = typer.Typer(no_args_is_help=True, help="The record that anyone can check.")


@app.command()
def verify(
    receipt: Annotated[Path | None, typer.Argument(help="a receipt; without it everything")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="an earlier checkpoint: show that the log has only grown since")
    ] = None,
    url: Annotated[
        str, typer.Option(help="ask this site by its public addresses, instead of the database")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Recompute the whole log, or prove that a receipt is in it. Exit code 1 if anything is wrong."""

    if receipt is None:
        if url or checkpoint:
            fail("--url and --checkpoint go with a receipt.", 2)
        sound, result = _everything()
    else:
        try:
            document = json.loads(receipt.read_text(encoding="utf-8-sig"))
            old_note = checkpoint.read_text(encoding="utf-8") if checkpoint else ""
            if not isinstance(document, dict):
                raise ValueError("not a JSON object")
        except (OSError, ValueError, RecursionError) as problem:
            fail(f"{receipt} is not a receipt: {problem}", 2)
        sound, result = _receipt(document, old_note, url)
    if as_json:
        typer.echo(json.dumps({"sound": sound, **result}, ensure_ascii=False))
    else:
        for name, value in result.items():
            typer.echo(f"{name}: {value}")
        typer.echo("sound" if sound else "NOT SOUND")
    raise typer.Exit(0 if sound else 1)


def _everything() -> tuple[bool, dict[str, Any]]:

    start_django()
    from gongzhi.ledger import verification

    verdict = verification.verify_all()
    return verdict.is_sound, asdict(verdict)


def _receipt(document: dict[str, Any], old_note: str, url: str) -> tuple[bool, dict[str, Any]]:

    start_django()
    from gongzhi.ledger import checking, receipts

    log: checking.Log = checking.PublicLog(url) if url else receipts.OwnLog()
    try:
        steps = checking.check_receipt(document, log, old_note=old_note)
    except checking.Unreachable as problem:
        fail(str(problem), 2)
    return all(ok for _, ok in steps), dict(steps)


@app.command("checkpoint")
def checkpoint_() -> None:
    """Print the newest signed checkpoint; keep it, and prove later that the log has only grown."""

    start_django()
    from gongzhi.ledger import tree

    head = tree.head()
    if head is None:
        fail("Nothing has been recorded yet.")
    else:
        typer.echo(head.note, nl=False)


@app.command("rotate-key")
def rotate_key() -> None:
    """Replace the signing key; former checkpoints stay verifiable."""

    start_django()
    from django.db import transaction

    from gongzhi.ledger import acts, keys
    from gongzhi.registry.authority import SYSTEM

    verifier = keys.rotate()
    with transaction.atomic():
        acts.record(SYSTEM, "ledger.rotate_key", "ledger", 0, verifier.name, {"vkey": str(verifier)})
    typer.echo(str(verifier))
