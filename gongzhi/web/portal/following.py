"""Follow one's own matter: by secret link, or by number and phone; say more, withdraw, contest, redact, join."""

from __future__ import annotations

import json
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.cases import actions, numbers, queries
from gongzhi.cases.lifecycle import OPEN_STATES, verbs_from
from gongzhi.cases.models import Attachment, Case, Party
from gongzhi.errors import GongzhiError, NotFound
from gongzhi.intake import limits
from gongzhi.ledger import receipts
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import Actor
from gongzhi.supervision import rating
from gongzhi.supervision.models import Exclusion
from gongzhi.web.attachments import file_response
from gongzhi.web.clients import address_of
from gongzhi.web.portal import forms
from gongzhi.web.portal.browsing import posts_of

BY_PHONE = "by-phone"
"""Stands in the address instead of a secret for somebody who named the case's phone in this session."""


@require_http_methods(["GET", "HEAD", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Number and phone instead of the secret link; the same answer whichever of them is wrong."""
    if request.method != "POST":
        return render(request, "portal/find.html", {"form": request.GET})
    phone = request.POST.get("phone", "")
    context: dict[str, object] = {"form": request.POST}
    try:
        # The number counts instead of the phone: otherwise guessing phones would lock out their owner.
        limits.count(f"find:{address_of(request)}", "")
        case = queries.case_by_number(request.POST.get("number", ""))
        party = queries.party_by_phone(case, phone)
    except NotFound:
        party = None
    except GongzhiError as problem:
        return render(request, "portal/find.html", context | {"error": problem}, status=problem.status)
    if party is None:
        error = NotFound(_("No case fits this number and telephone number. Please check both."))
        return render(request, "portal/find.html", context | {"error": error}, status=404)
    request.session[f"party:{case.number}"] = party.pk
    return HttpResponseRedirect(f"/follow/{case.number}/{BY_PHONE}/")


@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest, number: str, secret: str) -> HttpResponse:
    """The requester's own view: everything on the case, and what one can do oneself."""
    case = queries.case_by_number(number)
    party = _party(request, case, secret)
    context: dict[str, object] = {}
    status = 200
    if request.method == "POST":
        try:
            messages.success(request, _act(request, case, party))
            return HttpResponseRedirect(request.path)
        except GongzhiError as problem:
            if problem.status >= 500:
                raise
            case = queries.case_by_number(number)
            context = {"error": problem, "typed": request.POST}
            status = problem.status
    link = request.build_absolute_uri(request.path)
    has_link = secret != BY_PHONE
    entries = queries.timeline(case, sees_parties=True, sees_internal=False)
    context |= {
        "case": case,
        "party": party,
        "verbs": verbs_from(case.state),
        "entries": entries,
        "posts": posts_of(case, entries),
        "photos": Attachment.objects.filter(case=case).order_by("pk"),
        "link": link if has_link else "",
        "qr": segno.make(link, error="m").svg_inline(omitsize=True) if has_link else "",
        "is_new": request.GET.get("new") == "1",
        "is_requester": party.role == Party.Role.REQUESTER,
        "secret": secret,
        "is_left_out": Exclusion.objects.filter(case=case, state__in=["agreed", "appealed"]).exists(),
        "can_rate": rating.can_rate(case, party),
        "receipt": json.dumps(_receipt(request, case), ensure_ascii=False),
    }
    response = render(request, "portal/follow.html", context, status=status)
    response["Cache-Control"] = "no-store"
    # Not "no-referrer": browsers then send `Origin: null`, and every form of this page is refused.
    response["Referrer-Policy"] = "same-origin"
    return response


@require_safe
def receipt_file(request: HttpRequest, number: str, secret: str) -> HttpResponse:
    """The receipt as a file that can be verified for ever."""
    case = queries.case_by_number(number)
    _party(request, case, secret)
    response = JsonResponse(_receipt(request, case), json_dumps_params={"ensure_ascii": False, "indent": 1})
    name = f"receipt-{numbers.spoken(case.number)}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_safe
def photo(request: HttpRequest, number: str, secret: str, pk: int, size: str) -> FileResponse:
    """A file on one's own case: ``small`` for the page, anything else the whole file."""
    case = queries.case_by_number(number)
    party = _party(request, case, secret)
    row = Attachment.objects.filter(case=case, pk=pk).first()
    if row is None or not (row.is_public or party.role == Party.Role.REQUESTER):
        raise NotFound()
    return file_response(row, size)


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, number: str) -> HttpResponse:
    """Say “me too” on a public matter; a second click leads to the place one already has."""
    case = queries.public_case(number)
    session_key = f"party:{case.number}"
    if request.session.get(session_key):
        return HttpResponseRedirect(f"/follow/{case.number}/{BY_PHONE}/")
    context: dict[str, object] = {"case": case, "form": request.POST}
    if request.method != "POST":
        return render(request, "portal/join.html", context | {"can": case.state in OPEN_STATES})
    contact = forms.contact_in(request)
    try:
        limits.count(address_of(request), contact.phone)
        language = get_language() or "zh-hans"
        joined = actions.join(Actor(kind="anonymous"), case, contact, language=language)
    except GongzhiError as problem:
        if problem.status >= 500:
            raise
        context |= {"error": problem, "can": case.state in OPEN_STATES}
        return render(request, "portal/join.html", context, status=problem.status)
    request.session[session_key] = joined.party_id
    return HttpResponseRedirect(f"/follow/{case.number}/{joined.secret}/?new=1")


def _act(request: HttpRequest, case: Case, party: Party) -> str:
    """Do what the form asks; gives the sentence that says so."""
    form = request.POST
    actor = Actor(kind="anonymous", party_ids=frozenset({party.pk}))
    text = form.get("text", "")
    version = form.get("version", "")
    case.version = int(version) if version.isdecimal() and len(version) < 9 else 0
    match form.get("verb"):
        case "withdraw":
            actions.withdraw(actor, case, reason=text)
            return _("Your matter has been withdrawn.")
        case "contest":
            actions.contest(actor, case, text)
            return _("Your matter is open again, with a new deadline.")
        case "redact":
            actions.redact(actor, case, form.get("public_text", ""))
            return _("The public now reads your new wording.")
        case _:
            photos = tuple(p.file for p in forms.photos_in(request))
            if photos and not text.strip():
                text = _("(a photo)")
            actions.say(actor, case, text, photos=photos)
            return _("Added. Whoever works on your matter can see it.")


def _receipt(request: HttpRequest, case: Case) -> dict[str, Any]:
    act = Act.objects.get(subject_kind="case", subject_id=case.pk, verb="case.open")
    return receipts.receipt(act.pk, act, f"{settings.PUBLIC_URL}/cases/{case.number}/")


def _party(request: HttpRequest, case: Case, secret: str) -> Party:
    party = None if secret == BY_PHONE else queries.party_by_secret(case, secret)
    if party is None and secret == BY_PHONE:
        key = request.session.get(f"party:{case.number}")
        party = Party.objects.filter(case=case, pk=key).first() if key else None
    if party is None:
        raise NotFound(_("This link is not valid. Please use the link from your receipt."))
    return party
