"""What a clerk does at a counter: open it, call, serve, pass on, close it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases.models import Case
from gongzhi.errors import Conflict, Invalid, NotAllowed, NotFound, WrongState
from gongzhi.intake.counters import hours, permissions
from gongzhi.intake.counters.lifecycle import AT_A_COUNTER, State, Verb
from gongzhi.intake.counters.models import Counter, Queue, Ticket
from gongzhi.intake.counters.tickets import locked
from gongzhi.ledger import acts
from gongzhi.registry.authority import Actor

# One statement, so that two counters never call the same number: whoever comes second skips the row
# that the first one holds. The counter's own row is locked before, so that a double click waits.
_NEXT = """
WITH desk AS MATERIALIZED (
  SELECT id, hall_id, last_was_priority FROM intake_counter
  WHERE id = %(counter)s AND post_id = %(post)s AND NOT is_paused FOR UPDATE
), next AS MATERIALIZED (
  SELECT t.id, t.is_priority FROM desk JOIN intake_ticket t ON t.hall_id = desk.hall_id
  WHERE t.day = %(day)s AND t.state = 'waiting'
    AND (t.for_counter_id = desk.id OR (t.for_counter_id IS NULL AND t.queue_id IN
         (SELECT queue_id FROM intake_counter_queues WHERE counter_id = %(counter)s)))
    AND NOT EXISTS (SELECT 1 FROM intake_ticket s
                    WHERE s.counter_id = %(counter)s AND s.state IN ('called', 'serving'))
  ORDER BY (t.is_priority = desk.last_was_priority), t.place_at, t.id
  LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), turned AS (
  UPDATE intake_counter c SET last_was_priority = next.is_priority FROM next WHERE c.id = %(counter)s
)
UPDATE intake_ticket t SET state = 'called', counter_id = %(counter)s, calls = 1, called_at = %(at)s,
  first_called_at = COALESCE(t.first_called_at, %(at)s), started_at = NULL
