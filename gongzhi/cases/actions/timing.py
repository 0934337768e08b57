"""What moves a deadline: asking the requester, and asking a supervisor for more time."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import rules
from gongzhi.cases.actions._core import checked_text, message, move_lead, start_clock, step
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.models import Case, Extension, Message
from gongzhi.cases.opening import utc_text
from gongzhi.cases.personal_text import masked
from gongzhi.errors import Invalid, NotAllowed, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor


def ask(actor: Actor, case: Case, text: str, *, at: datetime | None = None) -> Message:
    """Ask the requester for more (补充材料): the clock stands still until the answer comes.

    Without an answer it starts again by itself after the limit of the city pack.

    Raises:
        Invalid: no text.
        WrongState: it stands still already, or the requester was asked as often as is permitted.
    """
    text = checked_text(text)
    with step(actor, case, Verb.ASK, at=at) as now:
        if now.case.paused_at is not None:
            raise WrongState(_("The requester has been asked already; the clock stands still."))
        limit = rules.limit_of(now.case, now.at)
        asked = Act.objects.filter(
            subject_kind="case", subject_id=now.case.pk, verb=f"case.{Verb.ASK}"
        ).count()
        if asked >= limit.questions:
            raise WrongState(
                _("The requester may be asked at most %(n)d times; go on with what is known.")
                % {"n": limit.questions}
            )
        said = message(actor, now, text, Message.Audience.PARTIES, public_text=masked(text))
        now.case.paused_at = now.at
        now.case.paused_until = rules.calendar().due(now.at, limit.answer_working_days)
        now.details["until"] = utc_text(now.case.paused_until)
    return said


def resume(actor: Actor, case: Case, *, why: str, at: datetime | None = None) -> Case:
    """Start a clock again; the deadline moves by the working time for which it stood still.

    Args:
        why: ``answered`` by the requester, ``limit`` reached, or ``staff``, who need no answer any more.

    Raises:
        WrongState: the clock runs, or its limit is not reached yet.
    """
    with step(actor, case, Verb.RESUME, at=at) as now:
        if now.case.paused_at is None or now.case.paused_until is None:
            raise WrongState(_("The clock of this case runs already."))
        if why == "limit" and now.at < now.case.paused_until:
            raise WrongState(_("The requester still has time to answer."))
        if why == "limit":
            # Whenever the job gets to it, the clock stood still no longer than the limit says.
            now.case.due_at = rules.moved_by_pause(now.case, now.case.paused_until)
            stopped = now.case.paused_at
            now.case.paused_at = now.case.paused_until = None
            move_lead(now.case)
            now.details |= {"due_at": utc_text(now.case.due_at), "stopped_at": utc_text(stopped)}
        else:
            start_clock(now)
        now.details["why"] = why
    return case


def ask_time(
    actor: Actor, case: Case, *, working_days: int, reason: str, at: datetime | None = None
) -> Extension:
    """Ask for more time (申请延期), before the deadline and with a reason; a supervisor decides.

    Raises:
        Invalid: no reason, or more days than the city pack permits.
        WrongState: the deadline has passed, more time was given before, or a request is waiting.
    """
    reason = checked_text(reason, field_name="reason")
    with step(actor, case, Verb.ASK_TIME, at=at) as now:
        limit = rules.limit_of(now.case, now.at)
        if not 1 <= working_days <= limit.extension_working_days:
            sentence = _("At most %(n)d working days may be asked for.") % {"n": limit.extension_working_days}
            if not limit.extension_working_days:
                sentence = _("For a matter of this urgency there is no more time.")
            raise Invalid(fields={"working_days": sentence})
        if now.at >= now.case.due_at and now.case.paused_at is None:
            raise WrongState(_("More time must be asked for before the deadline."))
        earlier = set(Extension.objects.filter(case=now.case).values_list("state", flat=True))
        if Extension.State.GRANTED in earlier:
            raise WrongState(_("This case was given more time before; that is possible once."))
        if Extension.State.ASKED in earlier:
            raise WrongState(_("A request for more time is waiting for its decision."))
        if actor.post_id is None or now.case.organisation_id is None:
            raise NotAllowed()
        decide_by = min(now.case.due_at, rules.calendar().due(now.at, 1))
        asked = Extension.objects.create(
            case=now.case,
            organisation_id=now.case.organisation_id,
            asked_by_id=actor.post_id,
            asked_at=now.at,
            working_days=working_days,
            reason=reason,
            decide_by=max(decide_by, now.at),
            due_before=now.case.due_at,
        )
        now.reason = masked(reason)
        now.details |= {"working_days": working_days, "decide_by": utc_text(asked.decide_by)}
    return asked


def grant_time(actor: Actor, case: Case, *, reason: str = "", at: datetime | None = None) -> Case:
    """Give the time that was asked for: the deadline moves by so many working days.

    Raises:
        NotAllowed: the same post asked for it.
        WrongState: nothing waits for a decision.
    """
    with step(actor, case, Verb.GRANT_TIME, at=at) as now:
        asked = _waiting(now.case)
        _decided_by_another(actor, asked)
        now.case.due_at = rules.calendar().due(now.case.due_at, asked.working_days)
        move_lead(now.case)
        now.reason = masked(reason.strip()[:500]) or masked(asked.reason)
        now.details |= {"due_at": utc_text(now.case.due_at), "working_days": asked.working_days}
        _settle(asked, Extension.State.GRANTED, actor, now.at, reason, now.case.due_at)
    return case


def refuse_time(actor: Actor, case: Case, *, reason: str, at: datetime | None = None) -> Case:
    """Refuse more time, with a reason; the deadline stays.

    Raises:
        Invalid: no reason.
        NotAllowed: the same post asked for it.
        WrongState: nothing waits for a decision.
    """
    reason = checked_text(reason, field_name="reason")
    with step(actor, case, Verb.REFUSE_TIME, at=at) as now:
        asked = _waiting(now.case)
        if actor.kind == "system" and now.at < asked.decide_by:
            raise WrongState(_("The supervisor still has time to decide."))
        _decided_by_another(actor, asked)
        now.reason = masked(reason)
        now.details["due_at"] = utc_text(now.case.due_at)
        _settle(asked, Extension.State.REFUSED, actor, now.at, reason, None)
    return case


def set_due(case: Case, due_at: datetime, *, why: str, reason: str, at: datetime | None = None) -> Case:
    """Change the deadline of an open case by a rule that stands above it, such as an emergency.

    Args:
        why: what changed it, as a short code with the key of the cause (``incident:7``).
    """
    with step(authority.SYSTEM, case, Verb.SET_DUE, at=at) as now:
        now.details |= {"was_due_at": utc_text(now.case.due_at), "due_at": utc_text(due_at), "why": why}
        now.reason = masked(reason)
        now.case.due_at = due_at
        move_lead(now.case, may_shorten=True)
    return case


def clock_restarts(actor: Actor, case: Case, at: datetime | None) -> None:
    """After an answer of the requester: start the clock if it stands still."""
    if case.paused_at is not None:
        resume(authority.SYSTEM, case, why="answered", at=at or timezone.now())


def _waiting(case: Case) -> Extension:
    asked = Extension.objects.select_for_update().filter(case=case, state=Extension.State.ASKED).first()
    if asked is None:
        raise WrongState(_("Nobody is waiting for a decision on more time."))
    return asked


def _decided_by_another(actor: Actor, asked: Extension) -> None:
    if actor.post_id is not None and actor.post_id == asked.asked_by_id:
        raise NotAllowed(_("Who asks for more time does not decide on it."))


def _settle(
    asked: Extension, state: str, actor: Actor, at: datetime, reason: str, due_after: datetime | None
) -> None:
    asked.state, asked.decided_by_id, asked.decided_at = state, actor.post_id, at
    asked.decision_reason, asked.due_after = reason.strip(), due_after
    asked.save(update_fields=["state", "decided_by", "decided_at", "decision_reason", "due_after"])
