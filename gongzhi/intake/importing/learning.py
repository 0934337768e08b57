"""What a file shows of a city: surveyed in one pass, then described set by set.

The organisation that dealt with most matters of a function leads it in the whole city; where
another one dealt with most in a district or street, that one leads there, and the more specific
area decides. Organisations that regularly dealt with some assist.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from gongzhi.intake.importing.maps import CityFacts, ColumnMap
from gongzhi.intake.importing.naming import (
    area_code,
    function_code,
    group_code,
    organisation_code,
)
from gongzhi.intake.importing.tables import Line
from gongzhi.intake.importing.translating import Named, RowUnusable, Translator
from gongzhi.registry.learned import (
    LearnedArea,
    LearnedCity,
    LearnedFunction,
    LearnedMandate,
    Lesson,
)

LEAST_OBSERVED = 5
"""Fewer matters than this do not make a mandate that departs from the city's."""
ASSIST_SHARE = 0.1
_SAMPLES = 200
_MOST_COMBINATIONS = 1_000_000


@dataclass
class Survey:
    """What a pass over the rows counted."""

    rows: int = 0
    seen: Counter[tuple[str, str, str, tuple[tuple[str, str], ...]]] = field(default_factory=Counter)
    """(function, its parent, organisation, areas from large to small) → matters."""
    organisation_names: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    days: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    """(function, its parent) → days until due, or until closed, of some matters."""
    points: list[tuple[float, float]] = field(default_factory=list)


def survey(lines: Iterable[Line], translator: Translator) -> Survey:
    """Count what the rows name; rows that cannot be read are passed over."""
    found = Survey()
    bound = translator.map
    for line in lines:
        if line.values is None:
            continue
        found.rows += 1
        named = translator.named(line.values)
        key = (named.function, named.function_parent, named.organisation, named.areas)
        if key in found.seen or len(found.seen) < _MOST_COMBINATIONS:
            found.seen[key] += 1
        if named.organisation_name:
            found.organisation_names[named.organisation][named.organisation_name] += 1
        samples = found.days[(named.function, named.function_parent)]
        if len(samples) < _SAMPLES:
            days = _days(line.values, translator, bound)
            if days is not None:
                samples.append(days)
        if found.rows % 97 == 1 and len(found.points) < 10_000:
            try:
                matter_point = translator.point(line.values)
            except RowUnusable:
                continue
            if matter_point is not None:
                found.points.append(matter_point)
    return found


def _days(values: list[str], translator: Translator, bound: ColumnMap) -> float | None:
    try:
        opened = translator.opened_at(values)
        until = translator.time(values, bound.due) or translator.time(values, bound.closed)
    except RowUnusable:
        return None
    if until is None or until < opened:
        return None
    return (until - opened).total_seconds() / 86_400


def lesson(found: Survey, facts: CityFacts) -> Lesson:
    """What to add to the registry."""
    parents: dict[str, Counter[str]] = defaultdict(Counter)
    areas: dict[str, tuple[str, str]] = {}
    functions: dict[str, LearnedFunction] = {}
    groups: dict[str, LearnedFunction] = {}
    for (function, parent, _organisation, chain), count in found.seen.items():
        above = ""
        for level, name in chain:
            code = area_code(level, name)
            areas[code] = (level, name)
            parents[code][above] += count
            above = code
        if function:
            _add_function(functions, groups, function, parent, found)
    organisations = _organisations(found)
    return Lesson(
        city=LearnedCity(
            facts.code, facts.name_zh, facts.name_en, facts.country, facts.time_zone, _middle(found)
        ),
        areas=[
            LearnedArea(code, name, level, _parent(parents[code])) for code, (level, name) in areas.items()
        ],
        organisations=list(organisations.items()),
        functions=[*groups.values(), *functions.values()],
        mandates=mandates(found),
    )


def _parent(counted: Counter[str]) -> str:
    named = Counter({code: n for code, n in counted.items() if code})
    return named.most_common(1)[0][0] if named else ""


def _add_function(
    functions: dict[str, LearnedFunction],
    groups: dict[str, LearnedFunction],
    function: str,
    parent: str,
    found: Survey,
) -> None:
    code, group = function_code(function, parent), group_code(parent)
    if group:
        groups[group] = LearnedFunction(group, parent, "", 5, is_leaf=False)
    if code not in functions:
        name = f"{parent}: {function}" if parent and len(f"{parent}{function}") < 190 else function
        samples = sorted(found.days.get((function, parent), []))
        usual = samples[len(samples) * 3 // 4] if samples else 7.0
        functions[code] = LearnedFunction(code, name, group, min(90, max(1, math.ceil(usual * 5 / 7))))


def _organisations(found: Survey) -> dict[str, str]:
    names = {}
    for _function, _parent, organisation, _chain in found.seen:
        if organisation:
            said = found.organisation_names.get(organisation)
            name = said.most_common(1)[0][0] if said else organisation
            names[organisation_code(organisation)] = name
    return names


def mandates(found: Survey) -> list[LearnedMandate]:
    """Who leads and assists in what, where, from what was observed."""
    whole: dict[str, Counter[str]] = defaultdict(Counter)
    local: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    around: dict[tuple[str, str], str] = {}
    for (function, parent, organisation, chain), count in found.seen.items():
        if not function or not organisation:
            continue
        code, who = function_code(function, parent), organisation_code(organisation)
        whole[code][who] += count
        above = ""
        for level, name in chain:
            area = area_code(level, name)
            local[(code, area)][who] += count
            around[(code, area)] = above
            above = area
    result = []
    leads: dict[tuple[str, str], str] = {}
    for code, counted in whole.items():
        ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        leads[(code, "")] = ranked[0][0]
        result.append(LearnedMandate(ranked[0][0], code, ""))
        least = max(LEAST_OBSERVED, ASSIST_SHARE * counted.total())
        result += [LearnedMandate(who, code, "", "assist") for who, n in ranked[1:] if n >= least]
    for (code, area), counted in sorted(local.items(), key=lambda item: _depth(item[0], around)):
        who, count = min(counted.items(), key=lambda item: (-item[1], item[0]))
        above = leads.get((code, around[(code, area)]), leads[(code, "")])
        is_other = who != above and count >= LEAST_OBSERVED
        leads[(code, area)] = who if is_other else above
        if is_other:
            result.append(LearnedMandate(who, code, area))
    return result


def _depth(key: tuple[str, str], around: dict[tuple[str, str], str]) -> int:
    code, area = key
    depth = 0
    while area and depth < 5:
        area = around.get((code, area), "")
        depth += 1
    return depth


def _middle(found: Survey) -> tuple[float, float] | None:
    if not found.points:
        return None
    xs, ys = (sorted(values) for values in zip(*found.points, strict=True))
    return round(xs[len(xs) // 2], 5), round(ys[len(ys) // 2], 5)


def names_nothing(named: Named) -> bool:
    """Whether a row says nothing about the city's order."""
    return not (named.function or named.organisation or named.areas)
