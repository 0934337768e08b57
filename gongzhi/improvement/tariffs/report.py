"""What a simulation found, as lines for a terminal and as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from gongzhi.improvement import charts
from gongzhi.improvement.report import STYLE, table


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The main figures for a terminal."""
    used = found["usage"]
    yield f"{used['bills']:,} bills, {used['volume']:,.6g} {used['unit']}"
    for tariff in found["tariffs"]:
        yield (
            f"\n{tariff['name']} ({tariff['effective'] or 'no date'}): {tariff['billed']:,} billed,"
            f" {tariff['currency']} {tariff['revenue']:,.2f}, median {tariff['bill']['median']:,.2f}"
        )
        for name, amount in tariff["revenue_by_class"].items():
            yield f"  {'not computed' if amount is None else f'{amount:,.2f}':>18}  {name or 'all'}"
        if (agrees := tariff["agreement"]) is not None:
            yield (
                f"  {agrees['equal']:,} of {agrees['of']:,} equal what was billed; the largest difference is"
                f" {agrees['largest_difference']:,.2f} in row {agrees['at_row']}"
            )
    for change in found["comparisons"]:
        yield (
            f"\n{change['from']} → {change['to']}: revenue {_signed(change['change_percent'])} %,"
            f" {change['pay_more']:,} pay more, {change['pay_less']:,} less, {change['pay_same']:,} the same"
        )
        for kind, groups in change["groups"].items():
            yield f"  by {kind.replace('_', ' ')}"
            for group in groups:
                yield (
                    f"    {group['group']:24} {group['bills']:9,} bills  {_signed(group['change_percent']):>9} %"
                    f"  mean {group['mean_change']:+,.2f}"
                )
        if (answer := change["response"]) is not None:
            yield (
                f"  with elasticity {answer['elasticity']}: volume {_signed(answer['volume_change_percent'])} %,"
                f" revenue {_signed(answer['revenue_change_percent'])} %"
            )
    for note in found["notes"]:
        yield f"note: {note}"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+,.2f}"


def summary(found: dict[str, Any]) -> str:
    """The simulation in two or three sentences."""
    first = found["tariffs"][0]
    text = (
        f"{first['billed']:,} of {found['usage']['bills']:,} bills were computed by {first['name']}:"
        f" {first['currency']} {first['revenue']:,.2f}, half of the bills below {first['bill']['median']:,.2f}."
    )
    for change in found["comparisons"]:
        text += (
            f" Under {change['to']} revenue would change by {_signed(change['change_percent'])} %;"
            f" {change['pay_more']:,} bills rise and {change['pay_less']:,} fall."
        )
        if (answer := change["response"]) is not None:
            text += (
                f" If customers react with an elasticity of {answer['elasticity']}, volume changes by"
                f" {_signed(answer['volume_change_percent'])} % and revenue by"
                f" {_signed(answer['revenue_change_percent'])} %."
            )
    return text


def html(found: dict[str, Any], title: str) -> str:
    """The report."""
    parts = [f"<h1>{escape(title)}</h1><p>{escape(summary(found))}</p>"]
    for tariff in found["tariffs"]:
        classes = {n: a for n, a in tariff["revenue_by_class"].items() if a is not None}
        parts.append(f"<h2>{escape(tariff['name'])}</h2>")
        parts.append(charts.bars("Revenue by class", [n or "all" for n in classes], list(classes.values())))
        parts.append(
            table(
                "Revenue by class",
                ("class", "revenue"),
                [(n or "all", f"{a:,.2f}") for n, a in classes.items()],
            )
        )
        prices = tariff["fairness"]["average_price_by_decile"]
        parts.append(
            table(
                "Average price per unit, from the smallest to the largest users of each class",
                ("tenth", "price", "share of revenue", "share of volume"),
                [
                    (str(i), "–" if p is None else f"{p:,.4f}", f"{r:.1%}", f"{v:.1%}")
                    for i, (p, r, v) in enumerate(
                        zip(
                            prices,
                            tariff["fairness"]["share_of_revenue_by_decile"],
                            tariff["fairness"]["share_of_volume_by_decile"],
                            strict=True,
                        ),
                        1,
                    )
                ],
            )
        )
        parts.append(
            f"<p>Rule: {escape(tariff['rule'])}. Rounding: {escape(tariff['rounding'])}."
            f" Asked without any use: {tariff['revenue_without_use']:,.2f}.</p>"
        )
    for change in found["comparisons"]:
        parts.append(f"<h2>{escape(change['from'])} → {escape(change['to'])}</h2>")
        for kind, groups in change["groups"].items():
            caption = f"Who pays more or less, by {kind.replace('_', ' ')}"
            parts.append(
                charts.bars(
                    caption,
                    [g["group"] for g in groups],
                    [g["change_percent"] or 0.0 for g in groups],
                    " %",
                )
            )
            parts.append(
                table(
                    caption,
                    ("group", "bills", "before", "after", "change", "mean", "more", "less"),
                    [
                        (
                            g["group"],
                            f"{g['bills']:,}",
                            f"{g['revenue_before']:,.2f}",
                            f"{g['revenue_after']:,.2f}",
                            f"{_signed(g['change_percent'])} %",
                            f"{g['mean_change']:+,.2f}",
                            f"{g['pay_more']:,}",
                            f"{g['pay_less']:,}",
                        )
                        for g in groups
                    ],
                )
            )
    if found["notes"]:
        parts.append(
            "<h2>Notes</h2><ul>" + "".join(f"<li>{escape(n)}</li>" for n in found["notes"]) + "</ul>"
        )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"{''.join(parts)}</body></html>"
    )
