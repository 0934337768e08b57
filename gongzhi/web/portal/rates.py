"""Public supervision: the three rates with their cases, rating a handling, inspections and their draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.cases import queries
from gongzhi.cases.models import Case, Notice, Party
from gongzhi.errors import GongzhiError, Invalid, NotFound
from gongzhi.intake import limits
from gongzhi.registry.authority import Actor
from gongzhi.supervision import excluding, gate, inspecting, rates, rating
from gongzhi.supervision import settings as limits_of_city
from gongzhi.supervision.models import Draw, Exclusion, RateFact, Rating
from gongzhi.web.clients import address_of
from gongzhi.web.portal import following
from gongzhi.web.supervision import exclusions
from gongzhi.web.templatetags.rates import rating_words

PERIODS = {"1": 1, "3": 3, "12": 12}
BY = ("organisation", "area", "function")
_COLUMN = {"organisation": "organisation_id", "area": "area_id", "function": "function_id"}


@dataclass(frozen=True, slots=True)
class _Asked:
    by: str
    months: int
    first: date
    last: date


def _asked(request: HttpRequest) -> _Asked:
    by = request.GET.get("by", "organisation")
    if by not in BY:
        raise Invalid(fields={"by": _("Choose organisations, districts or functions.")})
    months = PERIODS.get(request.GET.get("months", ""), 3)
    today = timezone.localdate()
    back = today.year * 12 + today.month - months
    return _Asked(by, months, date(back // 12, back % 12 + 1, 1), today)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The rates by organisation, district or function, each with definition, n, interval and its cases."""
    asked = _asked(request)
    overrides = {row["organisation_id"]: row for row in gate.override_rates(_beginning(asked.first))}
    context = {
        "asked": asked,
        "periods": list(PERIODS.values()),
        "bys": [("organisation", _("Organisations")), ("area", _("Districts")), ("function", _("Functions"))],
        "rows": [r for r in rates.rows(asked.by, asked.first, asked.last) if r.key],
        "definitions": list(rates.DEFINITIONS.values()),
        "least_n": limits_of_city.current().least_n,
        "overrides": overrides if asked.by == "organisation" else {},
    }
    return render(request, "portal/rates.html", context)


def _beginning(day: date) -> Any:
    from datetime import datetime

    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


@require_safe
def cases_of(request: HttpRequest) -> HttpResponse:
    """The cases that make a figure: those that count, and whether each counts as hit."""
    asked = _asked(request)
    which = request.GET.get("rate", "resolved")
    key = request.GET.get("key", "")
    if which not in ("responded", "resolved", "satisfied") or not key.isdecimal() or len(key) > 18:
        raise Invalid(fields={"rate": _("Choose a figure from the page of rates.")})
    facts = RateFact.objects.select_related("case").filter(
        **{_COLUMN[asked.by]: int(key)}, month__gte=asked.first, month__lte=asked.last, excluded=0
    )
    facts = facts.filter(rated__gt=0) if which == "satisfied" else facts.filter(due__gt=0)
    shown = Paginator(facts.order_by("-month", "-case_id"), 50).get_page(request.GET.get("page"))
    rows = [(fact.case if fact.case.is_public else None, getattr(fact, which)) for fact in shown]
    context = {"asked": asked, "rows": rows, "shown": shown, "which": which, "key": int(key)}
    return render(request, "portal/rates_cases.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def rate_by_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Rate with the single-use link."""
    limits.count(f"rate:{address_of(request)}", "")
    found = rating.invitation(secret)
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and found.party.language:
        # Who comes from a notice goes on reading in its language.
        translation.activate(found.party.language)
        request.LANGUAGE_CODE = translation.get_language()

    def act(level: int, reasons: list[str], text: str) -> None:
        rating.rate_by_link(secret, level, reasons=reasons, text=text)

    return _rating_page(
        request, found.case, act, back=f"/cases/{found.case.number}/" if found.case.is_public else "/"
    )


@require_http_methods(["GET", "HEAD", "POST"])
def rate_followed(request: HttpRequest, number: str, secret: str) -> HttpResponse:
    """Rate from one's own page of the matter; what one was told about it stands below."""
    case = queries.case_by_number(number)
    party = following._party(request, case, secret)
    actor = Actor(kind="anonymous", party_ids=frozenset({party.pk}))

    def act(level: int, reasons: list[str], text: str) -> None:
        rating.rate(actor, case, party, level, reasons=reasons, text=text)

    return _rating_page(request, case, act, back=f"/follow/{number}/{secret}/", party=party)


@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest, number: str, secret: str) -> HttpResponse:
    """See why one's matter is left out of the figures, and appeal against it."""
    case = queries.case_by_number(number)
    party = following._party(request, case, secret)
    exclusion = Exclusion.objects.filter(case=case).first()
    if exclusion is None or exclusion.state in (Exclusion.State.ASKED, Exclusion.State.REFUSED):
        raise NotFound(_("Your matter is counted in the figures; there is nothing to appeal against."))
    error: GongzhiError | None = None
    if request.method == "POST":
        actor = Actor(kind="anonymous", party_ids=frozenset({party.pk}))
        try:
            excluding.appeal(actor, exclusion, request.POST.get("text", ""))
            messages.success(
                request, _("Your appeal was recorded; somebody who has not decided on it before decides.")
            )
            return HttpResponseRedirect(request.path)
        except GongzhiError as problem:
            if problem.status >= 500:
                raise
            error = problem
    context = {
        "case": case, "exclusion": exclusion, "error": error, "typed": request.POST,
        "back": f"/follow/{number}/{secret}/",
        "reason": exclusions.reason_words().get(exclusion.reason_code, ""),
    }  # fmt: skip
    response = render(request, "portal/appeal.html", context, status=error.status if error else 200)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    return response


