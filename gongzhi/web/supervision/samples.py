"""Page of answers drawn at random: what the rules say of each and why, and what a person thinks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.errors import Invalid
from gongzhi.registry import authority
from gongzhi.registry.authority import Subject
from gongzhi.supervision import answers, sampling, settings
from gongzhi.supervision.models import Sample
from gongzhi.web.supervision.entering import held_by, is_wide, one, page, staff

SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Draw last week's answers, read them, say of each aspect whether it is good enough."""
    actor = staff(request)
    may = authority.may(actor, "supervision.judge_answer", Subject(organisation_id=actor.organisation_id))
    last_monday = timezone.localdate() - timedelta(days=timezone.localdate().weekday() + 7)

    def context() -> dict[str, Any]:
        rows = Sample.objects.select_related("message", "case", "judged_by")
        if not is_wide(actor):
            rows = rows.filter(organisation_id__in=held_by(actor))
        judged = rows.exclude(judged_at=None).order_by("-judged_at")
        return {
            "waiting": rows.filter(judged_at=None).order_by("-week", "pk")[:SHOWN],
            "judged": judged[:SHOWN],
            "n": settings.current().sample_each_week,
            "may_judge": may,
            "week": last_monday,
            "is_drawn": Sample.objects.filter(week=last_monday).exists(),
            "aspects": answers.ASPECTS,
        }

    def do() -> tuple[str, str]:
        form = request.POST
        if form.get("do") == "draw":
            authority.require(
                actor, "supervision.judge_answer", Subject(organisation_id=actor.organisation_id)
            )
            drawn = sampling.draw(last_monday)
            if not drawn:
                raise Invalid(_("This week was drawn already, or nothing was answered in it."))
            return _("%(n)d answers were drawn.") % {"n": drawn}, ""
        given = {name: form.get(name, "") for name in answers.ASPECTS}
        if not set(given.values()) <= {"yes", "no"}:
            raise Invalid(fields={"judged": _("Say of each aspect whether it is good enough.")})
        judged = {name: value == "yes" for name, value in given.items()}
        sampling.judge(actor, one(Sample, form.get("id", "")), judged)
        return _("Your judgement was recorded."), ""

    return page(request, "supervision/samples.html", context, do)
