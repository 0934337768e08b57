"""A register from a table: what comes in, what is refused and why, and that repeating it harms nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gongzhi.errors import NotAllowed
from gongzhi.grid.importing import import_register
from gongzhi.grid.models import Entry
from gongzhi.intake.importing.tables import FileInvalid
from gongzhi.registry.authority import SYSTEM

pytestmark = pytest.mark.django_db
TABLE = """编号,类别,姓名,网格,经度,纬度,地址,联系电话,巡查周期,下次巡查
p-1,人,欧阳建国,429001001007,111.36,30.52,12号301室,14201234567,14,2026-12-01
t-1,物,路灯L1,,111.36,30.52,,,30,
w-1,植物,行道树,429001001007,,,,,,
w-2,物,远处的灯,429001001007,111.30,30.52,,,,
w-3,物,无处,429001999,,,,,x,2026-13-01
t-1,物,路灯又一遍,429001001007,,,,,,
,物,没编号,429001001007,,,,,,
"""


def test_usable_rows_come_in_and_the_others_are_listed_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(TABLE, encoding="gb18030")
    done = import_register(SYSTEM, path)
    assert (done.added, done.changed, done.rejected) == (2, 0, 5)
    person = Entry.objects.get(code="p-1")
    assert person.kind == "person" and person.phone == "14201234567" and str(person.due_on) == "2026-12-01"
    assert Entry.objects.get(code="t-1").area.code == "429001001007"
    with open(done.rejected_file, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    reasons = {row["row"]: row["reason"] for row in rows}
    assert (
        "kind" in reasons["3"]
        and "lat" in reasons["4"]
        and "area" in reasons["5"]
        and "due_on" in reasons["5"]
    )
    assert "code" in reasons["6"] and "code" in reasons["7"]
    again = import_register(SYSTEM, path)
    assert (again.added, again.changed) == (0, 2) and Entry.objects.count() == 2


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(TABLE, encoding="utf-8")
    done = import_register(SYSTEM, path, dry_run=True)
    assert (
        (done.added, done.rejected) == (2, 5)
        and not Entry.objects.exists()
        and list(tmp_path.iterdir()) == [path]
    )


def test_a_table_without_the_needed_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(FileInvalid, match="code, kind, name, area"):
        import_register(SYSTEM, path)


def test_only_the_administration_imports(tmp_path: Path, staff) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "cells.csv"
    path.write_text(TABLE, encoding="utf-8")
    with pytest.raises(NotAllowed):
        import_register(staff("gridworker"), path)
