"""What a supervisor sees and does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.cases import queries
from gongzhi.cases.actions._core import subject_of
from gongzhi.cases.models import Case, Party
from gongzhi.errors import GongzhiError, Invalid
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.supervision import accountability, alarms, clocks, inviting, rating, settings, urging
from gongzhi.supervision.models import (
    CallBack,
    Clock,
    Escalation,
    FollowUp,
    LateRisk,
    Push,
    Rating,
    Urging,
    Watch,
)
from gongzhi.web.supervision.entering import SHOWN, one, staff


@dataclass(frozen=True, slots=True)
class Light:
    """An open case with its clock and how likely it will be late."""

    case: Case
    share: float
    light: str
    is_paused: bool
    risk: LateRisk | None


@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    """Everything that must be looked after, the most pressing first."""
    actor = staff(request)
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            messages.success(request, _act(actor, request))
            return HttpResponseRedirect(request.path)
        except GongzhiError as problem:
            if problem.status >= 500:
                raise
            context, status = {"error": problem, "typed": request.POST}, problem.status
    held = [actor.organisation_id or 0, *actor.subordinate_ids]
    everything = "dispatcher" in actor.roles
    escalations: QuerySet[Escalation] = Escalation.objects.select_related("case", "organisation").filter(
        post_id=actor.post_id or 0, seen_at=None
    )
    urgings = Urging.objects.select_related("case", "organisation").filter(answered_at=None)
    context |= {
        "actor": actor,
        "lights": _lights(held, everything),
        "escalations": escalations.order_by("-at")[:SHOWN],
        "pushes": Push.objects.filter(post_id=actor.post_id or 0, seen_at=None).order_by("-at")[:SHOWN],
        "watches": _watches(held, everything),
        "now": timezone.now(),
        "alarms": alarms.read(),
        "failed_notices": alarms.failed_notices(),
        "urgings": (urgings if everything else urgings.filter(organisation_id__in=held)).order_by(
            "answer_due_at"
        )[:SHOWN],
        "call_backs": inviting.to_put_right(actor)[:SHOWN],
        "calls": inviting.to_call(actor)[:SHOWN],
        "levels": sorted(Rating.Level.choices, reverse=True),
    }
    return render(request, "supervision/overview.html", context, status=status)


def _lights(held: list[int], everything: bool) -> list[Light]:
    rules = settings.current()
    now = timezone.now()
    rows = Clock.objects.select_related("case")
    if not everything:
        rows = rows.filter(case__organisation_id__in=held)
    found = list(rows.order_by("due_at", "case_id")[:SHOWN])
    risks = LateRisk.objects.in_bulk([clock.case_id for clock in found])
    lights = []
    for clock in found:
        whole = max(60.0, (clock.due_at - clock.started_at).total_seconds())
        used = ((clock.paused_at or now) - clock.started_at).total_seconds() / whole
        lights.append(
            Light(
                clock.case,
                used,
                clocks.light(used, rules),
                clock.paused_at is not None,
                risks.get(clock.case_id),
            )
        )
    return lights


def _watches(held: list[int], everything: bool) -> QuerySet[Watch]:
    rows = Watch.objects.select_related("case", "organisation")
    if not everything:
        rows = rows.filter(Q(organisation_id__in=held) | Q(case__organisation_id__in=held))
    return rows.order_by("due_at", "pk")[:SHOWN]


def _act(actor: Actor, request: HttpRequest) -> str:
    form = request.POST
    text = form.get("text", "")
    match form.get("do"):
        case "urge":
            urging.urge(actor, queries.case_by_number(form.get("number", "")), text)
            return _("The organisation was urged and must answer.")
        case "answer":
            urging.answer(actor, one(Urging, form.get("id", "")), text)
            return _("Your answer was recorded.")
        case "settle":
            day = form.get("promised_on", "")
            try:
                promised = date.fromisoformat(day) if day else None
            except ValueError as problem:
                raise Invalid(fields={"promised_on": _("Write the day as 2026-01-31.")}) from problem
            rating.settle(
                actor,
                one(CallBack, form.get("id", "")),
                form.get("outcome", ""),
                reason=text,
                promised_on=promised,
            )
            return _("Recorded.")
        case "call":
            level = form.get("level", "")
            outcome = form.get("outcome", "")
            party = one(Party, form.get("id", ""))
            number = int(level) if level in ("1", "2", "3", "4", "5") else None
            rating.call(actor, party, FollowUp.Outcome.RATED if number else outcome, level=number, text=text)
            return _("Recorded.")
        case "seen":
            for pushed in (Escalation.objects, Push.objects):
                pushed.filter(post_id=actor.post_id or 0, seen_at=None).update(seen_at=timezone.now())
            return _("Marked as seen.")
        case _:
            raise Invalid(_("Choose what to do."))


@require_safe
def account(request: HttpRequest, number: str) -> HttpResponse:
    """Who held a case for how long, what pushed it, and how likely it is to be late."""
    actor = staff(request)
    case = queries.case_by_number(number)
    authority.require(actor, "supervision.see_accountability", subject_of(case))
    context = {
        "case": case,
        "account": accountability.account(actor, case),
        "escalations": Escalation.objects.filter(case=case)
        .select_related("organisation", "post")
        .order_by("at"),
        "urgings": Urging.objects.filter(case=case).select_related("organisation").order_by("at"),
        "risk": LateRisk.objects.filter(case=case).first(),
        "pushes": Push.objects.filter(case=case).select_related("organisation").order_by("at"),
    }
    return render(request, "supervision/account.html", context)
