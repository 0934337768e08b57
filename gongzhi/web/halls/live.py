"""Parts of pages that keep themselves up to date: asked for again, and sent again only when they differ."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import SafeString


def part(
    request: HttpRequest, template: str, context: dict[str, Any], address: str, every_s: int
) -> SafeString:
    """A part with what it takes to ask for it again.

    Args:
        address: where `answer` gives the same part.
        every_s: seconds between two questions.
    """
    inner = render_to_string(template, context, request)
    return _wrapped(inner, address, every_s)


def answer(
    request: HttpRequest, template: str, context: dict[str, Any], address: str, every_s: int
) -> HttpResponse:
    """The part, or 204 when the browser shows it already: what has not changed is not read out again."""
    inner = render_to_string(template, context, request)
    if request.GET.get("seen") == _digest(inner):
        response = HttpResponse(status=204)
    else:
        response = HttpResponse(_wrapped(inner, address, every_s))
    response["Cache-Control"] = "no-store"
    return response


def _wrapped(inner: str, address: str, every_s: int) -> SafeString:
    given = {"inner": inner, "address": address, "every_s": every_s, "seen": _digest(inner)}
    return render_to_string("halls/live.html", given)


def _digest(inner: str) -> str:
    return hashlib.sha256(inner.encode()).hexdigest()[:16]
