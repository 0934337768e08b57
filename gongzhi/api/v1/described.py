"""The OpenAPI 3.1 document: what the views say of themselves, and what they read and answer in bytes."""

from __future__ import annotations

import copy
import json
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _
from pydantic import BaseModel

from gongzhi.api.v1 import partner, shapes
from gongzhi.api.v1.site import api
from gongzhi.registry import snapshot

WITH_KEY: dict[str, type[BaseModel] | None] = {
    "bringText": shapes.TextIn,
    **dict.fromkeys(partner.READS),
    **partner.TAKES,
}
"""Operations that need a key, and the document each takes as JSON."""
REFERENCE = "#/components/schemas/{model}"
_TOLD = ("summary", "description")


def openapi(request: HttpRequest) -> HttpResponse:
    """The document in the reader's language, for programs."""
    text = json.dumps(document(get_language() or "zh-hans", snapshot.current().revision), ensure_ascii=False)
    return HttpResponse(text, content_type="application/json; charset=utf-8")


@lru_cache(maxsize=8)
def document(language: str, revision: int) -> dict[str, Any]:
    """The whole document, kept for each language (that of the thread) and revision of the registry."""
    made = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))
    made["info"]["title"] = _("%(name)s · API") % {"name": snapshot.current().city.name}
    made["info"]["description"] = _(
        "Everything public is readable without a key; errors are problem+json (RFC 9457) in the language of the request."
    )
    made["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    made["servers"] = [{"url": settings.PUBLIC_URL}]
    schemas = made["components"]["schemas"]
    for model in (shapes.CaseIn, shapes.Problem, shapes.ProofOut, shapes.ConsistencyOut):
        _add(schemas, model)
    for path, methods in made["paths"].items():
        for operation in methods.values():
            operation["responses"]["default"] = _problem()
            if "{" in path:
                operation["responses"]["404"] = _problem()
    _describe_keys(made)
    _describe_opening(made["paths"]["/api/v1/cases"]["post"], schemas)
    _link(made["paths"])
    made["paths"] |= _ledger()
    _translate(made)
    return dict(made)


def _describe_keys(made: dict[str, Any]) -> None:
    """Say of operations that need a key that they do, and what they read."""
    scheme = {"type": "http", "scheme": "bearer", "description": gettext_noop("A key of gongzhi keys add.")}
    made["components"]["securitySchemes"] = {"key": scheme}
    for methods in made["paths"].values():
        for operation in methods.values():
            if operation["operationId"] not in WITH_KEY:
                continue
            operation["security"] = [{"key": []}]
            if operation["operationId"] == "getTaskFile":
                operation["responses"]["200"]["content"] = {
                    kind: {} for kind in ("image/jpeg", "image/png", "image/webp", "application/pdf")
                }
            model = WITH_KEY[operation["operationId"]]
            if model is not None:
                _add(made["components"]["schemas"], model)
                schema = {"$ref": REFERENCE.format(model=model.__name__)}
                operation["requestBody"] = {
                    "required": True,
                    "content": {"application/json": {"schema": schema}},
                }


def _add(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=REFERENCE)
    schemas |= schema.pop("$defs", {})
    schemas[model.__name__] = schema


def _problem() -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model="Problem")}
    return {
        "description": gettext_noop("What went wrong and what to do about it."),
        "content": {"application/problem+json": {"schema": schema}},
    }


def _describe_opening(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    given = copy.deepcopy(schemas["CaseIn"]["properties"])
    given.pop("contact")
    given |= schemas["ContactIn"]["properties"]
    given["photos"] = {
        "type": "array",
        "maxItems": 6,
        "items": {"type": "string", "contentMediaType": "application/octet-stream"},
        "description": given["photos"]["description"],
    }
    form = {"type": "object", "properties": given, "required": ["text"], "additionalProperties": False}
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": REFERENCE.format(model="CaseIn")}},
            "multipart/form-data": {"schema": form},
        },
    }
    operation["parameters"] = [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": False,
            "description": gettext_noop("Any text of the sender's own, new for every matter; best a UUID."),
            "schema": {"type": "string", "minLength": 1, "maxLength": 150},
        }
    ]
    operation["responses"]["201"]["headers"] = {
        "Location": {
            "description": gettext_noop("Where the matter can be read, once it is public."),
            "schema": {"type": "string", "format": "uri"},
        }
    }


