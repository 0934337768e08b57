"""Errors as people and programs see them: a page, or problem+json (RFC 9457)."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import structlog
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from gongzhi.errors import (
    GongzhiError,
    Invalid,
    NotAllowed,
    NotFound,
    SignInNeeded,
    TooLarge,
    Unavailable,
)

log = structlog.get_logger("gongzhi.web")

Renderer = Callable[[HttpRequest, GongzhiError, int], HttpResponse]
RENDERERS: Final[dict[str, Renderer]] = {}
"""Beginning of a path → how errors are written there; an API with a form of its own adds itself."""


def unexpected(reference: str) -> str:
    """The sentence for a fault of ours."""
    return _("Something went wrong on our side. Please try again; reference %(r)s.") % {"r": reference}


def problem(error: GongzhiError, status: int | None = None) -> JsonResponse:
    """An error as application/problem+json."""
    body = {
        "type": f"urn:gongzhi:{error.code}",
        "title": str(error.title),
        "status": status or error.status,
        "detail": str(error.message),
    }
    if error.fields:
        body["errors"] = {name: str(text) for name, text in error.fields.items()}
    response = JsonResponse(body, status=status or error.status)
    response["Content-Type"] = "application/problem+json"
    return response


def answer(request: HttpRequest, error: GongzhiError, status: int | None = None) -> HttpResponse:
    """`error` in the form that fits the path."""
    response = _written(request, error, status or error.status)
    seconds = getattr(error, "retry_after", None)
    if seconds is not None:
        response["Retry-After"] = str(seconds)
    for name, value in getattr(error, "headers", {}).items():
        response[name] = value
    if response.status_code >= 400:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _written(request: HttpRequest, error: GongzhiError, status: int) -> HttpResponse:
    for beginning, render in RENDERERS.items():
        if request.path.startswith(beginning):
            return render(request, error, status)
    if request.path.startswith(("/api/", "/ledger/")):
        return problem(error, status)
    if isinstance(error, SignInNeeded) and request.path.startswith("/desk/"):
        response = HttpResponse(status=302)
        response["Location"] = f"/accounts/login/?next={quote(request.path)}"
        return response
    page = render_to_string("errors/error.html", {"error": error, "status": status}, request=None)
    return HttpResponse(page, status=status)


def of_exception(request: HttpRequest, raised: BaseException) -> HttpResponse:
    """The answer to whatever was raised; the only place that turns exceptions into statuses."""
    if isinstance(raised, GongzhiError):
        return answer(request, raised)
    if isinstance(raised, Http404):
        return answer(request, NotFound())
    if isinstance(raised, PermissionDenied):
        return answer(request, NotAllowed())
    if isinstance(raised, RequestDataTooBig):
        return answer(request, TooLarge())
    if isinstance(raised, SuspiciousOperation | BadRequest | MultiPartParserError):
        return answer(request, Invalid(), 400)
    if _is_disk_full(raised):
        log.error("disk.full")
        return answer(request, Unavailable(retry_after=30), 507)
    if isinstance(raised, OperationalError | InterfaceError):
        cause = raised.__cause__
        log.error("database.unavailable", sqlstate=getattr(cause, "sqlstate", None))
        return answer(request, Unavailable())
    if isinstance(raised, DataError | UnicodeEncodeError):
        log.warning("request.unstorable", exc_info=raised)
        return answer(request, Invalid(_("The text holds characters that cannot be stored.")), 400)
    reference = str(request.META.get("gongzhi.reference", "–"))
    log.error("request.failed", exc_info=raised)
    return answer(request, GongzhiError(unexpected(reference)), 500)


def _is_disk_full(raised: BaseException) -> bool:
    """No space for a file (ENOSPC, EDQUOT) or in the database (SQLSTATE 53100)."""
    if getattr(raised, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return True
    return str(getattr(raised.__cause__, "sqlstate", "")) == "53100"


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was too old or came from elsewhere."""
    return answer(request, NotAllowed(_("The form has expired. Go back, reload the page and send it again.")))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django refuses before a view is asked (`handler400`)."""
    return of_exception(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django forbids by itself (`handler403`)."""
    return answer(request, NotAllowed())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No address fits (`handler404`)."""
    return answer(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Whatever a middleware raised outside of a view (`handler500`), e.g. a session that cannot be read."""
    raised = sys.exception()
    return of_exception(request, raised if raised is not None else RuntimeError())
