"""`gongzhi explain`: why a case went where it went, in words."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from gongzhi.cli.starting import fail, start_django


def explain(
    number: Annotated[str, typer.Argument(help="the number of a case")],
    language: Annotated[str, typer.Option(help="zh-hans or en")] = "en",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Say what was understood, who was responsible and why, and who would have been next."""

    start_django()
    from django.utils import translation

    from gongzhi.cases.queries import case_by_number
    from gongzhi.errors import NotFound
    from gongzhi.registry import snapshot
    from gongzhi.routing.reasons import explain as words

    with translation.override(language):
        try:
            case = case_by_number(number)
        except NotFound as problem:
            fail(str(problem))
        view = snapshot.current()
        sentence = words(case.route, view)
    if as_json:
        result: dict[str, Any] = {
            "number": case.number,
            "reading": case.reading,
            "route": case.route,
            "reason": sentence,
        }
        typer.echo(json.dumps(result, ensure_ascii=False))
        return
    reading = case.reading
    function = view.functions.get(case.function_id or 0)
    name = (function.name_zh if language.startswith("zh") else function.name_en) if function else "–"
    typer.echo(f"{case.number}: {case.public_text[:200]}")
    typer.echo(f"Read as: {name}, confidence {reading.get('confidence', 0):.2f}")
    if reading.get("words"):
        typer.echo(f"Decided by the words: {', '.join(reading['words'])}")
    for code, probability in reading.get("others", []):
        typer.echo(f"  or {code} ({probability:.2f})")
    typer.echo(f"Urgency: {case.urgency}")
    typer.echo(f"Rule: {case.route.get('rule')}")
    typer.echo(sentence)
