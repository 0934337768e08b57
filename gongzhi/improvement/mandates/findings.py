"""What is wrong with the table of mandates: each finding with its evidence and a proposed change.

Overlap (权责交叉): two organisations lead the same function in the same area. Gap (权责空白): nobody
leads it. Near-duplicates: two functions whose cases and words cannot be told apart. Ping-pong (推诿):
cases that come back to an organisation that had them. Scattered (职能分散): a subject whose functions
many organisations lead.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gongzhi.improvement.mandates.past import NOBODY, Past
from gongzhi.improvement.mandates.table import Table

LEAST_CASES = 20
"""Two functions with fewer cases together are not judged by them."""
LEAST_CONFUSED = 5
"""Fewer confused cases than this are chance."""
CONFUSED = 0.2
"""Share of the cases of two functions that were read as the other, or nearly so, from which they count as one."""
ALIKE = 0.6
"""Likeness of the words of two functions (cosine of character pairs) that makes them near-duplicates."""
MANY = 4
"""So many different leads within one subject scatter it."""
OWN_OFFICE = 0.75
"""Where this share of the areas has an office of its own for a function, an area without one is a gap."""
LEAST_BOUNCED = 2
"""So many cases must have come back before a pair of organisations is named."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: overlap, gap, duplicate, ping_pong or scattered.
        functions, areas, organisations: ids that it is about.
        cases: how many cases of the period it concerns.
        evidence: figures, by name.
        changes: what to do about it, in the words of a file of changes (see `changes`).
    """

    kind: str
    functions: tuple[int, ...]
    areas: tuple[int, ...]
    organisations: tuple[int, ...]
    cases: int
    evidence: dict[str, Any]
    changes: list[dict[str, Any]] = field(default_factory=list)


def check(table: Table, past: Past, words: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Every finding, those that concern most cases first within their kind."""
    found = [
        *_overlaps_and_gaps(table, past),
        *_duplicates(table, past, words),
        *_ping_pong(table, past),
        *_scattered(table, past),
    ]
    order = ("overlap", "gap", "duplicate", "ping_pong", "scattered")
    return sorted(found, key=lambda f: (order.index(f.kind), -f.cases, f.functions))


def _overlaps_and_gaps(table: Table, past: Past) -> list[Finding]:
    places = table.places()
    groups: dict[tuple[str, int, tuple[int, ...]], list[int]] = defaultdict(list)
    for function in table.leaves():
        for place in places:
            route = table.route(function.id, place.id)
            if route.rule in ("overlap", "gap", "assist"):
                kind = "overlap" if route.rule == "overlap" else "gap"
                groups[kind, function.id, route.equal_mandates].append(place.id)
    for function in table.leaves():
        if (left_out := _left_out(table, function.id)) and ("gap", function.id, ()) not in groups:
            groups["gap", function.id, ()] = left_out
    return [
        _overlap(table, past, function, areas, equal)
        if kind == "overlap"
        else _gap(table, past, function, areas, everywhere=len(areas) == len(places))
        for (kind, function, equal), areas in groups.items()
    ]


def _left_out(table: Table, function: int) -> list[int]:
    """Areas without an office of their own for what nearly every other area's own office does."""
    own: list[int] = []
    other: list[int] = []
    for place in table.places():
        reaching = table.mandates(function, place.id)
        mine = any(m.area_id == place.id and m.function_id == function and m.role == "lead" for m in reaching)
        (own if mine else other).append(place.id)
    return other if other and len(own) >= OWN_OFFICE * len(table.places()) else []


def _of(table: Table, past: Past, function: int, areas: Sequence[int]) -> Any:
    """(n,) which cases are about the function in the areas or anywhere below them."""
    chosen = set(areas)
    below = [a.id for a in table.registry.areas.values() if chosen & set(a.ancestors)]
    if len(chosen) == len(table.places()):
        return past.function == function  # also cases of which only the district or city is known
    return (past.function == function) & np.isin(past.area, below)


def _figures(past: Past, rows: Any) -> dict[str, Any]:
    moved = rows & (past.moves > 0)
    return {
        "cases": int(rows.sum()),
        "moved": int(moved.sum()),
        "moves": int(past.moves[rows].sum()),
        "hours_lost": round(float(past.lost_hours[rows].sum()), 1),
    }


def _ended_with(table: Table, past: Past, rows: Any) -> dict[str, int]:
    codes = table.registry.organisations
    counted = Counter(past.organisation[rows].tolist()).most_common(5)
    return {codes[o].code: n for o, n in counted if o in codes}


