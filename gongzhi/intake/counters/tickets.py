"""What happens to a ticket outside a counter: taken, arrived, left, put before others, ended with its day."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.errors import Invalid, NotFound, WrongState
from gongzhi.intake import limits
from gongzhi.intake.counters import hours, permissions
from gongzhi.intake.counters.lifecycle import AT_A_COUNTER, IN_LINE, TRANSITIONS, State, Verb
from gongzhi.intake.counters.models import Counter, Hall, Priority, Queue, Source, Ticket
from gongzhi.ledger import acts
from gongzhi.registry.authority import Actor

A_KIOSK_AN_HOUR: Final = 600
FROM_HOME_AN_HOUR: Final = 10
TRIES_AN_HOUR: Final = 20
"""So often an address may try the code of the day."""


def take(
    actor: Actor,
    queue: Queue,
    *,
    source: Source,
    priority: str = Priority.NONE,
    language: str = "zh-hans",
    key: str = "",
    client: str = "",
    at: datetime | None = None,
) -> tuple[Ticket, str]:
    """Take a number; gives the ticket and the secret of its page, which is kept nowhere.

    A number taken on a phone waits for its person to arrive; the others are in the hall already.

    Args:
        key: sent again it gives the same ticket.
        client: address or screen against which it is counted; empty: not counted.

    Raises:
        Invalid: a priority that cannot be taken so.
        WrongState: the hall is closed, or the queue is no longer in use.
        TooMany: the hour's share of the address is used up.
    """
    moment = at or timezone.now()
    hall = queue.hall
    permissions.require(actor, "counter.serve" if source == Source.STAFF else "ticket.take", hall)
    if priority not in Priority.values or (priority == Priority.OTHER and source != Source.STAFF):
        raise Invalid(fields={"priority": _("Choose one of the reasons.")})
    if not (hall.is_active and queue.is_active):
        raise WrongState(_("No numbers are given for this any more."))
    if not hours.is_open(hall, moment):
        raise WrongState(_("The hall is closed now; numbers are given when it is open."))
    if client:
        limits.count(
            f"ticket {client}", "", most=A_KIOSK_AN_HOUR if source == Source.KIOSK else FROM_HOME_AN_HOUR
        )
    secret = _secret(f"{queue.pk}:{key}") if key else secrets.token_urlsafe(16)
    is_here = source != Source.PHONE
    with transaction.atomic():
        Queue.objects.select_for_update().get(pk=queue.pk)  # one number at a time
        earlier = Ticket.objects.filter(secret_digest=_digest(secret)).first()
        if earlier is not None:
            return earlier, secret
        day = hours.day_of(moment)
        of_today = Ticket.objects.filter(hall=hall, day=day, letter=queue.letter)
        last = of_today.aggregate(last=Max("number"))["last"] or 0
        ticket = Ticket.objects.create(
            hall=hall,
            queue=queue,
            day=day,
            letter=queue.letter,
            number=last + 1,
            state=State.WAITING if is_here else State.COMING,
            priority=priority,
            is_priority=bool(priority),
            language=language,
            source=source,
            secret_digest=_digest(secret),
            taken_at=moment,
            place_at=moment,
            arrived_at=moment if is_here else None,
        )
    return ticket, secret


def by_secret(secret: str) -> Ticket:
    """The ticket whose page has this link.

    Raises:
        NotFound: there is none.
    """
    found = Ticket.objects.filter(secret_digest=_digest(secret)).select_related("hall", "queue", "counter")
    ticket = found.first()
    if ticket is None:
        raise NotFound(_("There is no such number."))
    return ticket


def arrival_code(hall: Hall, moment: datetime) -> str:
    """Four digits that stand on the display in the hall today: who types them is there."""
    mac = hmac.digest(
        settings.SECRET_KEY.encode(), f"arrival:{hall.pk}:{hours.day_of(moment)}".encode(), "sha256"
    )
    return f"{int.from_bytes(mac[:4]) % 10_000:04d}"


def arrive(
    actor: Actor, ticket: Ticket, *, code: str, client: str = "", at: datetime | None = None
) -> Ticket:
    """Say that one is in the hall, with the code that stands there.

    Raises:
        Invalid: it is not today's code.
        WrongState: the ticket is not on the way.
        TooMany: too many codes were tried.
    """
    moment = at or timezone.now()
    permissions.require(actor, "ticket.hold")
    if client:
        limits.count(f"arrive {client}", "", most=TRIES_AN_HOUR)
    given = "".join(c for c in code if c.isdecimal())
    if not hmac.compare_digest(given.encode(), arrival_code(ticket.hall, moment).encode()):
        raise Invalid(fields={"code": _("This is not the code on the display in the hall.")})
    return _arrived(ticket, moment)


def arrive_by_number(actor: Actor, hall: Hall, label: str, *, at: datetime | None = None) -> Ticket:
    """Say that one is there at the machine in the hall, or to the staff, by one's number (``A007``).

    Raises:
        NotFound: no number on the way today is called so.
    """
    moment = at or timezone.now()
    permissions.require(actor, "ticket.take", hall)
    written = label.strip().upper()
    letter, number = written[:1], written[1:].strip()
    found = None
    if number.isdecimal() and len(number) < 7:
        found = Ticket.objects.filter(
            hall=hall,
            day=hours.day_of(moment),
            letter=letter,
            number=int(number),
            state=State.COMING,
        ).first()
    if found is None:
        raise NotFound(_("No number on the way is called so today. Please look at your phone once more."))
    return _arrived(found, moment)


def _arrived(ticket: Ticket, moment: datetime) -> Ticket:
    """Who is there before the own turn keeps the place; afterwards one waits from now on."""
    with transaction.atomic():
        held = locked(ticket, Verb.ARRIVE)
        overtaken = Ticket.objects.filter(
            queue=held.queue,
            day=held.day,
            is_priority=held.is_priority,
            place_at__gt=held.place_at,
            called_at__isnull=False,
        ).exists()
        held.state, held.arrived_at = State.WAITING, moment
        if overtaken:
            held.place_at = moment
        held.save(update_fields=["state", "arrived_at", "place_at"])
    return held


def leave(actor: Actor, ticket: Ticket, *, at: datetime | None = None) -> Ticket:
    """Give the number back.

    Raises:
        WrongState: it is at the counter already, or over.
    """
    permissions.require(actor, "ticket.hold")
    with transaction.atomic():
        held = locked(ticket, Verb.LEAVE)
        held.state, held.ended_at = State.LEFT, at or timezone.now()
        held.save(update_fields=["state", "ended_at"])
    return held


def set_priority(actor: Actor, ticket: Ticket, priority: str, *, at: datetime | None = None) -> Ticket:
    """Put somebody who waits before others, or take that back; recorded.

    Raises:
        Invalid: an unknown reason.
        WrongState: the ticket is not in line.
    """
    permissions.require(actor, "counter.serve", ticket.hall)
    if priority not in Priority.values:
        raise Invalid(fields={"priority": _("Choose one of the reasons.")})
    with transaction.atomic():
        held = Ticket.objects.select_for_update().get(pk=ticket.pk)
        if held.state not in IN_LINE:
            raise WrongState(_("This number is not waiting any more."))
        held.priority, held.is_priority = priority, bool(priority)
        held.save(update_fields=["priority", "is_priority"])
        details = {"label": held.label, "day": held.day.isoformat(), "priority": held.is_priority}
        acts.record(actor, "ticket.set_priority", "ticket", held.pk, held.label, details, at=at)
    return held


def locked(ticket: Ticket, verb: Verb) -> Ticket:
    """The ticket as it is now, held until the transaction ends.

    Raises:
        WrongState: the verb does not exist for the state it is in.
    """
    held = (
        Ticket.objects.select_for_update(of=("self",))
        .select_related("hall", "queue", "counter")
        .get(pk=ticket.pk)
    )
    if held.state not in TRANSITIONS[verb][0]:
        raise WrongState(
            _("%(number)s cannot do this: %(state)s.")
            % {"number": held.label, "state": held.get_state_display()}
        )
    return held


def end_days(actor: Actor, *, at: datetime | None = None) -> int:
    """End what is left of days that are over; gives how many tickets were still open.

    Counters that were left open are closed, and why somebody had priority is forgotten.
    """
    moment = at or timezone.now()
    permissions.require(actor, "ticket.end_day")
    today = hours.day_of(moment)
    past = Ticket.objects.filter(day__lt=today)
    with transaction.atomic():
        served = past.filter(state__in=AT_A_COUNTER).update(state=State.DONE)
        waited = past.filter(state__in=IN_LINE).update(state=State.LEFT, ended_at=moment)
        past.exclude(priority="").update(priority="")
        for counter in Counter.objects.select_for_update().filter(post__isnull=False):
            if counter.opened_at is None or hours.day_of(counter.opened_at) < today:
                details = {"hall": counter.hall_id, "by": "end of day"}
                acts.record(
                    actor, "counter.close", "counter", counter.pk, str(counter.pk), details, at=moment
                )
                counter.post, counter.opened_at, counter.is_paused = None, None, False
                counter.save(update_fields=["post", "opened_at", "is_paused"])
    return served + waited


def _secret(key: str) -> str:
    mac = hmac.digest(settings.SECRET_KEY.encode(), b"ticket-secret:" + key.encode(), "sha256")
    return base64.urlsafe_b64encode(mac[:16]).decode().rstrip("=")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