def _link(paths: dict[str, Any]) -> None:
    """Which answer leads to which question, for programs that follow links."""
    number = {"number": "$response.body#/number"}
    first = {"number": "$response.body#/cases/0/number"}
    paths["/api/v1/cases"]["post"]["responses"]["201"]["links"] = {
        "case": {"operationId": "getCase", "parameters": number},
        "timeline": {"operationId": "getTimeline", "parameters": number},
    }
    paths["/api/v1/cases"]["get"]["responses"]["200"]["links"] = {
        "case": {"operationId": "getCase", "parameters": first},
        "next": {"operationId": "listCases", "parameters": {"cursor": "$response.body#/next"}},
    }
    paths["/api/v1/cases/{number}/timeline"]["get"]["responses"]["200"]["links"] = {
        "proof": {"operationId": "getProof", "parameters": {"act": "$response.body#/steps/0/act"}}
    }


def _ledger() -> dict[str, Any]:
    """The published log, which has addresses of its own (C2SP tlog-tiles)."""
    return {
        "/ledger/vkey": _read(
            "getVerifierKeys", gettext_noop("Keys that sign the log, newest first (C2SP signed-note)"), {"text/plain": str}
        ),
        "/ledger/checkpoint": _read(
            "getCheckpoint", gettext_noop("The newest signed checkpoint (C2SP tlog-checkpoint)"), {"text/plain": str}
        ),
        "/ledger/tile/{name}": _read(
            "getTile",
            gettext_noop("A tile of hashes or entries, e.g. 0/000 or entries/000 (C2SP tlog-tiles)"),
            {"application/octet-stream": bytes},
            {"in": "path", "name": "name", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-z./]{1,60}$"}},
        ),
        "/ledger/proof": _read(
            "getProof",
            gettext_noop("Prove that an act is in the log (RFC 9162 inclusion proof)"),
            {"application/json": shapes.ProofOut},
            _whole("act", gettext_noop("act_id of a receipt, or act of a step.")),
        ),
        "/ledger/consistency": _read(
            "getConsistency",
            gettext_noop("Prove that the log has only grown (RFC 9162 consistency proof)"),
            {"application/json": shapes.ConsistencyOut},
            _whole("from", gettext_noop("The smaller size.")),
            _whole("to", gettext_noop("The larger size.")),
        ),
    }  # fmt: skip


def _read(name: str, summary: str, answers: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    content = {}
    for media, kind in answers.items():
        schema: dict[str, Any] = {"type": "string"} if kind is str else {}
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            schema = {"$ref": REFERENCE.format(model=kind.__name__)}
        content[media] = {"schema": schema} if schema else {}
    responses = {
        "200": {"description": "OK", "content": content},
        "404": _problem(),
        "default": _problem(),
    }
    operation = {
        "operationId": name,
        "tags": [gettext_noop("The record")],
        "summary": summary,
        "parameters": list(parameters),
        "responses": responses,
    }
    return {"get": operation}


def _whole(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "maximum": 10**14}
    return {"in": "query", "name": name, "required": True, "description": description, "schema": schema}


def _translate(node: Any) -> None:
    """Put the words of the document into the reader's language, and drop titles that only repeat names."""
    if isinstance(node, list):
        for part in node:
            _translate(part)
        return
    if not isinstance(node, dict):
        return
    if isinstance(node.get("title"), str) and ("type" in node or "anyOf" in node or "$ref" in node):
        del node["title"]
    for name, value in node.items():
        if name in _TOLD and isinstance(value, str) and value:
            node[name] = _(value)
        elif name == "tags" and isinstance(value, list):
            node[name] = [_(tag) for tag in value if isinstance(tag, str)]
        else:
            _translate(value)