def _overlap(
    table: Table, past: Past, function: int, areas: Sequence[int], equal: tuple[int, ...]
) -> Finding:
    registry = table.registry
    by_id = {m.id: m for rows in registry.mandates_of.values() for m in rows}
    mandates = [by_id[i] for i in equal]
    rows = _of(table, past, function, areas)
    ended = Counter(past.organisation[rows].tolist())
    keep = max(mandates, key=lambda m: (ended.get(m.organisation_id, 0), -m.id))
    changes = []
    for m in mandates:
        if m.organisation_id != keep.organisation_id:
            at = {
                "organisation": registry.organisations[m.organisation_id].code,
                "function": registry.functions[m.function_id].code,
                "area": registry.areas[m.area_id].code,
            }
            changes += [{"end": {**at, "role": "lead"}}, {"add": {**at, "role": "assist"}}]
    return Finding(
        "overlap",
        (function,),
        tuple(table.summed_up(areas)),
        tuple(dict.fromkeys(m.organisation_id for m in mandates)),
        int(rows.sum()),
        {
            **_figures(past, rows),
            "ended_with": _ended_with(table, past, rows),
            "bases": [m.basis_zh for m in mandates],
            "keeps": registry.organisations[keep.organisation_id].code,
        },
        changes,
    )


def _gap(table: Table, past: Past, function: int, areas: Sequence[int], *, everywhere: bool) -> Finding:
    registry = table.registry
    rows = _of(table, past, function, areas)
    desk = registry.organisation_by_code.get(str(registry.city.config.get("first_responsible", "")))
    ended = Counter(o for o in past.organisation[rows].tolist() if desk is None or o != desk.id)
    ended.pop(NOBODY, None)
    beside: Counter[int] = Counter()
    siblings = [f for f in table.leaves() if f.ancestors[:-1] == registry.functions[function].ancestors[:-1]]
    for sibling in siblings:
        for area in areas:
            route = table.route(sibling.id, area)
            if route.rule in ("mandate", "overlap") and route.organisation_id is not None:
                beside[route.organisation_id] += 1
    elsewhere: Counter[str] = Counter()
    if not everywhere:
        for place in table.places():
            route = table.route(function, place.id)
            if route.organisation_id is not None and route.rule in ("mandate", "overlap"):
                elsewhere[registry.organisations[route.organisation_id].level] += 1
    change: list[dict[str, Any]] = []
    summed = table.summed_up(areas)
    for area in summed:
        own = [o for o in registry.organisations.values() if o.area_id == area and o.level in elsewhere]
        offered = ended.most_common(1)[0][0] if ended else own[0].id if own else None
        if offered is None and beside:
            offered = beside.most_common(1)[0][0]
        if offered is not None:
            change.append(
                {
                    "add": {
                        "organisation": registry.organisations[offered].code,
                        "function": registry.functions[function].code,
                        "area": registry.areas[area].code,
                        "role": "lead",
                    }
                }
            )
    return Finding(
        "gap",
        (function,),
        tuple(summed),
        tuple(dict.fromkeys(m.organisation_id for a in areas for m in table.mandates(function, a))),
        int(rows.sum()),
        {
            **_figures(past, rows),
            "ended_with": _ended_with(table, past, rows),
            "falls_to": sorted(
                {
                    registry.organisations[o].code
                    for a in areas
                    if (o := table.route(function, a).organisation_id) is not None
                }
            ),
            "assist_only": any(table.route(function, a).rule == "assist" for a in areas),
        },
        change,
    )


