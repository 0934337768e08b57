"""Pages of an assisting organisation: its parts of cases of others."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases import actions, parts
from gongzhi.errors import Invalid
from gongzhi.web.desk.joint import page, staff


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One part: what is asked, where, until when; accept, return or finish it."""
    actor = staff(request)
    part = parts.part_of(actor, pk)

    def context() -> dict[str, Any]:
        return {"part": part, "return_reasons": return_reasons()}

    def do() -> str | None:
        task = parts.task_of_part(actor, pk)
        verb, text = request.POST.get("verb"), request.POST.get("text", "")
        if verb == "accept":
            actions.accept_part(actor, task)
        elif verb == "return":
            actions.return_part(actor, task, reason_code=request.POST.get("reason_code", ""), reason=text)
        elif verb == "finish":
            actions.finish_part(actor, task, text)
        else:
            raise Invalid(_("Choose what to do."))
        return None

    return page(request, "desk/joint/part.html", context, do)


def return_reasons() -> list[tuple[str, str]]:
    """Why something is returned, in words."""
    return [
        ("not_ours", _("Not our responsibility")),
        ("wrong_area", _("Not in our area")),
        ("wrong_function", _("It is about something else")),
        ("incomplete", _("Too little information")),
        ("duplicate", _("Reported already")),
    ]
