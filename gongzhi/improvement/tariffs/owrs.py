"""Tariffs in the Open Water Rate Specification (OWRS), as the RateParser of its authors reads them.

A class is a set of named fields. A field is a number, a formula over fields and columns, a table by
the value of columns (`depends_on`, `values`), a list of tiers, or one of the words Tiered and Budget.
`bill` is the amount due. `usage_ccf` is the volume in the file's `bill_unit`, whatever its name says.

A tier's start names its first whole unit: with starts 0 and 15 the first 14 units have the first
price and the 15th the second. Budget tiers start at a share of the budget ("100%"), at a field
("indoor") or at a number, rounded up to the next whole unit first.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from gongzhi.improvement.documents import DocumentInvalid, Node, number, read
from gongzhi.improvement.tariffs import exact, units
from gongzhi.improvement.tariffs.exact import Exact, Number
from gongzhi.improvement.tariffs.inputs import CannotBill, Inputs, Rows
from gongzhi.improvement.tariffs.tiers import tiered
from gongzhi.lake.tables import Codes

USAGE = "usage_ccf"
RATE_TYPES = ("tiered", "budget")
DERIVED = {"month", "usage_month"}
"""Columns that the date of a bill gives when the data have none of that name."""
_FRACTION = re.compile(r"(\d+)[|_\s-]+(\d+/\d+)")
_LONGEST_FORMULA = 2000
_DEEPEST = 60


def key_of(word: str) -> str:
    """A value as it is compared: 1|1/2", 1_1/2" and 1 1/2" are one size, case and spaces do not count."""
    plain = _FRACTION.sub(r"\1 \2", word.strip().lower().replace("”", '"').replace("''", '"'))
    return re.sub(r"\s*\|\s*", "|", re.sub(r"\s+", " ", plain)).replace('.0"', '"')


@dataclass(frozen=True, slots=True)
class _ByRow:
    """Lists of tiers that differ by row: `of_row` (n,) index into `lists`, -1 where there is none."""

    of_row: Rows
    lists: list[Node]


@dataclass(slots=True)
class Owrs:
    """One OWRS file. See `inputs.Tariff` for the attributes."""

    path: Path
    name: str
    unit: str
    period: str | None
    effective: str
    structure: dict[str, Node]
    kind: str = "owrs"
    currency: str = "USD"
    step: Fraction = Fraction(1, 100)
    rounding: str = "half_up"
    rule: str = "a tier's start names the first whole unit at its price"

    def classes(self) -> list[str]:
        return list(self.structure)

    def class_of(self, word: str) -> str | None:
        plain = {re.sub(r"[\s_-]", "", c.lower()): c for c in self.structure}
        return plain.get(re.sub(r"[\s_-]", "", word.lower()))

    def needs(self) -> tuple[set[str], set[str]]:
        numbers: set[str] = set()
        words: set[str] = set()
        for name, fields in self.structure.items():
            try:
                found = _Class(self.path, name, fields, None).needs()
            except DocumentInvalid:
                continue  # said when a bill of the class is asked for
            numbers |= found[0]
            words |= found[1]
        return numbers, words

    def charge(self, name: str, inputs: Inputs) -> Exact:
        return _Class(self.path, name, self.structure[name], inputs).bill()


def load(path: Path, document: Node | None = None) -> Owrs:
    """Read an OWRS file.

    Raises:
        DocumentInvalid: not YAML, or without the parts that every tariff has.
    """
    document = document or read(path)
    structure, metadata = document.get("rate_structure"), document.get("metadata")
    if structure is not None and structure.kind == "twice":
        raise DocumentInvalid(path, structure.line, structure.value)
    if structure is None or structure.kind != "map" or not structure.value:
        raise DocumentInvalid(path, document.line, "no rate_structure with classes of customers")
    for name, fields in structure.items():
        if fields.kind == "twice":
            raise DocumentInvalid(path, fields.line, f"{name}: {fields.value}")
        if fields.kind != "map":
            raise DocumentInvalid(
                path, fields.line, f"{name}: expected fields such as bill and service_charge"
            )
    said = dict(metadata.items()) if metadata is not None and metadata.kind == "map" else {}
    unit = "ccf"
    if "bill_unit" in said and (found := units.unit(str(said["bill_unit"].value))) is None:
        raise DocumentInvalid(path, said["bill_unit"].line, f"unknown bill_unit {said['bill_unit'].value!r}")
    if "bill_unit" in said:
        unit = str(found)
    frequency = said.get("bill_frequency")
    period = units.period(str(frequency.value)) if frequency else None
    if frequency and period is None:
        raise DocumentInvalid(path, frequency.line, f"unknown bill_frequency {frequency.value!r}")
    return Owrs(
        path=path,
        name=str(said["utility_name"].value) if "utility_name" in said else path.stem,
        unit=unit,
        period=period,
        effective=str(said["effective_date"].value) if "effective_date" in said else "",
        structure=dict(structure.items()),
    )


