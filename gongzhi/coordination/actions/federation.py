"""Matters that belong to other cities: sent there, followed, and received from there.

Both sides keep a `Passage` under the same id. What happens to a case becomes numbered messages in the
outbox `Told`; the other side takes each number once and in order, so a repetition changes nothing.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import actions
from gongzhi.cases.lifecycle import OPEN_STATES, Closure, Verb
from gongzhi.cases.models import Case, Message, Party
from gongzhi.cases.opening import utc_text
from gongzhi.cases.texts import checked_text
from gongzhi.coordination import outgoing
from gongzhi.coordination.actions._core import record
from gongzhi.coordination.models import Neighbour, Passage, Told
from gongzhi.errors import Conflict, Invalid, NotFound, WrongState
from gongzhi.intake.actions import receive as take_in
from gongzhi.intake.submission import Submission
from gongzhi.ledger.models import Act
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import SYSTEM, Actor

_TOLD_BY_WORKER = (
    Verb.ACCEPT, Verb.LAPSE, Verb.REPLY, Verb.RESOLVE, Verb.DECLINE, Verb.ASK, Verb.GRANT_TIME,
    Verb.REOPEN, Verb.MERGE, Verb.TRANSFER, Verb.ASSIGN,
)  # fmt: skip
_TOLD_BY_ORIGIN = (Verb.SAY, Verb.CONTEST, Verb.WITHDRAW)


@dataclass(frozen=True, slots=True)
class Place:
    """How a neighbour is reached."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    base_url: str
    public_key: str = ""
    api_key: str = ""
    jurisdiction_id: str = ""
    services: dict[str, str] | None = None


def register_neighbour(actor: Actor, place: Place, *, at: datetime | None = None) -> Neighbour:
    """Register a neighbouring city, or change how it is reached.

    Raises:
        Invalid: the address cannot be called, the key is none, or the code is this city's own.
    """
    authority.require(actor, "neighbour.register")
    if place.code == snapshot.current().city.code:
        raise Invalid(fields={"code": _("This is the code of your own city.")})
    if place.kind not in Neighbour.Kind.values:
        raise Invalid(fields={"kind": _("Choose one of: %(values)s.") % {"values": "gongzhi, open311"}})
    outgoing.checked(place.base_url)
    if place.kind == Neighbour.Kind.GONGZHI and not _is_key(place.public_key):
        raise Invalid(fields={"public_key": _("This is no Ed25519 key in base64.")})
    with transaction.atomic():
        neighbour, _is_new = Neighbour.objects.update_or_create(
            code=place.code,
            defaults={
                "name_zh": place.name_zh,
                "name_en": place.name_en,
                "kind": place.kind,
                "base_url": place.base_url.rstrip("/"),
                "public_key": place.public_key,
                "api_key": place.api_key,
                "jurisdiction_id": place.jurisdiction_id,
                "services": place.services or {},
                "is_active": True,
            },
        )
        details = {"code": place.code, "kind": place.kind, "public_key": place.public_key}
        record(actor, "neighbour.register", neighbour.pk, details, at=at)
    return neighbour


def send(
    actor: Actor, case: Case, neighbour: Neighbour, *, reason: str, at: datetime | None = None
) -> Passage:
    """Send a matter to the city it belongs to; here it stays under its number and with the first desk.

    Raises:
        Invalid: the neighbour is no longer registered, or no reason.
        WrongState: it came from another city, or was sent to one already.
    """
    from gongzhi.coordination.jobs import deliver_passage

    now = at or timezone.now()
    if not neighbour.is_active:
        raise Invalid(fields={"city": _("This city can no longer be reached.")})
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=case.pk)
        if Passage.objects.filter(case=case).exclude(state=Passage.State.FAILED).exists():
            raise WrongState(_("This matter was sent to another city, or came from one, already."))
        actions.pass_on(actor, case, city=neighbour.code, reason=reason, at=now)
        last = Act.objects.filter(subject_kind="case", subject_id=case.pk).order_by("-pk").first()
        passage = Passage.objects.create(
            id=uuid.uuid4(),
            neighbour=neighbour,
            case=case,
            direction=Passage.Direction.OUT,
            state=Passage.State.WAITING,
            began_at=now,
            told_act=last.pk if last else 0,
        )
        deliver_passage.defer(passage_id=str(passage.pk))
    return passage


