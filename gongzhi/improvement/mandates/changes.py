"""A changed table of mandates, from a file that says what to add, end, move or merge.

changes:
- end:   {organisation: urban, function: noise-construction, area: "429000", role: lead}
- add:   {organisation: urban, function: noise-construction, area: "429000", role: assist}
- move:  {function: dust, from: environment, to: housing, area: "429000"}
- merge: {function: bikes-shared, into: e-bike-parking}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gongzhi.improvement.documents import DocumentInvalid, Node, read
from gongzhi.improvement.mandates.table import Table
from gongzhi.registry.models import Mandate
from gongzhi.registry.snapshot import MandateView, Snapshot

FIELDS = {
    "add": (("organisation", "function"), ("area", "role")),
    "end": (("organisation", "function"), ("area", "role")),
    "move": (("function", "from", "to"), ("area",)),
    "merge": (("function", "into"), ()),
}
"""What each kind of change must say and may say."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A table after changes, and which functions became one: id → id of the one that stays."""

    table: Table
    merged: dict[int, int]


def apply(table: Table, path: Path) -> Changed:
    """Read a file of changes and apply it.

    Raises:
        DocumentInvalid: an unknown change, code or role, or a mandate to end that does not exist; names the line.
    """
    return apply_document(table, path, read(path))


def apply_document(table: Table, path: Path, document: Node) -> Changed:
    """The same for a document that was already read.

    Raises:
        DocumentInvalid: as `apply`.
    """
    rows = document.get("changes") if document.kind == "map" else document
    if rows is None or rows.kind != "list" or not rows.value:
        raise DocumentInvalid(path, document.line, "expected changes: a list of add, end, move or merge")
    return _applied(table, path, rows.value)


def apply_proposals(table: Table, proposals: list[dict[str, Any]]) -> Changed:
    """Apply the changes that findings propose."""
    return _applied(table, Path("proposals"), [_node(p) for p in proposals])


def _node(value: Any) -> Node:
    if isinstance(value, Mapping):
        return Node({str(k): _node(v) for k, v in value.items()}, 0, "map")
    return Node(str(value), 0, "text")


def _applied(table: Table, path: Path, rows: list[Node]) -> Changed:
    mandates = {key: list(found) for key, found in table.registry.mandates_of.items()}
    change = _Change(path, table, defaultdict(list, mandates))
    for row in rows:
        change.one(row)
    registry = replace(table.registry, mandates_of={k: tuple(v) for k, v in change.mandates.items() if v})
    return Changed(Table(registry, table.on), change.merged)


class _Change:
    """The table while changes are applied to it."""

    def __init__(
        self, path: Path, table: Table, mandates: defaultdict[tuple[int, int], list[MandateView]]
    ) -> None:
        self.path, self.on, self.mandates = path, table.on, mandates
        self.registry: Snapshot = table.registry
        self.merged: dict[int, int] = {}
        self.next_id = 1 + max((m.id for rows in mandates.values() for m in rows), default=0)

    def one(self, row: Node) -> None:
        pairs = list(row.items())
        if len(pairs) != 1 or pairs[0][0] not in FIELDS or pairs[0][1].kind != "map":
            raise DocumentInvalid(self.path, row.line, f"expected one of {', '.join(FIELDS)} with its fields")
        kind, said = pairs[0]
        needed, allowed = FIELDS[kind]
        given = [key for key, _ in said.items()]
        for key in needed:
            if key not in given:
                raise DocumentInvalid(self.path, said.line, f"{kind}: {key} is missing")
        for key, value in said.items():
            if key not in (*needed, *allowed):
                raise DocumentInvalid(self.path, value.line, f"{kind}: no field {key!r}")
        getattr(self, kind)(said)

    def _id(self, said: Node, key: str, kind: str) -> int:
        node = said.get(key)
        known: Mapping[str, Any] = getattr(self.registry, f"{kind}_by_code")
        if node is None and kind == "area" and (root := self.registry.root_area()) is not None:
            return root.id
        code = "" if node is None else str(node.value)
        if code not in known:
            raise DocumentInvalid(self.path, (node or said).line, f"no {kind} {code!r}")
        return int(known[code].id)

    def _role(self, said: Node) -> str:
        node = said.get("role")
        role = "lead" if node is None else str(node.value)
        if role not in Mandate.Role.values:
            raise DocumentInvalid(self.path, (node or said).line, f"no role {role!r}; lead or assist")
        return role

    def add(self, said: Node) -> None:
        organisation, function = (
            self._id(said, "organisation", "organisation"),
            self._id(said, "function", "function"),
        )
        area, role = self._id(said, "area", "area"), self._role(said)
        self.mandates[function, area].append(
            MandateView(self.next_id, organisation, function, area, role, self.on, None, "", "")
        )
        self.next_id += 1

    def end(self, said: Node) -> None:
        organisation, function = (
            self._id(said, "organisation", "organisation"),
            self._id(said, "function", "function"),
        )
        area, role = self._id(said, "area", "area"), self._role(said)
        before = self.mandates[function, area]
        kept = [m for m in before if not (m.organisation_id == organisation and m.role == role)]
        if len(kept) == len(before):
            raise DocumentInvalid(self.path, said.line, "there is no such mandate to end")
        self.mandates[function, area] = kept

    def move(self, said: Node) -> None:
        """The function of one organisation becomes another's, in the area and in all areas below it."""
        function = self._id(said, "function", "function")
        old, new = self._id(said, "from", "organisation"), self._id(said, "to", "organisation")
        area = self._id(said, "area", "area")
        had = False
        for (of_function, of_area), rows in list(self.mandates.items()):
            if of_function != function or area not in self.registry.areas[of_area].ancestors:
                continue
            if any(m.organisation_id == old for m in rows):
                had = True
                self.mandates[of_function, of_area] = [m for m in rows if m.organisation_id != old]
        for above in self.registry.functions[function].ancestors[:-1]:
            had = had or any(m.organisation_id == old for m in self.mandates.get((above, area), ()))
        if not had:
            raise DocumentInvalid(
                self.path, said.line, "the organisation has no mandate for the function there"
            )
        if not any(m.organisation_id == new and m.role == "lead" for m in self.mandates[function, area]):
            self.mandates[function, area].append(
                MandateView(self.next_id, new, function, area, "lead", self.on, None, "", "")
            )
            self.next_id += 1

    def merge(self, said: Node) -> None:
        one, other = self._id(said, "function", "function"), self._id(said, "into", "function")
        if one == other:
            raise DocumentInvalid(self.path, said.line, "a function cannot be merged into itself")
        self.merged[one] = other
