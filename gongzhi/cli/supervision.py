"""Commands of supervision: measure lateness and answers on files, recompute a draw of inspection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gongzhi.cli import evaluating
from gongzhi.cli.starting import fail, start_django

JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]
inspect_app = typer.Typer(no_args_is_help=True, help="Random inspection: recompute a draw.")


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    evaluating.app.command("lateness")(lateness)
    evaluating.app.command("answers")(answers)
    app.add_typer(inspect_app, name="inspect")
    app.command()(foresee)


def lateness(
    train: Annotated[Path, typer.Argument(help="CSV of cases, also gzipped: what is learned from")],
    test: Annotated[Path | None, typer.Argument(help="CSV of later cases; without it --rolling")] = None,
    opened: Annotated[str, typer.Option(help="column: time of intake")] = "",
    due: Annotated[str, typer.Option(help="column: deadline")] = "",
    closed: Annotated[str, typer.Option(help="column: time of the end")] = "",
    function: Annotated[str, typer.Option(help="column: what it is about")] = "",
    organisation: Annotated[str, typer.Option(help="column: who does it")] = "",
    channel: Annotated[str, typer.Option(help="column: how it came in")] = "",
    district: Annotated[str, typer.Option(help="column: large area")] = "",
    street: Annotated[str, typer.Option(help="column: small area")] = "",
    urgency: Annotated[str, typer.Option(help="column: urgency")] = "",
    map_name: Annotated[str, typer.Option("--map", help="a map of the importer")] = "",
    rolling: Annotated[int, typer.Option(help="also so many cuts in time of the first file")] = 0,
    as_json: JsonOption = False,
) -> None:
    """How well lateness is foreseen at intake: learn from one file, ask about the later one.

    `roc_auc` is as served: asked in the order of intake, with the outcomes of earlier cases of either
    file that were known by then. `frozen`: nothing of the second file but what each case brings at intake.
    """
    from gongzhi.supervision.lateness import evaluation, files

    named = {
        meaning: column
        for meaning, column in {
            "opened": opened, "due": due, "closed": closed, "function": function, "organisation": organisation,
            "channel": channel, "district": district, "street": street, "urgency": urgency,
        }.items()
        if column
    }  # fmt: skip
    try:
        history = files.read_history(train, named, map_name=map_name)
        result: dict[str, Any] = {}
        if test is not None:
            result = evaluation.evaluate(history, files.read_history(test, named, map_name=map_name))
        if rolling or test is None:
            result["rolling"] = evaluation.rolling(history, folds=rolling or 4)
    except (ValueError, OSError) as problem:
        fail(str(problem), 2)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
        return
    parts = [*([result] if test is not None else []), *result.get("rolling", [])]
    for part in parts:
        frozen = part["frozen"]
        typer.echo(
            f"{part.get('from_day', '')} {part['n']} cases, {part['late_share']:.1%} late; as served: ROC-AUC "
            f"{part['roc_auc']}, PR-AUC {part['pr_auc']}, ECE {part['ece']}; frozen: ROC-AUC "
            f"{frozen['roc_auc']}, PR-AUC {frozen['pr_auc']}, ECE {frozen['ece']}"
        )
    typer.echo(parts[0]["protocol"])


def answers(
    file: Annotated[Path, typer.Argument(help="CSV of messages, replies and people's judgements")],
    text: Annotated[str, typer.Option(help="columns of the message, separated by commas")] = "title,text",
    reply: Annotated[str, typer.Option(help="column of the reply")] = "reply",
    as_json: JsonOption = False,
) -> None:
    """How far the rules for good answers agree with people: ROC-AUC and kappa, cross-validated."""
    from gongzhi.supervision import answers_evaluation

    try:
        result = answers_evaluation.evaluate(file, text=text, reply=reply)
    except (ValueError, OSError) as problem:
        fail(str(problem), 2)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
        return
    for label, figures in result["labels"].items():
        typer.echo(
            f"{label}: {figures['aspect']} ROC-AUC {figures['roc_auc']}, kappa {figures['kappa']} "
            f"(n {figures['n']}; length alone: ROC-AUC {figures['roc_auc_of_length_alone']})"
        )
    typer.echo(f"held back as not fitting: {result['held_as_not_fitting']}")


def foresee(
    if_never: Annotated[bool, typer.Option("--if-never", help="only when nothing was learned yet")] = False,
    as_json: JsonOption = False,
) -> None:
    """Learn lateness from the city's own cases, and tell it anew for every open one."""
    start_django()
    from gongzhi.supervision.lateness import serving
    from gongzhi.supervision.models import LatenessModel

    if if_never and LatenessModel.objects.exists():
        return
    learned = serving.learn()
    result = {"learned": learned, "told": serving.score_open()}
    if as_json:
        typer.echo(json.dumps(result))
    elif learned is None:
        typer.echo("There are too few cases with a deadline that has passed to learn from.")
    else:
        typer.echo(f"Learned from {learned['cases']} cases, told of {result['told']} open ones.")


@inspect_app.command("recompute")
def recompute(
    draw: Annotated[str, typer.Argument(help="number of a draw, or the file that was published of it")],
    as_json: JsonOption = False,
) -> None:
    """Recompute a random draw and compare; exit code 1 when anything differs.

    From a file nothing else is needed: no database, no server. The file's own verifier keys are
    trusted then; compare them with those you know.
    """
    from gongzhi.supervision import recomputing

    try:
        if draw.isdecimal() and not Path(draw).exists():
            start_django()
            from gongzhi.supervision.inspecting import published
            from gongzhi.supervision.models import Draw

            found = Draw.objects.filter(pk=int(draw)).first()
            if found is None:
                fail(f"There is no draw {draw}.", 2)
                return
            document = published(found)
        else:
            document = json.loads(Path(draw).read_text(encoding="utf-8"))
        verdict = recomputing.verdict(document)
    except (ValueError, OSError) as problem:
        fail(str(problem), 2)
    if as_json:
        typer.echo(json.dumps(verdict, ensure_ascii=False))
    else:
        for row in verdict["result"]:
            typer.echo(f"{row['subject']}  {', '.join(row['inspectors'])}")
        for fault in verdict["faults"]:
            typer.echo(fault, err=True)
        if verdict["is_same"]:
            typer.echo("The same result; the seed is the root hash of the signed log.")
    if not verdict["is_same"]:
        raise typer.Exit(1)