def _duplicates(table: Table, past: Past, words: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Pairs of functions whose cases are read as the other, or whose words are the same."""
    registry = table.registry
    total = Counter(past.function.tolist())
    mixed: Counter[tuple[int, int]] = Counter()
    for other in (past.read, past.tied):
        wrong = (other != past.function) & (other != NOBODY) & (past.function != NOBODY)
        if other is past.tied:
            wrong &= past.read == past.function
        low, high = np.minimum(past.function, other)[wrong], np.maximum(past.function, other)[wrong]
        mixed.update(zip(low.tolist(), high.tolist(), strict=True))
    alike = _alike(table, words)
    found = []
    for a, b in set(mixed) | set(alike):
        cases, confused = total[a] + total[b], mixed[a, b]
        share = confused / cases if cases else 0.0
        if (
            not (cases >= LEAST_CASES and confused >= LEAST_CONFUSED and share >= CONFUSED)
            and (a, b) not in alike
        ):
            continue
        if a not in registry.functions or b not in registry.functions:
            continue
        keep, drop = (a, b) if total[a] >= total[b] else (b, a)
        rows = (past.function == a) | (past.function == b)
        leads = {table.route(f, p.id).organisation_id for f in (a, b) for p in table.places()[:1]}
        found.append(
            Finding(
                "duplicate",
                (keep, drop),
                (),
                tuple(o for o in leads if o is not None),
                confused,
                {
                    **_figures(past, rows),
                    "confused": confused,
                    "confused_share": round(share, 3),
                    "words_alike": round(alike.get((a, b), 0.0), 3),
                },
                [
                    {
                        "merge": {
                            "function": registry.functions[drop].code,
                            "into": registry.functions[keep].code,
                        }
                    }
                ],
            )
        )
    return found


def _alike(table: Table, words: Mapping[str, Sequence[str]]) -> dict[tuple[int, int], float]:
    """Likeness of the words of functions, for pairs above `ALIKE`."""
    functions = sorted(table.leaves(), key=lambda f: f.id)
    profiles = []
    for function in functions:
        pairs: Counter[str] = Counter()
        for text in words.get(function.code, ()):
            plain = text.lower()
            pairs.update(plain[i : i + 2] for i in range(len(plain) - 1))
        profiles.append(pairs)
    known = {pair: i for i, pair in enumerate(dict.fromkeys(p for c in profiles for p in c))}
    if not known:
        return {}
    rare = np.log(
        (1 + len(profiles)) / (1 + np.bincount([known[p] for c in profiles for p in c], minlength=len(known)))
    )
    matrix = np.zeros((len(profiles), len(known)))
    for row, profile in enumerate(profiles):
        for pair, count in profile.items():
            matrix[row, known[pair]] = (1 + np.log(count)) * rare[known[pair]]
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix /= np.where(lengths > 0, lengths, 1)
    likeness = np.triu(matrix @ matrix.T, 1)
    return {
        (functions[i].id, functions[j].id): float(likeness[i, j])
        for i, j in zip(*np.nonzero(likeness >= ALIKE), strict=True)
    }


def _ping_pong(table: Table, past: Past) -> list[Finding]:
    """Cases that came back to an organisation which had held them, by the pair that passed them on."""
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for row, path in past.paths.items():
        for here, there, again in zip(path, path[1:], path[2:], strict=False):
            if here == again:
                low, high = sorted((here, there))
                groups[int(past.function[row]), low, high].append(row)
                break
    found = []
    for (function, a, b), rows in groups.items():
        if len(rows) < LEAST_BOUNCED or function not in table.registry.functions:
            continue
        at = np.zeros(len(past), bool)
        at[rows] = True
        ended = Counter(past.organisation[at].tolist())
        keep = max((a, b), key=lambda o: ended.get(o, 0))
        root = table.registry.root_area()
        other = b if keep == a else a
        changes: list[dict[str, Any]] = []
        if (
            root is not None
            and keep in table.registry.organisations
            and other in table.registry.organisations
        ):
            code = table.registry.functions[function].code
            changes = [
                {"move": {"function": code, "from": table.registry.organisations[other].code,
                          "to": table.registry.organisations[keep].code, "area": root.code}}
            ]  # fmt: skip
        found.append(
            Finding(
                "ping_pong", (function,), (), (a, b), len(rows),
                {**_figures(past, at), "ended_with": _ended_with(table, past, at)}, changes,
            )
        )  # fmt: skip
    return found


def _scattered(table: Table, past: Past) -> list[Finding]:
    """Subjects (functions above the leaves) that many organisations lead; street offices count as one."""
    registry = table.registry
    city = registry.root_area()
    root = city.id if city else None
    children: dict[int, list[int]] = defaultdict(list)
    for function in table.leaves():
        if len(function.ancestors) > 1:
            children[function.ancestors[-2]].append(function.id)
    found = []
    for parent, leaves in children.items():
        leads: dict[int, set[str]] = defaultdict(set)
        for leaf in leaves:
            for place in table.places():
                route = table.route(leaf, place.id)
                organisation = registry.organisations.get(route.organisation_id or 0)
                # An office of one area does it for that area: spread by place, not scattered.
                if (
                    route.rule in ("mandate", "overlap")
                    and organisation
                    and organisation.area_id in (None, root)
                ):
                    leads[organisation.id].add(registry.functions[leaf].code)
        if len(leads) < MANY:
            continue
        rows = np.isin(past.function, leaves)
        ended = Counter(past.organisation[rows].tolist())
        keep = max(leads, key=lambda o: (len(leads[o]), ended.get(o, 0), -o))
        changes: list[dict[str, Any]] = []
        if root is not None and not any(
            m.organisation_id == keep and m.role == "lead"
            for m in registry.mandates_of.get((parent, root), ())
        ):
            changes = [
                {"add": {"organisation": registry.organisations[keep].code,
                         "function": registry.functions[parent].code,
                         "area": registry.areas[root].code, "role": "lead"}}
            ]  # fmt: skip
        found.append(
            Finding(
                "scattered", (parent,), (), tuple(sorted(leads)), int(rows.sum()),
                {
                    **_figures(past, rows),
                    "coordinates": registry.organisations[keep].code,
                    "leads": {registry.organisations[o].code: sorted(c) for o, c in sorted(leads.items())},
                },
                changes,
            )
        )  # fmt: skip
    return found