FROM next WHERE t.id = next.id RETURNING t.id
"""


def open_counter(actor: Actor, counter: Counter, *, at: datetime | None = None) -> Counter:
    """Sit down at a counter that is closed.

    Raises:
        Conflict: somebody else sits there.
        WrongState: one sits at another counter, or it is no longer in use.
    """
    moment = at or timezone.now()
    try:
        with transaction.atomic():
            held = _held(actor, counter)
            if held.post_id == actor.post_id:
                return held
            if held.post_id is not None:
                raise Conflict(_("Somebody else sits at this counter."))
            if not held.is_active:
                raise WrongState(_("This counter is no longer in use."))
            held.post_id, held.opened_at, held.is_paused = actor.post_id, moment, False
            held.last_was_priority = False
            held.save()
            _record(actor, "counter.open", held, {}, moment)
    except IntegrityError as problem:
        raise WrongState(_("You sit at another counter. Close that one first.")) from problem
    return held


def close_counter(actor: Actor, counter: Counter, *, at: datetime | None = None) -> Counter:
    """Leave the counter.

    Raises:
        WrongState: somebody is still there.
    """
    moment = at or timezone.now()
    with transaction.atomic():
        held = _own(actor, counter)
        if present(held) is not None:
            raise WrongState(_("Finish with the present number first."))
        held.post, held.opened_at, held.is_paused = None, None, False
        held.save()
        # What was passed on to this counter alone would wait for ever.
        Ticket.objects.filter(for_counter=held, state=State.WAITING).update(for_counter=None)
        _record(actor, "counter.close", held, {}, moment)
    return held


def pause(actor: Actor, counter: Counter, is_paused: bool, *, at: datetime | None = None) -> Counter:
    """Call nobody for a while, or go on."""
    moment = at or timezone.now()
    with transaction.atomic():
        held = _own(actor, counter)
        if held.is_paused != is_paused:
            held.is_paused = is_paused
            held.save(update_fields=["is_paused"])
            _record(actor, "counter.pause" if is_paused else "counter.go_on", held, {}, moment)
    return held


def call_next(actor: Actor, counter: Counter, *, at: datetime | None = None) -> Ticket | None:
    """Call whoever is next by the rule of `order`; None when nobody waits.

    Raises:
        WrongState: the counter is paused, or somebody is still there.
        NotAllowed: somebody else sits there.
    """
    moment = at or timezone.now()
    permissions.require(actor, "counter.serve", counter.hall)
    given = {
        "counter": counter.pk, "post": actor.post_id, "day": hours.day_of(moment), "at": moment,
    }  # fmt: skip
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_NEXT, given)
            row = cursor.fetchone()
    except IntegrityError as problem:
        raise WrongState(_("Finish with the present number first.")) from problem
    if row is not None:
        return Ticket.objects.select_related("hall", "queue", "counter").get(pk=row[0])
    _may_call(_own_now(actor, counter))
    return None


def call_out_of_turn(
    actor: Actor, counter: Counter, ticket: Ticket, *, reason: str, at: datetime | None = None
) -> Ticket:
    """Call one number although it is not its turn; recorded with the reason.

    Raises:
        Invalid: no reason.
        WrongState: the counter cannot call now, or the ticket does not wait.
        NotAllowed: the ticket is of another hall.
    """
    moment = at or timezone.now()
    if not reason.strip():
        raise Invalid(fields={"reason": _("Say why this number is called out of turn.")})
    with transaction.atomic():
        desk = _own(actor, counter)
        _may_call(desk)
        held = locked(ticket, Verb.CALL)
        if held.hall_id != desk.hall_id or held.day != hours.day_of(moment):
            raise NotAllowed(_("This number is not of this hall today."))
        held.state, held.counter, held.calls, held.called_at = State.CALLED, desk, 1, moment
        held.first_called_at, held.started_at = held.first_called_at or moment, None
        held.save()
        desk.last_was_priority = held.is_priority
        desk.save(update_fields=["last_was_priority"])
        details = {"counter": desk.pk, "label": held.label, "day": held.day.isoformat()}
        acts.record(
            actor, "ticket.call_out_of_turn", "ticket", held.pk, held.label, details,
            reason=reason.strip()[:300], at=moment,
        )  # fmt: skip
    return held


def call_again(actor: Actor, ticket: Ticket) -> Ticket:
    """Call the same number once more."""
    with transaction.atomic():
        held = _at_own_counter(actor, ticket, Verb.CALL_AGAIN)
        held.calls += 1
        held.save(update_fields=["calls"])
    return held


def start(actor: Actor, ticket: Ticket, *, at: datetime | None = None) -> Ticket:
    """The person has come."""
    with transaction.atomic():
        held = _at_own_counter(actor, ticket, Verb.START)
        held.state, held.started_at = State.SERVING, at or timezone.now()
        held.save(update_fields=["state", "started_at"])
    return held


def finish(actor: Actor, ticket: Ticket, *, at: datetime | None = None) -> Ticket:
    """The person is done."""
    moment = at or timezone.now()
    with transaction.atomic():
        held = _at_own_counter(actor, ticket, Verb.FINISH)
        held.state, held.ended_at = State.DONE, moment
        held.started_at = held.started_at or held.called_at
        held.save(update_fields=["state", "ended_at", "started_at"])
    return held


def miss(actor: Actor, ticket: Ticket, *, at: datetime | None = None) -> Ticket:
    """Nobody came."""
    with transaction.atomic():
        held = _at_own_counter(actor, ticket, Verb.MISS)
        held.state, held.ended_at = State.NO_SHOW, at or timezone.now()
        held.save(update_fields=["state", "ended_at"])
    return held


def come_back(actor: Actor, ticket: Ticket, *, at: datetime | None = None) -> Ticket:
    """Somebody who was missed has turned up: waits again, from now on."""
    moment = at or timezone.now()
    permissions.require(actor, "counter.serve", ticket.hall)
    with transaction.atomic():
        held = locked(ticket, Verb.COME_BACK)
        if held.day != hours.day_of(moment):
            raise WrongState(_("This number is not of today."))
        held.state, held.place_at, held.ended_at, held.counter = State.WAITING, moment, None, None
        held.save(update_fields=["state", "place_at", "ended_at", "counter"])
    return held


def pass_on(actor: Actor, ticket: Ticket, *, queue: Queue | None = None, to: Counter | None = None) -> Ticket:
    """Send the person on to another queue, or to one counter; the number and the place stay.

    Raises:
        Invalid: neither or both are given, of another hall, or the counter is closed.
    """
    with transaction.atomic():
        held = _at_own_counter(actor, ticket, Verb.SEND_ON)
        given = queue or to
        if given is None or (queue and to) or given.hall_id != held.hall_id:
            raise Invalid(fields={"to": _("Choose a counter or a queue of this hall.")})
        if to is not None and (to.post_id is None or to.pk == held.counter_id):
            raise Invalid(fields={"to": _("Choose another counter that is open.")})
        held.state, held.counter, held.called_at, held.started_at = State.WAITING, None, None, None
        held.queue, held.for_counter = queue or held.queue, to
        held.save(update_fields=["state", "counter", "called_at", "started_at", "queue", "for_counter"])
    return held


def link_case(actor: Actor, ticket: Ticket, case: Case) -> Ticket:
    """Note which matter was taken in for the number at one's counter; the person counts as come."""
    with transaction.atomic():
        held = Ticket.objects.select_for_update(of=("self",)).select_related("counter").get(pk=ticket.pk)
        _require_own(actor, held)
        if held.state == State.CALLED:
            held.state, held.started_at = State.SERVING, timezone.now()
        held.case = case
        held.save(update_fields=["state", "started_at", "case"])
    return held