def reached(passage: Passage, number: str, receipt: dict[str, Any], at: datetime) -> None:
    """Note that the other city has the matter, with its receipt; inside the caller's transaction."""
    passage.state, passage.number_there = Passage.State.THERE, number[:100]
    passage.receipt, passage.reached_at, passage.problem = receipt, at, ""
    passage.save(update_fields=["state", "number_there", "receipt", "reached_at", "problem"])
    words = _("%(city)s has received the matter; its number there is %(number)s.") % {
        "city": passage.neighbour.name,
        "number": number,
    }
    _mirrored(passage, "received", words, at)


def failed(passage_id: uuid.UUID, problem: str) -> None:
    """Note that the other city does not take the matter; the desk here decides what else to do."""
    with transaction.atomic():
        passage = Passage.objects.select_for_update().get(pk=passage_id)
        if passage.state != Passage.State.WAITING:
            return
        passage.state, passage.problem = Passage.State.FAILED, problem[:200]
        passage.save(update_fields=["state", "problem"])
        _mirrored(passage, "failed", "", timezone.now())


@dataclass(frozen=True, slots=True)
class Matter:
    """A matter as it travels between cities: no name, telephone or address of the requester."""

    id: uuid.UUID
    number: str
    text: str
    language: str = "zh-hans"
    lng: float | None = None
    lat: float | None = None
    address: str = ""
    function: str = ""
    is_public: bool = True


def receive(neighbour: Neighbour, matter: Matter, *, at: datetime | None = None) -> Passage:
    """Take a matter in that another city has sent; the same id again gives the same case.

    Raises:
        Invalid: it does not fit here, for instance the place lies elsewhere.
        KeyReused: the id came before with something else.
    """
    known = snapshot.current().function_by_code.get(matter.function)
    receipt = take_in(
        Submission(
            text=matter.text,
            channel="api",
            language=matter.language,
            lng=matter.lng,
            lat=matter.lat,
            address=matter.address,
            function_code=matter.function if known is not None and known.is_leaf else "",
            is_public=matter.is_public,
            idempotency_key=f"city:{neighbour.code}:{matter.id}",
            source=f"city:{neighbour.code}",
            source_id=str(matter.id),
        ),
        Actor(kind="city"),
    )
    now = at or timezone.now()
    last = Act.objects.filter(subject_kind="case", subject_id=receipt.case_id).order_by("-pk").first()
    passage, _is_new = Passage.objects.get_or_create(
        id=matter.id,
        defaults={
            "neighbour": neighbour,
            "case_id": receipt.case_id,
            "direction": Passage.Direction.IN,
            "state": Passage.State.THERE,
            "number_there": matter.number[:100],
            "receipt": receipt.document,
            "began_at": now,
            "reached_at": now,
            "told_act": last.pk if last else 0,
        },
    )
    return passage


def collect(passage_id: uuid.UUID) -> int:
    """Put what happened to the case since the last look into the outbox; gives how much it was."""
    with transaction.atomic():
        passage = Passage.objects.select_for_update(of=("self",)).select_related("case").get(pk=passage_id)
        verbs = _TOLD_BY_WORKER if passage.direction == Passage.Direction.IN else _TOLD_BY_ORIGIN
        new = Act.objects.filter(
            subject_kind="case", subject_id=passage.case_id, pk__gt=passage.told_act
        ).order_by("pk")
        acts = list(new)
        if not acts:
            return 0
        told = [act for act in acts if act.verb.removeprefix("case.") in verbs]
        first = passage.told.count() + 1
        Told.objects.bulk_create(
            Told(passage=passage, sequence=n, body=_body(act, n), at=act.recorded_at)
            for n, act in enumerate(told, start=first)
        )
        passage.told_act = acts[-1].pk
        passage.save(update_fields=["told_act"])
    return len(told)


