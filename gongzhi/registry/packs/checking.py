"""What JSON Schema cannot say: codes that must exist, trees, polygons, check characters, dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from stdnum.cn import uscc

from gongzhi.registry.packs.documents import Document
from gongzhi.registry.packs.faults import Fault

LEVELS = ("city", "district", "street", "grid")
TOLERANCE = 0.01
"""The share of an area that may lie outside the area around it, or on a neighbour."""

_DEEPEST_FUNCTION = 3

Rows = list[tuple[tuple[str | int, ...], dict[str, Any]]]


def check(sound: dict[str, Document], faults: list[Fault], missing: set[str]) -> list[Fault]:
    """Add to `faults` whatever does not fit between the files; gives warnings.

    Only files without faults of their own take part; codes of a file that is `missing` are not
    looked up, so that one broken file does not look like a hundred faults in the others.
    """
    rows = {name: _rows(name, document) for name, document in sound.items()}
    codes: dict[str, dict[str, tuple[str | int, ...]]] = {}
    for name in ("areas", "places", "organisations", "functions"):
        if name in sound:
            codes[name] = _unique(sound[name], rows[name], faults)
    known: Callable[[str, str], bool] = lambda name, code: name in missing or code in codes.get(name, {})  # noqa: E731
    if "city" in sound:
        _city(sound["city"], known, faults)
    if "areas" in sound:
        _areas(sound["areas"], rows["areas"], codes["areas"], faults)
    if "places" in sound:
        _places(sound["places"], rows["places"], faults)
    if "organisations" in sound:
        _organisations(sound["organisations"], rows["organisations"], known, faults)
    if "functions" in sound:
        _tree(sound["functions"], rows["functions"], codes["functions"], faults)
    if "mandates" in sound:
        _mandates(sound["mandates"], rows["mandates"], known, faults)
    if "staff" in sound:
        _staff(sound["staff"], known, faults)
    if "functions" in sound and "mandates" in sound and not faults:
        return _gaps(sound["functions"], rows["functions"], rows["mandates"])
    return []


def _rows(name: str, document: Document) -> Rows:
    if name in ("areas", "places"):
        return [
            (("features", n, "properties"), {**f["properties"], "geometry": f["geometry"]})
            for n, f in enumerate(document.value["features"])
        ]
    key = {"staff": "people"}.get(name, name)
    listed = document.value.get(key, []) if isinstance(document.value.get(key), list) else []
    return [((key, n), row) for n, row in enumerate(listed)]


def _unique(document: Document, rows: Rows, faults: list[Fault]) -> dict[str, tuple[str | int, ...]]:
    seen: dict[str, tuple[str | int, ...]] = {}
    for path, row in rows:
        if row["code"] in seen:
            first = document.line(seen[row["code"]])
            faults.append(document.fault((*path, "code"), f"{row['code']} stands twice, first in line {first}"))  # fmt: skip
        else:
            seen[row["code"]] = path
    return seen


def _city(document: Document, known: Callable[[str, str], bool], faults: list[Fault]) -> None:
    city = document.value
    try:
        ZoneInfo(city["timezone"])
    except (KeyError, ValueError, OSError):
        faults.append(document.fault(("timezone",), f"{city['timezone']} is not a time zone; write one such as Asia/Shanghai"))  # fmt: skip
    if not known("organisations", city["first_responsible"]):
        faults.append(document.fault(("first_responsible",), f"there is no organisation {city['first_responsible']}"))  # fmt: skip
    for n, limit in enumerate(city["limits"]):
        _days(document, ("limits", n), limit, faults)
    if not any(row["kind"] == "any" and row["urgency"] == "normal" for row in city["limits"]):
        faults.append(document.fault(("limits",), "one row must hold for kind any and urgency normal"))


def _days(document: Document, path: Sequence[str | int], row: dict[str, Any], faults: list[Fault]) -> None:
    days: dict[str, date] = {}
    for name in ("from", "until"):
        if name in row:
            try:
                days[name] = date.fromisoformat(row[name])
            except ValueError:
                faults.append(document.fault((*path, name), f"{row[name]} is not a day of the calendar"))
    if len(days) == 2 and days["until"] < days["from"]:
        faults.append(document.fault((*path, "until"), "lies before `from`"))


def _tree(
    document: Document, rows: Rows, codes: dict[str, tuple[str | int, ...]], faults: list[Fault]
) -> None:
    """Parents exist, no circle, at most three levels."""
    above = {row["code"]: row.get("parent") for _, row in rows}
    for path, row in rows:
        if row.get("parent") and row["parent"] not in codes:
            faults.append(document.fault((*path, "parent"), f"there is no {row['parent']} in this file"))
            continue
        line, code = [row["code"]], row.get("parent")
        while code and code not in line:
            line.append(code)
            code = above.get(code)
        if code:
            faults.append(document.fault((*path, "parent"), f"goes round in a circle: {' → '.join([*line, code])}"))  # fmt: skip
        elif document.file.startswith("functions") and len(line) > _DEEPEST_FUNCTION:
            faults.append(document.fault((*path, "parent"), f"lies on level {len(line)}; at most {_DEEPEST_FUNCTION} are possible"))  # fmt: skip


def _organisations(
    document: Document, rows: Rows, known: Callable[[str, str], bool], faults: list[Fault]
) -> None:
    _tree(document, rows, {row["code"]: path for path, row in rows}, faults)
    seen: dict[str, str] = {}
    for path, row in rows:
        number = row.get("uscc")
        if number:
            if not uscc.is_valid(number):
                faults.append(document.fault((*path, "uscc"), f"{number} has a wrong check character (GB 32100)"))  # fmt: skip
            elif number in seen:
                faults.append(document.fault((*path, "uscc"), f"{number} belongs to {seen[number]} already"))  # fmt: skip
            seen[number] = row["code"]
        if row.get("area") and not known("areas", row["area"]):
            faults.append(document.fault((*path, "area"), f"there is no area {row['area']}"))


def _mandates(document: Document, rows: Rows, known: Callable[[str, str], bool], faults: list[Fault]) -> None:
    bases = document.value.get("bases", {})
    seen: dict[tuple[str, ...], int] = {}
    for path, row in rows:
        for name, of in (("organisation", "organisations"), ("function", "functions"), ("area", "areas")):
            if not known(of, row[name]):
                faults.append(document.fault((*path, name), f"there is no {name} {row[name]}"))
        basis = row.get("basis")
        if isinstance(basis, str) and basis not in bases:
            faults.append(document.fault((*path, "basis"), f"{basis} is not among the bases above"))
        _days(document, path, row, faults)
        key = tuple(str(row.get(n, "lead" if n == "role" else "")) for n in ("organisation", "function", "area", "role", "from"))  # fmt: skip
        if key in seen:
            faults.append(document.fault(path, f"says the same as line {seen[key]}"))
        seen.setdefault(key, document.line(path))


def _staff(document: Document, known: Callable[[str, str], bool], faults: list[Fault]) -> None:
    people: dict[str, int] = {}
    codes: dict[str, int] = {}
    posts: Rows = [(("vacant", n), post) for n, post in enumerate(document.value.get("vacant", []))]
    for n, person in enumerate(document.value["people"]):
        path: tuple[str | int, ...] = ("people", n)
        if person["username"] in people:
            faults.append(document.fault((*path, "username"), f"{person['username']} stands twice, first in line {people[person['username']]}"))  # fmt: skip
        people.setdefault(person["username"], document.line(path))
        for m, post in enumerate(person["posts"]):
            posts.append(((*path, "posts", m), {"code": f"{person['username']}-{m + 1}", **post}))
    for path, post in posts:
        if post["code"] in codes:
            faults.append(document.fault(path, f"the code {post['code']} stands twice, first in line {codes[post['code']]}"))  # fmt: skip
        codes.setdefault(post["code"], document.line(path))
        if not known("organisations", post["organisation"]):
            faults.append(document.fault((*path, "organisation"), f"there is no organisation {post['organisation']}"))  # fmt: skip
        if post.get("area") and not known("areas", post["area"]):
            faults.append(document.fault((*path, "area"), f"there is no area {post['area']}"))
        if post.get("crew"):
            _crew(document, (*path, "crew"), post["crew"], known, faults)


def _crew(
    document: Document,
    path: tuple[str | int, ...],
    crew: dict[str, Any],
    known: Callable[[str, str], bool],
    faults: list[Fault],
) -> None:
    for n, code in enumerate(crew["functions"]):
        if not known("functions", code):
            faults.append(document.fault((*path, "functions", n), f"there is no function {code}"))
    lng, lat = crew["base"]
    if not (-180 <= lng <= 180 and -90 <= lat <= 90):
        faults.append(document.fault((*path, "base"), "positions are [longitude, latitude] in degrees (WGS 84)"))  # fmt: skip
    if crew["hours"][0] >= crew["hours"][1]:
        faults.append(document.fault((*path, "hours"), "the end must lie after the beginning"))


def _areas(
    document: Document, rows: Rows, codes: dict[str, tuple[str | int, ...]], faults: list[Fault]
) -> None:
    by_code = {row["code"]: row for _, row in rows}
    shapes: dict[str, BaseGeometry] = {}
    for path, row in rows:
        parent = by_code.get(row.get("parent") or "")
        if row["level"] == "city":
            if row.get("parent"):
                faults.append(document.fault((*path, "parent"), "the city has no parent; write null"))
        elif parent is None:
            faults.append(document.fault((*path, "parent"), f"there is no area {row.get('parent')}"))
        elif LEVELS.index(parent["level"]) >= LEVELS.index(row["level"]):
            faults.append(document.fault((*path, "parent"), f"a {row['level']} cannot lie in a {parent['level']}"))  # fmt: skip
        geometry = _shape(document, path, row["geometry"], faults)
        if geometry is not None:
            shapes[row["code"]] = geometry
    cities = [path for path, row in rows if row["level"] == "city"]
    if len(cities) != 1:
        faults.append(document.fault(cities[1] if cities else (), f"exactly one area must be the city, not {len(cities)}"))  # fmt: skip
    inner = [(p, r) for p, r in rows if r["code"] in shapes and (r.get("parent") or "") in shapes]
    if inner:
        child = np.array([shapes[r["code"]] for _, r in inner], dtype=object)
        around = np.array([shapes[r["parent"]] for _, r in inner], dtype=object)
        size = shapely.area(child)
        outside = size - shapely.area(shapely.intersection(child, around))
        for n in np.flatnonzero(outside > TOLERANCE * size):
            path, row = inner[n]
            faults.append(document.fault(path, f"{row['code']} lies outside {row['parent']} by {outside[n] / size[n]:.0%}"))  # fmt: skip
    for level in LEVELS[1:]:
        _overlaps(document, [(p, r, shapes[r["code"]]) for p, r in rows if r["level"] == level and r["code"] in shapes], faults)  # fmt: skip


def _shape(
    document: Document, path: Sequence[str | int], geometry: dict[str, Any], faults: list[Fault]
) -> BaseGeometry | None:
    try:
        drawn = shape(geometry)
    except (ValueError, TypeError, IndexError, shapely.errors.ShapelyError) as problem:
        faults.append(document.fault(path, f"the geometry cannot be read: {problem}"))
        return None
    if not drawn.is_valid:
        faults.append(document.fault(path, f"the geometry is not valid: {shapely.is_valid_reason(drawn)}"))
        return None
    west, south, east, north = drawn.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        faults.append(document.fault(path, "positions are [longitude, latitude] in degrees (WGS 84)"))
        return None
    return drawn


def _overlaps(
    document: Document,
    shaped: Iterable[tuple[tuple[str | int, ...], dict[str, Any], BaseGeometry]],
    faults: list[Fault],
) -> None:
    rows = list(shaped)
    if len(rows) < 2:
        return
    shapes = np.array([drawn for _, _, drawn in rows], dtype=object)
    tree = shapely.STRtree(shapes)
    first, second = tree.query(shapes, predicate="intersects")
    pairs = first < second
    first, second = first[pairs], second[pairs]
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    smaller = np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    for n in np.flatnonzero(shared > TOLERANCE * smaller):
        path, row, _ = rows[second[n]]
        faults.append(document.fault(path, f"{row['code']} lies on {rows[first[n]][1]['code']} by {shared[n] / smaller[n]:.0%}"))  # fmt: skip


def _places(document: Document, rows: Rows, faults: list[Fault]) -> None:
    for path, row in rows:
        _shape(document, path, row["geometry"], faults)


def _gaps(document: Document, functions: Rows, mandates: Rows) -> list[Fault]:
    """A warning for each leaf that no organisation leads anywhere."""
    above = {row["code"]: row.get("parent") for _, row in functions}
    led = {row["function"] for _, row in mandates if row.get("role", "lead") == "lead"}
    parents = set(above.values())
    warnings = []
    for path, row in functions:
        if row["code"] in parents:
            continue
        code: str | None = row["code"]
        while code and code not in led:
            code = above.get(code)
        if not code:
            warnings.append(document.fault(path, f"{row['code']}: no organisation leads this anywhere"))
    return warnings
