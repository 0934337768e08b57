"""Commands that ask how work and prices could be better: tariffs, mandates, allocation, simulation."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from gongzhi.cli.analysis import JsonOption, _faults_in_words, _say
from gongzhi.cli.starting import start_django

tariff_app = typer.Typer(no_args_is_help=True, help="What would customers pay: tariffs tried on real use.")

mandates_app = typer.Typer(
    no_args_is_help=True, help="Who must do what: overlaps, gaps, and what would change."
)
Pack = Annotated[Path | None, typer.Option(help="a city pack instead of the database")]
Cases = Annotated[
    Path | None,
    typer.Option(help="with --pack: cases with function, area, organisation and maybe read, path, hours"),
]
Days = Annotated[int, typer.Option(min=1, help="days of cases to look at")]


def _pairs(given: list[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name.strip() or not value.strip():
            raise ValueError(f"{option} {text!r}: write it as NAME=VALUE")
        pairs[name.strip()] = value.strip()
    return pairs


@tariff_app.command()
def simulate(
    usage: Annotated[Path, typer.Argument(help="one row a bill: CSV (also gzipped) or Parquet")],
    tariffs: Annotated[list[Path], typer.Argument(help="tariffs; each is compared with the first")],
    usage_column: Annotated[str | None, typer.Option("--usage", help="column with the volume")] = None,
    class_column: Annotated[str | None, typer.Option("--class", help="column with the class")] = None,
    customer: Annotated[str | None, typer.Option(help="column that names the customer")] = None,
    date: Annotated[str | None, typer.Option(help="column with the date of the bill")] = None,
    month: Annotated[str | None, typer.Option(help="column with the month, 1 to 12")] = None,
    billed: Annotated[str | None, typer.Option(help="column with the amount really billed")] = None,
    unit: Annotated[str | None, typer.Option(help="unit of the volume: m3, l, ccf, kgal, gal …")] = None,
    period: Annotated[str | None, typer.Option(help="period of a row: monthly, bimonthly …")] = None,
    assume: Annotated[list[str], typer.Option(help="NAME=VALUE for what the data lack")] = [],  # noqa: B006
    bill_as: Annotated[list[str], typer.Option(help="CLASS=CLASS whose prices it pays")] = [],  # noqa: B006
    elasticity: Annotated[
        float | None, typer.Option(min=-5, max=0, help="how volume answers to price, such as -0.3")
    ] = None,
    largest: Annotated[str | None, typer.Option(help="leave out volumes above this")] = None,
    bills: Annotated[Path | None, typer.Option(help="write every bill to this CSV")] = None,
    html: Annotated[Path | None, typer.Option(help="write a report in one file")] = None,
    as_json: JsonOption = False,
) -> None:
    """Bill every row exactly by each tariff: revenue, who pays more or less, fairness, conservation."""
    from gongzhi.improvement.documents import number
    from gongzhi.improvement.tariffs import reading, report, simulation, units
    from gongzhi.improvement.tariffs import usage as usages

    with _faults_in_words():
        asked = simulation.Question(
            _pairs(assume, "--assume"),
            _pairs(bill_as, "--bill-as"),
            units.period(period) if period else None,
            number(largest) if largest else None,
        )
        if largest and asked.largest is None:
            raise ValueError(f"--largest {largest!r}: not a number")
        if period and asked.period is None:
            raise ValueError(f"--period {period!r}: one of {', '.join(units.PERIODS)}")
        read = [reading.load(path) for path in tariffs]
        named = {
            "usage": usage_column, "class": class_column, "customer": customer, "date": date,
            "month": month, "billed": billed,
        }  # fmt: skip
        numbers, words = (set[str]().union(*(t.needs()[i] for t in read)) for i in (0, 1))
        data = usages.read(usage, named, unit, numbers, words)
        found = simulation.simulate(data, read, asked, elasticity)
        if bills:
            asked.period = found["usage"]["period"]
            every = {f"bill_{i}": simulation.bill(t, data, asked) for i, t in enumerate(read, 1)}
            with bills.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(simulation.bills_table(data, every))
        if html:
            html.write_text(report.html(found, usage.name), encoding="utf-8")
    if as_json:
        _say(found)
        return
    for line in report.lines(found):
        typer.echo(line)


@tariff_app.command("check")
def check_tariffs(
    tariffs: Annotated[list[Path], typer.Argument(help="tariff files")], as_json: JsonOption = False
) -> None:
    """Read tariffs and bill an example in every class; name each fault by file and line."""
    from gongzhi.improvement.tariffs import examples

    checked = [examples.check(path) for path in tariffs]
    wrong = sum(bool(c["faults"]) for c in checked)
    if as_json:
        _say({"files": checked, "sound": len(checked) - wrong, "with_faults": wrong})
    else:
        for one in checked:
            for fault in one["faults"]:
                typer.echo(fault)
        classes = sum(one["classes"] for one in checked)
        typer.echo(
            f"{sum(one['read'] for one in checked)} of {len(checked)} files read,"
            f" {len(checked) - wrong} without a fault; {sum(one['billed'] for one in checked)} of {classes}"
            " classes billed"
        )
    if wrong:
        raise typer.Exit(1)


def _situation(pack: Path | None, cases: Path | None, days: int) -> Any:
    start_django()
    from gongzhi.improvement.mandates import queries
    from gongzhi.registry.packs import PackInvalid

    if cases and not pack:
        raise ValueError("--cases needs --pack: codes are looked up in the pack")
    try:
        return queries.of_files(pack, cases) if pack else queries.of_city(days)
    except PackInvalid as problem:
        raise ValueError(str(problem)) from problem


@mandates_app.command("check")
def check_mandates(
    pack: Pack = None, cases: Cases = None, days: Days = 365, as_json: JsonOption = False
) -> None:
    """Overlaps, gaps, near-duplicates, ping-pong and scattered functions, with evidence and a proposal each."""
    with _faults_in_words():
        situation = _situation(pack, cases, days)
        from gongzhi.improvement.mandates import queries

        found = [queries.as_json(situation, f) for f in queries.check(situation)]
    if as_json:
        counts: dict[str, int] = {}
        for one in found:
            counts[one["kind"]] = counts.get(one["kind"], 0) + 1
        _say({"cases": len(situation.past), "counts": counts, "findings": found})
        return
    typer.echo(f"{len(found)} findings from the table of mandates and {len(situation.past):,} cases")
    for one in found:
        functions = " / ".join(f["name"] or f["code"] for f in one["functions"])
        areas = ", ".join(a["name"] or a["code"] for a in one["areas"])
        organisations = ", ".join(o["code"] for o in one["organisations"])
        typer.echo(
            f"\n{one['kind']:10} {functions}{f' in {areas}' if areas else ''}: {one['cases']} cases"
            f"{f'; {organisations}' if organisations else ''}"
        )
        shown = {k: v for k, v in one["evidence"].items() if v not in (0, 0.0, {}, [], False)}
        typer.echo(f"  evidence: {', '.join(f'{k} {v}' for k, v in shown.items())}")
        for change in one["proposed_changes"]:
            kind, said = next(iter(change.items()))
            typer.echo(f"  proposed: {kind} {', '.join(f'{k} {v}' for k, v in said.items())}")


@mandates_app.command("what-if")
def what_if(
    changes: Annotated[Path, typer.Argument(help="YAML: changes with add, end, move, merge")],
    pack: Pack = None,
    cases: Cases = None,
    days: Days = 365,
    as_json: JsonOption = False,
) -> None:
    """Replay the cases of the last year under changed mandates: transfers and hours saved, load per organisation."""
    with _faults_in_words():
        situation = _situation(pack, cases, days)
        from gongzhi.improvement.mandates import queries

        found = queries.what_if(situation, changes)
    if as_json:
        _say(found)
        return
    typer.echo(
        f"{found['cases']:,} cases replayed: {found['transfers_saved']:+,.1f} transfers saved of"
        f" {found['transfers_before']:,.1f}, {found['hours_saved']:+,.1f} hours of {found['hours_before']:,.1f};"
        f" overlaps {found['overlaps_before']} → {found['overlaps_after']},"
        f" gaps {found['gaps_before']} → {found['gaps_after']}"
    )
    for row in found["load"][:15]:
        typer.echo(f"  {row['cases_before']:7,} → {row['cases_after']:7,}  {row['organisation']}")


def allocate(
    forecast: Annotated[
        Path | None,
        typer.Argument(help="areas with their demand next week; without it the last weeks of cases"),
    ] = None,
    units: Annotated[int, typer.Option(help="crews, inspectors or shares of money to distribute")] = 10,
    capacity: Annotated[float, typer.Option(help="what one unit serves in a week")] = 10.0,
    area: Annotated[str, typer.Option(help="column that names the area")] = "area",
    demand: Annotated[str, typer.Option(help="column with the expected demand")] = "expected",
    low: Annotated[str | None, typer.Option(help="column with the lower end of the interval")] = None,
    high: Annotated[str | None, typer.Option(help="column with the upper end of the interval")] = None,
    covers: Annotated[float, typer.Option(help="share of outcomes in the interval")] = 0.8,
    today: Annotated[str | None, typer.Option(help="column with the units that areas have today")] = None,
    least: Annotated[float, typer.Option(help="least share of its demand that any area must get")] = 0.0,
    least_units: Annotated[int, typer.Option(help="fewest units of any area")] = 0,
    moves: Annotated[int | None, typer.Option(help="most units that may leave where they are today")] = None,
    level: Annotated[str, typer.Option(help="without a forecast: district or street")] = "district",
    function: Annotated[str, typer.Option(help="without a forecast: code of a function")] = "",
    as_json: JsonOption = False,
) -> None:
    """Crews across areas for next week: least unmet demand, no area below a limit, beside today's and an even split."""
    from gongzhi.improvement import allocation

    with _faults_in_words():
        if forecast is None:
            start_django()
            from gongzhi.improvement.demand import of_last_weeks

            demands = of_last_weeks(level, function)
        else:
            demands = _demands(forecast, area, demand, low, high, covers, today)
        found = allocation.allocate(
            demands, units, capacity, least_share=least, least_units=least_units, most_moves=moves
        )
    if as_json:
        _say(found)
        return
    names = list(found["plans"])
    typer.echo(f"{'area':28} {'expected':>9} " + " ".join(f"{n:>8}" for n in names))
    for row in found["areas"]:
        typer.echo(f"{row['area'][:28]:28} {row['expected']:9.1f} " + " ".join(f"{row[n]:8d}" for n in names))
    for name in names:
        plan = found["plans"][name]
        typer.echo(
            f"{name}: {plan['expected_unmet']:.1f} unmet; least served is {plan['lowest_area']}"
            f" with {plan['lowest_share']:.0%} of its demand"
        )


