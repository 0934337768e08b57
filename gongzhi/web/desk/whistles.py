"""Pages of whistles: a street calls departments to a place, and sees who came and how soon."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.coordination.actions import whistles as actions
from gongzhi.coordination.actions.whistles import Spot
from gongzhi.coordination.models import Whistle
from gongzhi.errors import Invalid, NotAllowed, NotFound
from gongzhi.registry import snapshot
from gongzhi.web.desk.joint import organisations, page, staff, whole


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The whistles of one's organisation, and whistling."""
    actor = staff(request)
    view = snapshot.current()
    own = view.organisations.get(actor.organisation_id or 0)

    def context() -> dict[str, Any]:
        mine = actor.organisation_id or 0
        called = Whistle.objects.filter(calls__organisation=mine) | Whistle.objects.filter(street=mine)
        return {
            "whistles": called.distinct().select_related("street").order_by("-called_at")[:50],
            "may_call": own is not None and own.level == "street",
            "departments": [
                o for o in sorted(view.organisations.values(), key=lambda o: o.code) if o.level == "city"
            ],
            "urgencies": [("normal", _("normal")), ("urgent", _("urgent")), ("emergency", _("emergency"))],
        }

    def do() -> str:
        form = request.POST
        whistle = actions.call(
            actor,
            form.get("text", ""),
            Spot(form.get("address", "")),
            organisations(form.getlist("departments"), "departments"),
            urgency=form.get("urgency", ""),
        )
        return f"/desk/whistles/{whistle.pk}/"

    return page(request, "desk/joint/whistles.html", context, do)


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One whistle, for the street and the departments that were called."""
    actor = staff(request)
    whistle = Whistle.objects.filter(pk=pk).select_related("street").first()
    if whistle is None:
        raise NotFound(_("There is no such whistle."))
    called = whistle.calls.filter(organisation=actor.organisation_id or 0).first()
    is_street = actor.organisation_id == whistle.street_id
    if called is None and not is_street and whistle.street_id not in actor.subordinate_ids:
        raise NotAllowed(_("This whistle does not concern your organisation."))

    def context() -> dict[str, Any]:
        calls = whistle.calls.select_related("organisation").order_by("organisation__code")
        return {"whistle": whistle, "calls": calls, "called": called, "is_street": is_street}

    def do() -> str | None:
        form = request.POST
        verb = form.get("verb")
        if verb == "answer" and called is not None:
            actions.answer(actor, called)
        elif verb == "answer":
            raise NotAllowed(_("This whistle does not concern your organisation."))
        elif verb == "arrive":
            came = whistle.calls.filter(pk=whole(form.get("call", ""), "call")).first()
            if came is None:
                raise NotFound(_("There is no such whistle."))
            actions.arrive(actor, came)
        elif verb == "finish":
            marks = {
                c.organisation_id: whole(form.get(f"mark-{c.pk}", ""), "marks") for c in whistle.calls.all()
            }
            actions.finish(actor, whistle, form.get("text", ""), marks=marks)
        else:
            raise Invalid(_("Choose what to do."))
        return None

    return page(request, "desk/joint/whistle.html", context, do)
