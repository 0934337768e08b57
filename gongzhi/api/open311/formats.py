"""One document, two formats: JSON and XML that say the same (GeoReport v2)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from django.http import HttpRequest, HttpResponse

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry."""


@dataclass(frozen=True, slots=True)
class Document:
    """An answer.

    Attributes:
        root: name of the XML root element.
        item: name of the XML element of one list entry; empty when the answer is one object.
        body: what JSON shows: a list of objects, or one object.
    """

    root: str
    item: str
    body: list[dict[str, Any]] | dict[str, Any]


_CHILD = {
    "endpoints": "endpoint",
    "formats": "format",
    "attributes": "attribute",
    "values": "value",
}


def chosen(request: HttpRequest, extension: str) -> str:
    """``json`` or ``xml``: by the extension, else by the Accept header; XML is the default."""
    if extension:
        return extension
    accept = request.headers.get("Accept", "")
    return "json" if "json" in accept and "xml" not in accept else "xml"


def response(document: Document, form: str, status: int = 200) -> HttpResponse:
    """The answer in one of the two formats."""
    if form == "json":
        text = json.dumps(document.body, ensure_ascii=False, allow_nan=False)
        return HttpResponse(text, content_type="application/json; charset=utf-8", status=status)
    root = ElementTree.Element(document.root)
    if isinstance(document.body, list):
        for entry in document.body:
            _fill(ElementTree.SubElement(root, document.item), entry)
    else:
        _fill(root, document.body)
    text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return HttpResponse(text, content_type="text/xml; charset=utf-8", status=status)


def _fill(element: ElementTree.Element, values: dict[str, Any]) -> None:
    for name, value in values.items():
        child = ElementTree.SubElement(element, name)
        if isinstance(value, list):
            for entry in value:
                inner = ElementTree.SubElement(child, _CHILD.get(name, "item"))
                if isinstance(entry, dict):
                    _fill(inner, entry)
                else:
                    inner.text = _written(entry)
        elif isinstance(value, dict):
            _fill(child, value)
        else:
            child.text = _written(value)


def _written(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return _FORBIDDEN.sub("", str(value))


def errors(code: int, descriptions: list[str]) -> Document:
    """The error document; GeoReport v2 knows a list of code and description."""
    return Document("errors", "error", [{"code": code, "description": d} for d in descriptions])
