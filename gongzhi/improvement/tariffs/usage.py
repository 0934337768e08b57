"""Meter readings and bills from a file: columns found by what their names mean, or named by options."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gongzhi.improvement.tariffs import exact, units
from gongzhi.improvement.tariffs.exact import Exact
from gongzhi.lake.tables import HEADING_ROWS, Codes, TableInvalid, column_names, open_table

DIGITS = 6
"""Decimals of a volume or other number that are read exactly."""
MEANINGS: dict[str, tuple[str, ...]] = {
    "usage": (r"usage", r"consum", r"volume", r"quantity", r"water_?use", r"用水量", r"用量", r"水量", r"消费量"),
    "class": (r"cust(omer)?_?class$", r"^class$", r"customer_?type", r"^category$", r"用户类别", r"用水性质", r"类别", r"类型"),
    "customer": (r"cust(omer)?_?(id|no|number)$", r"^customer$", r"account", r"户号", r"用户编号", r"客户编号"),
    "date": (r"(usage|bill|read(ing)?)_?date", r"^date$", r"period_?end", r"抄表日期", r"账期", r"日期", r"月份$"),
    "month": (r"(usage|bill)_?month$", r"^month$", r"^月$"),
    "billed": (r"(total_?)?bill(ed)?(_?amount)?$", r"amount_?(due|billed)?$", r"^charges?$", r"水费", r"金额"),
}  # fmt: skip
"""What a column's name says, the surest words first."""
NEEDED = ("usage",)


@dataclass(slots=True)
class Usage:
    """One row a bill.

    Attributes:
        volume: (n,) exact, in `unit`.
        classes: class of customer of each row, None where the file has none.
        customers: how many there are, None where the file does not say.
        month: (n,) 1 to 12, or None.
        billed: (n,) what was really asked for, in hundredths, or None.
        numbers, words: further columns that a tariff uses.
        columns: which column was taken for what.
        notes: what a reader should know about the data.
    """

    path: Path
    unit: str
    volume: Exact
    classes: Codes | None
    customers: int | None
    month: NDArray[np.int8] | None
    billed: Exact | None
    numbers: dict[str, Exact] = field(default_factory=dict)
    words: dict[str, Codes] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.volume)


def find_columns(present: Iterable[str], named: Mapping[str, str | None]) -> dict[str, str]:
    """Which column means what; `named` by the reader goes first.

    Raises:
        ValueError: two columns could be the volume, or none.
    """
    there = list(present)
    found = {meaning: column for meaning, column in named.items() if column}
    taken = set(found.values())
    for meaning, patterns in MEANINGS.items():
        if meaning in found:
            continue
        for pattern in patterns:
            hits = [c for c in there if c not in taken and re.search(pattern, c.strip().lower())]
            if meaning == "usage":
                hits = [c for c in hits if not re.search(r"date|month|year|class|type|日期|月份", c.lower())]
            if len(hits) > 1 and meaning in NEEDED:
                raise ValueError(
                    f"which column is the {meaning}: {', '.join(hits)}? Name it with --{meaning}"
                )
            if hits:
                found[meaning] = hits[0]
                taken.add(hits[0])
                break
    if "usage" not in found:
        raise ValueError(
            f"no column looks like a volume; name it with --usage (there are {', '.join(there)})"
        )
    return found


def read(
    path: Path,
    named: Mapping[str, str | None],
    unit: str | None,
    numbers: Iterable[str] = (),
    words: Iterable[str] = (),
) -> Usage:
    """Read the bills of a CSV (also gzipped) or Parquet file.

    Args:
        named: column by meaning (see `MEANINGS`) where the reader says so.
        unit: unit of the volume; without it, what the column's name or a README beside the file says.
        numbers, words: columns that the tariffs use, taken where the file has them.

    Raises:
        ValueError: a column or the unit cannot be found.
        TableInvalid: the file or one of its values cannot be used; names row and column.
    """
    present = column_names(path)
    missing = [c for c in named.values() if c and c not in present]
    if missing:
        raise TableInvalid(f"{path}: no column {', '.join(missing)}; it has {', '.join(present)}")
    columns = find_columns(present, named)
    notes: list[str] = []
    said = units.unit(unit) if unit else units.unit_in(columns["usage"])
    if unit and said is None:
        raise ValueError(f"unknown unit {unit!r}; one of {', '.join(units.LITRES)}")
    if said is None and (beside := units.unit_beside(path)) is not None:
        said = beside[0]
        notes.append(f"unit {said} as {beside[1].name} says")
    if said is None:
        raise ValueError(
            f"column {columns['usage']!r} does not say its unit: give --unit {'|'.join(units.LITRES)}"
        )
    lower = {c.lower(): c for c in present}
    more_numbers = {n: lower[n.lower()] for n in numbers if n.lower() in lower}
    more_words = {n: lower[n.lower()] for n in words if n.lower() in lower}
    wanted = [*columns.values(), *more_numbers.values(), *more_words.values()]
    with open_table(path, wanted) as table:
        volume = exact.column(table.scaled(columns["usage"], DIGITS), DIGITS)
        below = np.flatnonzero(volume.numerators < 0)
        if below.size:
            raise TableInvalid(
                f"{path}: row {below[0] + HEADING_ROWS}, column {columns['usage']!r}: negative volume"
                f" {float(volume.fractions_at(int(below[0]))):g} ({below.size} such rows)"
            )
        month = None
        if "month" in columns:
            read_months = table.numbers(columns["month"])
            odd = np.flatnonzero((read_months < 1) | (read_months > 12) | (read_months % 1 != 0))
            if odd.size:
                raise TableInvalid(
                    f"{path}: row {odd[0] + HEADING_ROWS}, column {columns['month']!r}: not a month from 1 to 12"
                )
            month = read_months.astype(np.int8)
        elif "date" in columns:
            moments = table.moments(columns["date"]).astype("datetime64[us]").astype("datetime64[M]")
            month = (moments.astype(np.int64) % 12 + 1).astype(np.int8)
        result = Usage(
            path=path,
            unit=said,
            volume=volume,
            classes=table.codes(columns["class"]) if "class" in columns else None,
            customers=table.distinct(columns["customer"]) if "customer" in columns else None,
            month=month,
            billed=exact.column(table.scaled(columns["billed"], DIGITS), DIGITS)
            if "billed" in columns
            else None,
            numbers={n: exact.column(table.scaled(c, DIGITS), DIGITS) for n, c in more_numbers.items()},
            words={n: table.codes(c) for n, c in more_words.items()},
            columns=columns,
            notes=notes,
        )
    result.notes += _odd_readings(result)
    return result


def _odd_readings(usage: Usage) -> list[str]:
    """Readings that no customer of the class comes near: kept, and said."""
    volume = usage.volume.numerators
    classes = usage.classes.of_row if usage.classes else np.zeros(usage.rows, np.int32)
    names = usage.classes.names if usage.classes else [""]
    notes = []
    for code, name in enumerate(names):
        rows = np.flatnonzero(classes == code)
        if rows.size < 100:
            continue
        usual = max(int(np.quantile(volume[rows], 0.99)), usage.volume.denominator)
        far = rows[volume[rows] > 100 * usual]
        if far.size:
            worst = int(far[np.argmax(volume[far])])
            notes.append(
                f"row {worst + HEADING_ROWS}: {float(usage.volume.fractions_at(worst)):g} {usage.unit} is more than"
                f" 100 times what 99 of 100 bills of {name or 'all customers'} show;"
                f" {far.size} such readings are billed as they stand (--largest leaves them out)"
            )
    return notes
