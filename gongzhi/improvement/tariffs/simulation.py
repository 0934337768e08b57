"""Billing every row of a usage file by one or more tariffs, and comparing what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gongzhi.improvement.documents import number
from gongzhi.improvement.tariffs import exact, units
from gongzhi.improvement.tariffs.exact import Exact, Number
from gongzhi.improvement.tariffs.inputs import CannotBill, Inputs, Tariff
from gongzhi.improvement.tariffs.usage import DIGITS, Usage
from gongzhi.lake.tables import HEADING_ROWS, Codes

GROUPS = 10
"""Parts of equal size into which the bills of a class are put by volume."""
SEASONS = ("winter", "winter", "spring", "spring", "spring", "summer", "summer", "summer",
           "autumn", "autumn", "autumn", "winter")  # fmt: skip
"""Season of each month, January first (northern, by whole months)."""
RESPONSE = "volume × (average price after ÷ average price before) ^ elasticity, each bill by itself, once"
AVERAGE_PRICE = "bill ÷ volume, as customers react to average more than to marginal prices (Ito, 2014)"


@dataclass(slots=True)
class Question:
    """How the data are to be read.

    Attributes:
        assume: value of columns that the data lack, the same for every row.
        bill_as: class of the data → class whose prices it pays.
        period: billing period of a row; without it that of the first tariff.
        largest: volumes above it, in the unit of the data, are not billed.
    """

    assume: dict[str, str] = field(default_factory=dict)
    bill_as: dict[str, str] = field(default_factory=dict)
    period: str | None = None
    largest: Fraction | None = None


@dataclass(slots=True)
class Bills:
    """What one tariff asks for.

    Attributes:
        steps: (n,) bills as whole multiples of the tariff's `step`; 0 where not billed.
        billed: (n,) which rows have a bill.
        refused: reason and mask of the rows that have none.
    """

    tariff: Tariff
    steps: NDArray[np.int64]
    billed: NDArray[np.bool_]
    refused: list[tuple[str, str, int]]

    def amount(self, steps: int | float) -> float:
        """An amount of money from a number of steps."""
        return float(Fraction(steps) * self.tariff.step)

    @property
    def revenue(self) -> int:
        """In steps."""
        return exact.total(self.steps)


def bill(tariff: Tariff, usage: Usage, question: Question, volume: Exact | None = None) -> Bills:
    """Bill every row. `volume` replaces the measured volume, in the same unit.

    Raises:
        DocumentInvalid: the tariff contradicts itself in a class that the data use.
    """
    volume = usage.volume if volume is None else volume
    ratio = units.ratio(usage.unit, tariff.unit)
    periods = _periods(tariff, question)
    in_tariff = exact.full(exact.multiply(volume, ratio / periods), usage.rows)
    steps = np.zeros(usage.rows, np.int64)
    billed = np.zeros(usage.rows, bool)
    refused: list[tuple[str, str, int]] = []
    for word, rows in _by_class(usage, question):
        count = usage.rows if rows is None else len(rows)
        wanted = question.bill_as.get(word, word)
        name = tariff.class_of(wanted)
        if name is None and not word and len(tariff.classes()) == 1:
            name = tariff.classes()[0]
        if name is None:
            reason = (
                f"the tariff has no class {wanted}" if wanted
                else "the data have no class; say one with --assume class=…"
            )  # fmt: skip
            refused.append((word, reason, count))
            continue
        inputs = _inputs(usage, question, in_tariff, rows)
        try:
            due = tariff.charge(name, inputs)
        except CannotBill as problem:
            refused.append((word, str(problem), count))
            continue
        due = exact.full(exact.multiply(due, periods), count)
        found = exact.rounded(due, tariff.step, tariff.rounding)
        if question.largest is not None:
            measured = usage.volume if rows is None else usage.volume.take(rows)
            limit = question.largest * measured.denominator
            inputs.refuse(f"above {float(question.largest):g} {usage.unit}", measured.numerators > limit)
        kept = np.ones(count, bool)
        for reason, mask in inputs.refused.items():
            refused.append((word, reason, int(mask.sum())))
            kept &= ~mask
        found[~kept] = 0
        if rows is None:
            steps, billed = found, kept
        else:
            steps[rows], billed[rows] = found, kept
    return Bills(tariff, steps, billed, sorted(refused, key=lambda r: -r[2]))


def _periods(tariff: Tariff, question: Question) -> Fraction:
    """How many billing periods of the tariff one row spans."""
    if question.period is None or tariff.period is None:
        return Fraction(1)
    return units.PERIODS[question.period] / units.PERIODS[tariff.period]


def _by_class(usage: Usage, question: Question) -> list[tuple[str, NDArray[Any] | None]]:
    if usage.classes is None:
        return [(question.assume.get("class", ""), None)]
    of_row, names = usage.classes.of_row, usage.classes.names
    found = [(name, np.flatnonzero(of_row == code)) for code, name in enumerate(names)]
    if (empty := np.flatnonzero(of_row < 0)).size:
        found.append((question.assume.get("class", ""), empty))
    return [(n, r) for n, r in found if r.size]


def _inputs(usage: Usage, question: Question, volume: Exact, rows: NDArray[Any] | None) -> Inputs:
    numbers: dict[str, Number] = {}
    words: dict[str, Codes | str] = {}
    for name, value in question.assume.items():
        words[name] = value
        if (plain := number(value)) is not None:
            numbers[name] = plain
    for name, column in usage.numbers.items():
        numbers[name] = column if rows is None else column.take(rows)
    for name, codes in usage.words.items():
        words[name] = codes if rows is None else Codes(codes.of_row[rows], codes.names)
    month = usage.month if rows is None or usage.month is None else usage.month[rows]
    return Inputs(volume if rows is None else volume.take(rows), month, numbers, words)


def simulate(
    usage: Usage, tariffs: Sequence[Tariff], question: Question, elasticity: float | None = None
) -> dict[str, Any]:
    """Bill by every tariff and compare each with the first; plain data, ready for JSON.

    Raises:
        DocumentInvalid: a tariff contradicts itself.
        ValueError: nothing could be billed, or the tariffs are in different currencies.
    """
    if len({t.currency for t in tariffs}) > 1:
        raise ValueError("tariffs in different currencies cannot be compared")
    notes = list(usage.notes)
    question = replace(question, period=question.period or tariffs[0].period)
    for tariff in tariffs:
        if question.period and tariff.period and question.period != tariff.period:
            notes.append(
                f"{tariff.name} bills {tariff.period}: each row counts as {float(_periods(tariff, question)):g} of"
                " its periods with equal volumes"
            )
    every = [bill(t, usage, question) for t in tariffs]
    for bills in every:
        if not bills.billed.any():
            why = "; ".join(f"{c or 'all'}: {r}" for c, r, _ in bills.refused)
            raise ValueError(f"{bills.tariff.path}: no row can be billed: {why}")
    return {
        "usage": _usage_json(usage, question),
        "tariffs": [_bills_json(usage, question, b) for b in every],
        "comparisons": [_comparison(usage, question, every[0], b, elasticity) for b in every[1:]],
        "notes": notes + _notes(every),
    }


def _notes(every: list[Bills]) -> list[str]:
    return [
        f"{b.tariff.name}: {rows} bills of {name or 'no class'} are not computed: {reason}"
        for b in every
        for name, reason, rows in b.refused
    ]


def _usage_json(usage: Usage, question: Question) -> dict[str, Any]:
    return {
        "file": str(usage.path),
        "bills": usage.rows,
        "customers": usage.customers,
        "unit": usage.unit,
        "period": question.period,
        "volume": float(Fraction(exact.total(usage.volume.numerators), usage.volume.denominator)),
        "columns": usage.columns,
        "assumed": question.assume,
        "billed_as": question.bill_as,
    }


def _bills_json(usage: Usage, question: Question, bills: Bills) -> dict[str, Any]:
    tariff, kept = bills.tariff, bills.billed
    without_use = bill(tariff, usage, question, Exact(np.zeros(usage.rows, np.int64), 1))
    fixed = exact.total(without_use.steps[kept])
    ordered = np.sort(bills.steps[kept])
    return {
        "file": str(tariff.path),
        "name": tariff.name,
        "format": tariff.kind,
        "effective": tariff.effective,
        "currency": tariff.currency,
        "unit": tariff.unit,
        "period": tariff.period,
        "rule": tariff.rule,
        "rounding": f"each bill once, {tariff.rounding}, to {float(tariff.step):g}",
        "billed": int(kept.sum()),
        "not_billed": [{"class": c, "rows": n, "reason": r} for c, r, n in bills.refused],
        "revenue": bills.amount(bills.revenue),
        "revenue_without_use": bills.amount(fixed),
        "revenue_by_class": {
            name: bills.amount(exact.total(bills.steps[at])) if bills.billed[at].any() else None
            for name, rows in _by_class(usage, question)
            for at in [slice(None) if rows is None else rows]
        },
        "bill": {
            "mean": round(bills.amount(bills.revenue) / len(ordered), 4),
            **{
                k: bills.amount(int(ordered[int(q * (len(ordered) - 1))]))
                for k, q in (
                    ("smallest", 0),
                    ("tenth", 0.1),
                    ("median", 0.5),
                    ("ninetieth", 0.9),
                    ("largest", 1),
                )
            },
        },  # fmt: skip
        "fairness": _fairness(usage, question, bills),
        "agreement": _agreement(usage, bills),
    }


def _agreement(usage: Usage, bills: Bills) -> dict[str, Any] | None:
    """How the computed bills compare with those that the data hold."""
    if usage.billed is None:
        return None
    kept = np.flatnonzero(bills.billed)
    said = exact.rounded(usage.billed, bills.tariff.step)
    apart = np.abs(bills.steps[kept] - said[kept])
    worst = int(kept[np.argmax(apart)])
    return {
        "equal": int((apart == 0).sum()),
        "of": len(kept),
        "largest_difference": bills.amount(int(apart.max())),
        "at_row": worst + HEADING_ROWS,
    }


def _deciles(usage: Usage, question: Question, kept: NDArray[np.bool_]) -> NDArray[np.int8]:
    """(n,) 1 for the bills with the smallest volumes of their class to 10; 0 where not billed."""
    decile = np.zeros(usage.rows, np.int8)
    volume = usage.volume.numerators
    for _, rows in _by_class(usage, question):
        of_class = np.flatnonzero(kept) if rows is None else rows[kept[rows]]
        if of_class.size:
            limits = np.quantile(volume[of_class].astype(float), np.arange(1, GROUPS) / GROUPS)
            decile[of_class] = np.searchsorted(limits, volume[of_class].astype(float), side="left") + 1
    return decile


def _fairness(usage: Usage, question: Question, bills: Bills) -> dict[str, Any]:
    decile = _deciles(usage, question, bills.billed)
    volume = usage.volume.numerators.astype(float) / usage.volume.denominator
    money = bills.steps * float(bills.tariff.step)
    used = np.bincount(decile, volume, GROUPS + 1)[1:]
    paid = np.bincount(decile, money, GROUPS + 1)[1:]
    prices = [round(float(p / u), 4) if u > 0 else None for p, u in zip(paid, used, strict=True)]
    known = [p for p in prices if p is not None]
    return {
        "gini_of_bills": _gini(np.asarray(money[bills.billed], np.float64)),
        "gini_of_volume": _gini(np.asarray(volume[bills.billed], np.float64)),
        "average_price_by_decile": prices,
        "lowest_to_highest_price": round(known[0] / known[-1], 4) if len(known) > 1 and known[-1] else None,
        "share_of_revenue_by_decile": [round(float(p / max(paid.sum(), 1e-9)), 4) for p in paid],
        "share_of_volume_by_decile": [round(float(u / max(used.sum(), 1e-9)), 4) for u in used],
    }


def _gini(values: NDArray[np.float64]) -> float | None:
    """0 where all are equal, towards 1 where one has everything."""
    ordered = np.sort(values)
    whole = float(ordered.sum())
    if whole <= 0:
        return None
    n = len(ordered)
    return round(float((2 * np.arange(1, n + 1) - n - 1) @ ordered) / (n * whole), 4)


def _comparison(
    usage: Usage, question: Question, before: Bills, after: Bills, elasticity: float | None
) -> dict[str, Any]:
    both = before.billed & after.billed
    was = before.steps * before.tariff.step.numerator * after.tariff.step.denominator
    will = after.steps * after.tariff.step.numerator * before.tariff.step.denominator
    step = Fraction(1, before.tariff.step.denominator * after.tariff.step.denominator)
    groups: dict[str, Any] = {
        "class": [
            _group(name or "all", rows, was, will, step) for name, rows in _of_group(usage.classes, both)
        ],
        "volume_decile_in_class": [
            _group(str(d), np.flatnonzero(both & (decile == d)), was, will, step)
            for decile in [_deciles(usage, question, both)]
            for d in range(1, GROUPS + 1)
        ],
    }
    if usage.month is not None:
        season = np.array(["", *SEASONS])[usage.month]
        groups["season"] = [
            _group(name, np.flatnonzero(both & (season == name)), was, will, step)
            for name in ("spring", "summer", "autumn", "winter")
        ]
    whole = _group("all", np.flatnonzero(both), was, will, step)
    result = {"from": before.tariff.name, "to": after.tariff.name, "bills_in_both": int(both.sum()), **whole}
    result.pop("group")
    result["groups"] = {k: [g for g in v if g["bills"]] for k, v in groups.items()}
    result["response"] = (
        _response(usage, question, before, after, both, elasticity) if elasticity is not None else None
    )
    return result


def _of_group(classes: Codes | None, both: NDArray[np.bool_]) -> list[tuple[str, NDArray[Any]]]:
    if classes is None:
        return [("", np.flatnonzero(both))]
    return [(name, np.flatnonzero(both & (classes.of_row == c))) for c, name in enumerate(classes.names)]


def _group(
    name: str, rows: NDArray[Any], was: NDArray[np.int64], will: NDArray[np.int64], step: Fraction
) -> dict[str, Any]:
    change = will[rows] - was[rows]
    before, after = exact.total(was[rows]), exact.total(will[rows])
    n = max(len(rows), 1)
    return {
        "group": name,
        "bills": len(rows),
        "revenue_before": float(before * step),
        "revenue_after": float(after * step),
        "change_percent": round((after - before) / before * 100, 3) if before else None,
        "mean_change": round(float((after - before) * step) / n, 4),
        "median_change": float(Fraction(float(np.median(change))) * step) if len(rows) else 0.0,
        "pay_more": int((change > 0).sum()),
        "pay_less": int((change < 0).sum()),
        "pay_same": int((change == 0).sum()),
        "more_than_a_fifth_up": int((change * 5 > was[rows]).sum()),
    }


def _response(
    usage: Usage, question: Question, before: Bills, after: Bills, both: NDArray[np.bool_], elasticity: float
) -> dict[str, Any]:
    """What customers use and pay once they have reacted to the new prices."""
    was = before.steps * float(before.tariff.step)
    will = after.steps * float(after.tariff.step)
    moved = both & (was > 0) & (will > 0)
    factor = np.ones(usage.rows)
    factor[moved] = (will[moved] / was[moved]) ** elasticity
    volume = usage.volume.numerators.astype(float) / usage.volume.denominator
    reacted = exact.column(np.rint(volume * factor * 10**DIGITS).astype(np.int64), DIGITS)
    bills = bill(after.tariff, usage, question, reacted)
    then = reacted.numerators.astype(float) / reacted.denominator
    used_before, used_after = float(volume[both].sum()), float(then[both].sum())
    first = before.amount(exact.total(before.steps[both]))
    revenue = bills.amount(exact.total(bills.steps[both]))
    by_class = {
        name or "all": round(float(then[rows].sum() / max(volume[rows].sum(), 1e-9) - 1) * 100, 3)
        for name, rows in _of_group(usage.classes, both)
        if rows.size
    }
    return {
        "elasticity": elasticity,
        "rule": RESPONSE,
        "average_price": AVERAGE_PRICE,
        "volume_before": round(used_before, 6),
        "volume_after": round(used_after, 6),
        "volume_change_percent": round((used_after / used_before - 1) * 100, 3) if used_before else None,
        "volume_change_percent_by_class": by_class,
        "revenue_after": revenue,
        "revenue_change_percent": round((revenue / first - 1) * 100, 3) if first else None,
    }


def bills_table(usage: Usage, every: Mapping[str, Bills]) -> list[list[str]]:
    """A row a bill with its volume and what each tariff asks, for a CSV file."""
    rows = [["row", "class", f"volume_{usage.unit}", *every]]
    names = usage.classes.names if usage.classes else []
    for at in range(usage.rows):
        code = int(usage.classes.of_row[at]) if usage.classes else -1
        amounts = [_decimal(int(b.steps[at]), b.tariff.step) if b.billed[at] else "" for b in every.values()]
        volume = f"{float(usage.volume.fractions_at(at)):.{DIGITS}f}".rstrip("0").rstrip(".")
        rows.append([str(at + HEADING_ROWS), names[code] if code >= 0 else "", volume, *amounts])
    return rows


def _decimal(steps: int, step: Fraction) -> str:
    scaled = steps * step
    digits = len(str(step.denominator)) - 1 if set(str(step.denominator)) <= {"1", "0"} else 6
    return f"{float(scaled):.{digits}f}"
