"""Bills against sums done by hand and row by row, on real tariffs and on tariffs that are wrong."""

from __future__ import annotations

import json
import math
import tarfile
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gongzhi.cli.main import app
from gongzhi.improvement.documents import DocumentInvalid
from gongzhi.improvement.tariffs import exact, examples, reading, simulation, units
from gongzhi.improvement.tariffs import usage as usages
from gongzhi.improvement.tariffs.tiers import tiered
from gongzhi.lake.tables import TableInvalid
from tests import oracles

OWRS = """\
---
metadata:
  effective_date: 2016-01-01
  utility_name: "Example"
  bill_frequency: monthly
  bill_unit: ccf
rate_structure:
  RESIDENTIAL_SINGLE:
    service_charge:
      depends_on: meter_size
      values:
        5/8": 11.39
        1|1/2": 37.98
    gpcd: 60
    landscape_factor: 0.7
    days_in_period: 30.4
    indoor: "gpcd*hhsize*days_in_period*(1/748)"
    outdoor: "landscape_factor*et_amount*irr_area*0.62*(1/748)"
    budget: "indoor+outdoor"
    tier_starts:
      - 0
      - indoor
      - 100%
      - 125%
    tier_prices: [1.49, 1.70, 2.62, 4.38]
    commodity_charge: Budget
    bill: "commodity_charge+service_charge"
  COMMERCIAL:
    tier_starts: [0, 15, 41]
    tier_prices: [2.87, 4.29, 6.44]
    commodity_charge: Tiered
    bill: 1.01*commodity_charge
"""
OURS = """\
tariff: 1
name: Linjiang 2026
currency: CNY
unit: m3
period: monthly
seasons:
  summer: [5, 6, 7, 8, 9]
  winter: [10, 11, 12, 1, 2, 3, 4]
classes:
  home:
    households: flats
    fixed: {DN15: 5.00, DN25: 9.50}
    tiers:
      - {from: 0, to: 15, price: 2.60}
      - {from: 15, to: 25, price: 3.45}
      - {from: 25, price: 5.55}
    surcharges: {sewage: 0.95}
    minimum: 12
  shop:
    by_season:
      summer: {price: 4.10}
      winter: {price: 3.80}
"""


def written(folder: Path, text: str, name: str = "tariff.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def billed(tariff: Path, rows: str, folder: Path, **assume: str) -> list[Decimal | None]:
    """The bills of rows written as a CSV with its heading."""
    read = reading.load(tariff)
    data = usages.read(written(folder, rows, "usage.csv"), {}, None, *read.needs())
    found = simulation.bill(read, data, simulation.Question(assume))
    return [
        Decimal(int(s)) / 100 if known else None for s, known in zip(found.steps, found.billed, strict=True)
    ]


def test_a_tier_begins_with_the_unit_that_its_start_names(tmp_path: Path) -> None:
    rows = (
        "usage_ccf,cust_class\n14,COMMERCIAL\n15,COMMERCIAL\n41,COMMERCIAL\n0,COMMERCIAL\n14.5,COMMERCIAL\n"
    )
    got = billed(written(tmp_path, OWRS), rows, tmp_path)
    before_tax = ["40.18", "44.47", "158.16", "0", "42.325"]  # 14 × 2.87; + 4.29; + 26 × 4.29 + 6.44; …
    assert got == [
        (Decimal(b) * Decimal("1.01")).quantize(Decimal("0.01"), ROUND_HALF_UP) for b in before_tax
    ]


def test_a_budget_is_computed_for_each_household(tmp_path: Path) -> None:
    rows = 'usage_ccf,cust_class,meter_size,hhsize,et_amount,irr_area\n40,RESIDENTIAL_SINGLE,"1 1/2""",4,5.2,1500\n'
    indoor = Fraction(60 * 4) * Fraction("30.4") / 748
    budget = indoor + Fraction("0.7") * Fraction("5.2") * 1500 * Fraction("0.62") / 748
    ends = [math.ceil(indoor) - 1, math.ceil(budget) - 1, math.ceil(budget * Fraction("1.25")) - 1, 40]
    due, before = Fraction("37.98"), 0
    for end, price in zip(ends, ("1.49", "1.70", "2.62", "4.38"), strict=True):
        due, before = due + (end - before) * Fraction(price), end
    assert billed(written(tmp_path, OWRS), rows, tmp_path) == [Decimal(int(due * 100 + Fraction(1, 2))) / 100]


def naive(usage: Fraction, starts: list[int], prices: list[Fraction]) -> Fraction:
    """Tier by tier for one bill, as the specification's own reader goes about it."""
    used: list[Fraction] = []
    for start in starts[1:]:
        used.append(max(min(usage - sum(used), start - 1 - sum(used)), Fraction(0)))
    used.append(max(usage - sum(used), Fraction(0)))
    return sum((u * p for u, p in zip(used, prices, strict=True)), Fraction(0))


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=20),
    st.lists(st.integers(1, 400), min_size=1, max_size=5, unique=True).map(sorted),
    st.lists(st.integers(0, 2000), min_size=6, max_size=6),
)
@settings(deadline=None, max_examples=200)
def test_the_charge_of_a_column_equals_the_charge_of_each_row(
    tenths: list[int], starts: list[int], cents: list[int]
) -> None:
    every = [0, *starts]
    prices = [Fraction(c, 100) for c in cents[: len(every)]]
    usage = exact.column(np.array(tenths, np.int64), 1)
    found = tiered(usage, [Fraction(s - 1) for s in starts], prices)
    assert [found.fractions_at(i) for i in range(len(tenths))] == [
        naive(Fraction(t, 10), every, prices) for t in tenths
    ]


