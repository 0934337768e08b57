"""A matter that belongs to another city: it is dealt with there, and the resident keeps one number here."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from gongzhi.cases import rules
from gongzhi.cases.actions._core import (
    checked_text,
    end_lead,
    first_responsible_id,
    message,
    start_clock,
    step,
)
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.models import Case, Message, Task
from gongzhi.cases.opening import utc_text
from gongzhi.cases.personal_text import masked
from gongzhi.errors import WrongState
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor


def pass_on(actor: Actor, case: Case, *, city: str, reason: str, at: datetime | None = None) -> Case:
    """Mark a case as dealt with by another city; the first responsible desk follows it until it ends.

    Raises:
        Invalid: no reason.
        WrongState: this city names no desk that receives first.
    """
    reason = checked_text(reason, field_name="reason")
    with step(actor, case, Verb.PASS, at=at) as now:
        desk = first_responsible_id()
        if desk is None:
            raise WrongState(_("No desk of this city can follow the matter."))
        if now.case.paused_at is not None:
            start_clock(now)
        end_lead(now.case, Task.State.TRANSFERRED, now.at, result=reason)
        due = rules.at_least_a_day(now.case, now.at)
        Task.objects.create(
            case=now.case,
            organisation_id=desk,
            post_id=actor.post_id if actor.organisation_id == desk else None,
            state=Task.State.ACCEPTED,
            opened_at=now.at,
            due_at=due,
        )
        now.case.organisation_id, now.case.assigned_at = desk, now.at
        now.case.post_id = actor.post_id if actor.organisation_id == desk else None
        now.case.accepted_at = now.at
        now.reason = masked(reason)
        now.details |= {"city": city, "organisation": desk, "due_at": utc_text(due)}
    return case


def mirror(
    case: Case,
    *,
    city: str,
    number: str,
    status: str,
    text: str = "",
    at: datetime | None = None,
) -> Case:
    """Write down what the other city told about the matter; its words stand on the timeline."""
    with step(authority.SYSTEM, case, Verb.MIRROR, at=at) as now:
        if text.strip():
            words = checked_text(text)
            message(authority.SYSTEM, now, words, Message.Audience.PUBLIC, public_text=masked(words))
            now.case.replied_at = now.case.replied_at or now.at
        now.details |= {"city": city, "number": number, "status": status}
    return case
