"""First page of supervision: how much presses, and the matters that do, the next deadline first."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.registry import authority
from gongzhi.registry.authority import Subject
from gongzhi.supervision import alarms, pressing
from gongzhi.web.supervision.entering import staff


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Tallies that lead to what they count, a page of matters, and what else has a deadline.

    A POST says that this post has seen what was pushed to it.
    """
    actor = staff(request)
    if request.method == "POST":
        pressing.mark_seen(actor)
        messages.success(request, _("Marked as seen."))
        return HttpResponseRedirect(request.path)
    light = request.GET.get("light", "")
    matters, rows = pressing.matters(actor, light, after=request.GET.get("after", ""))
    ringing = alarms.read()
    mine = Subject(organisation_id=actor.organisation_id)
    context = {
        "light": light,
        "tallies": pressing.tallies(actor),
        "matters": matters,
        "page": rows,
        "watched": pressing.watched(actor) if not (light or request.GET.get("after")) else [],
        "may_urge": authority.may(actor, "supervision.urge", mine),
        "may_account": authority.may(actor, "supervision.see_accountability", mine),
        "alarms": ringing,
        "failed_notices": alarms.failed_notices() if ringing.notices_failed else [],
    }
    return render(request, "supervision/overview.html", context)
