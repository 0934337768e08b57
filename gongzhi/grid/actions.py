"""Verbs of the grid: check an entry, look at what is personal, keep the register, report from the round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import rules
from gongzhi.cases.attachments import StoredFile
from gongzhi.cases.models import Channel
from gongzhi.errors import Invalid, KeyReused, NotAllowed, NotFound
from gongzhi.grid import cells
from gongzhi.grid.models import Check, Entry
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Receipt, Submission
from gongzhi.ledger import acts
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor

NOTE_MAX_CHARACTERS = 2_000
_OLDEST = timedelta(days=14)
"""A check may be sent this long after it was made."""
_FAST = timedelta(minutes=10)
"""So far a phone's clock may be ahead."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What somebody saw on the round, as it was written down.

    Attributes:
        key: made when it was written down; the same one comes with every try to send it.
        at: when it was written down; None: now.
        language: of the text; it stays the one of writing when the page is later read in another one.
    """

    key: str
    text: str = ""
    lng: float | None = None
    lat: float | None = None
    function_code: str = ""
    photos: tuple[StoredFile, ...] = ()
    at: datetime | None = None
    language: str = "zh-hans"


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry as somebody writes it down.

    Attributes:
        every_days: days between two checks, None for none.
        due_on: the day of the next check; None: after `every_days` from today.
    """

    code: str
    kind: str
    name: str
    area_id: int
    name_en: str = ""
    lng: float | None = None
    lat: float | None = None
    address: str = ""
    phone: str = ""
    notes: str = ""
    function_code: str = ""
    every_days: int | None = None
    due_on: date | None = None


def today(now: datetime | None = None) -> date:
    """The day it is in the city."""
    return (now or timezone.now()).astimezone(rules.calendar().zone).date()


def check(
    actor: Actor, entry: Entry, finding: Finding, *, is_fine: bool, now: datetime | None = None
) -> Check:
    """Record that an entry was looked at; what is wrong with it becomes a case.

    Sent again with the same key it is the same check and the same case. A check that arrives after
    a later one is recorded and leaves the day of the next check as it is.

    Args:
        now: when it arrives; None: at this moment.

    Raises:
        NotAllowed: the actor's post does not walk the cell.
        Invalid: no key, an impossible time, or something is wrong and no words say what.
        KeyReused: the key belongs to another check.
    """
    authority.require(actor, "grid.check", cells.subject_of(entry.area_id))
    arrived = now or timezone.now()
    _check_finding(finding, arrived)
    note = finding.text.strip()
    if not is_fine and len(note) < 2:
        raise Invalid(fields={"text": _("Say in a few words what is wrong.")})
    earlier = Check.objects.filter(key=finding.key).first()
    if earlier is not None:
        return _same(earlier, actor, entry, is_fine)
    receipt = None if is_fine else receive(replace(_of_entry(entry, finding, note), at=now), actor)
    try:
        with transaction.atomic():
            return _record(actor, entry, finding, note, receipt, arrived)
    except IntegrityError:
        earlier = Check.objects.filter(key=finding.key).first()
        if earlier is None:
            raise
        return _same(earlier, actor, entry, is_fine)


def report(actor: Actor, finding: Finding) -> Receipt:
    """Bring in what was seen on the round; sent again with the same key it is the same case.

    Raises:
        NotAllowed: the actor's post walks no cell.
        Invalid, TooLarge, KeyReused: see `intake.actions.receive`.
    """
    authority.require(actor, "grid.walk", cells.own_subject(actor))
    _check_finding(finding, timezone.now())
    return receive(
        Submission(
            finding.text,
            channel=Channel.APP.value,
            language=finding.language,
            lng=finding.lng,
            lat=finding.lat,
            area_code="" if finding.lng is not None else _code_of(actor.area_id),
            function_code=finding.function_code,
            attributes=_written_down(finding),
            idempotency_key=f"grid-{actor.person_id}-{finding.key}",
            photos=finding.photos,
        ),
        actor,
    )


def look(actor: Actor, entry: Entry) -> Entry:
    """Read everything that the register says of an entry; of a person, the look is recorded.

    Raises:
        NotAllowed: the actor neither walks nor oversees the cell.
    """
    subject = cells.subject_of(entry.area_id)
    authority.require(actor, "grid.look" if entry.is_personal else "grid.see", subject)
    if entry.is_personal:
        with transaction.atomic():
            _act(actor, "grid.look", entry.pk, {"area": _code_of(entry.area_id)})
    return entry


