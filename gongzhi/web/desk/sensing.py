"""The sensing page of the desk: what people talk about, where, what will come, what is unusual."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.errors import NotFound, SignInNeeded
from gongzhi.registry import authority
from gongzhi.sensing.morning import morning
from gongzhi.web import sensing_pages
from gongzhi.web.accounts import actor_of
from gongzhi.web.desk import evidence


@require_safe
def page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The page, or one of its tables as CSV with ``?download=``."""
    actor = actor_of(request)
    if actor.kind == "anonymous":
        raise SignInNeeded(_("Please sign in first."))
    authority.require(actor, "sensing.see")
    found = morning()
    if "download" in request.GET:
        table = sensing_pages.download(found, request.GET["download"], internal=True)
        if table is None:
            raise NotFound(_("There is no such table."))
        return table
    context = sensing_pages.context_of(found, request, internal=True)
    for alert in context["alerts"]:
        alert["address"] = evidence.address(
            function=alert["functions"], area=alert["places"], since=alert["from"], until=alert["until"]
        )
    return render(request, "sensing/page.html", context)
