"""What everybody may see of what the city hears: hot issues, where, and what is expected; from masked data."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.cases.evidence import Behind, cases_behind
from gongzhi.errors import NotFound
from gongzhi.sensing.morning import morning
from gongzhi.web import sensing_pages


@require_safe
def page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The page, or one of its tables as CSV with ``?download=``."""
    found = morning()
    if "download" in request.GET:
        table = sensing_pages.download(found, request.GET["download"], internal=False)
        if table is None:
            raise NotFound(_("There is no such table."))
        return table
    return render(request, "sensing/page.html", sensing_pages.context_of(found, request, internal=False))


@require_safe
def issue(request: HttpRequest, number: str) -> HttpResponse:
    """All matters of one hot issue, as everybody may see them."""
    found = sensing_pages.issue_with(number)
    shown = cases_behind(Behind(numbers=tuple(found["numbers"])), request.GET.get("after", ""))
    context = {"found": shown, "said": [found["title"]], "layout": "base.html", "internal": False}
    return render(request, "sensing/evidence.html", context)
