"""Tariffs in the project's own format: a page of YAML that a clerk can read (see tariff.schema.json).

A tier holds the volume above `from` up to and including `to`; one tier begins where the one before
it ends. A bill is fixed charge + volume at its prices + surcharges, with tax, at least the minimum.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np

from gongzhi.improvement.documents import DocumentInvalid, Node, read
from gongzhi.improvement.tariffs import exact, units
from gongzhi.improvement.tariffs.exact import Exact, Number
from gongzhi.improvement.tariffs.inputs import CannotBill, Inputs
from gongzhi.improvement.tariffs.owrs import key_of
from gongzhi.improvement.tariffs.tiers import tiered

SCHEMA = Path(__file__).parent / "tariff.schema.json"
METER_SIZE, HOUSEHOLDS = "meter_size", "households"


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


@dataclass(slots=True)
class Schedule:
    """One tariff. See `inputs.Tariff` for the attributes."""

    path: Path
    name: str
    unit: str
    period: str | None
    effective: str
    currency: str
    step: Fraction
    rounding: str
    seasons: dict[str, list[int]]
    rates: dict[str, Node]
    kind: str = "gongzhi"
    rule: str = "a tier holds the volume above `from` up to and including `to`"

    def classes(self) -> list[str]:
        return list(self.rates)

    def class_of(self, word: str) -> str | None:
        wanted = _plain(word)
        for name, rates in self.rates.items():
            also = rates.get("matches")
            if wanted == _plain(name) or (also and wanted in {_plain(str(n.value)) for n in also.value}):
                return name
        return None

    def needs(self) -> tuple[set[str], set[str]]:
        numbers = {str(n.value) for r in self.rates.values() if (n := r.get(HOUSEHOLDS))}
        words = {
            _column(r, METER_SIZE) for r in self.rates.values() if (f := r.get("fixed")) and f.kind == "map"
        }
        return numbers, words

    def charge(self, name: str, inputs: Inputs) -> Exact:
        rates = self.rates[name]
        volume = self._volume_charge(name, rates, inputs)
        due: Number = exact.add(volume, self._fixed(rates, inputs))
        for _, price in (rates.get("surcharges") or Node({}, 0, "map")).items():
            due = exact.add(due, exact.multiply(inputs.usage, _amount(price)))
        if tax := rates.get("tax_percent"):
            due = exact.multiply(due, 1 + _amount(tax) / 100)
        if minimum := rates.get("minimum"):
            due = exact.larger(due, _amount(minimum))
        return exact.full(due, inputs.rows)

    def _volume_charge(self, name: str, rates: Node, inputs: Inputs) -> Number:
        by_season = rates.get("by_season")
        households = self._households(rates, inputs)
        if by_season is None:
            return _priced(rates, inputs.usage, households)
        if inputs.month is None:
            raise CannotBill(f"{name} has prices by season, and the data have no date")
        due: Number = Exact(np.zeros(inputs.rows, np.int64), 1)
        placed = np.zeros(inputs.rows, bool)
        for season, prices in by_season.items():
            now = np.isin(inputs.month, self.seasons[season])
            placed |= now
            at = Exact(now.astype(np.int64), 1)
            due = exact.add(due, exact.multiply(at, _priced(prices, inputs.usage, households)))
        inputs.refuse("no date, and prices differ by season", ~placed)
        return due

    def _households(self, rates: Node, inputs: Inputs) -> Number:
        node = rates.get(HOUSEHOLDS)
        if node is None:
            return Fraction(1)
        found = inputs.numbers.get(str(node.value))
        if found is None:
            raise CannotBill(f"tiers hold per household, and the data have no column {node.value}")
        if isinstance(found, Exact):
            inputs.refuse(f"{node.value} is not above zero", found.numerators <= 0)
        return found

    def _fixed(self, rates: Node, inputs: Inputs) -> Number:
        node = rates.get("fixed")
        if node is None:
            return Fraction(0)
        if node.kind != "map":
            return _amount(node)
        column = _column(rates, METER_SIZE)
        sizes = inputs.words.get(column)
        if sizes is None:
            raise CannotBill(f"the fixed charge depends on {column}, which the data do not give")
        table = {key_of(size): _amount(amount) for size, amount in node.items()}
        if isinstance(sizes, str):
            if key_of(sizes) not in table:
                raise CannotBill(f"the tariff has no fixed charge for {column}={sizes}")
            return table[key_of(sizes)]
        amounts = [table.get(key_of(word)) for word in sizes.names]
        for code, amount in enumerate(amounts):
            if amount is None:
                reason = f"the tariff has no fixed charge for {column}={sizes.names[code]}"
                inputs.refuse(reason, sizes.of_row == code)
        inputs.refuse(f"{column} is empty", sizes.of_row < 0)
        shared = 10**12
        rows = [int((a or Fraction(0)) * shared) for a in amounts]
        return exact.column(np.array([*rows, 0], np.int64)[sizes.of_row], 12)


def load(path: Path, document: Node | None = None) -> Schedule:
    """Read a tariff and check it.

    Raises:
        DocumentInvalid: against the schema, or tiers that overlap or leave a gap; names the line.
    """
    document = document or read(path)
    for node in _all(document):
        if node.kind == "twice":
            raise DocumentInvalid(path, node.line, node.value)
    for error in _validator().iter_errors(document.plain()):
        raise _against_schema(path, document, error)
    said = dict(document.items())
    unit = units.unit(str(said["unit"].value))
    if unit is None:
        raise DocumentInvalid(path, said["unit"].line, f"unknown unit {said['unit'].value!r}")
    period = units.period(str(said["period"].value)) if "period" in said else None
    if "period" in said and period is None:
        raise DocumentInvalid(path, said["period"].line, f"unknown period {said['period'].value!r}")
    seasons = _seasons(path, said.get("seasons"))
    classes = dict(said["classes"].items())
    for name, rates in classes.items():
        for prices in (rates, *(p for _, p in (rates.get("by_season") or Node({}, 0, "map")).items())):
            _check_tiers(path, name, prices.get("tiers"))
        by_season = rates.get("by_season")
        if by_season is not None and set(dict(by_season.items())) != set(seasons):
            names = ", ".join(seasons) or "none are defined"
            raise DocumentInvalid(path, by_season.line, f"{name}: needs prices for every season ({names})")
    rounding = said.get("rounding")
    to, mode = (rounding.get("to"), rounding.get("mode")) if rounding else (None, None)
    return Schedule(
        path=path,
        name=str(said["name"].value),
        unit=unit,
        period=period,
        effective=str(said["effective"].value) if "effective" in said else "",
        currency=str(said["currency"].value) if "currency" in said else "CNY",
        step=_amount(to) if to else Fraction(1, 100),
        rounding=str(mode.value) if mode else "half_up",
        seasons=seasons,
        rates=classes,
    )


def _all(node: Node) -> Iterator[Node]:
    yield node
    if node.kind in ("map", "list"):
        for inner in node.value.values() if node.kind == "map" else node.value:
            yield from _all(inner)


def _against_schema(path: Path, document: Node, error: Any) -> DocumentInvalid:
    node, at = document, []
    for step in error.instance_path:
        inner = node.value[step] if node.kind == "list" else node.get(str(step))
        if inner is None:
            break
        node = inner
        at.append(str(step))
    message = str(error.message)
    if isinstance(node.value, str) and (value := node.number()) is not None and value < 0:
        message = f"negative: {node.value}"
    return DocumentInvalid(path, node.line, f"{'.'.join(at) or 'the file'}: {message[:200]}")


def _seasons(path: Path, node: Node | None) -> dict[str, list[int]]:
    seasons: dict[str, list[int]] = {}
    of_month: dict[int, str] = {}
    for name, months in node.items() if node else ():
        seasons[name] = [int(m.value) for m in months.value]
        for month in months.value:
            if int(month.value) in of_month:
                other = of_month[int(month.value)]
                raise DocumentInvalid(path, month.line, f"month {month.value} is in {other} and in {name}")
            of_month[int(month.value)] = name
    if node and len(of_month) < 12:
        absent = ", ".join(str(m) for m in range(1, 13) if m not in of_month)
        raise DocumentInvalid(path, node.line, f"no season holds month {absent}")
    return seasons


def _check_tiers(path: Path, name: str, tiers: Node | None) -> None:
    if tiers is None:
        return
    end: Fraction | None = Fraction(0)
    for place, tier in enumerate(tiers.value, 1):
        start, stop = _amount(tier.get("from")), tier.get("to")
        if end is None:
            raise DocumentInvalid(path, tier.line, f"{name}: tier {place} follows a tier without an end")
        if start < end:
            said = f"{name}: tiers overlap: tier {place} starts at {float(start):g}, before {float(end):g}"
            raise DocumentInvalid(path, tier.line, said)
        if start > end:
            said = f"{name}: a gap between {float(end):g} and {float(start):g} has no price"
            raise DocumentInvalid(path, tier.line, said)
        end = _amount(stop) if stop else None
        if end is not None and end <= start:
            raise DocumentInvalid(path, tier.line, f"{name}: tier {place} ends where or before it begins")
    if end is not None:
        raise DocumentInvalid(
            path,
            tiers.value[-1].line,
            f"{name}: no price above {float(end):g}; leave out `to` of the last tier",
        )


def _priced(prices: Node, usage: Exact, households: Number) -> Number:
    flat, tiers = prices.get("price"), prices.get("tiers")
    if flat is not None:
        return exact.multiply(usage, _amount(flat))
    assert tiers is not None  # noqa: S101
    limits = [exact.multiply(households, _amount(t.get("from"))) for t in tiers.value[1:]]
    return tiered(usage, limits, [_amount(t.get("price")) for t in tiers.value])


def _amount(node: Node | None) -> Fraction:
    found = node.number() if node is not None else None
    assert found is not None  # the schema asks for a number  # noqa: S101
    return found


def _column(rates: Node, name: str) -> str:
    said = rates.get(name)
    return str(said.value) if said else name


def _plain(word: str) -> str:
    return re.sub(r"[\s_-]", "", word.lower())
