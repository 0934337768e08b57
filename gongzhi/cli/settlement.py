"""`gongzhi settlement`: the statement of a partner for a month, computed anew from the acts."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gongzhi.cli.starting import fail, start_django


def settlement(
    partner: Annotated[str, typer.Argument(help="The partner's code in the city pack.")],
    month: Annotated[str, typer.Argument(help="Written 2026-11.")],
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON; without it as CSV.")] = False,
) -> None:
    """What a partner did in a month, in time or late, and what it is owed: from the acts alone.

    Ends with 1 when a statement was issued for the month and differs from what the acts say.
    """
    start_django()
    from gongzhi.coordination import settlement as statements
    from gongzhi.coordination.models import Settlement
    from gongzhi.errors import Invalid
    from gongzhi.registry.models import Organisation

    organisation = Organisation.objects.filter(code=partner).first()
    if organisation is None:
        typer.echo(f"There is no organisation {partner!r}.", err=True)
        raise typer.Exit(2)
    try:
        statement = statements.computed(organisation.pk, month)
    except Invalid as problem:
        fail(str(problem), 2)
    issued = Settlement.objects.filter(partner=organisation, month=month).first()
    digest = statements.digest(statement)
    if as_json:
        answer = {**statement, "digest": digest, "issued_digest": issued.digest if issued else None}
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        typer.echo(statements.as_csv(statement), nl=False)
    if issued is not None and issued.digest != digest:
        typer.echo("the statement that was issued differs from what the acts say", err=True)
        raise typer.Exit(1)
