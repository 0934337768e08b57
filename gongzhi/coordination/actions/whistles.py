"""A street whistles and departments come (街乡吹哨、部门报到); how soon is measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases.models import Case
from gongzhi.cases.opening import utc_text
from gongzhi.cases.texts import checked_text
from gongzhi.coordination.actions._core import active, own_organisation, post_of, record, require
from gongzhi.coordination.models import Call, Whistle
from gongzhi.errors import Invalid, NotAllowed, NotFound, WrongState
from gongzhi.registry import snapshot
from gongzhi.registry.authority import SYSTEM, Actor
from gongzhi.registry.models import Organisation

URGENCIES: Final = {"emergency": (30, 60), "urgent": (120, 240), "normal": (480, 1440)}
"""urgency → minutes until a department answers, and until it has come; the city pack may say otherwise
(`whistle`)."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where departments are called to."""

    address: str
    lng: float | None = None
    lat: float | None = None


def call(
    actor: Actor,
    text: str,
    spot: Spot,
    departments: Sequence[Organisation],
    *,
    urgency: str = "normal",
    case: Case | None = None,
    at: datetime | None = None,
) -> Whistle:
    """Call departments to a place.

    Raises:
        Invalid: no text, no address, an unknown urgency, no department or one that no longer exists.
        NotAllowed: the actor works for no street or town.
    """
    text, address = checked_text(text), checked_text(spot.address, field_name="address")[:300]
    street = own_organisation(actor)
    view = snapshot.current().organisations.get(street)
    if view is None or view.level != "street":
        raise NotAllowed(_("Only a street or town can whistle for departments."))
    limits = _limits()
    if urgency not in limits:
        raise Invalid(fields={"urgency": _("Choose one of: %(values)s.") % {"values": ", ".join(limits)}})
    wanted = sorted({active(d, "departments").pk for d in departments} - {street})
    if not wanted:
        raise Invalid(fields={"departments": _("Choose at least one organisation.")})
    now = at or timezone.now()
    with transaction.atomic():
        require(actor, "whistle.call", street, own=True)
        whistle = Whistle.objects.create(
            street_id=street,
            post_id=post_of(actor),
            case=case,
            text=text,
            address=address,
            lng=spot.lng,
            lat=spot.lat,
            called_at=now,
        )
        answer, arrive = (timedelta(minutes=m) for m in limits[urgency])
        Call.objects.bulk_create(
            Call(whistle=whistle, organisation_id=pk, answer_by=now + answer, arrive_by=now + arrive)
            for pk in wanted
        )
        details = {
            "departments": wanted,
            "urgency": urgency,
            "case": case.number if case else None,
            "answer_by": utc_text(now + answer),
            "arrive_by": utc_text(now + arrive),
        }
        record(actor, "whistle.call", whistle.pk, details, at=now)
    return whistle


def answer(actor: Actor, called: Call, *, at: datetime | None = None) -> Call:
    """Say that one's department has heard the whistle and comes.

    Raises:
        WrongState: that was said before, or it is over.
    """
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(called.pk)
        require(actor, "whistle.answer", locked.organisation_id, own=True)
        if locked.answered_at is not None or locked.whistle.state != Whistle.State.CALLED:
            raise WrongState(_("This call was answered already, or is over."))
        locked.answered_at, locked.post_id = now, actor.post_id
        locked.save()
        minutes = _minutes(locked.whistle.called_at, now)
        details = {"by": locked.organisation_id, "minutes": minutes, "in_time": now <= locked.answer_by}
        record(actor, "whistle.answer", locked.whistle_id, details, at=now)
    return locked


def arrive(actor: Actor, called: Call, *, at: datetime | None = None) -> Call:
    """Record that a department has come: said by the street, which sees it.

    Raises:
        WrongState: it has come already, or the whistle is over.
    """
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(called.pk)
        require(actor, "whistle.finish", locked.whistle.street_id, own=True)
        if locked.arrived_at is not None or locked.whistle.state != Whistle.State.CALLED:
            raise WrongState(_("It has come already, or the whistle is over."))
        locked.arrived_at = now
        locked.answered_at = locked.answered_at or now
        locked.save()
        minutes = _minutes(locked.whistle.called_at, now)
        details = {"by": locked.organisation_id, "minutes": minutes, "in_time": now <= locked.arrive_by}
        record(actor, "whistle.arrive", locked.whistle_id, details, at=now)
    return locked


def finish(
    actor: Actor, whistle: Whistle, result: str, *, marks: Mapping[int, int], at: datetime | None = None
) -> Whistle:
    """End a whistle with its result; the street marks every department from 1 to 5.

    Args:
        marks: id of the organisation → mark.

    Raises:
        Invalid: no result, or a department without a mark.
        WrongState: it is over.
    """
    result = checked_text(result, field_name="result")
    now = at or timezone.now()
    with transaction.atomic():
        locked = Whistle.objects.select_for_update().filter(pk=whistle.pk).first()
        if locked is None:
            raise NotFound(_("There is no such whistle."))
        require(actor, "whistle.finish", locked.street_id, own=True)
        if locked.state != Whistle.State.CALLED:
            raise WrongState(_("This whistle is over."))
        calls = list(locked.calls.select_for_update())
        if any(marks.get(c.organisation_id, 0) not in range(1, 6) for c in calls):
            raise Invalid(fields={"marks": _("Mark every department from 1 to 5.")})
        for one in calls:
            one.mark = marks[one.organisation_id]
        Call.objects.bulk_update(calls, ["mark"])
        locked.state, locked.finished_at, locked.result = Whistle.State.FINISHED, now, result
        locked.save()
        came = [c.organisation_id for c in calls if c.arrived_at is not None]
        details = {"came": came, "marks": [[c.organisation_id, c.mark] for c in calls]}
        record(actor, "whistle.finish", locked.pk, details, at=now)
    return locked


def miss(call_id: int, *, at: datetime) -> bool:
    """Record that a department neither answered nor came in time; False when there is nothing to record."""
    with transaction.atomic():
        locked = _locked(call_id)
        silent = locked.answered_at is None and at >= locked.answer_by
        absent = locked.arrived_at is None and at >= locked.arrive_by
        over = locked.whistle.state != Whistle.State.CALLED
        if locked.missed_at is not None or over or not (silent or absent):
            return False
        locked.missed_at = at
        locked.save(update_fields=["missed_at"])
        details = {"by": locked.organisation_id, "why": "silent" if silent else "absent"}
        record(SYSTEM, "whistle.miss", locked.whistle_id, details, at=at)
    return True


def _limits() -> dict[str, tuple[int, int]]:
    given = snapshot.current().city.config.get("whistle") or {}
    return URGENCIES | {k: (int(v[0]), int(v[1])) for k, v in given.items()}


def _minutes(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() / 60))


def _locked(call_id: int) -> Call:
    locked = Call.objects.select_for_update(of=("self",)).select_related("whistle").filter(pk=call_id).first()
    if locked is None:
        raise NotFound(_("There is no such whistle."))
    return locked
