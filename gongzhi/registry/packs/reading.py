"""From a folder to a checked `Pack`, or to the list of everything that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from gongzhi.registry.packs import checking, documents
from gongzhi.registry.packs.documents import Document
from gongzhi.registry.packs.faults import Fault, PackInvalid

FILES = {
    "city": "city.yaml",
    "areas": "areas.geojson",
    "places": "places.geojson",
    "organisations": "organisations.yaml",
    "functions": "functions.yaml",
    "mandates": "mandates.yaml",
    "staff": "staff.yaml",
}
"""Which file holds what; each has a schema of the same name."""

OPTIONAL = {"places"}
VALID_FROM = date(2020, 1, 1)
"""Since when a mandate is valid that does not say."""

_MOST_FAULTS_A_FILE = 200
_SCHEMAS = Path(__file__).parent / "schemas"


@dataclass(frozen=True, slots=True)
class Pack:
    """The content of a pack with every default filled in, so that equal packs compare equal.

    Rows are dictionaries as the files have them; areas and places carry `geometry` beside their
    properties, mandates their `basis` as texts and `from`/`until` as dates.
    """

    city: dict[str, Any]
    areas: list[dict[str, Any]]
    places: list[dict[str, Any]]
    organisations: list[dict[str, Any]]
    functions: list[dict[str, Any]]
    mandates: list[dict[str, Any]]
    people: list[dict[str, Any]]
    vacant: list[dict[str, Any]]
    warnings: list[Fault] = field(default_factory=list, compare=False)
    """What deserves a look but may be meant, such as a function that nobody leads."""


def read(folder: Path) -> Pack:
    """Read and check a pack.

    Raises:
        PackInvalid: with every fault that was found, each with its file and line.
    """
    faults: list[Fault] = []
    if not folder.is_dir():
        raise PackInvalid([Fault(str(folder), 0, "", "there is no such folder")])
    found: dict[str, Document] = {}
    sound: dict[str, Document] = {}
    for name, file in FILES.items():
        if name in OPTIONAL and not (folder / file).exists():
            continue
        document = documents.read(folder / file, file, faults)
        if document is not None:
            found[name] = document
            wrong = list(_against_schema(name, document))
            faults += wrong[:_MOST_FAULTS_A_FILE]
            if not wrong:
                sound[name] = document
    missing = set(FILES) - OPTIONAL - set(sound)
    warnings = checking.check(sound, faults, missing)
    if faults:
        raise PackInvalid(faults)
    return _pack(sound, sorted(set(warnings)))


@cache
def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a file of a pack, by the file's name without its ending."""
    loaded: dict[str, Any] = json.loads((_SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(name), validate_formats=True)


def _against_schema(name: str, document: Document) -> list[Fault]:
    faults = []
    for error in _validator(name).iter_errors(document.value):
        path = list(error.instance_path)
        message = _plain(error.message)
        hint = _hint(schema(name), list(error.schema_path))
        faults.append(document.fault(path, f"{message}; expected {hint}" if hint else message))
    return faults


def _plain(message: str) -> str:
    """The validator's sentence, cut short where it quotes half a file."""
    return message if len(message) <= 300 else f"{message[:140]} … {message[-120:]}"


def _hint(node: Any, path: Sequence[str | int]) -> str:
    """The description nearest to the rule that was broken, looked up along the schema's path."""
    root, best = node, ""
    for step in path:
        if isinstance(node, dict) and isinstance(node.get("$ref"), str) and step == "$ref":
            node = root["$defs"][node["$ref"].rsplit("/", 1)[1]]
        elif isinstance(node, dict):
            node = node.get(str(step))
        elif isinstance(node, list) and isinstance(step, int):
            node = node[step]
        if isinstance(node, dict):
            if "description" in node and isinstance(node["description"], str):
                best = node["description"]
            elif node.get("type") in ("object", "array"):
                best = ""
    return best


def _pack(sound: dict[str, Document], warnings: list[Fault]) -> Pack:
    places = sound["places"].value["features"] if "places" in sound else []
    mandates = sound["mandates"].value
    staff = sound["staff"].value
    return Pack(
        city=_city(sound["city"].value),
        areas=[
            {"parent": None, "kind": "", "population": None, **f["properties"], "geometry": f["geometry"]}
            for f in sound["areas"].value["features"]
        ],
        places=[{"aliases": [], **f["properties"], "geometry": f["geometry"]} for f in places],
        organisations=[
            {
                "parent": None, "kind": "government", "level": "city", "area": None, "uscc": "",
                "phone": "", "address": "", **row, "about": _texts(row.get("about")),
            }
            for row in sound["organisations"].value["organisations"]
        ],
        functions=[
            {
                "parent": None, "kind": "event", "working_days": 5, "urgency": "normal",
                "public": True, **row, "synonyms": _lists(row.get("synonyms")),
                "examples": _lists(row.get("examples")),
                "attributes": [_attribute(a) for a in row.get("attributes", [])],
            }
            for row in sound["functions"].value["functions"]
        ],
        mandates=[_mandate(row, mandates.get("bases", {})) for row in mandates["mandates"]],
        people=[_person(row) for row in staff["people"]],
        vacant=[{"area": None, "crew": None, **row} for row in staff.get("vacant", [])],
        warnings=warnings,
    )  # fmt: skip


def _city(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "languages": ["zh-hans", "en"], "number_prefix": "", "map": None, "emergency_numbers": [],
        "not_accepted": [], "thresholds": {"confidence": 0.5}, **row,
    }  # fmt: skip


def _texts(row: dict[str, str] | None) -> dict[str, str]:
    return {"zh": "", "en": "", **(row or {})}


def _lists(row: dict[str, list[str]] | None) -> dict[str, list[str]]:
    return {"zh": [], "en": [], **(row or {})}


def _attribute(row: dict[str, Any]) -> dict[str, Any]:
    return {"required": False, **row, "description": _texts(row["description"])}


def _mandate(row: dict[str, Any], bases: dict[str, dict[str, str]]) -> dict[str, Any]:
    basis = row.get("basis")
    return {
        "role": "lead",
        **row,
        "basis": _texts(bases[basis] if isinstance(basis, str) else basis),
        "from": date.fromisoformat(row["from"]) if "from" in row else VALID_FROM,
        "until": date.fromisoformat(row["until"]) if "until" in row else None,
    }


def _person(row: dict[str, Any]) -> dict[str, Any]:
    posts = [
        {"code": f"{row['username']}-{n}", "area": None, "crew": None, **post}
        for n, post in enumerate(row["posts"], 1)
    ]
    return {"language": "zh-hans", **row, "name": _texts(row["name"]), "posts": posts}
