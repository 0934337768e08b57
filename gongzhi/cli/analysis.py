"""Commands over plain files: what an analyst can ask without a server or a database."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from gongzhi.cli.starting import fail, start_django

JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]


@contextmanager
def _faults_in_words() -> Iterator[None]:
    """A file that cannot be used ends the command with one sentence and exit code 2."""
    try:
        yield
    except (ValueError, OSError) as problem:
        fail(str(problem), 2)


def _say(result: dict[str, Any]) -> None:
    typer.echo(json.dumps(_finite(result), ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    """JSON has no NaN: what is not known is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    return [_finite(v) for v in value] if isinstance(value, list) else value


def process_map(
    log: Annotated[Path | None, typer.Argument(help="CSV, Parquet or XES, also gzipped")] = None,
    case: Annotated[str, typer.Option(help="column that names the case")] = "",
    activity: Annotated[str, typer.Option(help="column that names the activity")] = "",
    time: Annotated[str, typer.Option(help="column with the time of completion")] = "",
    resource: Annotated[str | None, typer.Option(help="column that says who did it")] = None,
    start: Annotated[str | None, typer.Option(help="column with the time work began")] = None,
    top: Annotated[int, typer.Option(min=1, help="variants, loops, bottlenecks to show")] = 20,
    detail: Annotated[float, typer.Option(min=0, max=1, help="share of steps to draw")] = 0.9,
    svg: Annotated[Path | None, typer.Option(help="write a drawing")] = None,
    xes: Annotated[Path | None, typer.Option(help="write the log as XES")] = None,
    bpmn: Annotated[Path | None, typer.Option(help="write the map as BPMN 2.0")] = None,
    html: Annotated[Path | None, typer.Option(help="write a report in one file")] = None,
    compare: Annotated[
        str | None,
        typer.Option(help="a day that divides two periods, or COLUMN=FIRST,SECOND such as area=A,B"),
    ] = None,
    acts: Annotated[
        bool, typer.Option("--acts", help="the acts of this installation instead of a file")
    ] = False,
    function: Annotated[str, typer.Option(help="with --acts: code of the function")] = "",
    area: Annotated[str, typer.Option(help="with --acts: code of the area")] = "",
    days: Annotated[int, typer.Option(min=1, help="with --acts: days to look back")] = 365,
    as_json: JsonOption = False,
) -> None:
    """How work really runs: who follows whom, how long it takes, where it goes round in circles."""
    from gongzhi.improvement.event_log import read_log
    from gongzhi.improvement.process_map import process_map as compute

    with _faults_in_words():
        column, _, values = (compare or "").partition("=")
        if acts:
            events = _acts(days, function, area)
        elif log is None:
            raise ValueError("name a log, or --acts for the acts of this installation")
        elif not (case and activity and time):
            raise ValueError("a log needs --case, --activity and --time")
        else:
            group = column if values else None
            events = read_log(log, case, activity, time, resource, start, group)
        found = compute(events, top)
        beside = None
        if compare:
            from gongzhi.improvement import comparison

            first, _, second = values.partition(",")
            parts = (
                comparison.by_group(events, first, second)
                if values
                else comparison.by_period(events, compare)
            )
            beside = comparison.compare(events, parts, top)
        if svg:
            from gongzhi.improvement import drawing

            svg.write_text(drawing.svg(found, detail), encoding="utf-8")
        if html:
            from gongzhi.improvement import report

            html.write_text(report.html(found, log.name if log else "acts"), encoding="utf-8")
        if bpmn or xes:
            from gongzhi.improvement import exchange_formats
        if bpmn:
            bpmn.write_text(exchange_formats.bpmn(found, detail), encoding="utf-8")
        if xes:
            with xes.open("w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in exchange_formats.xes(events))
    if as_json:
        _say(found.as_json() | ({"comparison": beside.as_json()} if beside else {}))
        return
    from gongzhi.improvement.drawing import duration

    typer.echo(
        f"{found.cases} cases, {found.events} events, {len(found.activities)} activities, "
        f"{found.variants_count} variants, rework in {found.rework_cases} cases; "
        f"median case {duration(found.median_case_seconds)}"
    )
    typer.echo("\nhours       count  median    from -> to")
    for edge in found.bottlenecks:
        typer.echo(
            f"{edge.total_hours:10.1f} {edge.count:7d}  {duration(edge.median_seconds):8}  "
            f"{edge.origin} -> {edge.to}"
        )
    if beside:
        typer.echo(
            f"\n{beside.first} ({beside.before.cases} cases) and {beside.second} ({beside.after.cases} cases)"
        )
        typer.echo("hours a case: before  after  change    from -> to")
        for step in beside.steps[:top]:
            typer.echo(
                f"{step['hours_per_case_before']:20.2f} {step['hours_per_case_after']:6.2f}"
                f" {step['hours_per_case_change']:+7.2f}    {step['from']} -> {step['to']}"
            )


def _acts(days: int, function: str, area: str) -> Any:
    from datetime import timedelta

    start_django()
    from django.utils import timezone

    from gongzhi.improvement.acts_log import read_acts

    until = timezone.now()
    return read_acts(until - timedelta(days=days), until, function, area)


def hot_issues(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, also gzipped CSV")],
    text: Annotated[str, typer.Option(help="text columns, the title first, separated by commas")],
    time: Annotated[str, typer.Option(help="column with the time")],
    identity: Annotated[str | None, typer.Option("--id", help="column; without it the row's number")] = None,
    votes: Annotated[str | None, typer.Option(help="column with the number of supporters")] = None,
    area: Annotated[str | None, typer.Option(help="column that names the area")] = None,
    top: Annotated[int, typer.Option(min=1, help="how many to show")] = 20,
    as_json: JsonOption = False,
) -> None:
    """What people are talking about: groups of matters about the same thing, the hottest first."""
    import numpy as np

    from gongzhi.lake.tables import HEADING_ROWS, open_table
    from gongzhi.sensing import hot_issues as sensing

    texts = [c.strip() for c in text.split(",") if c.strip()]
    with _faults_in_words():
        if not texts:
            raise ValueError("--text names no column")
        with open_table(file, [*texts, time, *[c for c in (identity, votes, area) if c]]) as table:
            if identity:
                table.require(identity)
            matters = sensing.Matters(
                ids=table.texts(identity) if identity else [str(i + HEADING_ROWS) for i in range(table.rows)],
                columns=[table.texts(c) for c in texts],
                moments=table.moments(time),
                votes=np.nan_to_num(table.counts(votes)) if votes else None,
                areas=table.texts(area) if area else None,
            )
        found = sensing.hot_issues(matters, top)
    issues = [
        {
            "title": issue.title,
            "place": issue.place,
            "people": issue.people,
            "start": _moment(issue.start),
            "end": _moment(issue.end),
            "heat": issue.heat,
            "reach": issue.reach,
            "pace": issue.pace,
            "size": len(issue.rows),
            "members": [matters.ids[row] for row in issue.rows.tolist()],
        }
        for issue in found
    ]
    if as_json:
        _say({"issues": issues, "matters": len(matters), "heat_formula": sensing.HEAT_FORMULA})
        return
    typer.echo(f"{len(matters)} matters. {sensing.HEAT_FORMULA}\n")
    for issue in issues:
        typer.echo(
            f"{issue['heat']:8.1f} {issue['size']:5d}  {str(issue['start'])[:10]} to {str(issue['end'])[:10]}"
            f"  {issue['place']} | {issue['title']}"
        )


def _moment(microseconds: int) -> str:
    """ISO 8601 to the second, without a zone: the file's own, or UTC where the file names zones."""
    import numpy as np

    return str(np.datetime64(microseconds, "us").astype("datetime64[s]"))


def _columns(names: str) -> list[str]:
    return list(dict.fromkeys(c.strip() for c in names.split(",") if c.strip()))


def forecast(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, also gzipped CSV")],
    time: Annotated[str, typer.Option(help="column with the time")],
    by: Annotated[str, typer.Option(help="columns to group by, separated by commas")] = "",
    value: Annotated[
        str | None, typer.Option(help="column with a count, when rows are not single matters")
    ] = None,
    horizon: Annotated[int, typer.Option(min=1, max=366, help="periods to look ahead")] = 14,
    freq: Annotated[str, typer.Option(help="day or week")] = "day",
    country: Annotated[str, typer.Option(help="whose holidays count, such as CN or US-NY")] = "",
    html: Annotated[Path | None, typer.Option(help="write a report in one file")] = None,
    as_json: JsonOption = False,
) -> None:
    """What will come: volume per group with intervals, and how well that would have worked before."""
    from gongzhi.sensing import report
    from gongzhi.sensing.forecasts import forecast as compute
    from gongzhi.sensing.series import period_name, read_counts

    with _faults_in_words():
        if freq not in ("day", "week"):
            raise ValueError("--freq is day or week")
        found = compute(read_counts(file, time, _columns(by), freq, value), horizon, _known_country(country))
        if html:
            html.write_text(report.forecast_html(found, file.name), encoding="utf-8")
    if as_json:
        _say(report.forecast_json(found))
        return
    for note in found.notes:
        typer.echo(f"note: {note}")
    last = period_name(found.start + horizon - 1, freq)
    typer.echo(f"from {period_name(found.start, freq)} to {last}; backtest: MASE, share inside 80 % and 95 %")
    typer.echo(f"{'expected':>10} {'next':>8}  {'80 %':>11}  {'MASE':>5} {'80':>4} {'95':>4}  series")
    for series in found.series:
        test = series.backtest
        tested = (
            f"{test.mase:5.2f} {test.coverage[0]:4.0%} {test.coverage[1]:4.0%}"
            if test
            else f"{'-':>5} {'-':>4} {'-':>4}"
        )
        typer.echo(
            f"{series.mean.sum():10.1f} {series.mean[0]:8.2f}  {f'{series.low[0, 0]:.0f}..{series.high[0, 0]:.0f}':>11}"
            f"  {tested}  {series.name}"
        )


def anomalies(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, also gzipped CSV")],
    time: Annotated[str, typer.Option(help="column with the time")],
    by: Annotated[str, typer.Option(help="columns to group by, separated by commas")] = "",
    value: Annotated[
        str | None, typer.Option(help="column with a count, when rows are not single matters")
    ] = None,
    weather: Annotated[str | None, typer.Option(help="column with the weather, words or a number")] = None,
    freq: Annotated[str, typer.Option(help="hour or day")] = "day",
    country: Annotated[str, typer.Option(help="whose holidays count, such as CN or US-NY")] = "",
    top: Annotated[int, typer.Option(min=1, help="alerts to show in the table")] = 30,
    html: Annotated[Path | None, typer.Option(help="write a report in one file")] = None,
    as_json: JsonOption = False,
) -> None:
    """Counts that are not as expected, with the evidence; at most one false alert in 1,000 series-days."""
    from gongzhi.sensing import report
    from gongzhi.sensing.anomalies import anomalies as compute
    from gongzhi.sensing.anomalies import read_weather
    from gongzhi.sensing.series import read_counts

    with _faults_in_words():
        if freq not in ("hour", "day"):
            raise ValueError("--freq is hour or day")
        counts = read_counts(file, time, _columns(by), freq, value)
        seen = read_weather(file, time, weather, counts) if weather else None
        found = compute(counts, _known_country(country), seen)
        if html:
            html.write_text(report.anomalies_html(found, file.name), encoding="utf-8")
    if as_json:
        _say(report.anomalies_json(found))
        return
    for note in found.notes:
        typer.echo(f"note: {note}")
    typer.echo(report.anomalies_words(found))
    for alert in found.alerts[:top]:
        typer.echo(f"{alert.direction:5} {report.alert_words(found, alert)}")


def needs(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, also gzipped CSV")],
    time: Annotated[str, typer.Option(help="column with the time")],
    function: Annotated[
        str, typer.Option(help="column that says what was asked for; empty cells are unmatched")
    ],
    by: Annotated[str, typer.Option(help="columns to divide by: area, channel, language ...")] = "",
    requester: Annotated[str | None, typer.Option(help="column with a pseudonym of the requester")] = None,
    text: Annotated[
        str | None, typer.Option(help="column with the text, to name what is not covered")
    ] = None,
    confidence: Annotated[str | None, typer.Option(help="column with the confidence of the function")] = None,
    top: Annotated[int, typer.Option(min=1, help="how many of each to show")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Who asks for what, what they ask next, and what no mandate covers; never for fewer than ten."""
    from dataclasses import asdict

    from gongzhi.sensing import needs as sensing

    with _faults_in_words():
        asked = sensing.read_asked(file, time, function, _columns(by), requester, text, confidence)
        found = sensing.needs(asked)
    if as_json:
        document = asdict(found) | {"k": sensing.K}
        for part in ("segments", "repeats", "following", "uncovered"):
            document[part] = document[part][:top]
        _say(document)
        return
    typer.echo(f"{found.matters} matters; groups smaller than {sensing.K} left out: {found.left_out}")
    for segment in found.segments[:top]:
        typer.echo(
            f"{segment.matters:6d}  {segment.share:4.0%} of {segment.function}: {segment.side} {segment.part}"
            f" ({segment.lift:.1f} times the usual share)"
        )
    for repeat in found.repeats[:top]:
        typer.echo(
            f"again within {sensing.REPEAT_DAYS} days: {repeat.share:4.0%} of {repeat.people} with {repeat.function}"
        )
    for after in found.following[:top]:
        typer.echo(
            f"after {after.function} then {after.then}: {after.share:4.0%} ({after.people} people, "
            f"{after.lift:.1f} times as often as others, median {after.median_days:.0f} days)"
        )
    typer.echo(f"{found.unmatched} matters that no function covers")
    for need in found.uncovered[:top]:
        typer.echo(f"{need.matters:6d}  {need.place} | {need.title}")


def grid(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, also gzipped CSV")],
    time: Annotated[str, typer.Option(help="column with the time")],
    by: Annotated[str, typer.Option(help="column that names the cell, street or district")] = "",
    lat: Annotated[str, typer.Option(help="column with the latitude, for hexagons")] = "",
    lng: Annotated[str, typer.Option(help="column with the longitude, for hexagons")] = "",
    resolution: Annotated[int, typer.Option(min=4, max=12, help="of the H3 hexagons")] = 8,
    function: Annotated[str | None, typer.Option(help="column that says what was asked for")] = None,
    top: Annotated[int, typer.Option(min=1, help="cells to show")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Figures per cell, street, district or hexagon: matters, trend, what is hot, month by month."""
    from dataclasses import asdict

    from gongzhi.lake.tables import open_table
    from gongzhi.sensing import grid as sensing

    with _faults_in_words():
        if bool(by) == bool(lat and lng):
            raise ValueError("name either --by or both --lat and --lng")
        wanted = [time, *([by] if by else [lat, lng]), *([function] if function else [])]
        with open_table(file, wanted) as table:
            moments = table.moments(time)
            cells = (
                table.codes(by)
                if by
                else sensing.hexagons(
                    table.numbers(lng, empty_allowed=True), table.numbers(lat, empty_allowed=True), resolution
                )
            )
            found = sensing.figures(moments, cells, table.codes(function) if function else None)
    if as_json:
        _say(asdict(found))
        return
    typer.echo(f"up to {found.until}; {found.outside} matters without a cell")
    typer.echo(f"{'matters':>8} {'28 days':>8} {'before':>7} {'expected':>9}  cell")
    for cell in found.cells[:top]:
        most = f"  most: {cell.top[0]} ({cell.top[1]})" if cell.top else ""
        typer.echo(
            f"{cell.matters:8d} {cell.recent:8d} {cell.before:7d} {cell.expected:9.1f}  {cell.cell}"
            f"{'  HOT' if cell.is_hot else ''}{most}"
        )


def _known_country(country: str) -> str:
    """The code as `holidays` knows it.

    Raises:
        ValueError: there is no such country or subdivision.
    """
    import holidays

    if country:
        code, _, subdivision = country.partition("-")
        try:
            holidays.country_holidays(code, subdiv=subdivision or None, years=2024)
        except NotImplementedError as problem:
            raise ValueError(f"no holidays known for {country!r}: {problem}") from problem
    return country


def register(app: typer.Typer) -> None:
    """Add the commands of analysis to the command line."""
    app.command("process-map")(process_map)
    app.command("hot-issues")(hot_issues)
    app.command()(forecast)
    app.command()(anomalies)
    app.command()(needs)
    app.command()(grid)
