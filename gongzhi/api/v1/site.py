"""The addresses of /api/v1, joined; errors and methods are handled alike on all of them."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from ninja import NinjaAPI
from ninja.errors import ValidationError

from gongzhi.api.http import View, answered
from gongzhi.api.v1 import cases, city, partner, sending, texts

api = NinjaAPI(title="gongzhi", version="1", docs_url=None, openapi_url=None)
ROUTERS = (cases.router, city.router, partner.router, texts.router)
for router in ROUTERS:
    api.add_router("", router)


@api.exception_handler(ValidationError)
def wrong_parameters(_request: HttpRequest, problem: ValidationError) -> HttpResponse:
    """Parameters that do not fit become a problem with fields; the outermost guard writes it."""
    errors = [{**error, "loc": error["loc"][1:]} for error in problem.errors]
    for error in errors:
        if error["loc"][:1] == ("asked",):
            error["loc"] = error["loc"][1:]
    raise sending.told(errors) from problem


_STRAIGHT: Final[dict[str, dict[str, View]]] = {"/cases": {"POST": cases.open_case}}
"""Path → method → a view that reads the request and writes the answer itself, so that ninja, which
describes it, has nothing to add on the way to it."""


def _chosen(described: View, straight: dict[str, View]) -> View:
    """The view of an address: straight for some methods, for the others as ninja calls it."""
    if not straight:
        return described

    def view(request: HttpRequest, **named: Any) -> HttpResponse:
        return straight.get(str(request.method), described)(request, **named)

    return view


def addresses() -> list[URLPattern]:
    """The address patterns below /api/v1/."""
    methods: dict[str, list[str]] = {}
    for router in ROUTERS:
        for path, known in router.path_operations.items():
            methods[path] = [m for operation in known.operations for m in operation.methods]
    found: dict[str, URLPattern] = {}
    for pattern in api.urls[0]:
        path = "/" + str(pattern.pattern).replace("<", "{").replace(">", "}")
        if path in methods and path not in found and isinstance(pattern, URLPattern):
            view = answered(_chosen(pattern.callback, _STRAIGHT.get(path, {})), methods[path])
            found[path] = URLPattern(pattern.pattern, view, pattern.default_args)
    if found.keys() != methods.keys():
        raise RuntimeError(f"addresses of /api/v1 were lost: {sorted(methods.keys() - found.keys())}")
    return list(found.values())
