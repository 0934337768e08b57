"""The last good public pages, shown while the database is away."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language_from_request

PATHS: Final = frozenset({"/", "/cases/", "/board/", "/ledger/checkpoint"})
_FRESH_S: Final = 5.0
"""A kept page is not replaced more often than that."""
_MOST_BYTES: Final = 400_000
_MOST_PAGES: Final = 32
_TOLD: Final = "messages"
"""The cookie with what is told to one visitor on the next page (`django.contrib.messages`)."""
_FORM_TOKEN: Final = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]*')


@dataclass(frozen=True, slots=True)
class _Kept:
    content: bytes
    content_type: str
    language: str
    at: float


_pages: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
_lock = threading.Lock()


def keep(request: HttpRequest, response: HttpResponseBase) -> None:
    """Remember a page that everybody may see: asked for by a visitor nobody knows, without a query."""
    if (
        request.path not in PATHS
        or request.method != "GET"
        or response.status_code != 200
        or not isinstance(response, HttpResponse)
        or request.META.get("QUERY_STRING")
        or settings.SESSION_COOKIE_NAME in request.COOKIES
        or _TOLD in request.COOKIES
        or "Authorization" in request.headers
        or len(response.content) > _MOST_BYTES
        or response.headers.get("Content-Encoding")
    ):
        return
    key = _key(request)
    kept = _pages.get(key)
    if kept is not None and time.monotonic() - kept.at < _FRESH_S:
        return
    fresh = _Kept(
        _FORM_TOKEN.sub(rb"\1", response.content),
        response.headers.get("Content-Type", "text/html; charset=utf-8"),
        response.headers.get("Content-Language", ""),
        time.monotonic(),
    )
    with _lock:
        _pages[key] = fresh
        _pages.move_to_end(key)
        while len(_pages) > _MOST_PAGES:
            _pages.popitem(last=False)


def instead_of(request: HttpRequest) -> HttpResponse | None:
    """The last good answer for this page with its age (RFC 9111), None when there is none."""
    if request.path not in PATHS or request.method not in ("GET", "HEAD"):
        return None
    if request.META.get("QUERY_STRING"):
        return None
    kept = _pages.get(_key(request))
    if kept is None:
        return None
    response = HttpResponse(kept.content, content_type=kept.content_type)
    response["Age"] = str(int(time.monotonic() - kept.at))
    response["Warning"] = '110 gongzhi "Response is Stale"'
    response["Cache-Control"] = "no-store"
    if kept.language:
        response["Content-Language"] = kept.language
    return response


def forget() -> None:
    """Drop everything (for tests)."""
    with _lock:
        _pages.clear()


def _key(request: HttpRequest) -> tuple[str, str]:
    return request.path, get_language_from_request(request)
