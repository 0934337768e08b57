"""The outermost guard: errors become answers that say what to do; security headers on every one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Final

import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse

from gongzhi import logs
from gongzhi.errors import Invalid
from gongzhi.postgres.base import drop_if_dead
from gongzhi.web import failures, last_good, metrics
from gongzhi.web.clients import address_of

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_UNREADABLE: Final = ("\x00", "\ufffd")
_PUBLIC: Final = ("/ledger/", "/api/", "/open311/")
"""Read by programs of other sites, so that their answers may be embedded there; they know their methods."""


class Guard:
    """Django middleware around everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        reference = secrets.token_hex(8)
        request.META["gongzhi.reference"] = reference
        request.META["gongzhi.client"] = address_of(request)
        structlog.contextvars.bind_contextvars(request=reference)
        try:
            response = self._answer(request)
        finally:
            structlog.contextvars.unbind_contextvars("request")
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path.startswith(_PUBLIC):
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["X-Request-ID"] = reference
        self._count(request, response, reference, time.perf_counter() - began)
        return response

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        """Turn what a view raised into an answer."""
        return failures.of_exception(request, problem)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.method not in METHODS and not request.path.startswith(_PUBLIC):
            response = HttpResponse(status=405)
            response["Allow"] = ", ".join(METHODS)
            return response
        query = request.META.get("QUERY_STRING", "")
        if any(c in request.path for c in _UNREADABLE) or "%00" in query:
            return failures.answer(request, Invalid(), 400)
        drop_if_dead(connection)
        response = self.get_response(request)
        if response.status_code == 503:
            stale = last_good.instead_of(request)
            if stale is not None:
                metrics.STALE.inc()
                return stale
        else:
            last_good.keep(request, response)
        return response

    def _count(self, request: HttpRequest, response: HttpResponse, reference: str, seconds: float) -> None:
        match = request.resolver_match
        route = match.route if match is not None else "unmatched"
        method = request.method if request.method in METHODS else "OTHER"
        metrics.REQUESTS.labels(route, method, response.status_code).inc()
        metrics.SECONDS.labels(method).observe(seconds)
        logs.request_line(
            reference=reference,
            method=str(method),
            route=str(route),
            status=response.status_code,
            seconds=seconds,
            size_bytes=0 if response.streaming else len(response.content),
        )
