"""Functions, organisations and areas: the codes that matters are filed under."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import Router

from gongzhi.api.v1.cases import name_of
from gongzhi.api.v1.shapes import (
    AreasOut,
    FunctionOut,
    FunctionsOut,
    OrganisationOut,
    OrganisationsOut,
    OutlinedArea,
)
from gongzhi.errors import NotFound
from gongzhi.registry import queries, snapshot
from gongzhi.registry.snapshot import AreaView, FunctionView, OrganisationView

router = Router()


@router.get(
    "/functions",
    response=FunctionsOut,
    operation_id="listFunctions",
    tags=[gettext_noop("The city")],
    summary=gettext_noop("List the functions"),
)
def list_functions(request: HttpRequest) -> dict[str, Any]:
    views = sorted(snapshot.current().functions.values(), key=lambda f: f.code)
    return {"functions": [_function(view) for view in views]}


@router.get(
    "/functions/{code}",
    response=FunctionOut,
    operation_id="getFunction",
    tags=[gettext_noop("The city")],
    summary=gettext_noop("Read a function"),
)
def get_function(request: HttpRequest, code: str) -> dict[str, Any]:
    view = snapshot.current().function_by_code.get(code)
    if view is None:
        raise NotFound(_("There is no such function."))
    return _function(view)


@router.get(
    "/organisations",
    response=OrganisationsOut,
    operation_id="listOrganisations",
    tags=[gettext_noop("The city")],
    summary=gettext_noop("List the organisations"),
)
def list_organisations(request: HttpRequest) -> dict[str, Any]:
    views = sorted(snapshot.current().organisations.values(), key=lambda o: o.code)
    return {"organisations": [_organisation(view) for view in views]}


@router.get(
    "/organisations/{code}",
    response=OrganisationOut,
    operation_id="getOrganisation",
    tags=[gettext_noop("The city")],
    summary=gettext_noop("Read an organisation"),
)
def get_organisation(request: HttpRequest, code: str) -> dict[str, Any]:
    view = snapshot.current().organisation_by_code.get(code)
    if view is None:
        raise NotFound(_("There is no such organisation."))
    return _organisation(view)


@router.get(
    "/areas",
    response=AreasOut,
    operation_id="listAreas",
    tags=[gettext_noop("The city")],
    summary=gettext_noop("List the areas"),
)
def list_areas(request: HttpRequest) -> dict[str, Any]:
    views = sorted(snapshot.current().areas.values(), key=lambda a: a.code)
    return {"areas": [_area(view) for view in views]}


@router.get(
    "/areas/{code}",
    response=OutlinedArea,
    operation_id="getArea",
    tags=[gettext_noop("The city")],
    summary=gettext_noop("Read an area with its outline"),
)
def get_area(request: HttpRequest, code: str) -> dict[str, Any]:
    view = snapshot.current().area_by_code.get(code)
    if view is None:
        raise NotFound(_("There is no such area."))
    return _area(view) | {"geometry": queries.outline_of(view.id)}


def _function(view: FunctionView) -> dict[str, Any]:
    registry = snapshot.current()
    above = registry.functions.get(view.ancestors[-2]) if len(view.ancestors) > 1 else None
    return {
        **_named(view),
        "parent": above.code if above else None,
        "kind": view.kind,
        "leaf": view.is_leaf,
        "working_days": view.working_days,
        "urgency": view.urgency,
        "public": view.is_public,
        "attributes": list(view.attributes),
    }


def _organisation(view: OrganisationView) -> dict[str, Any]:
    registry = snapshot.current()
    above = registry.organisations.get(view.parent_id or 0)
    area = registry.areas.get(view.area_id or 0)
    return {
        **_named(view),
        "parent": above.code if above else None,
        "kind": view.kind,
        "level": view.level,
        "area": area.code if area else None,
        "phone": view.phone,
    }


def _area(view: AreaView) -> dict[str, Any]:
    above = snapshot.current().areas.get(view.parent_id or 0)
    return {**_named(view), "parent": above.code if above else None, "level": view.level}


def _named(view: FunctionView | OrganisationView | AreaView) -> dict[str, Any]:
    return {"code": view.code, "name": name_of(view), "name_zh": view.name_zh, "name_en": view.name_en}
