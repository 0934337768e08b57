"""Forecasts and alerts as JSON, and as one HTML file that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from gongzhi.sensing.anomalies import FALSE_SHARE, RISE, Alert, Anomalies, rows_behind
from gongzhi.sensing.charts import time_chart
from gongzhi.sensing.forecasts import Backtest, Forecast, Series
from gongzhi.sensing.series import period_name

STYLE = (
    "body{font:16px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;"
    "color:#1b1b1b}table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:600}"
    "td,th{border-bottom:1px solid #ccc;padding:.25rem .75rem .25rem 0;text-align:left}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.scroll{overflow:auto}"
    "summary{cursor:pointer;padding:.4rem 0}section{border-top:1px solid #ddd;margin-top:1.5rem}"
)
MOST_CHARTS = 60
METHOD = (
    "Level and season are discounted Gamma-Poisson filters (exponential smoothing of counts), mixed over the best of a grid of "
    "parameters per series; means are reconciled so that groups add up to the total. A whole-number interval "
    "holds what it promises on average along the horizon."
)


def forecast_json(found: Forecast) -> dict[str, Any]:
    """The document that `gongzhi forecast --json` prints."""
    return {
        "freq": found.freq,
        "horizon": found.horizon,
        "by": list(found.by),
        "periods": _periods(found),
        "backtest": _backtest_json(found.overall),
        "series": [_series_json(found, s) for s in found.series],
        "notes": found.notes,
        "method": METHOD,
    }


def _periods(found: Forecast) -> list[str]:
    return [period_name(found.start + h, found.freq) for h in range(found.horizon)]


def _series_json(found: Forecast, series: Series) -> dict[str, Any]:
    return {
        "name": series.name,
        "group": dict(zip(series.by, series.label, strict=True)),
        "matters": series.matters,
        "forecast": [
            {
                "period": period,
                "mean": round(float(series.mean[h]), 4),
                "median": int(series.median[h]),
                "low80": int(series.low[0, h]),
                "high80": int(series.high[0, h]),
                "low95": int(series.low[1, h]),
                "high95": int(series.high[1, h]),
            }
            for h, period in enumerate(_periods(found))
        ],
        "backtest": _backtest_json(series.backtest),
        "notes": series.notes,
    }


def _backtest_json(test: Backtest | None) -> dict[str, Any] | None:
    if test is None:
        return None
    return {
        "mase": _rounded(test.mase),
        "mase_of_mean": _rounded(test.mase_of_mean),
        "relative_mae": _rounded(test.relative_mae),
        "mae": _rounded(test.mae),
        "naive_mae": _rounded(test.naive_mae),
        "coverage80": _rounded(test.coverage[0]),
        "coverage95": _rounded(test.coverage[1]),
        "expected_coverage80": _rounded(test.expected_coverage[0]),
        "expected_coverage95": _rounded(test.expected_coverage[1]),
        "forecasts": test.forecasts,
    }


def _rounded(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def backtest_words(test: Backtest | None) -> str:
    """A backtest in one sentence."""
    if test is None:
        return "Too short for a backtest."
    against = (
        ""
        if math.isnan(test.relative_mae)
        else (
            f" On the same days its absolute error was {test.relative_mae:.0%} of that of repeating last season."
        )
    )
    return (
        f"Backtest over {test.forecasts:,} forecasts: MASE {test.mase:.2f}; the 80 % interval held "
        f"{test.coverage[0]:.0%}, the 95 % interval {test.coverage[1]:.0%}.{against}"
    )


def forecast_html(found: Forecast, title: str) -> str:
    """The report: summary, then a chart with its table for each series."""
    total = found.series[0]
    unit = {"day": "days", "week": "weeks"}[found.freq]
    summary = (
        f"{total.matters:,} matters so far. In the next {found.horizon} {unit} about {total.mean.sum():,.0f} more are expected. "
        f"{backtest_words(total.backtest)}"
    )
    shown = found.series[:MOST_CHARTS]
    body = "".join(_section(found, s) for s in shown)
    more = len(found.series) - len(shown)
    left = f"<p>{more} more series are in the JSON output.</p>" if more else ""
    return page(title, summary, f"{_notes(found.notes)}{body}{left}<p>{escape(METHOD)}</p>")


def page(title: str, summary: str, body: str) -> str:
    """A whole HTML document."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body><main>'
        f"<h1>{escape(title)}</h1><p>{escape(summary)}</p>{body}</main></body></html>"
    )


def _notes(notes: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(n)}</li>' for n in notes)}</ul>" if notes else ""


