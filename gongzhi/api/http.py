"""What every address for programs has in common: methods, HEAD, OPTIONS, other sites, who is calling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt

from gongzhi.errors import GongzhiError

View = Callable[..., HttpResponse]


class MethodUnknown(GongzhiError):
    """The address exists, but not for this method; `headers` name those that it knows."""

    code, status, title = "method-not-allowed", 405, gettext_lazy("This address does not know this method")

    def __init__(self, allowed: str) -> None:
        super().__init__(_("Use %(methods)s here.") % {"methods": allowed})
        self.headers = {"Allow": allowed}


class MediaUnknown(GongzhiError):
    """The body is in a form that is not read here."""

    code, status, title = "media-type", 415, gettext_lazy("The body is in a form that is not read here")


def answered(view: View, methods: Iterable[str] = ("GET",)) -> View:
    """`view` for these methods, with HEAD where there is GET, OPTIONS, and 405 for the others.

    Any site may send and read here in a browser: nothing looks at cookies.
    """
    known = list(methods)
    if "GET" in known:
        known.insert(known.index("GET") + 1, "HEAD")
    allowed = ", ".join([*known, "OPTIONS"])

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest, **named: Any) -> HttpResponse:
        method = str(request.method)
        if method == "OPTIONS":
            return _options(allowed)
        if method not in known:
            raise MethodUnknown(allowed)
        if method != "HEAD":
            return view(request, **named)
        request.method = "GET"
        try:
            return view(request, **named)
        finally:
            request.method = "HEAD"

    return answer


def _options(allowed: str) -> HttpResponse:
    response = HttpResponse(status=204)
    response["Allow"] = allowed
    response["Access-Control-Allow-Methods"] = allowed
    response["Access-Control-Allow-Headers"] = "Content-Type, Idempotency-Key, Accept-Language, Authorization"
    response["Access-Control-Max-Age"] = "86400"
    del response["Content-Type"]
    return response


def client_of(request: HttpRequest) -> str:
    """The address that rate limits count by, as the outermost guard found it."""
    return str(request.META.get("gongzhi.client") or request.META.get("REMOTE_ADDR", ""))