def hear(neighbour: Neighbour, passage_id: uuid.UUID, body: dict[str, Any]) -> int:
    """Take in a message of the other city; gives the number of the last one that was taken in.

    Raises:
        NotFound: this city has no such passage with that neighbour.
        Conflict: an earlier message has not arrived yet.
        Invalid: an unknown verb.
    """
    with transaction.atomic():
        passage = (
            Passage.objects.select_for_update(of=("self",))
            .select_related("case", "neighbour")
            .filter(pk=passage_id, neighbour=neighbour)
            .first()
        )
        if passage is None:
            raise NotFound(_("There is no such matter of your city here."))
        sequence = int(body["sequence"])
        if sequence <= passage.heard:
            return passage.heard
        if sequence != passage.heard + 1:
            raise Conflict(_("An earlier message has not arrived yet; send it first."))
        if passage.direction == Passage.Direction.OUT:
            _from_worker(passage, body)
        else:
            _from_origin(passage, body)
        Passage.objects.filter(pk=passage.pk).update(heard=F("heard") + 1)
    return sequence


def settled(passage: Passage, text: str, *, closure: str = Closure.FIXED, at: datetime | None = None) -> None:
    """Resolve the matter here because it was resolved there, inside the caller's transaction."""
    case = Case.objects.get(pk=passage.case_id)
    if case.state not in OPEN_STATES:
        return
    words = text.strip() or _("Dealt with by %(city)s.") % {"city": passage.neighbour.name}
    owner = passage.neighbour.name if closure == Closure.NOT_OURS else ""
    actions.resolve(SYSTEM, case, words, closure=closure, owner=owner, at=at)


def _from_worker(passage: Passage, body: dict[str, Any]) -> None:
    verb, text = str(body["verb"]), str(body.get("text", ""))
    if verb not in _TOLD_BY_WORKER:
        raise Invalid(fields={"verb": _("This installation does not know what was told.")})
    closure = str(body.get("closure") or "")
    case = Case.objects.get(pk=passage.case_id)
    if verb in (Verb.RESOLVE, Verb.DECLINE):
        told = closure if closure in (Closure.FIXED, Closure.WILL_NOT, Closure.NOT_OURS, Closure.CANNOT_VERIFY) else Closure.CANNOT_VERIFY  # fmt: skip
        settled(passage, text, closure=told)
        return
    if verb == Verb.REOPEN and case.state not in OPEN_STATES:
        reason = _("Opened again by %(city)s.") % {"city": passage.neighbour.name}
        actions.reopen(SYSTEM, case, reason=reason)
        return
    _mirrored(passage, verb, text if verb in (Verb.REPLY, Verb.ASK) else "", timezone.now())


def _from_origin(passage: Passage, body: dict[str, Any]) -> None:
    verb, text = str(body["verb"]), str(body.get("text", "")).strip() or "…"
    if verb not in _TOLD_BY_ORIGIN:
        raise Invalid(fields={"verb": _("This installation does not know what was told.")})
    case = Case.objects.get(pk=passage.case_id)
    party = Party.objects.filter(case=case, role=Party.Role.REQUESTER).order_by("pk").first()
    actor = Actor(kind="city", party_ids=frozenset({party.pk} if party else ()))
    is_open = case.state in OPEN_STATES
    if verb == Verb.CONTEST and not is_open and case.merged_into_id is None:
        actions.contest(actor, case, checked_text(text))
    elif verb == Verb.WITHDRAW and is_open:
        actions.withdraw(actor, case, reason=text)
    else:
        actions.say(actor, case, checked_text(text))


def _mirrored(passage: Passage, status: str, text: str, at: datetime) -> None:
    case = Case.objects.get(pk=passage.case_id)
    if case.state == "under_way":
        actions.mirror(
            case, city=passage.neighbour.code, number=passage.number_there, status=status, text=text, at=at
        )


def _body(act: Act, sequence: int) -> dict[str, Any]:
    said = Message.objects.filter(case_id=act.subject_id, said_at=act.recorded_at).exclude(
        audience=Message.Audience.INTERNAL
    )
    text = said.values_list("public_text", flat=True).first() or act.reason
    return {
        "sequence": sequence,
        "verb": act.verb.removeprefix("case."),
        "state": act.details.get("state"),
        "closure": act.details.get("closure"),
        "due": act.details.get("due_at"),
        "text": text,
        "at": utc_text(act.recorded_at),
    }


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False
