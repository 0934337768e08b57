"""Sending a matter to the city it belongs to."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases import queries
from gongzhi.coordination.actions import federation, partners
from gongzhi.coordination.models import Neighbour, Passage
from gongzhi.errors import Invalid
from gongzhi.registry import authority
from gongzhi.registry.authority import Subject
from gongzhi.web.desk.joint import page, staff


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, number: str) -> HttpResponse:
    """Where a matter was sent, or sending it."""
    actor = staff(request)
    case = queries.case_by_number(number)
    partners.check_reading(actor, case)
    if not case.is_public:
        authority.require(actor, "case.see_private", Subject(organisation_id=case.organisation_id))

    def context() -> dict[str, Any]:
        return {
            "case": case,
            "passages": Passage.objects.filter(case=case).select_related("neighbour").order_by("began_at"),
            "neighbours": Neighbour.objects.filter(is_active=True).order_by("code"),
            "may_send": "dispatcher" in actor.roles,
        }

    def do() -> str | None:
        neighbour = Neighbour.objects.filter(code=request.POST.get("city", ""), is_active=True).first()
        if neighbour is None:
            raise Invalid(fields={"city": _("Choose a city from the list.")})
        federation.send(actor, case, neighbour, reason=request.POST.get("reason", ""))
        return None

    return page(request, "desk/joint/elsewhere.html", context, do)
