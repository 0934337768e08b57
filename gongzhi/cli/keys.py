"""`gongzhi keys`: which other systems may send as themselves."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gongzhi.cli.starting import fail, start_django

app = typer.Typer(no_args_is_help=True, help="Keys of other systems (api_key of Open311, Bearer of /api/v1).")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="who holds it, e.g. 'City app'")],
    post: Annotated[
        str,
        typer.Option(
            help="code of the post in which it works on cases; without it, it relays for requesters"
        ),
    ] = "",
    texts: Annotated[
        bool, typer.Option("--texts", help="for a gateway that brings in what people answer by text message")
    ] = False,
) -> None:
    """Make a key and print it; it is shown once and stored only as a hash."""

    start_django()
    from gongzhi.api import keys
    from gongzhi.api.models import SenderKey
    from gongzhi.errors import GongzhiError
    from gongzhi.registry.authority import SYSTEM
    from gongzhi.registry.models import Post

    purpose = SenderKey.Purpose.TEXTS if texts else SenderKey.Purpose.MATTERS
    found = Post.objects.filter(code=post).first() if post else None
    if post and found is None:
        fail(f"There is no post {post!r}.", 2)
    try:
        typer.echo(keys.make(SYSTEM, name, found, purpose))
    except GongzhiError as problem:
        fail(str(problem), 2)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show who holds keys, never the keys."""

    start_django()
    from gongzhi.api.models import SenderKey

    rows = [
        {
            "name": key.name,
            "post": key.post.code if key.post else None,
            "purpose": key.purpose,
            "made": key.made_at.isoformat(timespec="seconds"),
            "revoked": key.revoked_at.isoformat(timespec="seconds") if key.revoked_at else None,
        }
        for key in SenderKey.objects.select_related("post").order_by("made_at")
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        state = f"revoked {row['revoked']}" if row["revoked"] else "in use"
        typer.echo(
            f"{row['name']}  {row['post'] or ('texts' if row['purpose'] == 'texts' else 'relays')}  {row['made']}  {state}"
        )


@app.command()
def revoke(name: str) -> None:
    """End a key at once."""

    start_django()
    from gongzhi.api import keys
    from gongzhi.errors import GongzhiError
    from gongzhi.registry.authority import SYSTEM

    try:
        keys.revoke(SYSTEM, name)
    except GongzhiError as problem:
        fail(str(problem), 2)