def _demands(
    path: Path, area: str, demand: str, low: str | None, high: str | None, covers: float, today: str | None
) -> Any:
    from gongzhi.improvement.allocation import Demand, deviation_of
    from gongzhi.lake.tables import open_table

    if (low is None) != (high is None):
        raise ValueError("an interval needs both --low and --high")
    if not 0 < covers < 1:
        raise ValueError("--covers lies between 0 and 1")
    with open_table(path, [area, demand, *[c for c in (low, high, today) if c]]) as table:
        table.require(area)
        names, means = table.texts(area), table.numbers(demand).tolist()
        spread: list[float | None] = [None] * len(names)
        if low and high:
            ends = zip(table.numbers(low).tolist(), table.numbers(high).tolist(), strict=True)
            spread = [deviation_of(a, b, covers) for a, b in ends]
        now = [int(v) for v in table.numbers(today).tolist()] if today else [None] * len(names)
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise ValueError(f"{path}: the area {twice!r} stands there more than once")
    return [Demand(*row) for row in zip(names, means, spread, now, strict=True)]


def play(
    log: Annotated[Path, typer.Argument(help="CSV, Parquet or XES, also gzipped")],
    case: Annotated[str, typer.Option(help="column that names the case")],
    activity: Annotated[str, typer.Option(help="column that names the activity")],
    time: Annotated[str, typer.Option(help="column with the time of completion")],
    resource: Annotated[str | None, typer.Option(help="column that says who did it")] = None,
    start: Annotated[str | None, typer.Option(help="column with the time work began")] = None,
    staff: Annotated[int | None, typer.Option(help="people at work instead of those seen")] = None,
    deadline: Annotated[list[str], typer.Option(help="STEP=HOURS that its wait may last")] = [],  # noqa: B006
    without: Annotated[list[str], typer.Option(help="a step that is left out")] = [],  # noqa: B006
    work: Annotated[list[str], typer.Option(help="STEP=FACTOR on its working time")] = [],  # noqa: B006
    replications: Annotated[int, typer.Option(min=2, max=500)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Play a process again with other staff, deadlines or steps; checked against cases that it did not learn from."""
    from gongzhi.improvement import what_if as process
    from gongzhi.improvement.event_log import read_log

    with _faults_in_words():
        change = process.Change(
            staff,
            {k: float(v) for k, v in _pairs(deadline, "--deadline").items()},
            frozenset(without),
            {k: float(v) for k, v in _pairs(work, "--work").items()},
        )
        found = process.simulate(read_log(log, case, activity, time, resource, start), change, replications)
    if as_json:
        _say(found)
        return
    check = found["validation"]["mean_hours"]
    typer.echo(
        f"held-out cases took {check['actual']:.1f} h on average; predicted {check['mean']:.1f} h"
        f" ({check['low']:.1f} to {check['high']:.1f})"
    )
    for when in ("before", "after"):
        mean, middle = found[when]["mean_hours"], found[when]["median_hours"]
        typer.echo(
            f"{when:7} mean {mean['mean']:.1f} h ({mean['low']:.1f} to {mean['high']:.1f}),"
            f" median {middle['mean']:.1f} h, waiting for staff"
            f" {found[when]['waiting_for_staff_hours']['mean']:.2f} h"
        )


def register(app: typer.Typer) -> None:
    """Add the commands of improvement to the command line."""
    app.add_typer(tariff_app, name="tariff")
    app.add_typer(mandates_app, name="mandates")
    app.command()(allocate)
    app.command("simulate")(play)
