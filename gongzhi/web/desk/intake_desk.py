"""One screen for the hotline and the counter: who calls, what it is, where; then the number to read out."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gongzhi.cases import actions, queries, requesters
from gongzhi.cases.models import Channel
from gongzhi.errors import GongzhiError, Invalid, NotAllowed
from gongzhi.intake.actions import receive
from gongzhi.intake.counters import calling
from gongzhi.intake.counters.models import Ticket
from gongzhi.intake.preview import preview
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.place_search import places_like
from gongzhi.understanding.similar import similar_answered
from gongzhi.web.desk import verbs
from gongzhi.web.desk.entering import staff
from gongzhi.web.portal import forms

CHANNELS: Final = (Channel.PHONE, Channel.COUNTER)
_SECRETS: Final = "desk.secrets"
"""The session keeps the secret links of the last matters taken in, so that slips can be printed."""
_MOST_SECRETS: Final = 20


def _operator(request: HttpRequest) -> Actor:
    actor = staff(request)
    authority.require(actor, "case.see_caller")
    return actor


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Take a matter in for somebody who calls or stands at the counter."""
    actor = _operator(request)
    channel = request.POST.get("channel") or request.session.get("desk.channel") or Channel.PHONE
    context: dict[str, object] = {
        "channels": [(c.value, c.label) for c in CHANNELS],
        "form": request.POST or request.GET,
        "channel": channel,
        "language": request.POST.get("language") or get_language(),
        "languages": settings.LANGUAGES,
        "choices": verbs.choices(),
        "key": request.POST.get("key") or secrets.token_urlsafe(18),
    }
    ticket = _ticket(request)
    if ticket is not None:
        context |= {"ticket": ticket, "channel": Channel.COUNTER}
        context["language"] = request.POST.get("language") or ticket.language
        context["suggested"] = ticket.queue.function.code if ticket.queue.function else ""
    if request.method != "POST":
        if request.GET.get("phone"):
            context["caller"] = requesters.caller(actor, request.GET["phone"])
        return render(request, "desk/intake.html", context)
    try:
        number, secret = _receive(request, actor, channel)
    except GongzhiError as problem:
        if problem.status >= 500:
            raise
        context["error"] = problem
        return render(request, "desk/intake.html", context, status=problem.status)
    _remember(request, number, secret)
    if ticket is not None:
        calling.link_case(actor, ticket, queries.case_by_number(number))
    else:
        request.session["desk.channel"] = channel
    return HttpResponseRedirect(f"/desk/intake/{number}/")


def _ticket(request: HttpRequest) -> Ticket | None:
    """The number at one's own counter for which a matter is taken in."""
    asked = request.POST.get("ticket") or request.GET.get("ticket", "")
    return calling.at_my_counter(_operator(request), forms.whole_in(asked)) if asked else None


def _receive(request: HttpRequest, actor: Actor, channel: str) -> tuple[str, str]:
    form = request.POST
    if channel not in CHANNELS:
        raise Invalid(fields={"channel": _("Choose telephone or counter.")})
    language = form.get("language", "")
    if language not in dict(settings.LANGUAGES):
        language = get_language() or "zh-hans"
    point = None
    if form.get("address") and not (form.get("lat") or form.get("lng")):
        certain = [p for p in places_like(form["address"]) if p.is_certain]
        point = (certain[0].lng, certain[0].lat) if certain else None
    photos = forms.photos_in(request)
    submission = replace(
        forms.submission_in(request, photos, point),
        channel=str(channel),
        language=language,
        client="",  # many people call one desk: the limit of an address would stop it
    )
    receipt = receive(submission, actor)
    return receipt.number, receipt.secret


def _remember(request: HttpRequest, number: str, secret: str) -> None:
    kept = {**request.session.get(_SECRETS, {}), number: secret}
    request.session[_SECRETS] = dict(list(kept.items())[-_MOST_SECRETS:])


@require_safe
def caller(request: HttpRequest) -> HttpResponse:
    """Who calls from the number typed so far; a fragment."""
    actor = _operator(request)
    found = requesters.caller(actor, request.GET.get("phone", ""))
    return render(request, "desk/caller.html", {"caller": found})


@require_safe
def understood(request: HttpRequest) -> HttpResponse:
    """What is understood of the text so far, what is like it, and what was answered before; a fragment."""
    _operator(request)
    text = request.GET.get("text", "")[:5000].replace("\x00", "")
    if len(text.strip()) < 4:
        return render(request, "desk/understood.html", {})
    lng, lat = forms.point_in(request.GET.get("lng", ""), request.GET.get("lat", ""))
    seen = preview(text, lng, lat)
    suggested = snapshot.current().function_by_code.get(request.GET.get("suggested", ""))
    if suggested in (seen.function, *seen.others):
        suggested = None
    context = {
        "preview": seen,
        "suggested": suggested,
        "answers": [s for s in similar_answered(text, most=3, least=0.3) if s.answer],
        "chosen": request.GET.get("function", ""),
    }
    return render(request, "desk/understood.html", context)


@require_POST
def join(request: HttpRequest) -> HttpResponse:
    """The caller says “me too”: a place on the open matter instead of a new one."""
    actor = _operator(request)
    case = queries.public_case(request.POST.get("into", ""))
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        language = get_language() or "zh-hans"
    joined = actions.join(actor, case, forms.contact_in(request), language=language)
    _remember(request, case.number, joined.secret)
    messages.success(request, _("Joined: the caller has the same rights as the one who reported it."))
    return HttpResponseRedirect(f"/desk/intake/{case.number}/")


@require_safe
def slip(request: HttpRequest, number: str) -> HttpResponse:
    """The number to read out, and a slip to print with the secret link as QR code."""
    actor = _operator(request)
    case = queries.case_by_number(number)
    secret = request.session.get(_SECRETS, {}).get(case.number, "")
    if not secret:
        raise NotAllowed(_("The slip can be printed only by whoever took the matter in, on the same day."))
    link = f"{settings.PUBLIC_URL}/follow/{case.number}/{secret}/"
    context = {
        "case": case,
        "actor": actor,
        "link": link,
        "ticket": calling.of_case(actor, case),
        "qr": segno.make(link, error="m").svg_inline(omitsize=True),
    }
    response = render(request, "desk/slip.html", context)
    response["Cache-Control"] = "no-store"
    return response