def add(actor: Actor, draft: Draft) -> Entry:
    """Put something into the register of a cell.

    Raises:
        NotAllowed: the actor neither walks nor oversees the cell.
        Invalid: naming every field that is wrong.
    """
    authority.require(actor, "grid.keep", cells.subject_of(draft.area_id))
    entry = entry_of(draft, today())
    if Entry.objects.filter(code=entry.code).exists():
        raise Invalid(fields={"code": _("There is an entry with this code already.")})
    with transaction.atomic():
        entry.save()
        _act(actor, "grid.add", entry.pk, {"kind": entry.kind, "area": _code_of(entry.area_id)})
    return entry


def change(actor: Actor, entry: Entry, draft: Draft) -> Entry:
    """Correct an entry; its code, kind and cell stay.

    Raises:
        NotAllowed: the actor neither walks nor oversees the cell.
        Invalid: naming every field that is wrong.
    """
    authority.require(actor, "grid.keep", cells.subject_of(entry.area_id))
    wanted = entry_of(draft, today())
    names = ("name_zh", "name_en", "lng", "lat", "address", "phone", "notes", "function_id", "every_days")
    with transaction.atomic():
        locked = _locked(entry)
        changed = [name for name in names if getattr(locked, name) != getattr(wanted, name)]
        if "every_days" in changed or draft.due_on is not None:
            last = today(locked.checked_at) if locked.checked_at else today()
            locked.due_on = draft.due_on or _next(wanted.every_days, last)
        for name in changed:
            setattr(locked, name, getattr(wanted, name))
        locked.save()
        _act(actor, "grid.change", locked.pk, {"fields": changed})
    return locked


def end(actor: Actor, entry: Entry, reason: str) -> Entry:
    """Take an entry off the register; its checks stay.

    Raises:
        NotAllowed: the actor neither walks nor oversees the cell.
        Invalid: no reason.
    """
    authority.require(actor, "grid.keep", cells.subject_of(entry.area_id))
    if len(reason.strip()) < 2:
        raise Invalid(fields={"reason": _("Please say why.")})
    with transaction.atomic():
        locked = _locked(entry)
        locked.is_active = False
        locked.save(update_fields=["is_active"])
        _act(actor, "grid.end", locked.pk, {}, reason=reason.strip()[:300])
    return locked


def entry_of(draft: Draft, day: date) -> Entry:
    """The entry of a draft, not yet written.

    Args:
        day: from which the day of the first check is counted.

    Raises:
        Invalid: naming every field that is wrong.
    """
    wrong: dict[str, str] = {}
    view = snapshot.current()
    function = view.function_by_code.get(draft.function_code)
    if not draft.code.strip() or len(draft.code) > 60 or any(c.isspace() for c in draft.code.strip()):
        wrong["code"] = _("A code of at most 60 characters without spaces.")
    if draft.kind not in Entry.Kind.values:
        wrong["kind"] = _("Choose person, place, thing, event or organisation.")
    if not draft.name.strip() or len(draft.name) > 200:
        wrong["name"] = _("Give a name of at most 200 characters.")
    if draft.area_id not in view.areas:
        wrong["area"] = _("Choose an area from the list.")
    if draft.function_code and function is None:
        wrong["function"] = _("Choose a function from the list.")
    if draft.every_days is not None and not 1 <= draft.every_days <= 3660:
        wrong["every_days"] = _("Between 1 and 3660 days.")
    if (draft.lng is None) != (draft.lat is None):
        wrong["lat"] = _("Give both latitude and longitude, or neither.")
    elif draft.lng is not None and draft.lat is not None:
        at = view.area_at(draft.lng, draft.lat) if _is_on_earth(draft.lng, draft.lat) else None
        if at is None or draft.area_id not in at.ancestors:
            wrong["lat"] = _("This place does not lie in the cell.")
    for name, most in (("address", 300), ("phone", 32), ("notes", 5_000), ("name_en", 200)):
        if len(getattr(draft, name)) > most:
            wrong[name] = _("At most %(n)d characters.") % {"n": most}
    for name in ("code", "name", "name_en", "address", "phone", "notes"):
        if "\x00" in getattr(draft, name):
            wrong[name] = _("The text holds characters that cannot be stored.")
    if wrong:
        raise Invalid(fields=wrong)
    return Entry(
        code=draft.code.strip(),
        kind=draft.kind,
        name_zh=draft.name.strip(),
        name_en=draft.name_en.strip(),
        area_id=draft.area_id,
        lng=draft.lng,
        lat=draft.lat,
        address=draft.address.strip(),
        phone=draft.phone.strip(),
        notes=draft.notes.strip(),
        function_id=function.id if function else None,
        every_days=draft.every_days,
        due_on=draft.due_on or _next(draft.every_days, day),
    )


