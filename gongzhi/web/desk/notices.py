"""The page of what waits for the holder of a post, with what became of each mail."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from gongzhi.cases import staff_notices
from gongzhi.cases.models import StaffNotice
from gongzhi.web.desk.joint import staff

_SHOWN = 100


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The newest notices of one's post; posting says that all of them were read."""
    actor = staff(request)
    if request.method == "POST":
        staff_notices.see_all(actor.post_id or 0)
        return HttpResponseRedirect(request.path)
    notices = list(StaffNotice.objects.filter(post=actor.post_id or 0).order_by("-at", "-pk")[:_SHOWN])
    unread = sum(1 for notice in notices if notice.seen_at is None)
    return render(request, "desk/notices.html", {"notices": notices, "unread": unread})
