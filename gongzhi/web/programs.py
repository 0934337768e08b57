"""A short way for programs: requests to the APIs skip what only pages need.

A program brings no session, form token, message or sign-in, so the middleware for these would work
for nothing. Everything that gives an answer its language, headers and host check stays, as does
the guard around it all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers

Handler = Callable[[HttpRequest], HttpResponseBase]
PREFIXES: Final = ("/api/", "/open311/")

_view: Handler | None = None


class BeforeTheView:
    """The last middleware: tells `ShortWay` where the view is; Django makes middleware from the inside out."""

    def __init__(self, get_response: Handler) -> None:
        global _view
        self.get_response = _view = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)


class ShortWay:
    """The second middleware, behind the guard: sends programs straight to the view."""

    def __init__(self, get_response: Handler) -> None:
        if _view is None:
            raise RuntimeError("gongzhi.web.programs.BeforeTheView has to be the last middleware")
        self.get_response = get_response
        self.view = convert_exception_to_response(CommonMiddleware(_view))
        self.security = SecurityMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PREFIXES):
            return self.get_response(request)
        language = translation.get_language_from_request(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language  # type: ignore[attr-defined, unused-ignore]
        response = cast(HttpResponse, self.view(request))
        headers = response.headers
        if "Vary" in headers:
            patch_vary_headers(response, ("Accept-Language",))
        else:
            headers["Vary"] = "Accept-Language"
        headers.setdefault("Content-Language", language)
        headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        self.security.process_response(request, response)
        return response
