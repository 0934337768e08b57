"""A register that a city has as a table (CSV) comes in; rows that cannot be used are named with the reason."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from gongzhi.errors import Invalid
from gongzhi.grid.actions import Draft, entry_of, today, write_many
from gongzhi.grid.models import Entry
from gongzhi.intake.importing.maps import folded
from gongzhi.intake.importing.tables import FileInvalid, Line, read_table
from gongzhi.registry import snapshot
from gongzhi.registry.authority import Actor

_BATCH = 1_000
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "code": ("code", "编号", "编码"),
    "kind": ("kind", "类别", "类型"),
    "name": ("name", "name_zh", "名称", "姓名"),
    "name_en": ("name_en", "英文名称"),
    "area": ("area", "cell", "网格", "网格编号", "区域编号"),
    "lng": ("lng", "longitude", "经度"),
    "lat": ("lat", "latitude", "纬度"),
    "address": ("address", "地址", "住址"),
    "phone": ("phone", "电话", "联系电话"),
    "notes": ("notes", "备注"),
    "function": ("function", "事项", "事项编号"),
    "every_days": ("every_days", "巡查周期", "巡查周期天"),
    "due_on": ("due_on", "下次巡查", "下次巡查日期"),
}
"""Field → names of its column; only the first four are needed (`area` may be left out where a point says it)."""
KINDS: Final = {"人": "person", "地": "place", "物": "thing", "事": "event", "组织": "organisation"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it: rows that are new, that were known, that could not be used; where those stand."""

    added: int
    changed: int
    rejected: int
    rejected_file: str


def import_register(
    actor: Actor, path: Path, *, rejected: Path | None = None, dry_run: bool = False
) -> Imported:
    """Bring a table of entries in; a row whose code is known brings its entry up to date.

    Args:
        rejected: where rows that cannot be used go; None: ``FILE.rejected.csv`` beside the file.
        dry_run: read and check everything, write nothing.

    Raises:
        FileInvalid: it is no table, or a needed column is missing.
        NotAllowed: the actor may not import.
    """
    table = read_table(path)
    places = _places_of(table.columns)
    added = changed = 0
    refused: list[tuple[Line, str]] = []
    seen: set[str] = set()
    batch: list[Entry] = []
    for line in table.lines:
        try:
            batch.append(_entry(line, places, seen))
        except Invalid as problem:
            refused.append((line, "; ".join(f"{k}: {v}" for k, v in problem.fields.items()) or str(problem)))
        if len(batch) == _BATCH:
            added, changed = _write(actor, batch, added, changed, dry_run)
            batch = []
    added, changed = _write(actor, batch, added, changed, dry_run)
    where = rejected or path.with_name(path.name.removesuffix(".gz").removesuffix(".csv") + ".rejected.csv")
    if refused and not dry_run:
        _write_rejected(where, table.columns, refused)
    return Imported(added, changed, len(refused), str(where) if refused and not dry_run else "")


def _places_of(columns: tuple[str, ...]) -> dict[str, int]:
    """Field → the index of its column."""
    known = {folded(name): at for at, name in reversed(list(enumerate(columns)))}
    found: dict[str, int] = {}
    for field, names in COLUMNS.items():
        at = next((known[folded(name)] for name in names if folded(name) in known), None)
        if at is not None:
            found[field] = at
    missing = [name for name in ("code", "kind", "name") if name not in found]
    if "area" not in found and not {"lng", "lat"} <= set(found):
        missing.append("area")
    if missing:
        raise FileInvalid(
            f"The table needs the columns {', '.join(missing)} (编号, 类别, 名称, 网格 in Chinese); "
            f"it has: {', '.join(columns)}"
        )
    return found


def _entry(line: Line, places: dict[str, int], seen: set[str]) -> Entry:
    if line.values is None:
        raise Invalid(line.reason)
    values = {field: line.values[at].strip() for field, at in places.items()}
    view = snapshot.current()
    wrong: dict[str, str] = {}
    lng, lat = _number(values.get("lng", ""), "lng", wrong), _number(values.get("lat", ""), "lat", wrong)
    code = values.get("area", "")
    area = view.area_by_code.get(code)
    if not code and lng is not None and lat is not None:
        area = view.area_at(lng, lat)
    if area is None:
        wrong["area"] = f"no area has the code {code!r}" if code else "no area and no place within the city"
    every = values.get("every_days", "")
    if every and not (every.isdecimal() and len(every) < 6):
        wrong["every_days"] = "not a whole number of days"
    due = values.get("due_on", "")
    if due and _day(due) is None:
        wrong["due_on"] = "not a day written 2026-01-31"
    if values["code"] in seen:
        wrong["code"] = "this code stood in the file before"
    if wrong or area is None:
        raise Invalid(fields=wrong)
    draft = Draft(
        code=values["code"],
        kind=KINDS.get(values["kind"], values["kind"].lower()),
        name=values["name"],
        area_id=area.id,
        name_en=values.get("name_en", ""),
        lng=lng,
        lat=lat,
        address=values.get("address", ""),
        phone=values.get("phone", ""),
        notes=values.get("notes", ""),
        function_code=values.get("function", ""),
        every_days=int(every) if every else None,
        due_on=_day(due) if due else None,
    )
    entry = entry_of(draft, today())
    seen.add(entry.code)
    return entry


def _write(actor: Actor, batch: list[Entry], added: int, changed: int, dry_run: bool) -> tuple[int, int]:
    if not batch:
        return added, changed
    if dry_run:
        known = Entry.objects.filter(code__in=[e.code for e in batch]).count()
        return added + len(batch) - known, changed + known
    fresh = write_many(actor, batch)
    return added + fresh, changed + len(batch) - fresh


def _number(text: str, field: str, wrong: dict[str, str]) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        wrong[field] = "not a number"
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return None


def _write_rejected(where: Path, columns: tuple[str, ...], refused: list[tuple[Line, str]]) -> None:
    with where.open("w", encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*columns, "reason", "row"])
        writer.writerows(_rows(columns, refused))


def _rows(columns: tuple[str, ...], refused: list[tuple[Line, str]]) -> Iterator[list[object]]:
    width = len(columns)
    for line, reason in refused:
        values = line.values if line.values is not None else [line.raw.rstrip("\r\n")]
        yield [*(values + [""] * width)[:width], reason, line.number]
