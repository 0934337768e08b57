"""The table of mandates asked as a whole: who is responsible for each function in each area."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gongzhi.registry import packs
from gongzhi.registry.models import City
from gongzhi.registry.snapshot import AreaView, FunctionView, MandateView, OrganisationView, Snapshot
from gongzhi.routing.resolution import Route, resolve


@dataclass(slots=True)
class Table:
    """A registry on one day. Routing itself answers; every answer is remembered."""

    registry: Snapshot
    on: date
    _routes: dict[tuple[int, int], Route] = field(default_factory=dict)

    def route(self, function: int, area: int) -> Route:
        """Who is responsible for a function in an area."""
        key = (function, area)
        if key not in self._routes:
            registry = self.registry
            self._routes[key] = resolve(
                registry, registry.functions.get(function), registry.areas.get(area), self.on
            )
        return self._routes[key]

    def routes(self, function: NDArray[np.int64], area: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) organisation of each pair, -1 for none; each different pair is asked once."""
        pairs = np.stack((function, area), axis=1)
        distinct, place = np.unique(pairs, axis=0, return_inverse=True)
        found = [self.route(int(f), int(a)).organisation_id for f, a in distinct]
        return np.array([-1 if o is None else o for o in found], np.int64)[place.ravel()]

    def covers(
        self, organisation: NDArray[np.int64], function: NDArray[np.int64], area: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """(n,) whether the organisation has any mandate, lead or assist, for the function in the area."""
        triples = np.stack((organisation, function, area), axis=1)
        distinct, place = np.unique(triples, axis=0, return_inverse=True)
        found = [self._covers(int(o), int(f), int(a)) for o, f, a in distinct]
        return np.array(found, bool)[place.ravel()]

    def _covers(self, organisation: int, function: int, area: int) -> bool:
        return any(m.organisation_id == organisation for m in self.mandates(function, area))

    def mandates(self, function: int, area: int) -> list[MandateView]:
        """Every valid mandate that reaches a function in an area, also from above."""
        registry = self.registry
        view, place = registry.functions.get(function), registry.areas.get(area)
        if view is None or place is None:
            return []
        return [
            m
            for f in view.ancestors
            for a in place.ancestors
            for m in registry.mandates_of.get((f, a), ())
            if m.is_valid_on(self.on)
        ]

    def leaves(self) -> list[FunctionView]:
        """Functions that cases can be about."""
        return [f for f in self.registry.functions.values() if f.is_leaf]

    def places(self) -> list[AreaView]:
        """The areas to look at: those of the smallest level for which any mandate is written, at least streets."""
        named = {
            self.registry.areas[a].level for _, a in self.registry.mandates_of if a in self.registry.areas
        }
        there = {a.level for a in self.registry.areas.values()}
        for level in ("grid", "street", "district", "city"):
            if level in there and (level in named or level == "street"):
                return [a for a in self.registry.areas.values() if a.level == level]
        return list(self.registry.areas.values())

    def summed_up(self, areas: Iterable[int]) -> list[int]:
        """The fewest areas that stand for the given ones: a parent for all of its places."""
        places = {a.id for a in self.places()}
        chosen = set(areas)
        result: list[int] = []
        for area in sorted(self.registry.areas.values(), key=lambda a: len(a.ancestors)):
            below = {p for p in places if area.id in self.registry.areas[p].ancestors}
            if below and below <= chosen:
                result.append(area.id)
                chosen -= below
        return result


def of_pack(folder: Path) -> tuple[Snapshot, dict[str, list[str]]]:
    """A registry from the files of a city pack, without a database, and the words of each function.

    Raises:
        PackInvalid: the pack has faults.
    """
    pack = packs.read(folder)
    area_id = {row["code"]: i for i, row in enumerate(pack.areas, 1)}
    organisation_id = {row["code"]: i for i, row in enumerate(pack.organisations, 1)}
    function_id = {row["code"]: i for i, row in enumerate(pack.functions, 1)}
    area_up = _ancestors({r["code"]: r.get("parent") for r in pack.areas}, area_id)
    function_up = _ancestors({r["code"]: r.get("parent") for r in pack.functions}, function_id)
    parents = {r["parent"] for r in pack.functions if r.get("parent")}
    areas = {
        area_id[r["code"]]: AreaView(
            area_id[r["code"]], r["code"], r["level"], area_id.get(r.get("parent") or ""), area_up[r["code"]],
            r["name_zh"], r["name_en"], 1000.0,
        )
        for r in pack.areas
    }  # fmt: skip
    functions = {
        function_id[r["code"]]: FunctionView(
            function_id[r["code"]], r["code"], r["kind"], function_up[r["code"]], r["name"]["zh"],
            r["name"]["en"], r["working_days"], r["urgency"], r["public"], r["code"] not in parents, (),
        )
        for r in pack.functions
    }  # fmt: skip
    organisations = {
        organisation_id[r["code"]]: OrganisationView(
            organisation_id[r["code"]], r["code"], r["kind"], r["level"],
            organisation_id.get(r.get("parent") or ""), area_id.get(r.get("area") or ""),
            r["name"]["zh"], r["name"]["en"], r["phone"],
        )
        for r in pack.organisations
    }  # fmt: skip
    mandates: dict[tuple[int, int], list[MandateView]] = defaultdict(list)
    for i, r in enumerate(pack.mandates, 1):
        key = (function_id[r["function"]], area_id[r["area"]])
        mandates[key].append(
            MandateView(
                i, organisation_id[r["organisation"]], *key, r["role"], r["from"], r["until"],
                r["basis"]["zh"], r["basis"]["en"],
            )
        )  # fmt: skip
    registry = Snapshot(
        revision=0,
        city=City(code=pack.city["code"], config=pack.city),
        areas=areas,
        functions=functions,
        organisations=organisations,
        mandates_of={key: tuple(rows) for key, rows in mandates.items()},
        area_by_code={a.code: a for a in areas.values()},
        function_by_code={f.code: f for f in functions.values()},
        organisation_by_code={o.code: o for o in organisations.values()},
    )
    words = {
        r["code"]: [*r["name"].values(), *r["synonyms"]["zh"], *r["synonyms"]["en"], *r["examples"]["zh"]]
        for r in pack.functions
    }
    return registry, words


def _ancestors(parent: dict[str, str | None], number: dict[str, int]) -> dict[str, tuple[int, ...]]:
    result = {}
    for code in parent:
        way, at = [], code
        while at:
            way.append(number[at])
            at = parent.get(at) or ""
        result[code] = tuple(reversed(way))
    return result
