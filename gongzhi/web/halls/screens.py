"""Which device asks: set up once by a link, known by a cookie afterwards."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.errors import NotAllowed, NotFound
from gongzhi.intake.counters import setting_up
from gongzhi.intake.counters.models import Screen

_COOKIE: Final = "screen"
_YEAR_S: Final = 365 * 24 * 3600


def screen(request: HttpRequest, code: str, kind: Screen.Kind) -> Screen:
    """The device that asks.

    Raises:
        NotAllowed: it is none that was allowed to stand in this hall.
    """
    found = setting_up.screen_of(request.COOKIES.get(_COOKIE, ""), code, kind)
    if found is None:
        raise NotAllowed(
            _("This page opens only on a device in the hall. An administrator can make a link for it.")
        )
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest, secret: str) -> HttpResponse:
    """Set this device up with its link; whoever merely looks at the link uses nothing up."""
    if request.method != "POST":
        if not setting_up.is_link(secret):
            raise NotFound(_("This link was used already or is no longer valid. Ask for a new one."))
        return render(request, "halls/claim.html")
    found, own = setting_up.claim_screen(secret)
    response = HttpResponseRedirect(f"/halls/{found.hall.code}/{found.kind}/")
    response.set_cookie(
        _COOKIE,
        own,
        max_age=_YEAR_S,
        path="/halls/",
        httponly=True,
        secure=settings.PRODUCTION,
        samesite="Lax",
    )
    return response
