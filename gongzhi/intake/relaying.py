"""What another system tells about a matter that came in through it, taken once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from gongzhi.cases import actions, queries
from gongzhi.cases.actions import Contact
from gongzhi.cases.attachments import StoredFile
from gongzhi.cases.lifecycle import OPEN_STATES, Closure, State
from gongzhi.cases.models import Case, Party
from gongzhi.errors import Invalid, KeyReused, NotAllowed
from gongzhi.intake.models import Submitted
from gongzhi.registry.authority import Actor


@dataclass(frozen=True, slots=True)
class Told:
    """What another system tells about a matter.

    Attributes:
        status: a word of Open311's updates, e.g. ``OPEN``, ``FIXED``, ``IN_PROGRESS``.
        update_id: the sender's own, so that nothing is taken twice.
        media: addresses of pictures that lie elsewhere.
    """

    text: str
    status: str
    update_id: str
    photos: tuple[StoredFile, ...] = ()
    media: tuple[str, ...] = ()

    def words(self) -> str:
        """The text with the addresses; when nothing was said, what the status or picture says."""
        lines = [self.text.strip(), *self.media]
        said = "\n".join(line for line in lines if line)
        if said:
            return said
        return _("(a photo)") if self.photos else _("(status elsewhere: %(s)s)") % {"s": self.status}


def relay(case: Case, told: Told, contact: Contact, *, trusted: bool = False) -> str:
    """Add what a requester said in another system; a repeated `update_id` changes nothing.

    An ended case is contested when the status says that it is open again; ``CANCELLED`` withdraws
    an open one; everything else, ``CLOSED`` and ``FIXED`` too, is added as the requester's words:
    only who holds the matter ends it.

    Args:
        contact: phone or email of the requester, as left with the case.
        trusted: the sender holds a key of this city and relays for the requesters of the matters
            that came in through it.

    Returns:
        The id of the update.

    Raises:
        NotAllowed: the contact is not on the case, and the sender is not trusted.
        KeyReused: the update_id came before with other words.
        Invalid, WrongState: see `cases.actions`.
    """
    actor = _speaker(case, contact.phone, contact.email, trusted=trusted)

    def act(words: str) -> None:
        ended = case.state not in OPEN_STATES
        if ended and told.status in ("OPEN", "REOPEN"):
            actions.contest(actor, case, words)
        elif not ended and told.status == "CANCELLED":
            actions.withdraw(actor, case, reason=words)
        else:
            actions.say(actor, case, words, photos=told.photos)

    return _once(case, told, act)


_UNDER_WAY = ("IN_PROGRESS", "ACTION_SCHEDULED", "INVESTIGATING")
_ENDING = {
    "FIXED": Closure.FIXED,
    "CLOSED": Closure.FIXED,
    "NO_FURTHER_ACTION": Closure.WILL_NOT,
}
_SENT_BACK = {
    "NOT_COUNCILS_RESPONSIBILITY": "not_ours",
    "INTERNAL_REFERRAL": "not_ours",
    "FOR_TRIAGE": "wrong_function",
}


def work_on(case: Case, told: Told, actor: Actor) -> str:
    """Do what the works system of the organisation that holds the case tells; each `update_id` once.

    Work that begins takes the case up, ``FIXED`` and ``CLOSED`` resolve it as done,
    ``NO_FURTHER_ACTION`` as not to be done, "not ours" returns it to the dispatcher, ``OPEN`` is an
    answer to the requester. What needs somebody's judgement is left to the desk.

    Returns:
        The id of the update.

    Raises:
        NotAllowed: another organisation holds the case.
        KeyReused: the update_id came before with other words.
        Invalid: a status that only a person may decide, or no words where the requester needs some.
        WrongState: see `cases.actions`.
    """

    def act(words: str) -> None:
        if told.status in _SENT_BACK:
            actions.return_(actor, case, reason_code=_SENT_BACK[told.status], reason=words)
            return
        if told.status not in (*_UNDER_WAY, *_ENDING, "OPEN"):
            sentence = _("This status is decided by a person at the desk.")
            raise Invalid(fields={"status": sentence})
        if told.status != "OPEN" and case.state == State.ASSIGNED:
            actions.accept(actor, case)
        if told.status in _ENDING:
            if not told.text.strip():
                raise Invalid(fields={"description": _("Tell the requester what was done.")})
            actions.resolve(actor, case, words, closure=_ENDING[told.status])
        elif told.text.strip() or told.media:
            actions.reply(actor, case, words)

    return _once(case, told, act)


def _once(case: Case, told: Told, act: Callable[[str], None]) -> str:
    if not told.update_id or len(told.update_id) > 100 or not told.update_id.isprintable():
        raise Invalid(fields={"update_id": _("Between 1 and 100 characters.")})
    key = f"update:{case.pk}:{told.update_id}"
    content = "\n".join((told.status, told.text, *told.media, *(p.sha256 for p in told.photos)))
    digest = hashlib.sha256(content.encode("utf-8", "replace")).digest()
    with transaction.atomic():
        row, is_new = Submitted.objects.get_or_create(
            key=key, defaults={"body_digest": digest, "case_id": case.pk, "answer": {}}
        )
        if is_new:
            act(told.words())
        elif bytes(row.body_digest) != digest:
            raise KeyReused()
    return told.update_id


def _speaker(case: Case, phone: str, email: str, *, trusted: bool) -> Actor:
    party: Party | None = queries.party_by_phone(case, phone) if phone else None
    if party is None and email:
        party = Party.objects.filter(case=case, email__iexact=email.strip()).order_by("pk").first()
    if party is None and trusted and case.channel in ("open311", "api"):
        party = Party.objects.filter(case=case, role=Party.Role.REQUESTER).first()
    if party is None:
        raise NotAllowed(_("Give the phone or email that was left with this matter."))
    return Actor(kind="anonymous", party_ids=frozenset({party.pk}))
