"""Page of urgings: write one, answer one, see which were answered in time."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases import queries
from gongzhi.errors import Invalid
from gongzhi.registry import authority
from gongzhi.registry.authority import Subject
from gongzhi.supervision import settings, urging
from gongzhi.supervision.models import Urging
from gongzhi.web.supervision.entering import SHOWN, held_by, is_wide, one, page, staff


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Urgings that wait for an answer, those that were answered, and a new one."""
    actor = staff(request)
    mine = Subject(organisation_id=actor.organisation_id)

    def context() -> dict[str, Any]:
        rows = Urging.objects.select_related("case", "organisation", "by_post", "answered_by")
        if not is_wide(actor):
            rows = rows.filter(organisation_id__in=held_by(actor))
        return {
            "actor": actor,
            "waiting": rows.filter(answered_at=None).order_by("answer_due_at")[:SHOWN],
            "answered": rows.exclude(answered_at=None).order_by("-answered_at")[:SHOWN],
            "may_urge": authority.may(actor, "supervision.urge", mine),
            "days": settings.current().urging_working_days,
            "number": request.GET.get("number", ""),
        }

    def do() -> tuple[str, str]:
        form = request.POST
        match form.get("do"):
            case "urge":
                urging.urge(actor, queries.case_by_number(form.get("number", "")), form.get("text", ""))
                return _("The organisation was urged and must answer."), ""
            case "answer":
                urging.answer(actor, one(Urging, form.get("id", "")), form.get("text", ""))
                return _("Your answer was recorded."), ""
            case _:
                raise Invalid(_("Choose what to do."))

    return page(request, "supervision/urgings.html", context, do)
