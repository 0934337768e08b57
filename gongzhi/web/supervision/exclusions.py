"""Page of what is left out of the rates: asked with reason and evidence, decided by a second person, appealed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases import queries
from gongzhi.errors import Invalid
from gongzhi.registry import authority
from gongzhi.supervision import excluding, settings
from gongzhi.supervision.models import Exclusion
from gongzhi.web.supervision.entering import SHOWN, held_by, is_wide, one, page, staff


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """What waits for a second person, appeals, what was decided, and asking anew."""
    actor = staff(request)

    def context() -> dict[str, Any]:
        rows = Exclusion.objects.select_related("case", "asked_by", "decided_by")
        if not is_wide(actor):
            rows = rows.filter(case__organisation_id__in=held_by(actor))
        decides = authority.may(actor, "supervision.decide_exclusion")
        return {
            "actor": actor,
            "waiting": rows.filter(state=Exclusion.State.ASKED).order_by("asked_at")[:SHOWN],
            "appeals": rows.filter(state=Exclusion.State.APPEALED).order_by("appealed_at")[:SHOWN],
            "settled": rows.exclude(state__in=[Exclusion.State.ASKED, Exclusion.State.APPEALED]).order_by(
                "-decided_at"
            )[:SHOWN],
            "decides": decides,
            "reasons": list(reason_words().items()),
            "most_percent": settings.current().most_excluded_percent,
            "number": request.GET.get("number", ""),
        }

    def do() -> tuple[str, str]:
        form = request.POST
        match form.get("do"):
            case "ask":
                excluding.ask(
                    actor, queries.case_by_number(form.get("number", "")), reason_code=form.get("reason_code", ""),
                    reason=form.get("reason", ""), evidence=form.get("evidence", ""),
                )  # fmt: skip
                return _("Asked. A second person decides."), ""
            case "agree" | "refuse" as verb:
                excluding.decide(actor, one(Exclusion, form.get("id", "")), agree=verb == "agree")
            case "lift" | "keep" as verb:
                held = one(Exclusion, form.get("id", ""))
                excluding.decide_appeal(actor, held, lift=verb == "lift", reason=form.get("reason", ""))
            case _:
                raise Invalid(_("Choose what to do."))
        return _("Your decision was recorded."), ""

    return page(request, "supervision/exclusions.html", context, do)


def reason_words() -> dict[str, str]:
    """Reason of an exclusion → what the reader sees."""
    return {
        "unlawful": _("what is demanded is unlawful"),
        "untrue": _("the facts are not true"),
        "settled_in_law": _("a court or arbitration has settled it"),
        "abusive": _("abuse without a matter of substance"),
        "repeated_after_answer": _("repeated although it was answered and nothing is new"),
    }
