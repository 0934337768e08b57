"""Who may enter the desks, and in which of their posts."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongzhi.errors import SignInNeeded
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.web import accounts
from gongzhi.web.portal.forms import whole_in


def staff(request: HttpRequest) -> Actor:
    """The member of staff who asks.

    Raises:
        SignInNeeded: nobody is signed in.
        NotAllowed: whoever is signed in holds no post.
    """
    actor = accounts.actor_of(request)
    if actor.kind == "anonymous":
        raise SignInNeeded(_("Please sign in first."))
    authority.require(actor, "case.see_worklist")
    return actor


@require_POST
def choose_post(request: HttpRequest) -> HttpResponse:
    """Act in another of one's posts."""
    staff(request)
    accounts.choose_post(request, whole_in(request.POST.get("post", "")))
    return HttpResponseRedirect("/desk/")


def path_of(address: str) -> str:
    """The path of an address within the desks, so that nobody is sent elsewhere; else the first page."""
    parts = urlsplit(address)
    inside = not parts.scheme and not parts.netloc and parts.path.startswith("/desk/")
    return f"{parts.path}?{parts.query}" if inside and parts.query else (parts.path if inside else "/desk/")