class _Class:
    """One class of customers, evaluated for its rows; without rows only asked what it needs."""

    def __init__(self, path: Path, name: str, fields: Node, inputs: Inputs | None) -> None:
        self.path, self.name, self.fields, self.inputs = path, name, fields, inputs
        self.known: dict[str, Number] = {}
        self.open: list[str] = []

    def wrong(self, node: Node, message: str) -> DocumentInvalid:
        return DocumentInvalid(self.path, node.line, f"{self.name}: {message}")

    @staticmethod
    def like(fields: Node, name: str, beside: str = "") -> str | None:
        """The field meant by a name: itself, with the suffix of the field that uses it, or in other case."""
        suffix = beside.rsplit("_", 1)[-1]
        wanted = [name, *([f"{name}_{suffix}"] if suffix else []), f"{name}_commodity"]
        lower = {key.lower(): key for key, _ in fields.items()}
        return next((lower[w.lower()] for w in wanted if w.lower() in lower), None)

    # What it needs

    def needs(self) -> tuple[set[str], set[str]]:
        """Names outside the file that reachable fields use: as numbers, and as words in tables."""
        numbers: set[str] = set()
        words: set[str] = set()
        seen: set[str] = set()
        waiting = [self.like(self.fields, "bill") or "bill"]
        while waiting:
            field = waiting.pop()
            if field in seen:
                continue
            seen.add(field)
            node = self.fields.get(field)
            if node is None:
                continue
            for name, as_word in self._uses(field, node):
                meant = self.like(self.fields, name, field)
                if meant is not None:
                    waiting.append(meant)
                    if meant == name and not as_word:
                        numbers.add(name)  # the data may say it better than the file's constant
                elif as_word:
                    words.add(name)
                elif name != USAGE:
                    numbers.add(name)
        constant = {n for n in numbers if (f := self.fields.get(n)) is not None and f.number() is None}
        charges = {n for n in numbers if n.endswith(("charge", "surcharge")) or n == "bill"}
        return numbers - constant - (charges & set(dict(self.fields.items()))), words

    def _uses(self, field: str, node: Node) -> Iterator[tuple[str, bool]]:
        if node.kind == "map":
            depends = node.get("depends_on")
            for name in _names(depends):
                yield name, len(dict(node.items())) <= 2
            values = node.get("values")
            parts = [v for _, v in values.items()] if values is not None and values.kind == "map" else []
            parts += values.value if values is not None and values.kind == "list" else []
            for part in parts:
                yield from self._uses(field, part)
        elif node.kind == "list":
            for part in node.value:
                yield from self._uses(field, part)
        elif node.kind == "text" and node.value.lower() in RATE_TYPES:
            for name in (
                *self._tier_fields(field, node),
                *(["budget"] if node.value.lower() == "budget" else []),
            ):
                yield name, False
        elif node.kind == "text" and not node.value.endswith("%"):
            for inner in ast.walk(self._parsed(node)):
                if isinstance(inner, ast.Name):
                    yield inner.id, False

    # Values

    def bill(self) -> Exact:
        assert self.inputs is not None  # noqa: S101
        if self.like(self.fields, "bill") is None:
            raise self.wrong(self.fields, "no field 'bill' says what is due")
        return exact.full(self.value("bill", self.fields), self.inputs.rows)

    def value(self, name: str, asked_by: Node, beside: str = "") -> Number:
        """A field, a column of the data, or an assumption, by name."""
        assert self.inputs is not None  # noqa: S101
        if name.lower() == USAGE:
            return self.inputs.usage
        field = self.like(self.fields, name, beside)
        node = self.fields.get(field) if field is not None else None
        if name in self.inputs.numbers and (node is None or node.number() is not None):
            return self.inputs.numbers[name]
        if field is None or node is None:
            if name in DERIVED and self.inputs.month is not None:
                return Exact(self.inputs.month.astype(np.int64), 1)
            raise CannotBill(f"needs {name}, which neither the data nor the tariff give")
        if field in self.known:
            return self.known[field]
        if field in self.open:
            raise self.wrong(asked_by, f"{field} is defined by itself ({' → '.join([*self.open, field])})")
        if len(self.open) > _DEEPEST:
            raise self.wrong(asked_by, "fields are nested too deep")
        self.open.append(field)
        found = self._evaluate(field, node)
        self.open.pop()
        self.known[field] = found
        return found

    def _evaluate(self, field: str, node: Node) -> Number:
        if node.kind == "twice":
            raise self.wrong(node, str(node.value))
        if node.kind == "map":
            return self._table(field, node)
        if node.kind == "list":
            if len(node.value) == 1:
                return self._evaluate(field, node.value[0])
            raise self.wrong(node, f"{field} is a list where one value is expected")
        if node.kind == "text" and node.value.lower() in RATE_TYPES:
            return self._tiered(field, node)
        if node.kind == "empty":
            raise self.wrong(node, f"{field} is empty")
        if (plain := node.number()) is not None:
            if plain < 0 and ("rate" in field or "price" in field):
                raise self.wrong(node, f"negative price {node.value} in {field}")
            return plain
        return self._formula(node, self._parsed(node).body, field)

    def _parsed(self, node: Node) -> ast.Expression:
        if len(node.value) > _LONGEST_FORMULA:
            raise self.wrong(node, "a formula this long is not a tariff")
        try:
            return ast.parse(str(node.value).strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self.wrong(node, f"not a formula: {node.value[:80]!r}") from None

    def _formula(self, node: Node, part: ast.expr, field: str, depth: int = 0) -> Number:
        if depth > _DEEPEST:
            raise self.wrong(node, "a formula this deep is not a tariff")
        if isinstance(part, ast.Name):
            return self.value(part.id, node, field)
        if isinstance(part, ast.Constant):
            written = number(ast.get_source_segment(node.value.strip(), part) or "")
            if written is not None:
                return written
        if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub | ast.UAdd):
            inner = self._formula(node, part.operand, field, depth + 1)
            return exact.negative(inner) if isinstance(part.op, ast.USub) else inner
        if isinstance(part, ast.BinOp):
            rule = {
                ast.Add: exact.add,
                ast.Sub: exact.subtract,
                ast.Mult: exact.multiply,
                ast.Div: exact.divide,
            }
            if (apply := rule.get(type(part.op))) is not None:
                left = self._formula(node, part.left, field, depth + 1)
                right = self._formula(node, part.right, field, depth + 1)
                try:
                    return apply(left, right)
                except ZeroDivisionError:
                    raise self.wrong(node, f"division by zero in {node.value!r}") from None
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in ("min", "max"):
            values = [self._formula(node, a, field, depth + 1) for a in part.args]
            pick = exact.larger if part.func.id == "max" else exact.smaller
            found = values[0]
            for other in values[1:]:
                found = pick(found, other)
            return found
        raise self.wrong(node, f"not understood in the formula {node.value!r}: {ast.unparse(part)!r}")

    # Tables by the value of columns

    def _table(self, field: str, node: Node) -> Number:
        assert self.inputs is not None  # noqa: S101
        steps = [key for key, _ in node.items() if key not in ("depends_on", "values")]
        if steps:
            return self._steps(field, node, steps)
        of_row, values = self._groups(field, node)
        found = [self._evaluate(field, v) for v in values]
        if len(found) == 1 and (of_row >= 0).all():
            return found[0]
        if not found:
            return Exact(np.zeros(self.inputs.rows, np.int64), 1)
        shared = math.lcm(*(value.denominator for value in found))
        if all(isinstance(v, Fraction) for v in found):
            rows = [int(v.numerator) * (shared // v.denominator) for v in found if isinstance(v, Fraction)]
            kind = np.int64 if max(map(abs, rows)) < exact.ROOM else object
            return Exact(np.array([*rows, 0], kind)[of_row], shared)
        result = Exact(np.zeros(self.inputs.rows, np.int64), 1)
        for index, value in enumerate(found):
            chosen = Exact((of_row == index).astype(np.int64), 1)
            added = exact.add(result, exact.multiply(chosen, value))
            result = exact.full(added, self.inputs.rows)
        return result

    def _groups(self, field: str, node: Node) -> tuple[Rows, list[Node]]:
        """Which value of a table holds for each row; rows without one are refused."""
        assert self.inputs is not None  # noqa: S101
        depends, values = node.get("depends_on"), node.get("values")
        names = _names(depends)
        if not names or values is None:
            raise self.wrong(node, f"{field}: depends_on and values belong together")
        pairs: list[tuple[str, Node]] = list(values.items())
        if values.kind == "list":
            pairs = [pair for part in values.value for pair in part.items()]
        if not pairs:
            raise self.wrong(values, f"{field}: values must name each value of {', '.join(names)}")
        table: dict[str, Node] = {}
        for key, value in pairs:
            if key_of(key).count("|") != len(names) - 1:
                raise self.wrong(value, f"{field}: {key!r} does not name {' and '.join(names)}")
            table[key_of(key)] = value
        numbers = {key: i for i, key in enumerate(table)}
        columns = [self._words(name, field) for name in names]
        combined: Rows = np.zeros(self.inputs.rows, np.int64)
        for column in columns:
            combined = combined * (len(column.names) + 1) + column.of_row + 1
        distinct, place = np.unique(combined, return_inverse=True)
        of_distinct = np.full(len(distinct), -1, np.int64)
        for at, code in enumerate(distinct.tolist()):
            parts: list[str] = []
            for column in reversed(columns):
                code, own = divmod(code, len(column.names) + 1)
                parts.append(column.names[own - 1] if own else "")
            key = "|".join(key_of(p) for p in reversed(parts))
            of_distinct[at] = numbers.get(key, -1)
            if of_distinct[at] < 0:
                shown = ", ".join(f"{n}={p or 'empty'}" for n, p in zip(names, reversed(parts), strict=True))
                self.inputs.refuse(f"the tariff has no {field} for {shown}", place == at)
        used, narrow = np.unique(of_distinct[of_distinct >= 0], return_inverse=True)
        of_distinct[of_distinct >= 0] = narrow
        every = list(table.values())
        return of_distinct[place], [every[i] for i in used.tolist()]

    def _words(self, name: str, field: str) -> Codes:
        assert self.inputs is not None  # noqa: S101
        found = self.inputs.words.get(name)
        if found is None:
            own = self.fields.get(name)
            if own is not None and own.kind in ("text", "number", "truth"):
                found = str(own.value)
        if found is None and name in DERIVED and self.inputs.month is not None:
            return Codes(self.inputs.month.astype(np.int32) - 1, [str(m) for m in range(1, 13)])
        if found is None:
            raise CannotBill(f"{field} depends on {name}, which the data do not give")
        if isinstance(found, str):
            return Codes(np.zeros(self.inputs.rows, np.int32), [found])
        return found

    def _steps(self, field: str, node: Node, steps: list[str]) -> Number:
        """A table by the size of a number: `values[i]` from the i-th of the starts on."""
        starts, values, names = node.get(steps[0]), node.get("values"), _names(node.get("depends_on"))
        if (
            len(steps) != 1 or len(names) != 1 or starts is None or values is None
            or starts.kind != "list" or values.kind != "list" or len(starts.value) != len(values.value)
        ):  # fmt: skip
            raise self.wrong(node, f"{field}: not understood: {', '.join(steps)}")
        size = self.value(names[0], node, field)
        found = self._evaluate(field, values.value[0])
        for start, value, before in zip(starts.value[1:], values.value[1:], values.value, strict=False):
            limit = start.number()
            if limit is None:
                raise self.wrong(start, f"{field}: a start must be a number")
            more = exact.subtract(self._evaluate(field, value), self._evaluate(field, before))
            found = exact.add(found, exact.multiply(_reached(size, limit), more))
        return found

    # Tiers

    def _tier_fields(self, field: str, node: Node) -> tuple[str, str]:
        stem = field.removesuffix("_charge").removesuffix("_surcharge")
        tails = [f"_{part}" for part in dict.fromkeys([stem, *field.split("_")])]
        for start, price in [
            *((f"tier_starts{t}", f"tier_prices{t}") for t in tails),
            *((f"{t[1:]}_tier_starts", f"{t[1:]}_tier_prices") for t in tails),
            ("tier_starts", "tier_prices"),
            ("tier_starts_commodity", "tier_prices_commodity"),
        ]:
            if self.fields.get(start) is not None and self.fields.get(price) is not None:
                return start, price
        raise self.wrong(node, f"{field} is {node.value}, but there are no tier_starts and tier_prices")

    def _tiered(self, field: str, node: Node) -> Exact:
        assert self.inputs is not None  # noqa: S101
        start_field, price_field = self._tier_fields(field, node)
        starts, prices = self._lists(start_field), self._lists(price_field)
        usage, rows = self.inputs.usage, self.inputs.rows
        pairs = starts.of_row * len(prices.lists) + prices.of_row
        pairs[(starts.of_row < 0) | (prices.of_row < 0)] = -1
        is_budget = node.value.lower() == "budget"
        distinct = np.unique(pairs)
        if len(distinct) == 1 and distinct[0] >= 0:
            return self._one_list(field, starts.lists[0], prices.lists[0], usage, None, is_budget)
        result = Exact(np.zeros(rows, np.int64), 1)
        for pair in distinct.tolist():
            if pair < 0:
                continue
            at = np.flatnonzero(pairs == pair)
            one, two = divmod(pair, len(prices.lists))
            part = self._one_list(field, starts.lists[one], prices.lists[two], usage.take(at), at, is_budget)
            placed = np.zeros(rows, part.numerators.dtype)
            placed[at] = part.numerators
            result = exact.full(exact.add(result, Exact(placed, part.denominator)), rows)
        return result

    def _lists(self, field: str) -> _ByRow:
        assert self.inputs is not None  # noqa: S101
        node = self.fields.get(field)
        assert node is not None  # noqa: S101
        if node.kind == "twice":
            raise self.wrong(node, str(node.value))
        if node.kind == "map":
            of_row, values = self._groups(field, node)
            return _ByRow(of_row, [_as_list(v) for v in values])
        return _ByRow(np.zeros(self.inputs.rows, np.int64), [_as_list(node)])

    def _one_list(
        self, field: str, starts: Node, prices: Node, usage: Exact, at: Rows | None, is_budget: bool
    ) -> Exact:
        """The charge of rows that have the same tiers."""
        if len(starts.value) != len(prices.value):
            raise self.wrong(prices, f"{len(starts.value)} tiers start but {len(prices.value)} have a price")
        cost: list[Number] = []
        for node in prices.value:
            price = self._evaluate(field, node)
            if isinstance(price, Fraction) and price < 0:
                raise self.wrong(node, f"negative price {node.value}")
            cost.append(price.take(at) if isinstance(price, Exact) and at is not None else price)
        limits: list[Number] = []
        before = Fraction(-1)
        for place, node in enumerate(starts.value):
            start = self._start(field, node, place)
            if isinstance(start, Fraction):
                if place == 0 and start > 1:
                    raise self.wrong(node, f"a gap: the first {start - 1} units have no price")
                if start <= before and not is_budget:
                    raise self.wrong(
                        node, f"tiers overlap: tier {place + 1} starts at {float(start):g},"
                        f" tier {place} at {float(before):g}"
                    )  # fmt: skip
                before = start
            if place:
                whole = exact.ceiling(start) if is_budget or isinstance(start, Exact) else start
                limit = exact.subtract(whole, Fraction(1))
                limits.append(limit.take(at) if isinstance(limit, Exact) and at is not None else limit)
        return tiered(usage, limits, cost)

    def _start(self, field: str, node: Node, place: int) -> Number:
        if (plain := node.number()) is not None:
            return plain
        if node.kind == "text" and node.value.endswith("%"):
            share = number(node.value[:-1])
            if share is None or share < 0:
                raise self.wrong(node, f"not a share of the budget: {node.value!r}")
            stem = field.removesuffix("_charge")
            return exact.multiply(self.value("budget", node, f"_{stem}"), share / 100)
        if node.kind != "text":
            raise self.wrong(node, f"not a start of tier {place + 1}")
        return self._formula(node, self._parsed(node).body, field)


def _names(depends: Node | None) -> list[str]:
    if depends is None:
        return []
    return [str(n.value) for n in depends.value] if depends.kind == "list" else [str(depends.value)]


def _as_list(node: Node) -> Node:
    return node if node.kind == "list" else Node([node], node.line, "list")


def _reached(size: Number, limit: Fraction) -> Number:
    """1 where size ≥ limit, else 0."""
    if isinstance(size, Fraction):
        return Fraction(int(size >= limit))
    scaled = size.numerators * limit.denominator >= limit.numerator * size.denominator
    return Exact(scaled.astype(np.int64), 1)


def needed_example(tariff: Owrs, name: str) -> dict[str, Any]:
    """For each table of a class the values that it knows, by column: what data could hold."""
    found: dict[str, Any] = {}
    for _, node in tariff.structure[name].items():
        names = _names(node.get("depends_on"))
        values = node.get("values")
        if values is None or len(dict(node.items())) > 2:
            continue
        pairs = values.items() if values.kind == "map" else (p for v in values.value for p in v.items())
        for key, _value in pairs:
            parts = key_of(key).split("|")
            if len(parts) == len(names):
                for column, part in zip(names, parts, strict=True):
                    found.setdefault(column, {})[part] = None
    return {column: list(parts) for column, parts in found.items()}
