"""Writing a checked pack into the registry: one transaction, whole sets, again without harm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import time
from pathlib import Path
from typing import Any, TypeVar

import shapely
from django.contrib.auth.hashers import make_password
from django.db import models, transaction
from shapely.geometry import shape

from gongzhi.ledger import acts
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import SYSTEM, Actor, Relation
from gongzhi.registry.models import (
    Area,
    City,
    Crew,
    Function,
    Mandate,
    Organisation,
    Person,
    Place,
    Post,
)
from gongzhi.registry.packs.reading import Pack, read

authority.declare("city.load", (Relation.ADMINISTRATOR, Relation.SYSTEM))

_BATCH = 1_000
_Row = TypeVar("_Row", bound=models.Model)


def load(folder: Path, *, password: str = "", actor: Actor = SYSTEM) -> dict[str, int]:
    """Load a pack in one transaction; loading it again updates by code.

    What stands in the registry and not in the pack stays: cases and acts refer to it.

    Args:
        folder: the pack.
        password: the first password of accounts that are new; empty means they cannot sign in yet.
        actor: who loads it.

    Returns:
        How many areas, places, organisations, functions, mandates and people the pack holds.

    Raises:
        PackInvalid: nothing was loaded.
        NotAllowed: the actor may not.
    """
    authority.require(actor, "city.load")
    pack = read(folder)
    with transaction.atomic():
        city = _city(pack)
        areas = _areas(pack)
        _places(pack, areas)
        organisations = _organisations(pack, areas)
        functions = _functions(pack)
        _mandates(pack, organisations, functions, areas)
        _staff(pack, organisations, areas, functions, password)
        counts = {
            "areas": len(pack.areas),
            "places": len(pack.places),
            "organisations": len(pack.organisations),
            "functions": len(pack.functions),
            "mandates": len(pack.mandates),
            "people": len(pack.people),
        }
        acts.record(actor, "city.load", "city", 1, city.code, dict(counts))
    snapshot.forget()
    return counts


def config_of(city: dict[str, Any]) -> dict[str, Any]:
    """What `City.config` holds of city.yaml: everything that is not a column of its own."""
    columns = ("code", "name", "timezone", "country")
    return {key: value for key, value in city.items() if key not in columns}


def _city(pack: Pack) -> City:
    before = City.objects.select_for_update().filter(pk=1).values_list("revision", flat=True).first()
    city = City(
        pk=1,
        code=pack.city["code"],
        name_zh=pack.city["name"]["zh"],
        name_en=pack.city["name"]["en"],
        timezone=pack.city["timezone"],
        country=pack.city["country"],
        config=config_of(pack.city),
        revision=(before or 0) + 1,
    )
    city.save()
    return city


def _upsert(
    model: type[_Row], objects: Sequence[_Row], fields: Iterable[str], unique: Sequence[str] = ("code",)
) -> None:
    """Insert what is new and update what is there, in one statement a thousand; sets the ids."""
    if objects:
        model._default_manager.bulk_create(
            objects,
            batch_size=_BATCH,
            update_conflicts=True,
            unique_fields=list(unique),
            update_fields=list(fields),
        )


def _by_depth(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows of a tree, parents before children, one list a level."""
    above = {row["code"]: row["parent"] for row in rows}
    levels: list[list[dict[str, Any]]] = []
    for row in rows:
        depth, code = 0, row["parent"]
        while code:
            depth, code = depth + 1, above[code]
        while len(levels) <= depth:
            levels.append([])
        levels[depth].append(row)
    return levels


def _tree(
    model: type[models.Model],
    rows: list[dict[str, Any]],
    values: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    ancestors: bool,
) -> dict[str, int]:
    """Write rows that name their parent by code; gives code → id.

    Args:
        values: the columns of a row, beside code and parent.
        ancestors: whether the table keeps the line from the top down to each row.
    """
    ids: dict[str, int] = {}
    lines: dict[str, list[int]] = {}
    for level in _by_depth(rows):
        if not level:
            continue
        objects: list[Any] = [
            model(code=row["code"], parent_id=ids.get(row["parent"] or ""), **values(row)) for row in level
        ]
        _upsert(model, objects, ["parent", *values(level[0])])
        for row, written in zip(level, objects, strict=True):
            ids[row["code"]] = written.pk
            lines[row["code"]] = [*lines.get(row["parent"] or "", []), written.pk]
            if ancestors:
                written.ancestors = lines[row["code"]]
        if ancestors:
            _upsert(model, objects, ["ancestors"])
    return ids


def _areas(pack: Pack) -> dict[str, int]:
    return _tree(
        Area,
        pack.areas,
        lambda row: {
            "level": row["level"],
            "kind": row["kind"],
            "name_zh": row["name_zh"],
            "name_en": row["name_en"],
            "population": row["population"],
            "geometry": row["geometry"],
        },
        ancestors=True,
    )


