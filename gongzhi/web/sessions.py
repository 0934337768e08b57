"""How long somebody stays signed in: an hour without doing anything, twelve hours in all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse

_BEGAN: Final = "session.began"
_SEEN: Final = "session.seen"
_EVERY_S: Final = 300
"""So seldom the time of the last request is written, that most requests write nothing."""


class Limits:
    """Django middleware behind the one that finds out who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            _check(request)
        return self.get_response(request)


def _check(request: HttpRequest) -> None:
    session, now = request.session, int(time.time())
    began, seen = session.get(_BEGAN, now), session.get(_SEEN, now)
    if now - began > settings.SESSION_MOST_S or now - seen > settings.SESSION_IDLE_S:
        logout(request)
    elif now - seen >= _EVERY_S or _BEGAN not in session:
        session[_BEGAN], session[_SEEN] = began, now


def begin(request: HttpRequest | None = None, **_named: Any) -> None:
    """Note when somebody signed in."""
    if request is not None and hasattr(request, "session"):
        request.session[_BEGAN] = request.session[_SEEN] = int(time.time())


user_logged_in.connect(begin, dispatch_uid="gongzhi.web.sessions")