def present(counter: Counter) -> Ticket | None:
    """The ticket that is called to the counter or served there."""
    found = Ticket.objects.filter(counter=counter, state__in=AT_A_COUNTER)
    return found.select_related("hall", "queue__function", "counter", "case").first()


def vacate(post_id: int) -> None:
    """Nobody sits any more at the counter of a post that has ended; whoever is there is next's to finish."""
    Counter.objects.filter(post=post_id).update(post=None, opened_at=None, is_paused=False)


def counter_of(actor: Actor) -> Counter | None:
    """The counter at which the actor sits."""
    found = Counter.objects.filter(post_id=actor.post_id or 0).select_related("hall")
    return found.first()


def at_my_counter(actor: Actor, ticket_id: int) -> Ticket:
    """The ticket that is called or served at one's own counter.

    Raises:
        NotFound: it is not there.
    """
    counter = counter_of(actor)
    ticket = present(counter) if counter is not None else None
    if ticket is None or ticket.pk != ticket_id:
        raise NotFound(_("This number is not at your counter any more."))
    return ticket


def of_case(actor: Actor, case: Case) -> Ticket | None:
    """The number at one's own counter for which this matter was taken in."""
    counter = counter_of(actor)
    ticket = present(counter) if counter is not None else None
    return ticket if ticket is not None and ticket.case_id == case.pk else None


def _may_call(desk: Counter) -> None:
    if desk.is_paused:
        raise WrongState(_("The counter is paused. Go on first."))
    if present(desk) is not None:
        raise WrongState(_("Finish with the present number first."))


def _held(actor: Actor, counter: Counter) -> Counter:
    held = Counter.objects.select_for_update(of=("self",)).select_related("hall").get(pk=counter.pk)
    permissions.require(actor, "counter.serve", held.hall)
    return held


def _own(actor: Actor, counter: Counter) -> Counter:
    held = _held(actor, counter)
    _is_own(actor, held)
    return held


def _own_now(actor: Actor, counter: Counter) -> Counter:
    now = Counter.objects.select_related("hall").get(pk=counter.pk)
    _is_own(actor, now)
    return now


def _is_own(actor: Actor, counter: Counter) -> None:
    if actor.post_id is None or counter.post_id != actor.post_id:
        raise NotAllowed(_("You do not sit at this counter. Open it first."))


def _at_own_counter(actor: Actor, ticket: Ticket, verb: Verb) -> Ticket:
    held = locked(ticket, verb)
    _require_own(actor, held)
    return held


def _require_own(actor: Actor, ticket: Ticket) -> None:
    permissions.require(actor, "counter.serve", ticket.hall)
    if ticket.counter is None:
        raise NotAllowed(_("You do not sit at this counter. Open it first."))
    _is_own(actor, ticket.counter)


def _record(actor: Actor, verb: str, counter: Counter, details: dict[str, Any], at: datetime) -> None:
    acts.record(
        actor, verb, "counter", counter.pk, str(counter.pk), {"hall": counter.hall_id, **details}, at=at
    )