@given(st.lists(st.integers(-(10**17), 10**17), min_size=1, max_size=5), st.fractions(max_denominator=10**9))
@settings(deadline=None, max_examples=200)
def test_arithmetic_never_overflows_in_silence(values: list[int], factor: Fraction) -> None:
    column = exact.column(np.array(values, np.int64), 3)
    product = exact.full(exact.multiply(exact.add(column, factor), factor), len(values))
    assert [product.fractions_at(i) for i in range(len(values))] == [
        (Fraction(v, 1000) + factor) * factor for v in values
    ]


@given(st.integers(-(10**9), 10**9), st.integers(0, 4))
def test_half_a_cent_is_rounded_as_the_tariff_says(thousandths: int, digits: int) -> None:
    value = exact.column(np.array([thousandths], np.int64), 3)
    for mode, rule in (("half_up", "ROUND_HALF_UP"), ("half_even", "ROUND_HALF_EVEN"), ("up", "ROUND_UP")):
        expected = (Decimal(thousandths) / 1000).quantize(Decimal(1).scaleb(-digits), rule)
        assert exact.rounded(value, Fraction(1, 10**digits), mode)[0] == int(expected.scaleb(digits))


def test_our_own_tariff_knows_meters_households_seasons_and_the_least_bill(tmp_path: Path) -> None:
    rows = (
        "用水量(吨),用户类别,账期,meter_size,flats\n"
        "20,home,2026-01-31,DN15,1\n"
        "20,home,2026-01-31,DN25,2\n"
        "1,home,2026-01-31,DN15,1\n"
        "10,shop,2026-07-31,DN15,1\n"
        "10,shop,2026-11-30,DN15,1\n"
        "10,home,2026-11-30,DN40,1\n"
    )
    got = billed(written(tmp_path, OURS), rows, tmp_path)
    assert got == [
        Decimal("80.25"),  # 5 + 15 × 2.60 + 5 × 3.45 + 20 × 0.95
        Decimal("80.50"),  # two flats: 20 of 30 in the first tier: 9.50 + 52 + 19
        Decimal("12.00"),
        Decimal("41.00"),
        Decimal("38.00"),
        None,
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("from: 15, to: 25", "from: 14, to: 25"), r"line 15: home: tiers overlap: tier 2 starts at 14, before 15"),
        (("from: 15, to: 25", "from: 16, to: 25"), r"line 15: home: a gap between 15 and 16 has no price"),
        (("{from: 25, price", "{from: 25, to: 40, price"), r"line 16: home: no price above 40"),
        (("price: 3.45", "price: -3.45"), r"line 15: .*negative: -3.45"),
        (("unit: m3", "unit: bucket"), r"line 4: unknown unit 'bucket'"),
        (("1, 2, 3, 4]", "1, 2, 3, 5]"), r"line 8: month 5 is in summer and in winter"),
        (("minimum: 12", "minimal: 12"), r"line 11: classes.home: .*minimal"),
        (("name: Linjiang 2026", "name: a\nname: b"), r"line 3: 'name' stands here a second time"),
    ],
)  # fmt: skip
def test_a_wrong_tariff_is_named_by_file_and_line(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    path = written(tmp_path, OURS.replace(*change))
    with pytest.raises(DocumentInvalid, match=words) as refused:
        reading.load(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[0, 15, 41]", "[0, 41, 15]"), "line 29: COMMERCIAL: tiers overlap: tier 3 starts at 15, tier 2 at 41"),
        (("[0, 15, 41]", "[5, 15, 41]"), "line 29: COMMERCIAL: a gap"),
        (("[0, 15, 41]", "[0, 15]"), "line 30: COMMERCIAL: 2 tiers start but 3 have a price"),
        (("6.44", "-6.44"), "line 30: COMMERCIAL: negative price -6.44"),
        (("1.01*commodity_charge", "__import__('os')"), "line 32: COMMERCIAL: not understood"),
        (("commodity_charge: Tiered", "commodity_charge: bill"), "is defined by itself"),
        (("1.01*commodity_charge", "commodity_charge/0"), "line 32: .*division by zero"),
        (("- indoor", "- indoor\n   - 3"), "line 2.: not YAML"),
    ],
)  # fmt: skip
def test_a_wrong_owrs_file_is_named_by_file_and_line(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    with pytest.raises(DocumentInvalid, match=words):
        billed(written(tmp_path, OWRS.replace(*change)), "usage_ccf,cust_class\n50,COMMERCIAL\n", tmp_path)


def test_what_cannot_be_billed_is_said_and_not_guessed(tmp_path: Path) -> None:
    rows = "usage_ccf,cust_class,meter_size\n9,COMMERCIAL,x\n9,OTHER,x\n9,RESIDENTIAL_SINGLE,x\n"
    tariff = reading.load(written(tmp_path, OWRS))
    data = usages.read(written(tmp_path, rows, "u.csv"), {}, None, *tariff.needs())
    found = simulation.bill(tariff, data, simulation.Question())
    assert found.billed.tolist() == [True, False, False]
    reasons = {word: reason for word, reason, _ in found.refused}
    assert reasons["OTHER"] == "the tariff has no class OTHER"
    assert "needs hhsize" in reasons["RESIDENTIAL_SINGLE"]


def test_volumes_are_brought_to_the_unit_of_the_tariff_exactly(tmp_path: Path) -> None:
    """57,600/77 gallons are 100 cubic feet; a thousand litres are a cubic metre."""
    assert units.ratio("ccf", "gal") == Fraction(57600, 77)
    assert units.unit_in("用水量(吨)") == "m3" and units.unit_in("usage_hcf") == "ccf"
    tariff = written(tmp_path, "tariff: 1\nname: l\nunit: l\nclasses: {all: {price: 0.01}}\n")
    assert billed(tariff, "volume_m3\n2.5\n", tmp_path) == [Decimal("25.00")]


def test_a_unit_that_nobody_names_is_asked_for_and_a_readme_may_name_it(tmp_path: Path) -> None:
    path = written(tmp_path, "usage,class\n5,a\n", "june.csv")
    with pytest.raises(ValueError, match="does not say its unit: give --unit"):
        usages.read(path, {}, None)
    written(tmp_path, "june.csv: readings of June, in kgal\n", "README.md")
    assert usages.read(path, {}, None).unit == "kgal"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("usage_m3\n5\n-1\n", "row 3, column 'usage_m3': negative volume -1"),
        ("usage_m3\n5\nmany\n", "row 3, column 'usage_m3': not a number"),
        ("usage_m3,month\n5,13\n", "row 2, column 'month': not a month"),
        ("usage_cold_m3,usage_hot_m3\n5,1\n", "which column is the usage: usage_cold_m3, usage_hot_m3"),
        ("a,b\n5,1\n", "no column looks like a volume"),
    ],
)
def test_a_fault_in_the_readings_is_named(tmp_path: Path, rows: str, words: str) -> None:
    with pytest.raises((TableInvalid, ValueError), match=words):
        usages.read(written(tmp_path, rows, "u.csv"), {}, None)


