"""Setting up a hall: its queues, counters and screens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from gongzhi.errors import Invalid, NotFound, WrongState
from gongzhi.intake.counters import permissions
from gongzhi.intake.counters.models import Counter, Hall, Queue, Screen
from gongzhi.ledger import acts
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Function, Organisation


@dataclass(frozen=True, slots=True)
class Named:
    """A name in Chinese and in English; one may be missing."""

    zh: str
    en: str = ""


def make_hall(
    actor: Actor,
    code: str,
    name: Named,
    organisation: Organisation,
    *,
    address: str = "",
    opens_at: time = time(8, 30),
    closes_at: time = time(17, 30),
) -> Hall:
    """Describe a new hall.

    Raises:
        Invalid: naming the field that is wrong.
    """
    authority.require(actor, "hall.set_up", authority.Subject(organisation_id=organisation.pk))
    zh, en = _names(name)
    wrong = {}
    if not code or slugify(code) != code or len(code) > 40:
        wrong["code"] = _("Use small letters, digits and hyphens.")
    elif Hall.objects.filter(code=code).exists():
        wrong["code"] = _("There is a hall with this code already.")
    if wrong:
        raise Invalid(fields=wrong)
    _check_hours(opens_at, closes_at)
    with transaction.atomic():
        hall = Hall.objects.create(
            code=code, name_zh=zh, name_en=en, organisation=organisation, area=organisation.area,
            address=address.strip()[:200], opens_at=opens_at, closes_at=closes_at,
        )  # fmt: skip
        _record(actor, hall, {"code": code})
    return hall


def add_queue(
    actor: Actor,
    hall: Hall,
    letter: str,
    name: Named,
    *,
    function: Function | None = None,
    usual_minutes: int = 10,
) -> Queue:
    """Add a queue with a letter of its own.

    Raises:
        Invalid: naming the field that is wrong.
    """
    permissions.require(actor, "hall.set_up", hall)
    zh, en = _names(name)
    written = letter.strip().upper()
    wrong = {}
    if len(written) != 1 or not "A" <= written <= "Z":
        wrong["letter"] = _("Choose one letter from A to Z.")
    elif hall.queues.filter(letter=written).exists():
        wrong["letter"] = _("This hall has a queue with this letter already.")
    if wrong:
        raise Invalid(fields=wrong)
    _check_minutes(usual_minutes)
    with transaction.atomic():
        queue = Queue.objects.create(
            hall=hall, letter=written, name_zh=zh, name_en=en, function=function, usual_minutes=usual_minutes
        )
        _record(actor, hall, {"queue": written})
    return queue


def add_counter(actor: Actor, hall: Hall, name: Named, queues: Sequence[Queue]) -> Counter:
    """Add a counter for some of the hall's queues.

    Raises:
        Invalid: no queue, or one of another hall.
    """
    permissions.require(actor, "hall.set_up", hall)
    zh, en = _names(name)
    _check_queues(hall, queues)
    with transaction.atomic():
        counter = Counter.objects.create(hall=hall, name_zh=zh, name_en=en)
        counter.queues.set(queues)
        _record(actor, hall, {"counter": counter.pk, "queues": sorted(q.letter for q in queues)})
    return counter


def change_hall(
    actor: Actor,
    hall: Hall,
    name: Named,
    *,
    address: str,
    opens_at: time,
    closes_at: time,
    is_active: bool = True,
) -> Hall:
    """Change name, address and hours; a hall that is not in use gives no numbers.

    Raises:
        Invalid: naming the field that is wrong.
    """
    permissions.require(actor, "hall.set_up", hall)
    zh, en = _names(name)
    _check_hours(opens_at, closes_at)
    with transaction.atomic():
        held = Hall.objects.select_for_update().get(pk=hall.pk)
        held.name_zh, held.name_en, held.address = zh, en, address.strip()[:200]
        held.opens_at, held.closes_at, held.is_active = opens_at, closes_at, is_active
        held.save()
        hours = f"{opens_at:%H:%M}-{closes_at:%H:%M}"
        _record(actor, held, {"hours": hours, "is_active": is_active})
    return held


def change_queue(
    actor: Actor, queue: Queue, name: Named, *, usual_minutes: int, function: Function | None, is_active: bool
) -> Queue:
    """Change a queue; one that is not in use gives no numbers, who waits there is still called.

    Raises:
        Invalid: naming the field that is wrong.
    """
    permissions.require(actor, "hall.set_up", queue.hall)
    zh, en = _names(name)
    _check_minutes(usual_minutes)
    with transaction.atomic():
        held = Queue.objects.select_for_update(of=("self",)).select_related("hall").get(pk=queue.pk)
        held.name_zh, held.name_en, held.function = zh, en, function
        held.usual_minutes, held.is_active = usual_minutes, is_active
        held.save()
        _record(actor, held.hall, {"queue": held.letter, "minutes": usual_minutes, "is_active": is_active})
    return held


def change_counter(
    actor: Actor, counter: Counter, name: Named, queues: Sequence[Queue], *, is_active: bool
) -> Counter:
    """Change what a counter is called and for which queues it is.

    Raises:
        Invalid: no queue, or one of another hall.
        WrongState: it is to go out of use while somebody sits there.
    """
    permissions.require(actor, "hall.set_up", counter.hall)
    zh, en = _names(name)
    _check_queues(counter.hall, queues)
    with transaction.atomic():
        held = Counter.objects.select_for_update(of=("self",)).select_related("hall").get(pk=counter.pk)
        if not is_active and held.post_id is not None:
            raise WrongState(_("Somebody sits at this counter; it has to be closed first."))
        held.name_zh, held.name_en, held.is_active = zh, en, is_active
        held.save()
        held.queues.set(queues)
        letters = sorted(q.letter for q in queues)
        _record(actor, held.hall, {"counter": held.pk, "queues": letters, "is_active": is_active})
    return held


def hand_halls_over(gone: int, into: int) -> None:
    """The halls of an organisation that was merged into another are run by that one."""
    Hall.objects.filter(organisation=gone).update(organisation=into)


def make_screen(
    actor: Actor, hall: Hall, kind: str, name: str, *, at: datetime | None = None
) -> tuple[Screen, str]:
    """Allow a device to stand in the hall; gives the secret of the link that sets it up, once.

    Raises:
        Invalid: an unknown kind, or no name.
    """
    permissions.require(actor, "screen.make", hall)
    wrong = {}
    if kind not in Screen.Kind.values:
        wrong["kind"] = _("Choose what the device is for.")
    if not name.strip():
        wrong["name"] = _("Give the device a name, so that it can be found again.")
    if wrong:
        raise Invalid(fields=wrong)
    secret = secrets.token_urlsafe(24)
    moment = at or timezone.now()
    with transaction.atomic():
        screen = Screen.objects.create(
            hall=hall, kind=kind, name=name.strip()[:100], link_digest=_digest(secret), made_at=moment
        )
        acts.record(
            actor,
            "screen.make",
            "screen",
            screen.pk,
            str(screen.pk),
            {"hall": hall.pk, "kind": kind},
            at=moment,
        )
    return screen, secret


def claim_screen(secret: str, *, at: datetime | None = None) -> tuple[Screen, str]:
    """Turn the link into the device's own secret, for its cookie; the link is worth nothing afterwards.

    Raises:
        NotFound: the link was used, revoked or never made.
    """
    own = secrets.token_urlsafe(24)
    with transaction.atomic():
        screen = (
            Screen.objects.select_for_update(of=("self",))
            .select_related("hall")
            .filter(link_digest=_digest(secret), revoked_at__isnull=True)
            .first()
        )
        if screen is None:
            raise NotFound(_("This link was used already or is no longer valid. Ask for a new one."))
        screen.link_digest, screen.cookie_digest, screen.seen_at = None, _digest(own), at or timezone.now()
        screen.save()
    return screen, own


def is_link(secret: str) -> bool:
    """Whether a link can still set a device up."""
    return Screen.objects.filter(link_digest=_digest(secret), revoked_at__isnull=True).exists()


def screen_of(own: str, hall_code: str, kind: str, *, at: datetime | None = None) -> Screen | None:
    """The device with this cookie, if it is of this kind and hall and was not revoked."""
    if not own:
        return None
    screen = (
        Screen.objects.select_related("hall")
        .filter(cookie_digest=_digest(own), kind=kind, hall__code=hall_code, revoked_at__isnull=True)
        .first()
    )
    if screen is not None:
        now = at or timezone.now()
        # Written once a minute, not with every look at the display.
        stale = Q(seen_at__lt=now.replace(second=0, microsecond=0)) | Q(seen_at=None)
        Screen.objects.filter(stale, pk=screen.pk).update(seen_at=now)
    return screen


def revoke_screen(actor: Actor, screen: Screen, *, at: datetime | None = None) -> None:
    """Shut a device out at once.

    Raises:
        WrongState: it is shut out already.
    """
    permissions.require(actor, "screen.make", screen.hall)
    moment = at or timezone.now()
    with transaction.atomic():
        done = Screen.objects.filter(pk=screen.pk, revoked_at__isnull=True).update(
            revoked_at=moment, link_digest=None, cookie_digest=None
        )
        if not done:
            raise WrongState(_("This device was shut out already."))
        acts.record(
            actor, "screen.revoke", "screen", screen.pk, str(screen.pk), {"hall": screen.hall_id}, at=moment
        )


def _check_hours(opens_at: time, closes_at: time) -> None:
    if closes_at <= opens_at:
        raise Invalid(fields={"closes_at": _("It must close after it opens.")})


def _check_minutes(usual_minutes: int) -> None:
    if not 1 <= usual_minutes <= 240:
        raise Invalid(fields={"usual_minutes": _("Enter between 1 and 240 minutes.")})


def _check_queues(hall: Hall, queues: Sequence[Queue]) -> None:
    if not queues or any(queue.hall_id != hall.pk for queue in queues):
        raise Invalid(fields={"queues": _("Choose at least one queue of this hall.")})


def _names(name: Named) -> tuple[str, str]:
    zh, en = name.zh.strip()[:200], name.en.strip()[:200]
    if not (zh or en):
        raise Invalid(fields={"name_zh": _("Give it a name.")})
    return zh or en, en or zh


def _record(actor: Actor, hall: Hall, details: dict[str, object]) -> None:
    acts.record(actor, "hall.set_up", "hall", hall.pk, hall.code, details)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
