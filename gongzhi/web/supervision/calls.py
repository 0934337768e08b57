"""Page of calls (回访): bad ratings to put right, and people to ask how satisfied they are."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases.models import Party
from gongzhi.errors import Invalid
from gongzhi.supervision import inviting, rating
from gongzhi.supervision.models import CallBack, FollowUp, Rating
from gongzhi.web.supervision.entering import SHOWN, held_by, one, page, staff


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Who must be called, the most pressing first, and what came of it."""
    actor = staff(request)

    def context() -> dict[str, Any]:
        bad, calls = inviting.to_put_right(actor), inviting.to_call(actor)
        return {
            "call_backs": bad[:SHOWN],
            "call_backs_in_all": bad.count(),
            "calls": calls[:SHOWN],
            "calls_in_all": calls.count(),
            "held": held_by(actor),
            "now": timezone.now(),
            "levels": sorted(Rating.Level.choices, reverse=True),
        }

    def do() -> tuple[str, str]:
        form = request.POST
        match form.get("do"):
            case "settle":
                found = one(CallBack, form.get("id", ""))
                rating.settle(
                    actor, found, form.get("outcome", ""), reason=form.get("text", ""),
                    promised_on=_day(form.get("promised_on", "")),
                )  # fmt: skip
            case "call":
                party = one(Party, form.get("id", ""))
                came = form.get("came", "")
                level = int(came) if came in ("1", "2", "3", "4", "5") else None
                outcome = FollowUp.Outcome.RATED if level else came
                rating.call(actor, party, outcome, level=level, text=form.get("text", ""))
            case _:
                raise Invalid(_("Choose what to do."))
        return _("Recorded."), ""

    return page(request, "supervision/calls.html", context, do)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError as problem:
        raise Invalid(fields={"promised_on": _("Write the day as 2026-01-31.")}) from problem
