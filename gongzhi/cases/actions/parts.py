"""Several organisations on one case (协办): each assisting one has a task, deadline and result of its own.

The lead asks, composes the answer and can only resolve when no required part is open. An assisting
organisation acts on its part only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from gongzhi.cases import numbers, rules, staff_notices
from gongzhi.cases.actions._core import OPEN_TASKS, Step, checked_text, choices, message, step
from gongzhi.cases.actions.files import attach
from gongzhi.cases.actions.handling import RETURN_REASONS, matter_of
from gongzhi.cases.attachments import StoredFile
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.models import Case, Message, Task
from gongzhi.cases.opening import utc_text
from gongzhi.cases.personal_text import masked
from gongzhi.errors import Invalid, NotFound, WrongState
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Organisation


def ask_part(
    actor: Actor,
    case: Case,
    to: Organisation,
    *,
    request: str,
    due_at: datetime | None = None,
    is_required: bool = True,
    at: datetime | None = None,
) -> Task:
    """Ask another organisation for a part of a case, with a deadline of its own.

    Args:
        due_at: not after the deadline of the case, which is also what counts without one.
        is_required: the case can only be resolved when the part is no longer open.

    Raises:
        Invalid: no request, a deadline that does not fit, or `to` leads the case or no longer exists.
        WrongState: `to` has an open part already.
    """
    request = checked_text(request, field_name="request")
    with step(actor, case, Verb.ASK_PART, at=at) as now:
        if to.pk == now.case.organisation_id:
            raise Invalid(fields={"to": _("This organisation leads the case itself.")})
        if not to.is_active:
            raise Invalid(fields={"to": _("This organisation no longer exists.")})
        latest = rules.at_least_a_day(now.case, now.at)
        due = due_at or latest
        if not now.at < due <= latest:
            raise Invalid(
                fields={"due_at": _("The part is due in the future, and not after the case itself.")}
            )
        if Task.objects.filter(
            case=now.case, organisation=to, role=Task.Role.ASSIST, state__in=OPEN_TASKS
        ).exists():
            raise WrongState(_("This organisation already has an open part of this case."))
        task = Task.objects.create(
            case=now.case,
            organisation=to,
            role=Task.Role.ASSIST,
            request=request,
            is_required=is_required,
            opened_at=now.at,
            due_at=due,
        )
        message(actor, now, request, Message.Audience.INTERNAL)
        now.details |= {
            "task": task.pk,
            "organisation": to.pk,
            "due_at": utc_text(due),
            "required": is_required,
        }
        staff_notices.tell(
            staff_notices.Kind.PART,
            numbers.spoken(now.case.number),
            f"/desk/parts/{task.pk}/",
            staff_notices.heads(to.pk),
            key=f"part:{task.pk}",
        )
    return task


def accept_part(actor: Actor, task: Task, *, at: datetime | None = None) -> Task:
    """Take a part up: from now on a named post of the assisting organisation works on it."""
    with _on_part(actor, task, Verb.ACCEPT_PART, (Task.State.OPEN,), at) as (now, locked):
        locked.state, locked.post_id = Task.State.ACCEPTED, actor.post_id
        now.details["post"] = actor.post_id
    return task


def return_part(
    actor: Actor, task: Task, *, reason_code: str, reason: str, at: datetime | None = None
) -> Task:
    """Refuse a part with a reason: the lead has to do without it or to ask another organisation.

    Raises:
        Invalid: no reason, or an unknown `reason_code`.
        WrongState: the part is no longer open.
    """
    reason = checked_text(reason, field_name="reason")
    choices(RETURN_REASONS, reason_code, "reason_code")
    with _on_part(actor, task, Verb.RETURN_PART, OPEN_TASKS, at) as (now, locked):
        locked.state, locked.done_at, locked.result = Task.State.RETURNED, now.at, reason
        now.reason = masked(reason)
        now.details["reason_code"] = reason_code
    return task


def finish_part(
    actor: Actor,
    task: Task,
    result: str,
    *,
    photos: Sequence[StoredFile] = (),
    at: datetime | None = None,
) -> Task:
    """Hand the result of a part to the lead, who composes the answer; the requester does not see it.

    Args:
        photos: evidence of what was done.

    Raises:
        Invalid: no result.
        WrongState: the part was not accepted, or is no longer open.
    """
    result = checked_text(result, field_name="result")
    with _on_part(actor, task, Verb.FINISH_PART, (Task.State.ACCEPTED,), at) as (now, locked):
        locked.state, locked.done_at, locked.result = Task.State.DONE, now.at, result
        attach(now, message(actor, now, result, Message.Audience.INTERNAL), photos)
        now.details |= {"due_at": utc_text(locked.due_at), **matter_of(now.case)}
    return task


def cancel_part(actor: Actor, case: Case, task: Task, *, reason: str, at: datetime | None = None) -> Task:
    """Say that a part is no longer needed; only the lead or a dispatcher can.

    Raises:
        Invalid: no reason.
        NotFound: the part belongs to another case.
        WrongState: the part is no longer open.
    """
    reason = checked_text(reason, field_name="reason")
    with step(actor, case, Verb.CANCEL_PART, at=at) as now:
        locked = _locked(task.pk, OPEN_TASKS)
        if locked.case_id != now.case.pk:
            raise NotFound(_("This case has no such part."))
        locked.state, locked.done_at, locked.result = Task.State.CANCELLED, now.at, reason
        locked.save()
        now.reason = masked(reason)
        now.details |= {"task": locked.pk, "organisation": locked.organisation_id}
    _tell(task, locked)
    return task


@contextmanager
def _on_part(
    actor: Actor, task: Task, verb: Verb, states: tuple[str, ...], at: datetime | None
) -> Iterator[tuple[Step, Task]]:
    """Run a verb of an assisting organisation on its part, the case locked first."""
    with transaction.atomic():
        case = Case.objects.filter(pk=task.case_id).first()
        if case is None or not Task.objects.filter(pk=task.pk, role=Task.Role.ASSIST).exists():
            raise NotFound(_("This case has no such part."))
        with step(actor, case, verb, at=at, of_part=task.organisation_id) as now:
            locked = _locked(task.pk, states)
            now.details |= {"task": locked.pk, "organisation": locked.organisation_id}
            yield now, locked
            locked.save()
    _tell(task, locked)


def _locked(task_id: int, states: tuple[str, ...]) -> Task:
    locked = Task.objects.select_for_update().filter(pk=task_id, role=Task.Role.ASSIST).first()
    if locked is None:
        raise NotFound(_("This case has no such part."))
    if locked.state not in states:
        raise WrongState(
            _("A part that is “%(state)s” cannot be changed like this.")
            % {"state": Task.State(locked.state).label}
        )
    return locked


def _tell(task: Task, locked: Task) -> None:
    """Let the caller's object say what is now in the database."""
    for name in ("state", "post_id", "done_at", "result"):
        setattr(task, name, getattr(locked, name))
