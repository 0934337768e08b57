"""What a tariff is asked with and what it answers: the rows of one class, and their bills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gongzhi.improvement.tariffs.exact import Exact, Number
from gongzhi.lake.tables import Codes

Rows = NDArray[Any]


@dataclass(slots=True)
class Inputs:
    """The bills of one class, as columns.

    Attributes:
        usage: volume of each bill in the tariff's unit.
        month: (n,) 1 to 12, 0 where the date is not known; None without dates.
        numbers: other columns and assumptions that formulas use.
        words: columns by whose value prices differ; an assumption is one word for all rows.
        refused: rows that cannot be billed, by reason; filled in while billing.
    """

    usage: Exact
    month: NDArray[np.int8] | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)
    words: Mapping[str, Codes | str] = field(default_factory=dict)
    refused: dict[str, Rows] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.usage)

    def refuse(self, reason: str, rows: Rows) -> None:
        """Note that the rows (a mask) cannot be billed."""
        if rows.any():
            before = self.refused.get(reason)
            self.refused[reason] = rows if before is None else before | rows


class CannotBill(Exception):
    """A whole class cannot be billed; the sentence says what is missing."""


class Tariff(Protocol):
    """What both kinds of tariff offer to the simulation.

    Attributes:
        unit: unit of volume of its prices (see `units.LITRES`).
        period: billing period of its fixed charges and tiers (see `units.PERIODS`).
        step: bills are whole multiples of this amount, rounded as `rounding` says.
        rule: in words, how a volume is split into tiers.
    """

    path: Path
    name: str
    kind: str
    unit: str
    period: str | None
    effective: str
    currency: str
    step: Fraction
    rounding: str
    rule: str

    def class_of(self, word: str) -> str | None:
        """The class of this tariff that a class of the data is billed by."""

    def classes(self) -> list[str]:
        """All classes."""

    def needs(self) -> tuple[set[str], set[str]]:
        """Names of columns that formulas use, and of those by whose value prices differ."""

    def charge(self, name: str, inputs: Inputs) -> Exact:
        """The unrounded bills of a class.

        Raises:
            CannotBill: the data lack something that every bill of the class needs.
            DocumentInvalid: the tariff contradicts itself.
        """
