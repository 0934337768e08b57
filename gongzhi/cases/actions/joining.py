"""Two cases become one, one becomes two, and what ended begins again: merging, splitting, reopening."""

from __future__ import annotations

import base64
import hashlib
import os
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from gongzhi.cases import notices, numbers, rules, serials
from gongzhi.cases.actions._core import Step, checked_text, end_open_tasks, step, subject_of
from gongzhi.cases.actions.requesting import start_anew
from gongzhi.cases.lifecycle import OPEN_STATES, Closure, State, Verb
from gongzhi.cases.models import Case, Message, Party, Task
from gongzhi.cases.opening import utc_text
from gongzhi.cases.personal_text import masked
from gongzhi.errors import Invalid, WrongState
from gongzhi.ledger import acts
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Function, Organisation

_LONGEST_CHAIN = 20


def merge(actor: Actor, case: Case, into: Case, *, reason: str, at: datetime | None = None) -> Case:
    """Work two cases as one (并案): this one ends as a duplicate, its people follow the other one.

    Every requester and supporter becomes a supporter of `into` under the secret they already have.

    Raises:
        NotAllowed: `into` is kept from the public and the actor may not see it; its people would
            otherwise be shown a matter that is none of theirs.
        Invalid: `into` is the same case, ended, or itself merged.
    """
    if into.pk == case.pk:
        raise Invalid(fields={"into": _("A case cannot be merged into itself.")})
    if into.state not in OPEN_STATES:
        raise Invalid(fields={"into": _("The other case is no longer open.")})
    reason = checked_text(reason, field_name="reason")
    with step(actor, case, Verb.MERGE, at=at) as now:
        other = Case.objects.select_for_update().get(pk=into.pk)
        if not other.is_public:
            authority.require(actor, "case.see_private", subject_of(other))
        if other.state not in OPEN_STATES:
            raise Invalid(fields={"into": _("The other case is no longer open.")})
        parties = [
            Party(
                case=other,
                role=Party.Role.SUPPORTER,
                person_id=p.person_id,
                name=p.name,
                phone=p.phone,
                email=p.email,
                language=p.language,
                secret_hash=bytes(p.secret_hash),
                is_confidential=p.is_confidential,
                joined_at=now.at,
            )
            for p in Party.objects.filter(case=now.case)
        ]
        Party.objects.bulk_create(parties)
        now.case.merged_into, now.case.closure = other, Closure.DUPLICATE
        now.case.closed_at = now.at
        now.details |= {
            "closure": str(Closure.DUPLICATE),
            "into": other.number,
            "organisation": now.case.organisation_id,
        }
        now.reason = masked(reason)
        end_open_tasks(now.case, Task.State.CANCELLED, now.at)
        other.supporters += len(parties)
        other.version += 1
        other.updated_at = now.at
        other.save(update_fields=["supporters", "version", "updated_at"])
        acts.record(
            actor,
            f"case.{Verb.ABSORB}",
            "case",
            other.pk,
            other.number,
            {"merged": now.case.number, "supporters": other.supporters},
            at=now.at,
        )
    return case


def unmerge(actor: Actor, case: Case, *, reason: str, at: datetime | None = None) -> Case:
    """Undo a merge: the case goes back to the organisation that had it, its people leave the other one.

    Whoever has spoken on the other case in the meantime stays its supporter.

    Raises:
        Invalid: no reason.
        WrongState: the case is not merged into another.
    """
    reason = checked_text(reason, field_name="reason")
    with step(actor, case, Verb.UNMERGE, at=at) as now:
        if now.case.merged_into_id is None or now.case.organisation_id is None:
            raise WrongState(_("This case is not merged into another one."))
        hashes = [bytes(h) for h in now.case.parties.values_list("secret_hash", flat=True)]
        other_id: int | None = now.case.merged_into_id
        first_number = ""
        for _turn in range(_LONGEST_CHAIN):
            if other_id is None:
                break
            other = Case.objects.select_for_update().get(pk=other_id)
            first_number = first_number or other.number
            _release(actor, other, hashes, now)
            other_id = other.merged_into_id
        due = rules.at_least_a_day(now.case, now.at)
        now.details |= {
            "from": first_number,
            "organisation": now.case.organisation_id,
            "due_at": utc_text(due),
        }
        now.reason = masked(reason)
        now.case.merged_into, now.case.closure, now.case.closed_at = None, "", None
        now.case.post_id = now.case.accepted_at = None
        now.case.assigned_at, now.case.due_at = now.at, due
        Task.objects.create(
            case=now.case, organisation_id=now.case.organisation_id, opened_at=now.at, due_at=due
        )
    return case