def _places(pack: Pack, areas: dict[str, int]) -> None:
    """Places with the smallest area around their middle."""
    cells = [row for row in pack.areas if row["level"] in ("grid", "street")]
    cells.sort(key=lambda row: row["level"] != "grid")
    tree = shapely.STRtree([shape(row["geometry"]) for row in cells])
    drawn = [shape(row["geometry"]) for row in pack.places]
    middles = [g.interpolate(0.5, normalized=True) if "Line" in g.geom_type else g.representative_point() for g in drawn]  # fmt: skip
    hits = tree.query(middles, predicate="intersects") if middles and cells else ([], [])
    area_of: dict[int, int] = {}
    for place, cell in zip(*hits, strict=True):
        area_of[int(place)] = min(int(cell), area_of.get(int(place), len(cells)))
    objects = [
        Place(
            code=row["code"],
            kind=row["kind"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            aliases=row["aliases"],
            geometry=row["geometry"],
            area_id=areas[cells[area_of[n]]["code"]] if n in area_of else None,
        )
        for n, row in enumerate(pack.places)
    ]
    _upsert(Place, objects, ("kind", "name_zh", "name_en", "aliases", "geometry", "area"))


def _organisations(pack: Pack, areas: dict[str, int]) -> dict[str, int]:
    return _tree(
        Organisation,
        pack.organisations,
        lambda row: {
            "kind": row["kind"],
            "level": row["level"],
            "name_zh": row["name"]["zh"],
            "name_en": row["name"]["en"],
            "uscc": row["uscc"],
            "area_id": areas[row["area"]] if row["area"] else None,
            "phone": row["phone"],
            "address": row["address"],
            "about_zh": row["about"]["zh"],
            "about_en": row["about"]["en"],
        },
        ancestors=False,
    )


def _functions(pack: Pack) -> dict[str, int]:
    parents = {row["parent"] for row in pack.functions}
    return _tree(
        Function,
        pack.functions,
        lambda row: {
            "name_zh": row["name"]["zh"],
            "name_en": row["name"]["en"],
            "kind": row["kind"],
            "synonyms_zh": row["synonyms"]["zh"],
            "synonyms_en": row["synonyms"]["en"],
            "examples_zh": row["examples"]["zh"],
            "examples_en": row["examples"]["en"],
            "working_days": row["working_days"],
            "urgency": row["urgency"],
            "is_public": row["public"],
            "is_leaf": row["code"] not in parents,
            "attributes": [stored_attribute(a) for a in row["attributes"]],
        },
        ancestors=True,
    )


def stored_attribute(row: dict[str, Any]) -> dict[str, Any]:
    """An attribute as `Function.attributes` holds it: flat, with `_zh` and `_en`."""
    stored = {k: v for k, v in row.items() if k not in ("description", "values")}
    stored |= {"description_zh": row["description"]["zh"], "description_en": row["description"]["en"]}
    if "values" in row:
        stored["values"] = [
            {"key": v["key"], "name_zh": v["name"]["zh"], "name_en": v["name"]["en"]} for v in row["values"]
        ]
    return stored


def _mandates(
    pack: Pack, organisations: dict[str, int], functions: dict[str, int], areas: dict[str, int]
) -> None:
    objects = [
        Mandate(
            organisation_id=organisations[row["organisation"]],
            function_id=functions[row["function"]],
            area_id=areas[row["area"]],
            role=row["role"],
            basis_zh=row["basis"]["zh"],
            basis_en=row["basis"]["en"],
            valid_from=row["from"],
            valid_until=row["until"],
        )
        for row in pack.mandates
    ]
    _upsert(
        Mandate,
        objects,
        ("basis_zh", "basis_en", "valid_until"),
        ("organisation", "function", "area", "role", "valid_from"),
    )


def _staff(
    pack: Pack,
    organisations: dict[str, int],
    areas: dict[str, int],
    functions: dict[str, int],
    password: str,
) -> None:
    """People keep their password; those who are new share the first one, hashed once."""
    known = set(Person.objects.values_list("username", flat=True))
    first = make_password(password or None)
    people = [
        Person(
            username=row["username"],
            name_zh=row["name"]["zh"],
            name_en=row["name"]["en"],
            language=row["language"],
            is_staff=True,
            password="" if row["username"] in known else first,
        )
        for row in pack.people
    ]
    _upsert(Person, people, ("name_zh", "name_en", "language", "is_staff"), ("username",))
    held = [(post, person.pk) for row, person in zip(pack.people, people, strict=True) for post in row["posts"]]  # fmt: skip
    listed = [*held, *((post, None) for post in pack.vacant)]
    posts = [
        Post(
            code=post["code"],
            organisation_id=organisations[post["organisation"]],
            roles=post["roles"],
            person_id=person_id,
            area_id=areas[post["area"]] if post["area"] else None,
            name_zh=post["name"]["zh"],
            name_en=post["name"]["en"],
        )
        for post, person_id in listed
    ]
    _upsert(Post, posts, ("organisation", "roles", "person", "area", "name_zh", "name_en"))
    _crews([(written, post["crew"]) for written, (post, _who) in zip(posts, listed, strict=True)], functions)


def _crews(listed: Sequence[tuple[Post, dict[str, Any] | None]], functions: dict[str, int]) -> None:
    """What posts can do on the spot; a post whose entry says nothing of a crew is none any more."""
    Crew.objects.filter(post__in=[post for post, row in listed if row is None]).delete()
    rows = [(post, row) for post, row in listed if row is not None]
    crews = [
        Crew(
            post=post,
            lng=row["base"][0],
            lat=row["base"][1],
            opens=time.fromisoformat(row["hours"][0]),
            closes=time.fromisoformat(row["hours"][1]),
            capacity=row["capacity"],
        )
        for post, row in rows
    ]
    _upsert(Crew, crews, ("lng", "lat", "opens", "closes", "capacity"), ("post",))
    skill = Crew.functions.through
    skill.objects.filter(crew__in=crews).delete()
    skill.objects.bulk_create(
        skill(crew_id=post.pk, function_id=functions[code]) for post, row in rows for code in row["functions"]
    )
