"""Page of accountability: who held a case for how long, and what pushed it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.cases import queries
from gongzhi.cases.actions._core import subject_of
from gongzhi.registry import authority
from gongzhi.supervision import accountability
from gongzhi.supervision.models import Escalation, LateRisk, Push, Urging
from gongzhi.web.supervision.entering import staff


@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    """Who held a case for how long, what pushed it, and how likely it is to be late."""
    actor = staff(request)
    case = queries.case_by_number(number)
    authority.require(actor, "supervision.see_accountability", subject_of(case))
    pushes = Push.objects.filter(case=case).select_related("organisation", "post").order_by("at")
    context = {
        "case": case,
        "account": accountability.account(actor, case),
        "escalations": Escalation.objects.filter(case=case)
        .select_related("organisation", "post")
        .order_by("at"),
        "urgings": Urging.objects.filter(case=case).select_related("organisation").order_by("at"),
        "risk": LateRisk.objects.filter(case=case).first(),
        "pushes": pushes,
    }
    return render(request, "supervision/account.html", context)
