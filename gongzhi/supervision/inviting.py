"""Asking for a rating once something was dealt with, and the list of calls (回访) to make."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from gongzhi.cases.lifecycle import State
from gongzhi.cases.models import Case, Notice, Party
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.supervision import rating
from gongzhi.supervision.models import CallBack, FollowUp, Invitation, Rating

_RECENT = timedelta(days=2)
_CALL_FROM = timedelta(days=1)
_CALL_WITHIN = timedelta(days=15)


def invite_resolved(now: datetime | None = None, *, most: int = 2_000) -> int:
    """Ask everybody on a case that was dealt with lately; gives how many people were asked."""
    moment = now or timezone.now()
    asked = Invitation.objects.filter(case=OuterRef("pk"), handled_at=OuterRef("resolved_at"))
    cases = Case.objects.filter(
        ~Exists(asked), state=State.RESOLVED, resolved_at__gt=moment - _RECENT, resolved_at__lte=moment
    ).order_by("pk")[:most]
    return sum(len(rating.invite(case, at=moment)) for case in cases)


def link_of(notice: Notice) -> str:
    """The link to rate for the notice that a matter was dealt with; "" when it was opened again or rated."""
    case = notice.case
    if case.state not in (State.RESOLVED, State.RATED) or case.resolved_at != notice.at:
        return ""
    secret = rating.invite_party(case, notice.party_id)
    return f"{settings.PUBLIC_URL}/rate/{secret}/" if secret else ""


def to_call(actor: Actor, now: datetime | None = None) -> QuerySet[Party]:
    """People to call: dealt with at least a day ago, a phone number, neither rated nor called about it.

    Raises:
        NotAllowed: the actor is no member of staff.
    """
    authority.require(actor, "supervision.see")
    moment = now or timezone.now()
    rated = Rating.objects.filter(party=OuterRef("pk"), handled_at=OuterRef("case__resolved_at"))
    called = FollowUp.objects.filter(party=OuterRef("pk"), handled_at=OuterRef("case__resolved_at")).exclude(
        outcome=FollowUp.Outcome.NOT_REACHED
    )
    found = Party.objects.select_related("case").filter(
        ~Exists(rated),
        ~Exists(called),
        case__state__in=[State.RESOLVED, State.RATED],
        case__resolved_at__lte=moment - _CALL_FROM,
        case__resolved_at__gt=moment - _CALL_WITHIN,
    )
    if not {"operator", "dispatcher"} & actor.roles:
        found = found.filter(case__organisation_id__in=[actor.organisation_id or 0, *actor.subordinate_ids])
    return found.exclude(phone="").order_by("case__resolved_at", "pk")


def to_put_right(actor: Actor) -> QuerySet[CallBack]:
    """Bad ratings that wait to be put right, by their limit; a promise whose day has come is back on it."""
    authority.require(actor, "supervision.see")
    found: QuerySet[Any] = CallBack.objects.select_related("rating__case", "rating__party").exclude(
        outcome=CallBack.Outcome.PUT_RIGHT
    )
    if not {"operator", "dispatcher"} & actor.roles:
        found = found.filter(organisation_id__in=[actor.organisation_id or 0, *actor.subordinate_ids])
    return found.order_by("due_at", "pk")
