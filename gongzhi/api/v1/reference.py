"""The page that shows the OpenAPI document to people, without a script."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gongzhi.api.v1 import described
from gongzhi.registry import snapshot


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a table: a parameter, or a field of a document."""

    name: str
    kind: str
    must: bool
    about: str
    where: str = ""
    shape: str = ""
    """The document it holds, which has a table of its own."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be done at an address."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    parameters: list[Field]
    takes: str
    answers: list[tuple[str, str]]
    example: str
    link: str
    """An address that shows it at once, where a plain link can."""


def index(request: HttpRequest) -> JsonResponse:
    """Where everything is, for whoever only knows /api/v1/."""
    root = settings.PUBLIC_URL
    return JsonResponse(
        {
            "openapi": f"{root}/api/v1/openapi.json",
            "docs": f"{root}/api/v1/docs",
            "cases": f"{root}/api/v1/cases",
            "functions": f"{root}/api/v1/functions",
            "organisations": f"{root}/api/v1/organisations",
            "areas": f"{root}/api/v1/areas",
            "open311": f"{root}/open311/discovery.json",
            "ledger": f"{root}/ledger/checkpoint",
        }
    )


def page(request: HttpRequest) -> HttpResponse:
    """The reference: every address, what it takes, what it answers, an example to copy."""
    document = described.document(get_language() or "zh-hans", snapshot.current().revision)
    schemas = document["components"]["schemas"]
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            made = _operation(path, method.upper(), operation, schemas)
            groups.setdefault(operation["tags"][0], []).append(made)
    shapes = [
        (name, schema.get("description", ""), _fields(schema, schemas))
        for name, schema in schemas.items()
        if schema.get("properties")
    ]
    context = {"document": document, "groups": groups.items(), "shapes": shapes, "root": settings.PUBLIC_URL}
    return render(request, "api/reference.html", context)


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Operation:
    parameters = [
        Field(
            p["name"],
            _kind(p["schema"], schemas),
            bool(p.get("required")),
            p.get("description", ""),
            {"path": _("in the address"), "query": _("after ?"), "header": _("as a header")}.get(p["in"], ""),
        )
        for p in operation.get("parameters", [])
    ]
    plain = method == "GET" and not any(p.must for p in parameters)
    return Operation(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation.get("summary", ""),
        about=operation.get("description", ""),
        parameters=parameters,
        takes=_shape(operation.get("requestBody", {}).get("content", {}).get("application/json", {})),
        answers=[
            (status, next((_shape(c) for c in answer.get("content", {}).values()), ""))
            for status, answer in operation["responses"].items()
            if status != "default"
        ],
        example=_example(method, path, parameters, operation, schemas),
        link=path if plain else "",
    )


def _example(
    method: str, path: str, parameters: list[Field], operation: dict[str, Any], schemas: dict[str, Any]
) -> str:
    url = f"{settings.PUBLIC_URL}{path}"
    must = "&".join(f"{p.name}=1" for p in parameters if p.must and "{" not in path)
    if must:
        url += f"?{must}"
    key = " -H 'Authorization: Bearer gzk_…'" if "security" in operation else ""
    if method == "GET":
        return f"curl '{url}'{key}"
    if key:
        takes = _shape(operation.get("requestBody", {}).get("content", {}).get("application/json", {}))
        given = {
            name: (field.get("examples") or ["…"])[0]
            for name, field in schemas.get(takes, {}).get("properties", {}).items()
            if name in schemas[takes].get("required", ())
        }
        return f"curl -X POST '{url}'{key} \\\n  --json '{json.dumps(given, ensure_ascii=False)}'"
    return (
        f"curl -X POST '{url}' \\\n"
        "  -H 'Content-Type: application/json' -H 'Idempotency-Key: 7c0e…' \\\n"
        '  -d \'{"text": "幸福小区门口的路灯坏了", "lat": 30.52, "lng": 111.36}\'\n\n'
        f"curl -X POST '{url}' -F 'text=The lamp at the gate is out' \\\n"
        "  -F lat=30.52 -F lng=111.36 -F phone=13800138000 -F photos=@lamp.jpg"
    )


def _shape(content: dict[str, Any]) -> str:
    return str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[Field]:
    required = set(schema.get("required", ()))
    return [
        Field(
            name,
            _kind(field, schemas),
            name in required,
            field.get("description", ""),
            shape=_within(field, schemas),
        )
        for name, field in schema["properties"].items()
    ]


def _within(field: dict[str, Any], schemas: dict[str, Any]) -> str:
    """The document that a field holds, when that has a table of its own."""
    options: list[dict[str, Any]] = [
        field,
        field.get("items", {}),
        *field.get("anyOf", []),
        *field.get("allOf", []),
    ]
    named = (str(o["$ref"]).rpartition("/")[2] for o in options if "$ref" in o)
    return next((name for name in named if schemas.get(name, {}).get("properties")), "")


def _kind(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """A type in a few words: ``string (date-time)``, ``list of string``, ``number or null``."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return _kind(schemas[name], schemas) if "enum" in schemas.get(name, {}) else name
    for several in ("anyOf", "allOf"):
        if several in schema:
            return _(" or ").join(_kind(part, schemas) for part in schema[several])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return _("list of %(kind)s") % {"kind": _kind(schema.get("items", {}), schemas)}
    return f"{kind} ({schema['format']})" if "format" in schema else kind
