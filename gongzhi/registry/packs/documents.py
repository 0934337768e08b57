"""Reading YAML and GeoJSON with the line of every value.

YAML is read as JSON would be: no aliases (they can blow a small file up to gigabytes), no tags, each
key once, only ``true`` and ``false`` are booleans, and dates stay text (``2026-01-31``), so that a
JSON Schema describes a file completely. PyYAML's C parser is used on its events; nesting is limited
before anything recursive runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from gongzhi.registry.packs.faults import Fault

MOST_BYTES = 20_000_000
DEEPEST = 40

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?\Z")
_NULL = {"", "~", "null"}
_TRUTH = {"true": True, "false": False}

Path_: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """The value of a file and the line (from 1) of each value in it."""

    file: str
    value: Any
    lines: dict[Path_, int] = field(default_factory=dict)

    def line(self, path: Sequence[str | int]) -> int:
        """The line of the value at `path`, or of the nearest thing around it."""
        key = tuple(path)
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def fault(self, path: Sequence[str | int], message: str) -> Fault:
        """A fault at the line of `path`."""
        return Fault(self.file, self.line(path), written(path), message)


def written(path: Sequence[str | int]) -> str:
    """A path as people read it: ``functions[3].name.zh``."""
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read(path: Path, name: str, faults: list[Fault]) -> Document | None:
    """Read one file of a pack; what is wrong with it is added to `faults`, and None comes back."""
    try:
        if path.stat().st_size > MOST_BYTES:
            faults.append(Fault(name, 0, "", f"larger than {MOST_BYTES // 1_000_000} MB; split it"))
            return None
        raw = path.read_bytes()
    except FileNotFoundError:
        faults.append(Fault(name, 0, "", "the file is missing"))
        return None
    except OSError as problem:
        faults.append(Fault(name, 0, "", f"cannot be read: {problem.strerror}"))
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        faults.append(Fault(name, line, "", "not UTF-8; save the file as UTF-8"))
        return None
    if "\x00" in text:
        faults.append(Fault(name, text.count("\n", 0, text.index("\x00")) + 1, "", "holds a NUL"))
        return None
    if path.suffix in (".geojson", ".json"):
        return _geojson(text, name, faults)
    return _yaml(text, name, faults)


def _yaml(text: str, name: str, faults: list[Fault]) -> Document | None:
    lines: dict[Path_, int] = {}
    found: list[Fault] = []
    value: Any = None
    stack: list[tuple[Any, Path_]] = []
    key: list[str | None] = []
    documents = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            line = (event.start_mark.line if event.start_mark else 0) + 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    found.append(Fault(name, line, "", "only one document is allowed in a file"))
                    break
                continue
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                found.append(Fault(name, line, "", "anchors and aliases (& and *) are not allowed; write the value out"))  # fmt: skip
                break
            if isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
                key.pop()
                continue
            if isinstance(event, yaml.CollectionStartEvent):
                if len(stack) >= DEEPEST:
                    found.append(Fault(name, line, "", f"nested deeper than {DEEPEST} levels"))
                    break
                fresh: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            elif not isinstance(event, yaml.ScalarEvent):
                continue
            else:
                if stack and isinstance(stack[-1][0], dict) and key[-1] is None:
                    key[-1] = event.value
                    if event.value in stack[-1][0]:
                        found.append(Fault(name, line, written((*stack[-1][1], event.value)), "the key stands twice"))  # fmt: skip
                    continue
                fresh = _scalar(event)
            path: Path_ = ()
            if not stack:
                value = fresh
            else:
                around, above = stack[-1]
                if isinstance(around, list):
                    path = (*above, len(around))
                    around.append(fresh)
                elif key[-1] is None:
                    found.append(Fault(name, line, written(above), "a key must be a plain word"))
                    break
                else:
                    path = (*above, key[-1])
                    around[key[-1]] = fresh
                    key[-1] = None
            lines[path] = line
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append((fresh, path))
                key.append(None)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        found.append(Fault(name, mark.line + 1 if mark else 1, "", f"not valid YAML: {problem.problem or problem}"))  # fmt: skip
    except yaml.YAMLError as problem:
        found.append(Fault(name, 1, "", f"not valid YAML: {problem}"))
    faults.extend(found)
    return None if found else Document(name, value, lines)


def _scalar(event: yaml.ScalarEvent) -> Any:
    text = event.value
    if event.style in ("'", '"', "|", ">"):
        return text
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.match(text) and len(text) < 20:
        return int(text)
    if _DECIMAL.match(text) and len(text) < 40:
        return float(text)
    return text


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def _geojson(text: str, name: str, faults: list[Fault]) -> Document | None:
    """JSON, with the line of each feature and of its properties."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as problem:
        faults.append(Fault(name, problem.lineno, "", f"not valid JSON: {problem.msg}"))
        return None
    except (ValueError, RecursionError) as problem:
        reason = "nested too deep" if isinstance(problem, RecursionError) else str(problem)
        faults.append(Fault(name, 1, "", f"not valid JSON: {reason}"))
        return None
    lines: dict[Path_, int] = {(): 1}
    features = value.get("features") if isinstance(value, dict) else None
    if isinstance(features, list):
        decoder = json.JSONDecoder()
        at = text.index("[", text.index('"features"')) + 1
        line, counted = 1, 0
        for n in range(len(features)):
            at = _next_value(text, at)
            line += text.count("\n", counted, at)
            counted = at
            _, end = decoder.raw_decode(text, at)
            lines[("features", n)] = line
            properties = features[n].get("properties") if isinstance(features[n], dict) else None
            if isinstance(properties, dict) and "\n" in text[at:end]:
                for key in properties:
                    place = text.find(json.dumps(key, ensure_ascii=False), at, end)
                    if place >= 0:
                        lines[("features", n, "properties", key)] = line + text.count("\n", at, place)
            at = end
    return Document(name, value, lines)


def _next_value(text: str, at: int) -> int:
    while text[at] in " \t\r\n,":
        at += 1
    return at