def _rating_page(
    request: HttpRequest, case: Case, act: Any, *, back: str, party: Party | None = None
) -> HttpResponse:
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        try:
            level = request.POST.get("level", "")
            if level not in ("1", "2", "3", "4", "5"):
                raise Invalid(fields={"level": _("Choose one of the five levels.")})
            is_bad = int(level) <= 2
            reasons = [r for r in request.POST.getlist("reasons") if r in rating.REASONS[is_bad]]
            act(int(level), reasons, request.POST.get("text", ""))
            said = _("Thank you for your rating.")
            if is_bad:
                said += " " + _("Somebody will call you back, and it must be put right within the limit.")
            messages.success(request, said)
            return HttpResponseRedirect(back)
        except GongzhiError as problem:
            if problem.status >= 500:
                raise
            context, status = {"error": problem, "typed": request.POST}, problem.status
    is_rated = (
        party is not None
        and case.resolved_at is not None
        and Rating.objects.filter(party=party, handled_at=case.resolved_at).exists()
    )
    context |= {
        "case": case,
        "back": back,
        "can_rate": case.state in ("resolved", "rated") and not is_rated,
        "is_rated": is_rated,
        "levels": sorted(Rating.Level.choices, reverse=True),
        "reasons": list(rating_words().items()),
        "notices": Notice.objects.filter(party=party).order_by("-at")[:50] if party else [],
    }
    response = render(request, "portal/rate.html", context, status=status)
    response["Cache-Control"] = "no-store"
    # Not "no-referrer": browsers then send `Origin: null`, and the form is refused.
    response["Referrer-Policy"] = "same-origin"
    return response


@require_safe
def inspections(request: HttpRequest) -> HttpResponse:
    """All draws, announced and drawn, with their results."""
    draws = Draw.objects.select_related("plan__organisation").prefetch_related("inspections__finding")
    shown = Paginator(draws.order_by("-announced_at", "-pk"), 20).get_page(request.GET.get("page"))
    return render(request, "portal/inspections.html", {"shown": shown})


@require_safe
def inspection_file(request: HttpRequest, pk: int) -> HttpResponse:
    """All that is needed to recompute a draw."""
    draw = Draw.objects.filter(pk=pk).first()
    if draw is None:
        raise NotFound(_("There is no such draw."))
    return JsonResponse(inspecting.published(draw), json_dumps_params={"ensure_ascii": False, "indent": 1})
