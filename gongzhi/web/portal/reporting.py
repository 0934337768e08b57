"""Bring a matter in: write, check what the public will read, send."""

from __future__ import annotations

import secrets

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.cases.personal_text import masked, spans
from gongzhi.errors import GongzhiError
from gongzhi.intake.actions import receive
from gongzhi.intake.preview import preview
from gongzhi.intake.submission import check
from gongzhi.registry import snapshot
from gongzhi.registry.place_search import FoundPlace, places_like
from gongzhi.registry.snapshot import FunctionView, Snapshot
from gongzhi.web.portal import forms

_CARRIED = ("text", "lat", "lng", "address", "name", "phone", "email", "confidential")
"""Fields that the second step brings along unchanged."""


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """One box, then the public view to check, then the receipt; works without JavaScript."""
    context: dict[str, object] = {"form": request.POST or request.GET}
    if request.method != "POST":
        return render(request, "portal/report.html", context)
    step = request.POST.get("step", "check")
    try:
        photos = forms.photos_in(request)
        context["photos"] = photos
        places, chosen = _places(request)
        point = (chosen.lng, chosen.lat) if chosen else None
        submission = forms.submission_in(request, photos, point)
        if step == "edit":
            return render(request, "portal/report.html", context)
        if step == "send":
            receipt = receive(submission)
            return HttpResponseRedirect(f"/follow/{receipt.number}/{receipt.secret}/?new=1")
        check(submission)
    except GongzhiError as problem:
        if problem.status >= 500:
            raise
        context["error"] = problem
        return render(request, "portal/report.html", context, status=problem.status)
    hidden = submission.redactions
    context |= {
        # A new key for every checked version: sent twice is one case, changed and sent is another.
        "key": secrets.token_urlsafe(18),
        "carried": [(n, request.POST[n]) for n in _CARRIED if request.POST.get(n)],
        "preview": preview(submission.text, submission.lng, submission.lat),
        "chosen": submission.function_code,
        "public_text": masked(submission.text, hidden),
        "hidden": hidden,
        "sentences": forms.sentences_of(submission.text, hidden),
        "places": places,
        "place": chosen,
        "functions": _by_group(snapshot.current()),
    }
    return render(request, "portal/check.html", context)


@require_safe
def understood(request: HttpRequest) -> HttpResponse:
    """What the system makes of the text so far; a fragment for the page."""
    text = request.GET.get("text", "")[:5000].replace("\x00", "")
    if len(text.strip()) < 4:
        return render(request, "portal/understood.html", {})
    lng, lat = forms.point_in(request.GET.get("lng", ""), request.GET.get("lat", ""))
    context = {
        "preview": preview(text, lng, lat),
        "chosen": request.GET.get("function", ""),
        "named": [] if lng is not None or request.GET.get("address") else _named(text),
        "phone": _phone(text),
        "is_live": True,
    }
    return render(request, "portal/understood.html", context)


def _places(request: HttpRequest) -> tuple[list[FoundPlace], FoundPlace | None]:
    """For a form without a point: what the address may mean, and which of it counts."""
    form = request.POST
    if form.get("lat") or form.get("lng"):
        return [], None
    wanted, is_typed = form.get("place"), bool(form.get("address"))
    found = places_like(form["address"]) if is_typed else _named(form.get("text", ""))
    if wanted is None:
        return found, next((p for p in found if p.is_certain), None) if is_typed else None
    return found, next((p for p in found if p.code == wanted), None)


def _named(text: str) -> list[FoundPlace]:
    """Places that the words themselves name: offered, never taken, for they may only be passed by."""
    return [place for place in places_like(text) if place.is_certain][:3]


def _phone(text: str) -> str:
    """The only telephone number in the words, so that nobody types it twice; empty for none or several."""
    found = {text[s.start : s.end] for s in spans(text) if s.kind == "phone"}
    return found.pop() if len(found) == 1 else ""


def _by_group(view: Snapshot) -> list[tuple[FunctionView, list[FunctionView]]]:
    """Functions that classify, under the top of their branch, as the pack orders them."""
    groups: dict[int, list[FunctionView]] = {}
    for function in view.functions.values():
        if function.is_leaf:
            groups.setdefault(function.ancestors[0], []).append(function)
    return [(view.functions[top], leaves) for top, leaves in groups.items() if top in view.functions]
