"""What the organisations do with a case: accept, return, transfer, answer, resolve."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from gongzhi.cases import answering, reply_wordings, rules
from gongzhi.cases.actions._core import (
    OPEN_TASKS,
    Step,
    checked_text,
    choices,
    end_lead,
    end_open_tasks,
    first_responsible_id,
    message,
    start_clock,
    step,
    subject_of,
)
from gongzhi.cases.actions.files import attach
from gongzhi.cases.attachments import StoredFile
from gongzhi.cases.lifecycle import Closure, State, Verb
from gongzhi.cases.models import Case, Message, Task
from gongzhi.cases.opening import utc_text
from gongzhi.cases.personal_text import masked
from gongzhi.cases.rules import calendar as calendar
from gongzhi.errors import Invalid, NotAllowed, WrongState
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Function, Organisation

RETURN_REASONS = ("not_ours", "wrong_area", "wrong_function", "incomplete", "duplicate")
_RESOLVING = (Closure.FIXED, Closure.WILL_NOT, Closure.NOT_OURS, Closure.CANNOT_VERIFY)
_DECLINING = (Closure.NOT_OURS, Closure.WILL_NOT)


def accept(actor: Actor, case: Case, *, at: datetime | None = None) -> Case:
    """Take a case up (签收): from now on a named post works on it."""
    with step(actor, case, Verb.ACCEPT, at=at) as now:
        now.case.accepted_at = now.at
        now.case.post_id = actor.post_id
        _lead_accepts(now.case, actor.post_id)
        now.details |= {"organisation": actor.organisation_id, "post": actor.post_id}
    return case


def return_(actor: Actor, case: Case, *, reason_code: str, reason: str, at: datetime | None = None) -> Case:
    """Refuse a case with a reason (退单): it goes back to the dispatcher; the clock goes on.

    After the second return an arbiter decides for good (see `arbitrate`).

    Raises:
        Invalid: no reason, or an unknown `reason_code` (see `RETURN_REASONS`).
        WrongState: the time for returning is over, or an arbiter has decided.
    """
    reason = checked_text(reason, field_name="reason")
    choices(RETURN_REASONS, reason_code, "reason_code")
    with step(actor, case, Verb.RETURN, at=at) as now:
        _not_bound(now.case)
        if now.at > rules.return_by(now.case):
            raise WrongState(_("The time for returning this case is over; it counts as accepted."))
        end_lead(now.case, Task.State.RETURNED, now.at, result=reason)
        now.details |= {"organisation": now.case.organisation_id, "reason_code": reason_code}
        now.reason = masked(reason)
        now.case.returns += 1
        desk = first_responsible_id()
        if desk is not None:
            _desk_decides(now, desk)
        now.case.organisation_id = desk
        now.case.post_id = None
    return case


def arbitrate(actor: Actor, case: Case, to: Organisation, *, reason: str, at: datetime | None = None) -> Case:
    """Decide for good who does what was returned twice (裁定): the organisation can neither return it
    nor send it on.

    Raises:
        Invalid: no reason, or `to` no longer exists.
        NotAllowed: the arbiter belongs to the organisation that would get it.
        WrongState: it was not returned so often that an arbiter is needed.
    """
    reason = checked_text(reason, field_name="reason")
    with step(actor, case, Verb.ARBITRATE, at=at) as now:
        if now.case.returns < rules.RETURNS_BEFORE_ARBITRATION:
            raise WrongState(_("An arbiter decides only after the second return; assign the case instead."))
        if actor.organisation_id == to.pk:
            raise NotAllowed(_("Nobody decides as arbiter on their own organisation."))
        _hand_over(now, to, reason, Task.State.DONE, may_stay=True)
        now.details["returns"] = now.case.returns
        now.case.bound_at = now.at
    return case


def transfer(actor: Actor, case: Case, to: Organisation, *, reason: str, at: datetime | None = None) -> Case:
    """Send a case on to the organisation that should have had it (转派).

    The number, history and original deadline stay; the receiver gets the time that is left, but
    never less than one working day.

    Raises:
        Invalid: no reason, or `to` is the organisation that holds it.
        WrongState: an arbiter has decided who does it.
    """
    reason = checked_text(reason, field_name="reason")
    with step(actor, case, Verb.TRANSFER, at=at) as now:
        _not_bound(now.case)
        now.case.transfers += 1
        _hand_over(now, to, reason, Task.State.TRANSFERRED)
    return case


def assign(
    actor: Actor, case: Case, to: Organisation, *, reason: str = "", at: datetime | None = None
) -> Case:
    """Decide who does it (派单): a dispatcher's act, for what no mandate or no machine could decide.

    Raises:
        Invalid: `to` holds it already, or no longer exists.
        WrongState: it was returned twice, so that an arbiter has to decide with a reason.
    """
    with step(actor, case, Verb.ASSIGN, at=at) as now:
        is_new = now.case.state == State.RECEIVED
        if is_new and now.case.returns >= rules.RETURNS_BEFORE_ARBITRATION and actor.kind != "system":
            raise WrongState(_("This case was returned twice: an arbiter decides, with a reason."))
        _hand_over(now, to, reason, Task.State.CANCELLED, may_stay=is_new)
        now.case.bound_at = None
    return case


def reply(
    actor: Actor,
    case: Case,
    text: str,
    *,
    audience: str = Message.Audience.PUBLIC,
    photos: Sequence[StoredFile] = (),
    override_reason: str = "",
    at: datetime | None = None,
) -> Message:
    """Answer the requester (答复): in public, or only to the requester and supporters.

    Args:
        override_reason: why it is sent although a check holds it back (see `cases.answering`).

    Raises:
        Invalid: no text, or a field of a wording or draft is not filled in.
    """
    text = reply_wordings.finished(checked_text(text))
    choices(("public", "parties"), audience, "audience")
    with step(actor, case, Verb.REPLY, at=at) as now:
        now.details |= answering.before(actor, now.case, text, override_reason, now.at)
        said = message(actor, now, text, audience, public_text=masked(text))
        now.details["audience"] = str(audience)
        attach(now, said, photos)
        now.case.replied_at = now.case.replied_at or now.at
    return said


def note(actor: Actor, case: Case, text: str, *, at: datetime | None = None) -> Message:
    """Note something inside the house; the requester and the public never see it."""
    text = checked_text(text)
    with step(actor, case, Verb.NOTE, at=at) as now:
        return message(actor, now, text, Message.Audience.INTERNAL)


def resolve(
    actor: Actor,
    case: Case,
    text: str,
    *,
    closure: str = Closure.FIXED,
    owner: str = "",
    photos: Sequence[StoredFile] = (),
    override_reason: str = "",
    at: datetime | None = None,
) -> Case:
    """Say that the matter is done, or honestly why it will not be (办结).

    Args:
        photos: evidence of the result; the public sees them once they were released.

    Raises:
        Invalid: no text, an unfilled field, an unknown closure, or "not ours" without naming whose it
            is.
        WrongState: a required part of another organisation is still open.
    """
    text = reply_wordings.finished(checked_text(text))
    choices(_RESOLVING, closure, "closure")
    if closure == Closure.NOT_OURS and not owner.strip():
        raise Invalid(fields={"owner": _("Say whose matter it is, so that the person can go there.")})
    with step(actor, case, Verb.RESOLVE, at=at) as now:
        nothing_required_is_open(now.case)
        if now.case.paused_at is not None:
            start_clock(now)
        now.details |= answering.before(actor, now.case, text, override_reason, now.at)
        full = text if not owner.strip() else f"{text}\n→ {owner.strip()}"
        said = message(actor, now, full, Message.Audience.PUBLIC, public_text=masked(full))
        attach(now, said, photos)
        now.case.closure = closure
        now.case.resolved_at = now.at
        now.case.replied_at = now.case.replied_at or now.at
        now.details |= {"closure": str(closure), "due_at": utc_text(now.case.due_at), **matter_of(now.case)}
        end_open_tasks(now.case, Task.State.DONE, now.at, result=full)
    return case


def decline(
    actor: Actor,
    case: Case,
    text: str,
    *,
    closure: str = Closure.NOT_OURS,
    at: datetime | None = None,
) -> Case:
    """Not accept a matter, and tell the person where to go instead."""
    text = checked_text(text)
    choices(_DECLINING, closure, "closure")
    with step(actor, case, Verb.DECLINE, at=at) as now:
        message(actor, now, text, Message.Audience.PUBLIC, public_text=masked(text))
        now.case.closure, now.case.closed_at = closure, now.at
        now.details["closure"] = str(closure)
        end_open_tasks(now.case, Task.State.CANCELLED, now.at, result=text)
    return case


def classify(actor: Actor, case: Case, function: Function, *, at: datetime | None = None) -> Case:
    """Correct the function of a case; the correction becomes training data."""
    if not function.is_leaf:
        raise Invalid(fields={"function": _("Choose the most detailed level of the function.")})
    with step(actor, case, Verb.CLASSIFY, at=at) as now:
        before = snapshot.current().functions.get(now.case.function_id or 0)
        now.details |= {"function": function.code, "from": before.code if before else None}
        now.case.function = function
    return case


def may_see_private(actor: Actor, case: Case) -> bool:
    """Whether the original text and the requester may be shown to `actor`."""
    return authority.may(actor, "case.see_private", subject_of(case))


def matter_of(case: Case) -> dict[str, str | None]:
    """Function and area of a case by their codes, as acts name them."""
    view = snapshot.current()
    function = view.functions.get(case.function_id or 0)
    area = view.areas.get(case.area_id or 0)
    return {"function": function.code if function else None, "area": area.code if area else None}


def nothing_required_is_open(case: Case) -> None:
    """Pass silently or raise.

    Raises:
        WrongState: naming the organisations whose required part is still open.
    """
    rows = Task.objects.filter(case=case, role=Task.Role.ASSIST, is_required=True, state__in=OPEN_TASKS)
    names = sorted({task.organisation.name for task in rows.select_related("organisation")})
    if names:
        raise WrongState(_("A required part is still open at: %(names)s.") % {"names": ", ".join(names)})


def _lead_accepts(case: Case, post_id: int | None) -> None:
    Task.objects.filter(case=case, state=Task.State.OPEN, role=Task.Role.LEAD).update(
        state=Task.State.ACCEPTED, post_id=post_id
    )


def _not_bound(case: Case) -> None:
    if case.bound_at is not None:
        raise WrongState(_("An arbiter has decided who does this; it can no longer be returned or sent on."))


def _desk_decides(now: Step, desk: int) -> None:
    """Give the dispatcher a task with a deadline, so that a returned case stays inside a clock."""
    days = rules.limit_of(now.case, now.at).arbitration_working_days
    needs_arbiter = now.case.returns >= rules.RETURNS_BEFORE_ARBITRATION
    Task.objects.create(
        case=now.case,
        organisation_id=desk,
        role=Task.Role.ARBITER if needs_arbiter else Task.Role.DISPATCH,
        opened_at=now.at,
        due_at=calendar().due(now.at, days),
    )


def _hand_over(now: Step, to: Organisation, reason: str, ended: str, *, may_stay: bool = False) -> None:
    if to.pk == now.case.organisation_id and not may_stay:
        raise Invalid(fields={"to": _("This organisation already holds the case.")})
    if not to.is_active:
        raise Invalid(fields={"to": _("This organisation no longer exists.")})
    if now.case.paused_at is not None:
        start_clock(now)
    end_lead(now.case, ended, now.at, result=reason)
    due = rules.at_least_a_day(now.case, now.at)
    Task.objects.create(case=now.case, organisation=to, opened_at=now.at, due_at=due)
    now.details |= {
        "from": now.case.organisation_id,
        "organisation": to.pk,
        "due_at": utc_text(due),
    }
    now.reason = masked(reason)
    now.case.organisation = to
    now.case.post_id = None
    now.case.assigned_at = now.at
    now.case.accepted_at = None
