"""Volumes of water: exact ratios between the units in which meters and tariffs count."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

LITRES = {
    "l": Fraction(1),
    "m3": Fraction(1000),
    "gal": Fraction("3.785411784"),
    "kgal": Fraction("3785.411784"),
    "cf": Fraction("28.316846592"),
    "ccf": Fraction("2831.6846592"),
    "kcf": Fraction("28316.846592"),
    "acre_foot": Fraction("1233481.83754752"),
}
"""Litres in one unit (international foot of 0.3048 m, US gallon of 231 cubic inches): exact by definition."""
NAMES = {
    "l": ("l", "litre", "litres", "liter", "liters", "升"),
    "m3": ("m3", "m³", "cbm", "kl", "kilolitre", "kilolitres", "kiloliter", "立方米", "吨", "方", "立方"),
    "gal": ("gal", "gallon", "gallons"),
    "kgal": ("kgal", "tgal", "kgals", "1000gal"),
    "cf": ("cf", "ft3", "cubicfeet"),
    "ccf": ("ccf", "hcf"),
    "kcf": ("kcf",),
    "acre_foot": ("acft", "acrefoot", "acre_foot", "af"),
}
_UNIT_OF = {name: unit for unit, names in NAMES.items() for name in names}
PERIODS = {
    "monthly": Fraction(1),
    "bimonthly": Fraction(2),
    "quarterly": Fraction(3),
    "halfyearly": Fraction(6),
    "annually": Fraction(12),
}
"""Months in a billing period."""
_PERIOD_OF = {
    "month": "monthly", "bi": "bimonthly", "bimonth": "bimonthly", "quarter": "quarterly",
    "halfyear": "halfyearly", "semiannual": "halfyearly", "annual": "annually", "year": "annually",
    "每月": "monthly", "双月": "bimonthly", "季度": "quarterly", "年": "annually",
}  # fmt: skip


def unit(word: str) -> str | None:
    """The unit a word names, None if it names none."""
    return _UNIT_OF.get(re.sub(r"[\s._()-]", "", word.lower()))


def unit_in(name: str) -> str | None:
    """The unit in a column's name such as usage_ccf, 用水量(吨) or "Consumption [kgal]"."""
    if (whole := unit(name)) is not None:
        return whole
    parts = [p for p in re.split(r"[\s_()\[\]（）/.-]+", name.lower()) if p]
    found = [u for p in parts[1:] if (u := unit(p))]
    return found[-1] if found else None


def ratio(of: str, to: str) -> Fraction:
    """How many `to` are in one `of`."""
    return LITRES[of] / LITRES[to]


def period(word: str) -> str | None:
    """The billing period a word names: "Bi-Monthly" is bimonthly."""
    plain = re.sub(r"[\s_-]", "", word.lower())
    for ending in ("", "ly"):
        stem = plain.removesuffix(ending) if ending else plain
        if stem in _PERIOD_OF:
            return _PERIOD_OF[stem]
    return plain if plain in PERIODS else None


def unit_beside(path: Path) -> tuple[str, Path] | None:
    """The unit that a README or SOURCE beside the file names in the line about it, if it names one."""
    stem = path.name.split(".")[0].lower()
    for beside in sorted(path.parent.glob("*")):
        if not re.match(r"(readme|source)(\.|$)", beside.name.lower()) or not beside.is_file():
            continue
        for line in beside.read_text(encoding="utf-8", errors="replace").splitlines():
            if stem not in line.lower():
                continue
            words = re.split(r"[\s,;:()]+", line[line.lower().index(stem) :])
            named = {u for w in words if len(w) > 1 and (u := unit(w))}
            if len(named) == 1:
                return named.pop(), beside
    return None
