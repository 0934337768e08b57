"""What every verb does alike: lock, compare versions, ask authority and lifecycle, write the act."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import notices, rules
from gongzhi.cases.lifecycle import TRANSITIONS, State, Verb
from gongzhi.cases.models import Case, Extension, Message, Party, Task
from gongzhi.cases.opening import utc_text
from gongzhi.cases.texts import checked_text as checked_text
from gongzhi.errors import Conflict, Invalid, NotFound, WrongState
from gongzhi.ledger import acts
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Subject

OPEN_TASKS = (Task.State.OPEN, Task.State.ACCEPTED)


@dataclass
class Step:
    """One verb under way: the locked case and what its act will hold."""

    case: Case
    at: datetime
    details: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


def subject_of(case: Case) -> Subject:
    """What authority needs to know of a case."""
    party_ids = frozenset(Party.objects.filter(case=case).values_list("pk", flat=True))
    return Subject(organisation_id=case.organisation_id, party_ids=party_ids)


@contextmanager
def step(
    actor: Actor,
    case: Case,
    verb: Verb,
    *,
    at: datetime | None = None,
    of_part: int | None = None,
) -> Iterator[Step]:
    """Run one verb on a case in one transaction and record its act at the end.

    A clock that stands still starts again when the case leaves the state of being under way.

    Args:
        of_part: the assisting organisation whose part this is about. It holds the part, not the
            case, and changes nothing of the case itself, so whoever works on the case is not disturbed.

    Raises:
        NotFound: the case is gone.
        NotAllowed: the actor may not do this.
        WrongState: the verb does not exist in the case's state.
        Conflict: the case has a newer version than the one the actor saw.
    """
    with transaction.atomic():
        locked = Case.objects.select_for_update().filter(pk=case.pk).first()
        if locked is None:
            raise NotFound(_("There is no such case."))
        subject = subject_of(locked) if of_part is None else Subject(organisation_id=of_part)
        authority.require(actor, f"case.{verb}", subject)
        if of_part is None and locked.version != case.version:
            raise Conflict(
                _("This case was changed while you were working on it. Read it again, then retry.")
            )
        target = TRANSITIONS.get((State(locked.state), verb))
        if target is None:
            raise WrongState(
                _("A case that is “%(state)s” cannot be %(verb)s.")
                % {"state": State(locked.state).label, "verb": verb.label}
            )
        current = Step(case=locked, at=at or timezone.now())
        yield current
        if locked.paused_at is not None and target != State.UNDER_WAY:
            start_clock(current)
        locked.state = target
        if of_part is None:
            locked.version += 1
        locked.updated_at = current.at
        locked.save()
        act = acts.record(
            actor,
            f"case.{verb}",
            "case",
            locked.pk,
            locked.number,
            {"state": str(target), **current.details},
            reason=current.reason,
            at=current.at,
        )
        notices.after(verb, locked.pk, act.pk, current.at)
    for name, value in locked.__dict__.items():
        if not name.startswith("_"):
            setattr(case, name, value)


def start_clock(current: Step) -> None:
    """Let the clock run again; every deadline of the leading organisation moves with it."""
    case = current.case
    case.due_at = rules.moved_by_pause(case, current.at)
    if case.paused_at is not None:
        current.details["stopped_at"] = utc_text(case.paused_at)
    current.details["due_at"] = utc_text(case.due_at)
    case.paused_at = case.paused_until = None
    move_lead(case)


def move_lead(case: Case, *, may_shorten: bool = False) -> None:
    """Give the leading organisation's open task the deadline of the case, not an earlier one than it has
    unless it `may_shorten`."""
    due = Value(case.due_at) if may_shorten else Greatest("due_at", Value(case.due_at))
    Task.objects.filter(case=case, role=Task.Role.LEAD, state__in=OPEN_TASKS).update(due_at=due)


def first_responsible_id() -> int | None:
    """The desk that holds what nobody else holds (首接负责)."""
    view = snapshot.current()
    desk = view.organisation_by_code.get(str(view.city.config.get("first_responsible", "")))
    return desk.id if desk else None


def message(
    actor: Actor,
    current: Step,
    text: str,
    audience: str,
    *,
    public_text: str = "",
    party_id: int | None = None,
) -> Message:
    """Write a message and put the salted digest of its text into the act's details."""
    salt = os.urandom(16)
    current.details["text_digest"] = hashlib.sha256(salt + text.encode()).hexdigest()
    return Message.objects.create(
        case=current.case,
        party_id=party_id,
        post_id=actor.post_id,
        organisation_id=actor.organisation_id,
        audience=audience,
        text=text,
        public_text=public_text,
        salt=salt,
        said_at=current.at,
    )


def end_lead(case: Case, state: str, at: datetime, *, result: str = "") -> None:
    """Close the task of whoever led the case or had to decide on it; the parts of others go on."""
    Extension.objects.filter(case=case, state=Extension.State.ASKED).update(
        state=Extension.State.VOID, decided_at=at
    )
    Task.objects.filter(case=case, state__in=OPEN_TASKS).exclude(role=Task.Role.ASSIST).update(
        state=state, done_at=at, result=result
    )


def end_open_tasks(case: Case, state: str, at: datetime, *, result: str = "") -> None:
    """Close all that is still open: the leading task as `state`, parts of others as not needed."""
    end_lead(case, state, at, result=result)
    Task.objects.filter(case=case, state__in=OPEN_TASKS).update(state=Task.State.CANCELLED, done_at=at)


def party_of(actor: Actor, case: Case) -> int | None:
    """The party as which the actor speaks on this case, if any."""
    if not actor.party_ids:
        return None
    return Party.objects.filter(case=case, pk__in=actor.party_ids).values_list("pk", flat=True).first()


def choices(allowed: Iterable[str], value: str, field_name: str) -> str:
    """`value` if it is one of the allowed ones.

    Raises:
        Invalid: it is not; the sentence lists those that are.
    """
    known = [str(v) for v in allowed]
    if value not in known:
        raise Invalid(fields={field_name: _("Choose one of: %(values)s.") % {"values": ", ".join(known)}})
    return value