def _section(found: Forecast, series: Series) -> str:
    past = len(series.recent)
    nothing = np.full(past, np.nan)
    periods = [period_name(found.start - past + i, found.freq) for i in range(past + found.horizon)]
    chart = time_chart(
        f"{series.name}: counts so far and forecast",
        periods,
        np.concatenate([series.recent, np.full(found.horizon, np.nan)]),
        np.concatenate([nothing, series.mean]),
        [
            (np.concatenate([nothing, series.low[k]]), np.concatenate([nothing, series.high[k]]))
            for k in (1, 0)
        ],
    )
    rows = [
        (p, f"{series.mean[h]:.1f}", f"{series.low[0, h]:.0f} to {series.high[0, h]:.0f}",
         f"{series.low[1, h]:.0f} to {series.high[1, h]:.0f}")
        for h, p in enumerate(_periods(found))
    ]  # fmt: skip
    return (
        f"<section><h2>{escape(series.name)}</h2><p>{escape(backtest_words(series.backtest))}</p>{chart}"
        f"{_notes(series.notes)}<details><summary>As a table</summary>"
        f"{table('Forecast', ('period', 'expected', '80 %', '95 %'), rows)}</details></section>"
    )


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that scrolls by itself on a narrow screen; the first column names the row."""
    head = "".join(f'<th scope="col"{" class=n" if i else ""}>{escape(h)}</th>' for i, h in enumerate(heads))
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td class=n>{escape(c)}</td>" for c in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


FOUND = 0.9
RULE = (
    f"An alert is a count whose chance is at most {RISE:g} per series and day, given level, weekday, holidays and time of "
    f"the year, and that survives the control of false discoveries at {FALSE_SHARE:.0%} over all series of the day."
)


def anomalies_json(found: Anomalies) -> dict[str, Any]:
    """The document that `gongzhi anomalies --json` prints."""
    return {
        "freq": found.counts.freq,
        "by": list(found.counts.by),
        "alerts": [alert_json(found, a) for a in found.alerts],
        "series": found.series,
        "series_days": found.series_days,
        "alerts_per_1000_series_days": _rounded(found.per_thousand),
        "detectable": [
            {"name": _name(label), "per_day": _rounded(rate), "threefold_found": _rounded(chance)}
            for label, rate, chance in found.detectable
        ],
        "notes": found.notes,
        "rule": RULE,
    }


def _name(label: tuple[str, ...]) -> str:
    return " / ".join(label) or "total"


def alert_json(found: Anomalies, alert: Alert) -> dict[str, Any]:
    counts = found.counts
    return {
        "name": _name(alert.label),
        "group": dict(zip(counts.by, alert.label, strict=False)),
        "direction": alert.direction,
        "start": counts.moment(alert.first),
        "end": counts.moment(alert.last),
        "at": counts.moment(alert.at),
        "periods": alert.window,
        "count": int(alert.count),
        "expected": _rounded(alert.expected),
        "times": _rounded(alert.count / alert.expected) if alert.expected > 0 else None,
        "chance": float(f"{alert.chance:.3g}"),
        "usual": [int(u) for u in alert.usual],
        "weather": alert.weather,
        "rows": rows_behind(counts, alert),
    }


def alert_words(found: Anomalies, alert: Alert) -> str:
    """An alert in one sentence."""
    unit = {"day": "day", "hour": "hour"}[found.counts.freq]
    over = f"in one {unit}" if alert.window == 1 else f"in {alert.window} {unit}s"
    before = ", ".join(f"{u:g}" for u in alert.usual)
    return (
        f"{_name(alert.label)}: {alert.count:g} {over} up to {found.counts.moment(alert.at)}, "
        f"expected {alert.expected:.1f} (chance {alert.chance:.1g}); the weeks before: {before or 'nothing'}"
    )


def anomalies_words(found: Anomalies) -> str:
    """How much was watched and what can be seen, in two sentences."""
    able = sum(chance >= FOUND for _, _, chance in found.detectable)
    return (
        f"{len(found.alerts)} alerts in {found.series_days:,.0f} series-days ({found.per_thousand:.2f} per 1,000). "
        f"A threefold rise over two days would be found with at least {FOUND:.0%} in {able} of {found.series} series; "
        "the others have too few matters a day for that."
    )


def anomalies_html(found: Anomalies, title: str) -> str:
    """The report: each alert with its evidence and a chart of the quarter around it."""
    counts = found.counts
    sections = []
    for alert in found.alerts[:MOST_CHARTS]:
        depth = len(alert.label)
        rows = [i for i, label in enumerate(counts.labels) if label[:depth] == alert.label]
        begin, stop = max(0, alert.at - 75), min(counts.periods, alert.at + 15)
        values = np.where(counts.known[rows], counts.values[rows], np.nan)
        shown = np.where(np.isnan(values).all(axis=0), np.nan, np.nansum(values, axis=0))[begin:stop]
        nothing = np.full(stop - begin, np.nan)
        chart = time_chart(
            alert_words(found, alert),
            [counts.moment(i) for i in range(begin, stop)],
            shown,
            nothing,
            [],
            [alert.at - begin],
        )
        behind = ", ".join(map(str, rows_behind(counts, alert)))
        sections.append(
            f"<section><h2>{escape(_name(alert.label))}, {counts.moment(alert.first)}</h2>"
            f"<p>{escape(alert_words(found, alert))}</p>{chart}<p>Rows of the file: {escape(behind)}</p></section>"
        )
    able = [(_name(label), f"{rate:.2f}", f"{chance:.0%}") for label, rate, chance in found.detectable[:200]]
    body = (
        f"{_notes(found.notes)}{''.join(sections) or '<p>No alert.</p>'}<p>{escape(RULE)}</p>"
        f"{table('What would be found', ('series', 'matters a day', 'threefold rise found'), able)}"
    )
    return page(title, anomalies_words(found), body)
