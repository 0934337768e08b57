"""Adding to the registry what a history shows: areas, organisations, functions and mandates.

What exists stays as it is; what is new is added in sets and recorded, one act a thing. Where no
city has been described yet, the history describes it: the city, its outermost area, a window that
receives what nobody else is responsible for, and posts for the staff of that window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F

from gongzhi.ledger import acts
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Relation
from gongzhi.registry.models import (
    Area,
    City,
    Function,
    Mandate,
    Organisation,
    Person,
    Post,
    Role,
)

authority.declare("registry.learn", (Relation.ADMINISTRATOR, Relation.SYSTEM))

WINDOW = "window"
"""Code of the organisation that receives first in a city that was learned."""

_SINCE = date(1970, 1, 1)
_ACCOUNTS: dict[str, tuple[str, ...]] = {
    "operator": (Role.OPERATOR,),
    "dispatcher": (Role.DISPATCHER, Role.WORKER),
    "worker": (Role.WORKER,),
    "supervisor": (Role.SUPERVISOR,),
    "leader": (Role.LEADER,),
    "administrator": (Role.ADMINISTRATOR,),
}


@dataclass(frozen=True, slots=True)
class LearnedCity:
    """A city as a map names it; only used where none has been described yet."""

    code: str
    name_zh: str
    name_en: str
    country: str
    time_zone: str
    centre: tuple[float, float] | None = None
    """(lng, lat) of the middle of the places seen."""


@dataclass(frozen=True, slots=True)
class LearnedArea:
    code: str
    name: str
    level: str
    parent: str
    """Code of the area around it; empty: the city itself."""


@dataclass(frozen=True, slots=True)
class LearnedFunction:
    code: str
    name: str
    parent: str
    working_days: int
    is_leaf: bool = True


@dataclass(frozen=True, slots=True)
class LearnedMandate:
    organisation: str
    function: str
    area: str
    """Code of the area; empty: the whole city."""
    role: str = "lead"


@dataclass(frozen=True)
class Lesson:
    """All that a history shows of a city; parents stand before their children."""

    city: LearnedCity
    areas: Sequence[LearnedArea] = ()
    organisations: Sequence[tuple[str, str]] = ()
    """(code, name)"""
    functions: Sequence[LearnedFunction] = ()
    mandates: Sequence[LearnedMandate] = field(default=())


def learn(actor: Actor, lesson: Lesson, *, password: str = "") -> dict[str, int]:
    """Add what is not there yet, in one transaction.

    Args:
        password: for the accounts of a city that is described for the first time; empty: they
            cannot sign in until somebody sets one.

    Returns:
        How many areas, organisations, functions and mandates were added.

    Raises:
        NotAllowed: the actor may not change the registry.
    """
    authority.require(actor, "registry.learn")
    written: list[acts.PreparedAct] = []

    def record(kind: str, pk: int, code: str, **details: Any) -> None:
        written.append(acts.prepared(actor, f"{kind}.learn", kind, pk, code, details))

    with transaction.atomic():
        root = _city(lesson.city, password, record)
        areas = _areas(lesson.areas, root, record)
        organisations = _organisations(lesson.organisations, root, record)
        functions = _functions(lesson.functions, record)
        mandates = _mandates(lesson.mandates, root, record)
        acts.record_many(written)
        if written:
            City.objects.filter(pk=1).update(revision=F("revision") + 1)
    snapshot.forget()
    return {
        "areas": areas,
        "organisations": organisations,
        "functions": functions,
        "mandates": mandates,
    }


def _city(city: LearnedCity, password: str, record: Any) -> Area:
    if not City.objects.exists():
        config: dict[str, Any] = {
            "first_responsible": WINDOW,
            "limits": [
                {"from": _SINCE.isoformat(), "kind": "any", "urgency": "normal", "resolve_working_days": 5},
                {"from": _SINCE.isoformat(), "kind": "any", "urgency": "urgent", "resolve_working_days": 1},
                {"from": _SINCE.isoformat(), "kind": "any", "urgency": "emergency", "resolve_hours": 4},
            ],
            "thresholds": {"confidence": 0.3},
        }
        if city.centre is not None:
            config["map"] = {"center": list(city.centre), "zoom": 11}
        City.objects.create(
            pk=1,
            code=city.code,
            name_zh=city.name_zh or city.name_en,
            name_en=city.name_en,
            timezone=city.time_zone or "UTC",
            country=city.country or "CN",
            config=config,
        )
        record("city", 1, city.code)
    root = Area.objects.filter(level="city").order_by("pk").first()
    if root is None:
        present = City.objects.get(pk=1)
        root = Area.objects.create(
            code=present.code, level="city", name_zh=present.name_zh, name_en=present.name_en
        )
        Area.objects.filter(pk=root.pk).update(ancestors=[root.pk])
        root.ancestors = [root.pk]
    desk = City.objects.get(pk=1).config.get("first_responsible", "")
    if desk == WINDOW and not Organisation.objects.filter(code=WINDOW).exists():
        window = Organisation.objects.create(
            code=WINDOW, level="city", area=root, name_zh="受理窗口", name_en="Public window"
        )
        record("organisation", window.pk, WINDOW)
        _staff(window, password)
    return root


def _staff(window: Organisation, password: str) -> None:
    for username, roles in _ACCOUNTS.items():
        person, is_new = Person.objects.get_or_create(
            username=username, defaults={"name_en": username.capitalize(), "is_staff": True}
        )
        if is_new:
            if password:
                person.set_password(password)
            else:
                person.set_unusable_password()
            person.save(update_fields=["password"])
        Post.objects.get_or_create(
            code=f"{username}-1",
            defaults={
                "organisation": window,
                "roles": [str(role) for role in roles],
                "person": person,
                "name_zh": str(Role(roles[0]).label),
                "name_en": username,
            },
        )


def _areas(areas: Sequence[LearnedArea], root: Area, record: Any) -> int:
    known = {
        code: (pk, ancestors) for code, pk, ancestors in Area.objects.values_list("code", "pk", "ancestors")
    }
    added = 0
    for level in ("district", "street", "grid"):
        new = [a for a in areas if a.level == level and a.code not in known]
        made = Area.objects.bulk_create(
            [
                Area(
                    code=a.code,
                    level=level,
                    name_zh=a.name,
                    name_en=a.name,
                    parent_id=known.get(a.parent, (root.pk, []))[0],
                )
                for a in new
            ],
            batch_size=1000,
        )
        for area, learned in zip(made, new, strict=True):
            around = known.get(learned.parent, (root.pk, root.ancestors))[1]
            area.ancestors = [*around, area.pk]
            known[area.code] = (area.pk, area.ancestors)
            record("area", area.pk, area.code, level=level, name=learned.name)
        Area.objects.bulk_update(made, ["ancestors"], batch_size=1000)
        added += len(made)
    return added


def _organisations(rows: Sequence[tuple[str, str]], root: Area, record: Any) -> int:
    known = set(Organisation.objects.values_list("code", flat=True))
    made = Organisation.objects.bulk_create(
        [
            Organisation(code=code, level="city", area=root, name_zh=name, name_en=name)
            for code, name in rows
            if code not in known
        ],
        batch_size=1000,
    )
    for organisation in made:
        record("organisation", organisation.pk, organisation.code, name=organisation.name_en)
    return len(made)


def _functions(functions: Sequence[LearnedFunction], record: Any) -> int:
    known = {
        code: (pk, ancestors)
        for code, pk, ancestors in Function.objects.values_list("code", "pk", "ancestors")
    }
    added = 0
    for is_leaf in (False, True):
        new = [f for f in functions if f.is_leaf is is_leaf and f.code not in known]
        made = Function.objects.bulk_create(
            [
                Function(
                    code=f.code,
                    name_zh=f.name,
                    name_en=f.name,
                    parent_id=known[f.parent][0] if f.parent in known else None,
                    working_days=f.working_days,
                    is_leaf=is_leaf,
                )
                for f in new
            ],
            batch_size=1000,
        )
        for function, learned in zip(made, new, strict=True):
            above = known[learned.parent][1] if learned.parent in known else []
            function.ancestors = [*above, function.pk]
            known[function.code] = (function.pk, function.ancestors)
            record("function", function.pk, function.code, name=learned.name)
        Function.objects.bulk_update(made, ["ancestors"], batch_size=1000)
        added += len(made)
    return added


def _mandates(mandates: Sequence[LearnedMandate], root: Area, record: Any) -> int:
    organisations = dict(Organisation.objects.values_list("code", "pk"))
    functions = dict(Function.objects.values_list("code", "pk"))
    areas = dict(Area.objects.values_list("code", "pk")) | {"": root.pk}
    known = set(Mandate.objects.values_list("organisation_id", "function_id", "area_id", "role"))
    new = {}
    for m in mandates:
        key = (organisations[m.organisation], functions[m.function], areas[m.area], m.role)
        if key not in known:
            new[key] = m
    made = Mandate.objects.bulk_create(
        [
            Mandate(organisation_id=o, function_id=f, area_id=a, role=role, valid_from=_SINCE)
            for o, f, a, role in new
        ],
        batch_size=1000,
    )
    for mandate, m in zip(made, new.values(), strict=True):
        record(
            "mandate",
            mandate.pk,
            f"{m.organisation}/{m.function}"[:120],
            organisation=m.organisation,
            function=m.function,
            area=m.area or root.code,
            role=m.role,
        )
    return len(made)
