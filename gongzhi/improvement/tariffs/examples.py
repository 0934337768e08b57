"""Trying a tariff on an example: every class billed at volumes from nothing to plenty."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from gongzhi.improvement.documents import DocumentInvalid
from gongzhi.improvement.tariffs import exact, reading
from gongzhi.improvement.tariffs.inputs import CannotBill, Inputs, Tariff
from gongzhi.improvement.tariffs.owrs import Owrs, needed_example
from gongzhi.lake.tables import Codes

VOLUMES = np.concatenate((np.arange(0, 60), np.arange(60, 2000, 50))).astype(np.int64)
ANY = Fraction(2)
"""What every further number is taken to be."""


def inputs(tariff: Tariff, name: str, needs: tuple[set[str], set[str]]) -> Inputs:
    """Rows that give a class all it asks for; tables are tried with each of their values in turn."""
    numbers, words = needs
    rows = len(VOLUMES)
    known: dict[str, Codes | str] = dict.fromkeys(words, "1")
    tables = needed_example(tariff, name) if isinstance(tariff, Owrs) else {}
    for column, values in tables.items():
        known[column] = Codes((np.arange(rows) % len(values)).astype(np.int32), values)
    month = (np.arange(rows) % 12 + 1).astype(np.int8)
    return Inputs(exact.column(VOLUMES, 0), month, dict.fromkeys(numbers, ANY), known)


def check(path: Path) -> dict[str, Any]:
    """Read a tariff and bill an example in each class: `read`, `classes`, `billed`, `faults` as sentences."""
    try:
        tariff = reading.load(path)
    except DocumentInvalid as problem:
        return {"file": str(path), "read": False, "classes": 0, "billed": 0, "faults": [str(problem)]}
    faults = []
    needs = tariff.needs()
    for name in tariff.classes():
        try:
            exact.rounded(tariff.charge(name, inputs(tariff, name, needs)), tariff.step, tariff.rounding)
        except DocumentInvalid as problem:
            faults.append(str(problem))
        except CannotBill as problem:
            faults.append(f"{path}: {name}: {problem}")
    classes = len(tariff.classes())
    return {
        "file": str(path),
        "read": True,
        "classes": classes,
        "billed": classes - len(faults),
        "faults": faults,
    }