def _release(actor: Actor, other: Case, hashes: list[bytes], now: Step) -> None:
    spoke = Message.objects.filter(case=other).exclude(party=None).values("party_id")
    leaving = Party.objects.filter(case=other, role=Party.Role.SUPPORTER, secret_hash__in=hashes)
    count, _by_model = leaving.exclude(pk__in=spoke).delete()
    gone = _by_model.get("cases.Party", 0) if count else 0
    other.supporters = max(0, other.supporters - gone)
    other.version += 1
    other.updated_at = now.at
    other.save(update_fields=["supporters", "version", "updated_at"])
    acts.record(
        actor,
        f"case.{Verb.LET_GO}",
        "case",
        other.pk,
        other.number,
        {"released": now.case.number, "supporters": other.supporters},
        at=now.at,
    )


def split(
    actor: Actor,
    case: Case,
    text: str,
    to: Organisation,
    *,
    reason: str,
    function: Function | None = None,
    at: datetime | None = None,
) -> Case:
    """Make a part of a case a case of its own (拆分), with its own number, organisation and end.

    Everybody on the case is also on the new one, with the secret they already have.

    Args:
        text: the part in the requester's words, as far as it is about something of its own.

    Returns:
        The new case.

    Raises:
        Invalid: no text or reason, `to` no longer exists, or the function is not detailed enough.
    """
    text = checked_text(text)
    reason = checked_text(reason, field_name="reason")
    if not to.is_active:
        raise Invalid(fields={"to": _("This organisation no longer exists.")})
    if function is not None and not function.is_leaf:
        raise Invalid(fields={"function": _("Choose the most detailed level of the function.")})
    with transaction.atomic():
        with step(actor, case, Verb.SPLIT, at=at) as now:
            new = _part_of(now, text, to, function)
            new.save(force_insert=True)
            Party.objects.bulk_create(_same_people(now.case, new, now.at))
            Task.objects.create(case=new, organisation=to, opened_at=now.at, due_at=new.due_at)
            now.details |= {"into": new.number, "organisation": to.pk}
            now.reason = masked(reason)
        opened = acts.record(
            actor,
            f"case.{Verb.OPEN}",
            "case",
            new.pk,
            new.number,
            _opening(new, case.number),
            reason=masked(reason),
            at=new.opened_at,
        )
        notices.after(Verb.SPLIT, new.pk, opened.pk, new.opened_at)
    return new


def _part_of(now: Step, text: str, to: Organisation, function: Function | None) -> Case:
    source = now.case
    (pk,) = serials.take("cases_case")
    salt = os.urandom(16)
    of = function.pk if function else source.function_id
    is_public = source.is_public and (function is None or function.is_public)
    return Case(
        pk=pk,
        number=numbers.make(pk, now.at.astimezone(rules.calendar().zone)),
        kind=source.kind,
        channel=source.channel,
        language=source.language,
        state=State.ASSIGNED,
        text=text,
        public_text=masked(text),
        is_public=is_public,
        attributes={"salt": base64.b64encode(salt).decode()},
        function_id=of,
        area_id=source.area_id,
        organisation=to,
        urgency=source.urgency,
        lng=source.lng,
        lat=source.lat,
        address=source.address,
        public_address=source.public_address,
        public_lng=source.public_lng,
        public_lat=source.public_lat,
        opened_at=now.at,
        assigned_at=now.at,
        due_at=rules.at_least_a_day(source, now.at),
        updated_at=now.at,
        route={"organisation": to.pk, "rule": "split", "function": of, "area": source.area_id},
        split_from=source,
    )


def _opening(new: Case, source_number: str) -> dict[str, object]:
    view = snapshot.current()
    function, area = view.functions.get(new.function_id or 0), view.areas.get(new.area_id or 0)
    salt = base64.b64decode(new.attributes["salt"])
    return {
        "state": str(State.ASSIGNED),
        "channel": new.channel,
        "function": function.code if function else None,
        "organisation": new.organisation_id,
        "area": area.code if area else None,
        "due_at": utc_text(new.due_at),
        "text_digest": hashlib.sha256(salt + new.text.encode()).hexdigest(),
        "rule": "split",
        "split_from": source_number,
    }


def _same_people(source: Case, new: Case, at: datetime) -> list[Party]:
    return [
        Party(
            case=new,
            role=p.role,
            person_id=p.person_id,
            name=p.name,
            phone=p.phone,
            email=p.email,
            language=p.language,
            secret_hash=bytes(p.secret_hash),
            is_confidential=p.is_confidential,
            joined_at=at,
        )
        for p in source.parties.all()
    ]


def reopen(actor: Actor, case: Case, *, reason: str, at: datetime | None = None) -> Case:
    """Open an ended case again: a supervisor of its organisation found that it is not done.

    Raises:
        Invalid: no reason.
        WrongState: it was withdrawn, merged, or has no organisation.
    """
    reason = checked_text(reason, field_name="reason")
    with step(actor, case, Verb.REOPEN, at=at) as now:
        if now.case.merged_into_id or now.case.organisation_id is None:
            raise WrongState(_("Take the case out of the one it was merged into first."))
        if now.case.closure == Closure.WITHDRAWN:
            raise WrongState(_("The requester has withdrawn this; only they can bring it in again."))
        now.reason = masked(reason)
        start_anew(now)
    return case
