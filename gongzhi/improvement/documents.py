"""A file of YAML with its lines, whose numbers stay text, so that 2.87 is 287/100 and not a float."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LARGEST_FILE = 5_000_000
"""Bytes; a tariff or a list of changes is a page or two."""


class DocumentInvalid(ValueError):
    """A file cannot be used; the sentence names file and line."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        self.path, self.line, self.message = path, line, message
        super().__init__(f"{path}: line {line}: {message}" if line else f"{path}: {message}")


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file and the line it stands on.

    Attributes:
        value: text of a scalar, list of nodes, or nodes by key.
        kind: "number", "text", "empty", "truth", "list", "map", or "twice" where a key holds two different
            things: an error for whoever needs it, not for those who do not.
    """

    value: Any
    line: int
    kind: str

    def get(self, key: str) -> Node | None:
        """The value under a key of a map, None where there is none."""
        return self.value.get(key) if self.kind == "map" else None

    def items(self) -> Iterator[tuple[str, Node]]:
        """The pairs of a map in the order of the file."""
        yield from (self.value.items() if self.kind == "map" else ())

    def plain(self) -> Any:
        """The value as JSON would have it."""
        if self.kind == "map":
            return {k: v.plain() for k, v in self.value.items()}
        if self.kind == "list":
            return [v.plain() for v in self.value]
        if self.kind == "number":
            return int(self.value) if self.value.lstrip("+-").isdigit() else float(self.value)
        if self.kind == "truth":
            return self.value.lower() in ("true", "yes", "on")
        return None if self.kind == "empty" else self.value

    def number(self) -> Fraction | None:
        """The exact value of a number, None for anything else."""
        if self.kind not in ("number", "text"):
            return None
        return number(self.value)


def number(text: str) -> Fraction | None:
    """A decimal as written, exactly; thousands may be set apart by commas (1,250.50)."""
    written = text.strip().replace(",", "")
    try:
        return Fraction(written) if "/" not in written and len(written) < 60 else None
    except (ValueError, ZeroDivisionError):
        return None


def read(path: Path) -> Node:
    """Read a YAML file.

    Raises:
        DocumentInvalid: no such file, not UTF-8, or not YAML.
    """
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise DocumentInvalid(path, 0, problem.strerror or "not readable") from problem
    if len(raw) > LARGEST_FILE:
        raise DocumentInvalid(path, 0, "larger than any such file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].count(b"\n") + 1
        raise DocumentInvalid(path, line, "not UTF-8") from problem
    return parse(path, text)


def parse(path: Path, text: str) -> Node:
    """Read YAML that did not come from a file of its own; `path` is how faults name it.

    Raises:
        DocumentInvalid: not YAML.
    """
    try:
        composed = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        raise DocumentInvalid(path, mark.line + 1 if mark else 0, f"not YAML: {problem.problem}") from problem
    except yaml.YAMLError as problem:
        raise DocumentInvalid(path, 0, f"not YAML: {problem}") from problem
    if composed is None:
        raise DocumentInvalid(path, 0, "the file is empty")
    return _node(path, composed, set())


def _node(path: Path, found: yaml.Node, above: set[int]) -> Node:
    line = found.start_mark.line + 1
    if id(found) in above:
        raise DocumentInvalid(path, line, "a value that contains itself")
    above = above | {id(found)}
    if isinstance(found, yaml.MappingNode):
        pairs: dict[str, Node] = {}
        for key, value in found.value:
            if not isinstance(key, yaml.ScalarNode):
                raise DocumentInvalid(path, key.start_mark.line + 1, "a key must be a word or number")
            name = str(key.value).strip()
            said = _node(path, value, above)
            if name in pairs and pairs[name].plain() != said.plain():
                said = Node(f"{name!r} stands here a second time, with another content", said.line, "twice")
            pairs[name] = said
        return Node(pairs, line, "map")
    if isinstance(found, yaml.SequenceNode):
        return Node([_node(path, v, above) for v in found.value], line, "list")
    tag = found.tag.rsplit(":", 1)[-1]
    kinds = {"int": "number", "float": "number", "null": "empty", "bool": "truth"}
    text = str(found.value).strip()
    kind = kinds.get(tag, "text")
    if kind == "number" and number(text) is None:
        kind = "text"
    return Node(text, line, kind)