def test_a_month_is_billed_by_a_tariff_for_two_months_in_equal_parts(tmp_path: Path) -> None:
    two = written(tmp_path, OURS.replace("period: monthly", "period: bimonthly"))
    tariff = reading.load(two)
    data = usages.read(
        written(tmp_path, "usage_m3,class,meter_size,flats\n10,home,DN15,1\n", "u.csv"),
        {},
        None,
        *tariff.needs(),
    )
    found = simulation.bill(tariff, data, simulation.Question(period="monthly"))
    assert found.steps.tolist() == [4013]  # half of 5 + 15 × 2.60 + 5 × 3.45 + 20 × 0.95, rounded once


def test_scenarios_say_who_pays_more_and_what_a_price_saves(tmp_path: Path) -> None:
    before = written(tmp_path, "tariff: 1\nname: flat\nunit: m3\nclasses: {all: {price: 2}}\n", "a.yaml")
    after = written(
        tmp_path,
        "tariff: 1\nname: rising\nunit: m3\nclasses:\n  all:\n    tiers:\n"
        "    - {from: 0, to: 10, price: 1}\n    - {from: 10, price: 4}\n",
        "b.yaml",
    )
    rows = "usage_m3,bill\n" + "".join(f"{u},{2 * u}.00\n" for u in (2, 4, 6, 8, 10, 12, 14, 16, 18, 20))
    usage = written(tmp_path, rows, "u.csv")
    done = CliRunner().invoke(
        app,
        ["tariff", "simulate", str(usage), str(before), str(after), "--assume", "class=all",
         "--elasticity", "-0.5", "--json", "--html", str(tmp_path / "r.html")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert [t["revenue"] for t in found["tariffs"]] == [220.0, 200.0]
    assert found["tariffs"][0]["agreement"]["equal"] == 10
    change = found["comparisons"][0]
    # 15 m³ cost the same; 2 to 14 less, 16 to 20 more.
    assert (change["pay_more"], change["pay_less"], change["pay_same"]) == (3, 7, 0)
    assert change["change_percent"] == pytest.approx(-9.091)
    # One bill of 20 m³: from 40 to 50, so it uses 20 × 1.25^-0.5 = 17.889.
    assert change["response"]["volume_after"] > 110
    single = simulation.simulate(
        usages.read(written(tmp_path, "usage_m3\n20\n", "one.csv"), {}, None),
        [reading.load(before), reading.load(after)],
        simulation.Question({"class": "all"}),
        -0.5,
    )
    assert single["comparisons"][0]["response"]["volume_after"] == pytest.approx(20 * 1.25**-0.5, abs=1e-5)
    assert "<svg" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_wrong_tariff_ends_the_command_with_one_sentence(tmp_path: Path) -> None:
    usage = written(tmp_path, "usage_m3\n5\n", "u.csv")
    wrong = written(tmp_path, OURS.replace("from: 15, to: 25", "from: 14, to: 25"))
    done = CliRunner().invoke(app, ["tariff", "simulate", str(usage), str(wrong)])
    assert done.exit_code == 2 and "line 15" in done.output and "Traceback" not in done.output


def test_the_bills_of_a_real_city_equal_a_sum_for_each_volume() -> None:
    tariff = reading.load(oracles.data("water_tariffs/smc-2016-03-01.owrs.yaml"))
    data = usages.read(oracles.data("water_tariffs/santa_monica_usage.csv.gz"), {}, None, *tariff.needs())
    assert data.unit == "ccf" and data.rows == 218_067
    found = simulation.bill(
        tariff, data, simulation.Question({"meter_size": '3/4"', "water_type": "POTABLE"})
    )
    by_hand = {
        "RESIDENTIAL_SINGLE": ([0, 15, 41, 149], ["2.87", "4.29", "6.44", "10.07"]),
        "RESIDENTIAL_MULTI": ([0, 5, 10, 21], ["2.87", "4.29", "6.44", "10.07"]),
        **dict.fromkeys(("IRRIGATION", "COMMERCIAL", "INSTITUTIONAL"), ([0, 211], ["4.07", "10.03"])),
    }
    assert data.classes is not None
    checked: Counter[str] = Counter()
    for code, name in enumerate(data.classes.names):
        rows = np.flatnonzero(data.classes.of_row == code)
        if name == "OTHER":
            assert not found.billed[rows].any()
            continue
        starts, prices = by_hand[name]
        volumes, first = np.unique(data.volume.numerators[rows], return_index=True)
        for volume, at in zip(volumes.tolist(), rows[first].tolist(), strict=True):
            due = naive(Fraction(volume, data.volume.denominator), starts, [Fraction(p) for p in prices])
            assert found.steps[at] == int(due * 100 + Fraction(1, 2))
            checked[name] += 1
    assert checked["RESIDENTIAL_MULTI"] > 500


def test_real_tariffs_are_read_and_billed_or_their_fault_is_named(tmp_path: Path) -> None:
    with tarfile.open(oracles.data("water_tariffs/owrs_full_utility_rates.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    files = sorted(tmp_path.rglob("*.owrs"))
    assert len(files) == 496
    checked = [examples.check(path) for path in files[::5]]
    assert sum(c["read"] for c in checked) >= 0.97 * len(checked)
    assert sum(not c["faults"] for c in checked) >= 0.94 * len(checked)
    assert all(": line " in fault for c in checked for fault in c["faults"])
