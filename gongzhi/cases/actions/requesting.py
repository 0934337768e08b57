"""What the requester and supporters do: say more, withdraw, contest, join, redact."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from gongzhi.cases import rules
from gongzhi.cases.actions._core import Step, checked_text, end_open_tasks, message, party_of, step
from gongzhi.cases.actions.files import attach
from gongzhi.cases.actions.timing import clock_restarts
from gongzhi.cases.attachments import StoredFile
from gongzhi.cases.lifecycle import OPEN_STATES, Closure, Verb
from gongzhi.cases.models import Case, Message, Party, Task
from gongzhi.cases.opening import secret_hash, utc_text
from gongzhi.cases.personal_text import masked
from gongzhi.errors import WrongState
from gongzhi.registry.authority import Actor


@dataclass(frozen=True, slots=True)
class Contact:
    """How a person can be reached; everything may be empty."""

    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """A new supporter's place on a case; the secret is shown once."""

    party_id: int
    secret: str


def digits_of(phone: str) -> str:
    """A phone number as it is stored: digits only, without China's country code."""
    digits = "".join(str(int(c)) for c in phone if c.isdecimal())
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


def say(
    actor: Actor,
    case: Case,
    text: str,
    *,
    photos: Sequence[StoredFile] = (),
    at: datetime | None = None,
) -> Message:
    """Add something, or further files, to one's own matter; a clock that waits for it starts again."""
    text = checked_text(text)
    with transaction.atomic():
        said = _said(actor, case, text, photos, at)
        clock_restarts(actor, case, at)
    return said


def _said(actor: Actor, case: Case, text: str, photos: Sequence[StoredFile], at: datetime | None) -> Message:
    with step(actor, case, Verb.SAY, at=at) as now:
        said = message(
            actor,
            now,
            text,
            Message.Audience.PARTIES,
            public_text=masked(text),
            party_id=party_of(actor, now.case),
        )
        attach(now, said, photos)
        return said


def withdraw(actor: Actor, case: Case, *, reason: str = "", at: datetime | None = None) -> Case:
    """Withdraw one's own matter; it ends as withdrawn, never as done."""
    with step(actor, case, Verb.WITHDRAW, at=at) as now:
        now.case.closure, now.case.closed_at = Closure.WITHDRAWN, now.at
        now.details["closure"] = str(Closure.WITHDRAWN)
        now.reason = masked(reason.strip()[:500])
        end_open_tasks(now.case, Task.State.CANCELLED, now.at)
    return case


def contest(actor: Actor, case: Case, text: str, *, at: datetime | None = None) -> Case:
    """Say that an ended matter is not settled: the clock starts again for the same organisation."""
    text = checked_text(text)
    with step(actor, case, Verb.CONTEST, at=at) as now:
        if now.case.merged_into_id or now.case.organisation_id is None:
            raise WrongState(_("Please contest the case that this one was merged into."))
        ended = now.case.closed_at or now.case.resolved_at or now.at
        limit = rules.limit_of(now.case, now.at)
        if now.at - ended > timedelta(days=limit.contest_days):
            raise WrongState(
                _("It ended more than %(n)d days ago and can no longer be contested; please report it anew.")
                % {"n": limit.contest_days}
            )
        message(
            actor,
            now,
            text,
            Message.Audience.PARTIES,
            public_text=masked(text),
            party_id=party_of(actor, now.case),
        )
        start_anew(now)
    return case


def start_anew(now: Step) -> None:
    """Give an ended case back to the organisation that had it, with a new deadline.

    Raises:
        WrongState: no organisation had it.
    """
    if now.case.organisation_id is None:
        raise WrongState(_("No organisation has dealt with this yet."))
    due = rules.calendar().due(now.at, rules.limit_of(now.case, now.at).rework_working_days)
    now.details["due_at"] = utc_text(due)
    now.case.due_at, now.case.closure = due, ""
    now.case.resolved_at = now.case.closed_at = None
    Task.objects.create(
        case=now.case,
        organisation_id=now.case.organisation_id,
        post_id=now.case.post_id,
        state=Task.State.ACCEPTED,
        opened_at=now.at,
        due_at=due,
    )


def join(actor: Actor, case: Case, contact: Contact, *, language: str, at: datetime | None = None) -> Joined:
    """Say "me too" on an open public matter and get the same rights as its requester.

    Raises:
        WrongState: the case is no longer open.
    """
    if not case.is_public or case.state not in OPEN_STATES:
        raise WrongState(_("This matter can no longer be joined; please report it anew."))
    secret = secrets.token_urlsafe(16)
    case = Case.objects.get(pk=case.pk)
    with step(actor, case, Verb.JOIN, at=at) as now:
        party = Party.objects.create(
            case=now.case,
            role=Party.Role.SUPPORTER,
            person_id=None if actor.post_id else actor.person_id,
            name=contact.name.strip()[:100],
            phone=digits_of(contact.phone)[:32],
            email=contact.email.strip(),
            language=language,
            secret_hash=secret_hash(secret),
            joined_at=now.at,
        )
        now.case.supporters += 1
        now.details["supporters"] = now.case.supporters
    return Joined(party.pk, secret)


def redact(actor: Actor, case: Case, public_text: str, *, at: datetime | None = None) -> Case:
    """Change what the public reads of a matter; personal data is masked in any case."""
    public_text = masked(checked_text(public_text, field_name="public_text"))
    with step(actor, case, Verb.REDACT, at=at) as now:
        now.case.public_text = public_text
    return case
