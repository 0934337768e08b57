"""Writing the registry out as a pack that can be checked, read by people, and loaded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from gongzhi.registry.models import Area, City, Crew, Function, Mandate, Organisation, Person, Place, Post


def export(folder: Path) -> dict[str, int]:
    """Write every file of a pack into `folder` (made if needed); passwords never leave.

    Returns:
        How many areas, places, organisations, functions, mandates and people were written.

    Raises:
        City.DoesNotExist: no city has been described yet.
        OSError: the folder cannot be written.
    """
    city = City.objects.get()
    folder.mkdir(parents=True, exist_ok=True)
    areas, places = _areas(), _places()
    organisations, functions, mandates = _organisations(), _functions(), _mandates()
    staff = _staff()
    head = {"code": city.code, "name": {"zh": city.name_zh, "en": city.name_en}}
    head |= {"timezone": city.timezone, "country": city.country}
    _write(folder / "city.yaml", {**head, **without_empty(city.config)})
    _write_features(folder / "areas.geojson", areas)
    _write_features(folder / "places.geojson", places)
    _write(folder / "organisations.yaml", {"organisations": organisations})
    _write(folder / "functions.yaml", {"functions": functions})
    _write(folder / "mandates.yaml", {"mandates": mandates})
    _write(folder / "staff.yaml", staff)
    return {
        "areas": len(areas),
        "places": len(places),
        "organisations": len(organisations),
        "functions": len(functions),
        "mandates": len(mandates),
        "people": len(staff["people"]),
    }


def without_empty(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is None, empty text or an empty list, so that files stay short."""
    return {k: v for k, v in row.items() if v is not None and v != "" and v != [] and v != {}}


def _texts(zh: str, en: str) -> dict[str, str]:
    return without_empty({"zh": zh, "en": en})


def _areas() -> list[dict[str, Any]]:
    rows = Area.objects.select_related("parent").order_by("ancestors__len", "code")
    return [
        {
            "type": "Feature",
            "properties": {
                "code": a.code,
                "parent": a.parent.code if a.parent else None,
                "level": a.level,
                "kind": a.kind,
                "name_zh": a.name_zh,
                "name_en": a.name_en,
                "population": a.population,
            },
            "geometry": a.geometry,
        }
        for a in rows
        if a.geometry
    ]


def _places() -> list[dict[str, Any]]:
    return [
        {
            "type": "Feature",
            "properties": {
                "code": p.code,
                "kind": p.kind,
                "name_zh": p.name_zh,
                "name_en": p.name_en,
                "aliases": p.aliases,
            },
            "geometry": p.geometry,
        }
        for p in Place.objects.order_by("code")
    ]


def _organisations() -> list[dict[str, Any]]:
    return [
        without_empty(
            {
                "code": o.code,
                "parent": o.parent.code if o.parent else None,
                "name": {"zh": o.name_zh, "en": o.name_en},
                "kind": o.kind,
                "level": o.level,
                "area": o.area.code if o.area else None,
                "uscc": o.uscc,
                "phone": o.phone,
                "address": o.address,
                "about": _texts(o.about_zh, o.about_en),
            }
        )
        for o in Organisation.objects.filter(is_active=True).select_related("parent", "area").order_by("pk")
    ]


def _functions() -> list[dict[str, Any]]:
    return [
        without_empty(
            {
                "code": f.code,
                "parent": f.parent.code if f.parent else None,
                "name": {"zh": f.name_zh, "en": f.name_en},
                "kind": f.kind,
                "working_days": f.working_days,
                "urgency": f.urgency,
                "public": f.is_public,
                "synonyms": without_empty({"zh": f.synonyms_zh, "en": f.synonyms_en}),
                "examples": without_empty({"zh": f.examples_zh, "en": f.examples_en}),
                "attributes": [_attribute(a) for a in f.attributes],
            }
        )
        for f in Function.objects.filter(is_active=True).select_related("parent").order_by("pk")
    ]


def _attribute(stored: dict[str, Any]) -> dict[str, Any]:
    flat = ("description_zh", "description_en", "values")
    row = {k: v for k, v in stored.items() if k not in flat}
    row["description"] = _texts(stored.get("description_zh", ""), stored.get("description_en", ""))
    if "values" in stored:
        row["values"] = [
            {"key": v["key"], "name": {"zh": v["name_zh"], "en": v["name_en"]}} for v in stored["values"]
        ]
    return row


def _mandates() -> list[dict[str, Any]]:
    rows = Mandate.objects.select_related("organisation", "function", "area").order_by("pk")
    return [
        without_empty(
            {
                "organisation": m.organisation.code,
                "function": m.function.code,
                "area": m.area.code,
                "role": m.role,
                "basis": _texts(m.basis_zh, m.basis_en),
                "from": m.valid_from.isoformat(),
                "until": m.valid_until.isoformat() if m.valid_until else None,
            }
        )
        for m in rows.filter(organisation__is_active=True, function__is_active=True)
    ]


def _post(post: Post) -> dict[str, Any]:
    return without_empty(
        {
            "code": post.code,
            "organisation": post.organisation.code,
            "roles": post.roles,
            "name": {"zh": post.name_zh, "en": post.name_en},
            "area": post.area.code if post.area else None,
            "crew": _crew(post.crew) if hasattr(post, "crew") else None,
        }
    )


def _crew(crew: Crew) -> dict[str, Any]:
    return {
        "functions": [f.code for f in crew.functions.all()],
        "base": [crew.lng, crew.lat],
        "hours": [f"{crew.opens:%H:%M}", f"{crew.closes:%H:%M}"],
        "capacity": crew.capacity,
    }


def _staff() -> dict[str, Any]:
    posts = Post.objects.filter(is_active=True, organisation__is_active=True)
    posts = posts.select_related("organisation", "area", "crew").prefetch_related("crew__functions")
    posts = posts.order_by("pk")
    held: dict[int | None, list[dict[str, Any]]] = {}
    for post in posts:
        held.setdefault(post.person_id, []).append(_post(post))
    people = Person.objects.filter(pk__in=[pk for pk in held if pk]).order_by("pk")
    return without_empty(
        {
            "people": [
                {
                    "username": p.username,
                    "name": _texts(p.name_zh, p.name_en),
                    "language": p.language,
                    "posts": held[p.pk],
                }
                for p in people
            ],
            "vacant": held.get(None, []),
        }
    ) or {"people": []}


class _Dumper(yaml.SafeDumper):
    """Writes every value out instead of pointing to an equal one."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Texts that the pack's reader would take for something else are quoted (``429000``, ``null``)."""
    quoted = value in ("", "~", "null", "true", "false") or value[:1].isdigit() or value[:1] == "-"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if quoted else None)


_Dumper.add_representer(str, _text)


def _write(path: Path, value: dict[str, Any]) -> None:
    text = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
    path.write_text(text, encoding="utf-8")


def _write_features(path: Path, features: list[dict[str, Any]]) -> None:
    """One feature a line, so that a fault can be named by its line."""
    lines = ",\n".join(json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in features)
    path.write_text(f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n', encoding="utf-8")
