"""Maps: documents that say which column of a file means what, checked with the line of each fault."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema_rs
import yaml

_FOLDER = Path(__file__).parent / "maps"
_SCHEMA = Path(__file__).parent / "map.schema.json"
BUILT_IN = ("nyc311", "baltimore311", "open311")
_SEPARATORS = re.compile(r"[\s_\-.]+")


class MapInvalid(ValueError):
    """A map breaks its schema, or does not fit the file; the sentence names lines or columns."""


@dataclass(frozen=True, slots=True)
class CityFacts:
    """What a map says of the city, for `--learn` where no city has been described yet."""

    code: str = ""
    name_en: str = ""
    name_zh: str = ""
    country: str = ""
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class AreaColumn:
    """A column that names an area, and the level it belongs to."""

    column: int
    level: str
    prefix: str = ""


@dataclass(frozen=True)
class ColumnMap:
    """A map bound to a file: every meaning with the index of its column, None where there is none.

    `words` says in plain words which column was taken for what.
    """

    source: str
    language: str
    time_zone: str
    day_first: bool
    city: CityFacts
    identifier: int | None
    text: tuple[tuple[int, ...], ...]
    """Parts that are joined; of each part the first column with a value counts."""
    text_between: str
    function: int | None
    function_parent: int | None
    organisation: int | None
    organisation_name: int | None
    areas: tuple[AreaColumn, ...]
    opened: int | None
    opened_is_required: bool
    accepted: int | None
    closed: int | None
    due: int | None
    updated: int | None
    lat: int | None
    lng: int | None
    address: tuple[tuple[int, ...], ...]
    resolution: int | None
    status: int | None
    statuses: dict[str, str]
    channel: int | None
    channels: dict[str, str]
    unknown: frozenset[str]
    keep: tuple[tuple[int, str], ...]
    words: dict[str, str] = field(default_factory=dict)


def folded(name: str) -> str:
    """A column's name as it is compared: capitals, spaces, hyphens and underscores do not count."""
    return _SEPARATORS.sub("", name).casefold()


def read_map(name: str) -> dict[str, Any]:
    """The document of a built-in map, or of a file.

    Raises:
        MapInvalid: no such map, or every fault with its line.
    """
    path = _FOLDER / f"{name}.yaml" if name in BUILT_IN else Path(name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        known = ", ".join([*BUILT_IN, "generic"])
        raise MapInvalid(
            f"{name} is neither a map that comes with gongzhi ({known}) nor a readable file: {problem}"
        ) from problem
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise MapInvalid(f"{where}: {getattr(problem, 'problem', None) or problem}") from problem
    if not isinstance(document, dict):
        raise MapInvalid(f"{path}:1: a map is a list of names and values, such as `text: Description`")
    validator = jsonschema_rs.validator_for(json.loads(_SCHEMA.read_text(encoding="utf-8")))
    try:
        errors = list(validator.iter_errors(document))
    except ValueError as problem:
        raise MapInvalid(f"{path}: refers to itself ({problem})") from problem
    faults = [
        f"{path}:{_line(node, list(e.instance_path))}: {'.'.join(map(str, e.instance_path)) or 'map'}: "
        f"{e.message}"
        for e in errors
    ]
    if not faults:
        for key, place in (("time_zone", document), ("time_zone", document.get("city", {}))):
            if place.get(key) and not _is_zone(place[key]):
                line = _line(node, [key] if place is document else ["city", key])
                faults.append(f"{path}:{line}: {place[key]!r} is no time zone of the IANA database")
    if faults:
        raise MapInvalid("\n".join(faults))
    loaded: dict[str, Any] = document
    return loaded


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _line(node: Any, path: Sequence[str | int]) -> int:
    """The line, counted from 1, of the value at `path`, or of the nearest value around it."""
    line = node.start_mark.line if node is not None else 0
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line
        else:
            break
    return int(line) + 1


def bind(document: dict[str, Any], columns: Sequence[str], *, city_zone: str = "UTC") -> ColumnMap:
    """The map for a file with these columns; columns it does not mention are ignored.

    Args:
        city_zone: IANA zone for times without an offset, unless the map says another.

    Raises:
        MapInvalid: the file has none of the columns that make the text.
    """
    place = {folded(name): i for i, name in reversed(list(enumerate(columns)))}
    words: dict[str, str] = {}

    def alternatives(wanted: str | list[str] | None) -> list[int]:
        names = [wanted] if isinstance(wanted, str) else list(wanted or [])
        return [place[folded(n)] for n in names if folded(n) in place]

    def one(key: str) -> int | None:
        found = alternatives(document.get(key))
        if found:
            words[key] = columns[found[0]]
        return found[0] if found else None

    def parts(key: str) -> tuple[tuple[int, ...], ...]:
        wanted = document.get(key)
        listed = [wanted] if isinstance(wanted, str) else list(wanted or [])
        found = [tuple(alternatives(part)) for part in listed]
        kept = tuple(dict.fromkeys(part for part in found if part))
        if kept:
            words[key] = " + ".join(columns[part[0]] for part in kept)
        return kept

    text = parts("text")
    if not text:
        raise MapInvalid(
            f"The file has no column that the map {document['source']} takes the text from. "
            f"It has: {', '.join(columns)}"
        )
    areas = []
    for entry in document.get("areas", []):
        found = alternatives(entry["column"])
        if found:
            areas.append(AreaColumn(found[0], entry["level"], entry.get("prefix", "")))
            words[entry["level"]] = columns[found[0]]
    city = document.get("city", {})
    return ColumnMap(
        source=document["source"],
        language=document.get("language", "zh-hans"),
        time_zone=document.get("time_zone") or city_zone,
        day_first=bool(document.get("day_first", False)),
        city=CityFacts(
            code=city.get("code", ""),
            name_en=city.get("name_en", ""),
            name_zh=city.get("name_zh", ""),
            country=city.get("country", ""),
            time_zone=city.get("time_zone", document.get("time_zone", "")),
        ),
        identifier=one("id"),
        text=text,
        text_between=document.get("text_between", "\n"),
        function=one("function"),
        function_parent=one("function_parent"),
        organisation=one("organisation"),
        organisation_name=one("organisation_name"),
        areas=tuple(areas),
        opened=one("opened"),
        opened_is_required=bool(document.get("opened_is_required", False)),
        accepted=one("accepted"),
        closed=one("closed"),
        due=one("due"),
        updated=one("updated"),
        lat=one("lat"),
        lng=one("lng"),
        address=parts("address"),
        resolution=one("resolution"),
        status=one("status"),
        statuses={str(k).casefold(): v for k, v in document.get("statuses", {}).items()},
        channel=one("channel"),
        channels={str(k).casefold(): v for k, v in document.get("channels", {}).items()},
        unknown=frozenset(v.casefold() for v in document.get("unknown_values", [])),
        keep=tuple(
            (found[0], columns[found[0]])
            for found in (alternatives(name) for name in document.get("keep", []))
            if found
        ),
        words=words,
    )


def required_columns_are_there(bound: ColumnMap, columns: Sequence[str]) -> None:
    """Pass silently or raise.

    Raises:
        MapInvalid: the map insists on a time of opening and the file has no such column.
    """
    if bound.opened_is_required and bound.opened is None:
        raise MapInvalid(
            f"The map {bound.source} needs the column that says when a matter was opened. "
            f"The file has: {', '.join(columns)}"
        )
