"""What the pages of working together have in common, and the page that leads to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.cases import parts, queries, rules
from gongzhi.cases.models import StaffNotice
from gongzhi.coordination import agreements
from gongzhi.coordination.actions import partners
from gongzhi.coordination.models import Call, Mention, Order, SituationReport
from gongzhi.errors import GongzhiError, Invalid, SignInNeeded
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Organisation
from gongzhi.web.accounts import actor_of


def staff(request: HttpRequest) -> Actor:
    """The member of staff who asks.

    Raises:
        SignInNeeded, NotAllowed: nobody, or somebody without a post.
    """
    actor = actor_of(request)
    if actor.kind == "anonymous":
        raise SignInNeeded(_("Please sign in first."))
    authority.require(actor, "case.see_worklist")
    return actor


def within_agreement(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The page of a case, refused to a partner outside its agreements (and the try recorded).

    Args:
        view: takes the request and the case's `number`.
    """

    @wraps(view)
    def checked(request: HttpRequest, number: str) -> HttpResponse:
        actor = actor_of(request)
        if agreements.is_partner(actor.organisation_id or 0):
            partners.check_reading(actor, queries.case_by_number(number))
        return view(request, number)

    return checked


def moment(text: str, field: str) -> datetime:
    """A local time as an <input type=datetime-local> gives it.

    Raises:
        Invalid: it is none.
    """
    try:
        return datetime.fromisoformat(text).replace(tzinfo=rules.calendar().zone)
    except ValueError as problem:
        raise Invalid(fields={field: _("Choose day and time.")}) from problem


def whole(text: str, field: str) -> int:
    """A whole number that was typed.

    Raises:
        Invalid: it is none.
    """
    if not text.strip().isdecimal() or len(text) > 12:
        raise Invalid(fields={field: _("Enter a whole number.")})
    return int(text)


def organisations(codes: list[str], field: str) -> list[Organisation]:
    """Organisations that were chosen.

    Raises:
        Invalid: an unknown one.
    """
    found = list(Organisation.objects.filter(code__in=codes, is_active=True).order_by("code"))
    if len(found) != len(set(codes)):
        raise Invalid(fields={field: _("Choose an organisation from the list.")})
    return found


def page(
    request: HttpRequest,
    template: str,
    context: Callable[[], dict[str, Any]],
    do: Callable[[], str | None],
) -> HttpResponse:
    """Show a page, or do what was posted and go on; an error is shown on the page with what was typed.

    Args:
        do: does it and gives the address to go to; None: this page again.
    """
    error: GongzhiError | None = None
    if request.method == "POST":
        try:
            return HttpResponseRedirect(do() or request.path)
        except GongzhiError as problem:
            error = problem
    shown = {**context(), "error": error, "typed": request.POST, "now": timezone.now()}
    return render(request, template, shown, status=error.status if error else 200)


@require_safe
def hub(request: HttpRequest) -> HttpResponse:
    """What waits for one's organisation from others, and where to go."""
    actor = staff(request)
    mine = actor.organisation_id or 0
    context = {
        "actor": actor,
        "now": timezone.now(),
        "parts": parts.parts(actor, limit=20),
        "orders": Order.objects.filter(organisation=mine, state__in=["sent", "acknowledged"])
        .select_related("directive__issuer")
        .order_by("due_at")[:20],
        "calls": Call.objects.filter(organisation=mine, arrived_at=None, whistle__state="called")
        .select_related("whistle__street")
        .order_by("answer_by")[:20],
        "reports": SituationReport.objects.filter(organisation=mine, reported_at=None, incident__state="on")
        .select_related("incident")
        .order_by("due_at")[:20],
        "mentions": Mention.objects.filter(post=actor.post_id or 0, seen_at=None)
        .select_related("comment__task_force", "comment__post")
        .order_by("pk")[:20],
        "notices": StaffNotice.objects.filter(post=actor.post_id or 0, seen_at=None).count(),
        "is_partner": agreements.is_partner(mine),
    }
    return render(request, "desk/joint/hub.html", context)
