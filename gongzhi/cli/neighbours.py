"""`gongzhi neighbour`: the cities that matters are sent to or come from."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gongzhi.cli.starting import fail, start_django

app = typer.Typer(no_args_is_help=True, help="Neighbouring cities: their addresses and keys.")


@app.command()
def key() -> None:
    """Print this city's code and public key, for the neighbour to register."""
    start_django()
    from gongzhi.coordination import signatures
    from gongzhi.registry import snapshot

    typer.echo(f"{snapshot.current().city.code} {signatures.own_public_key()}")


@app.command()
def add(
    code: Annotated[str, typer.Argument(help="The other city's code.")],
    url: Annotated[str, typer.Argument(help="Where its installation is reached, or its Open311 endpoint.")],
    name_zh: Annotated[str, typer.Option("--zh", help="Its Chinese name.")],
    name_en: Annotated[str, typer.Option("--en", help="Its English name.")],
    public_key: Annotated[str, typer.Option("--key", help="What `gongzhi neighbour key` prints there.")] = "",
    open311: Annotated[bool, typer.Option("--open311", help="It has no gongzhi: use Open311.")] = False,
    api_key: Annotated[str, typer.Option(help="For Open311.")] = "",
    jurisdiction: Annotated[str, typer.Option(help="For Open311.")] = "",
    services: Annotated[
        str, typer.Option(help='For Open311: {"our function": "their service", "*": "everything else"}')
    ] = "{}",
) -> None:
    """Register a neighbouring city, or change how it is reached."""
    start_django()
    from gongzhi.coordination.actions.federation import Place, register_neighbour
    from gongzhi.errors import GongzhiError
    from gongzhi.registry.authority import SYSTEM

    try:
        read = json.loads(services)
        place = Place(
            code=code,
            name_zh=name_zh,
            name_en=name_en,
            kind="open311" if open311 else "gongzhi",
            base_url=url,
            public_key=public_key,
            api_key=api_key,
            jurisdiction_id=jurisdiction,
            services={str(k): str(v) for k, v in read.items()},
        )
        register_neighbour(SYSTEM, place)
    except (GongzhiError, OSError, ValueError, AttributeError) as problem:
        fail(str(problem), 1)
    typer.echo(f"{code} is registered")