def _record(
    actor: Actor, entry: Entry, finding: Finding, note: str, receipt: Receipt | None, now: datetime
) -> Check:
    locked = _locked(entry)
    at = min(finding.at or now, now)
    made = Check.objects.create(
        key=finding.key,
        entry=locked,
        post_id=actor.post_id or 0,
        at=at,
        recorded_at=now,
        is_fine=receipt is None,
        note=note,
        case_id=receipt.case_id if receipt else None,
    )
    if locked.checked_at is None or at >= locked.checked_at:
        locked.checked_at, locked.is_fine = at, receipt is None
        locked.due_on = _next(locked.every_days, today(at))
        locked.save(update_fields=["checked_at", "is_fine", "due_on"])
    details = {
        "fine": made.is_fine,
        "case": receipt.number if receipt else None,
        "made_at": acts.time_text(at),
    }
    _act(actor, "grid.check", locked.pk, details, at=now)
    return made


def _same(earlier: Check, actor: Actor, entry: Entry, is_fine: bool) -> Check:
    if (earlier.post_id, earlier.entry_id, earlier.is_fine) != (actor.post_id, entry.pk, is_fine):
        raise KeyReused()
    return earlier


def _of_entry(entry: Entry, finding: Finding, note: str) -> Submission:
    """What is wrong with an entry, as a matter; that of a person is kept from the public and unnamed."""
    view = snapshot.current()
    function = view.functions.get(entry.function_id or 0)
    named = entry.code if entry.is_personal else entry.name
    return Submission(
        f"{named}：{note}",
        channel=Channel.APP.value,
        language=finding.language,
        lng=finding.lng if entry.lng is None else entry.lng,
        lat=finding.lat if entry.lat is None else entry.lat,
        address="" if entry.is_personal else entry.address,
        area_code=_code_of(entry.area_id),
        function_code=finding.function_code or (function.code if function else ""),
        is_confidential=entry.is_personal,
        attributes={**_written_down(finding), "grid_entry": entry.code},
        idempotency_key=f"check-{finding.key}",
        photos=finding.photos,
    )


def _written_down(finding: Finding) -> dict[str, Any]:
    return {"written_at": acts.time_text(finding.at)} if finding.at else {}


def _check_finding(finding: Finding, now: datetime) -> None:
    wrong: dict[str, str] = {}
    if (
        not 16 <= len(finding.key) <= 80
        or not finding.key.replace("-", "").isalnum()
        or not finding.key.isascii()
    ):
        wrong["key"] = _("The key of what was written down is missing or has a wrong form.")
    if len(finding.text) > NOTE_MAX_CHARACTERS:
        wrong["text"] = _("At most %(n)d characters.") % {"n": NOTE_MAX_CHARACTERS}
    if finding.at is not None and not now - _OLDEST <= finding.at <= now + _FAST:
        wrong["at"] = _("It was written down more than 14 days ago, or the clock of the phone is wrong.")
    if wrong:
        raise Invalid(fields=wrong)


def _next(every_days: int | None, day: date) -> date | None:
    return day + timedelta(days=every_days) if every_days else None


def _is_on_earth(lng: float, lat: float) -> bool:
    return -180 <= lng <= 180 and -90 <= lat <= 90


def _code_of(area_id: int | None) -> str:
    area = snapshot.current().areas.get(area_id or 0)
    return area.code if area else ""


def _locked(entry: Entry) -> Entry:
    locked = Entry.objects.select_for_update().filter(pk=entry.pk, is_active=True).first()
    if locked is None:
        raise NotFound(_("There is no such entry."))
    return locked


def _act(
    actor: Actor, verb: str, pk: int, details: dict[str, Any], *, reason: str = "", at: datetime | None = None
) -> None:
    if actor.post_id is None and actor.kind != "system":
        raise NotAllowed()
    acts.record(actor, verb, "grid_entry", pk, f"grid-{pk}", details, reason=reason, at=at)


def write_many(actor: Actor, entries: Sequence[Entry]) -> int:
    """Put many entries into the register at once; those whose code is known are brought up to date.

    The days of checks that are known stay. Returns how many were new.

    Raises:
        NotAllowed: the actor may not import.
    """
    authority.require(actor, "grid.import")
    known = set(Entry.objects.filter(code__in=[e.code for e in entries]).values_list("code", flat=True))
    fresh = [e for e in entries if e.code not in known]
    again = [e for e in entries if e.code in known]
    columns = [
        "kind",
        "name_zh",
        "name_en",
        "area",
        "lng",
        "lat",
        "address",
        "phone",
        "notes",
        "function",
        "every_days",
    ]
    with transaction.atomic():
        Entry.objects.bulk_create(fresh)
        Entry.objects.bulk_create(
            again, update_conflicts=True, unique_fields=["code"], update_fields=[*columns, "is_active"]
        )
        _act(actor, "grid.import", 0, {"added": len(fresh), "changed": len(again)})
    return len(fresh)
