"""Erasing a person from a case (right to erasure); the record of what was done stays provable."""

from __future__ import annotations

import secrets

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases.actions._core import checked_text, subject_of
from gongzhi.cases.models import Attachment, Case, Message, Party
from gongzhi.cases.opening import secret_hash
from gongzhi.cases.personal_text import masked
from gongzhi.errors import NotFound
from gongzhi.ledger import acts
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor


def erase(actor: Actor, party: Party, *, reason: str) -> None:
    """Remove who a requester or supporter is, and what they wrote beyond the public view.

    Contact, secret, the original wording, its salts and photos that were not published go. The acts
    stay as they are: they hold salted digests only, and without the salts a digest says nothing, so
    every proof of the ledger stays valid.

    Raises:
        NotAllowed: the actor is no administrator.
        NotFound: the party is gone.
        Invalid: no reason.
    """
    reason = checked_text(reason, field_name="reason")
    with transaction.atomic():
        case = Case.objects.select_for_update().filter(pk=party.case_id).first()
        if case is None or not Party.objects.filter(pk=party.pk).exists():
            raise NotFound(_("There is no such case."))
        authority.require(actor, "case.erase", subject_of(case))
        Party.objects.filter(pk=party.pk).update(
            name="",
            phone="",
            email="",
            person=None,
            secret_hash=secret_hash(secrets.token_urlsafe(32)),
        )
        said = list(Message.objects.filter(party_id=party.pk))
        for message in said:
            message.public_text = _without(message.public_text, party.name)
            message.text, message.salt = message.public_text, b""
        Message.objects.bulk_update(said, ["text", "public_text", "salt"])
        Attachment.objects.filter(message__in=said, is_public=False).delete()
        if party.role == Party.Role.REQUESTER:
            case.public_text = _without(case.public_text, party.name)
            _erase_original(case)
        case.version += 1
        case.updated_at = timezone.now()
        case.save()
        acts.record(
            actor,
            "case.erase",
            "case",
            case.pk,
            case.number,
            {"role": party.role},
            reason=masked(reason),
            at=case.updated_at,
        )


def _without(text: str, name: str) -> str:
    """A text that does not name the person either where the masking could not know the name."""
    return text.replace(name, "［＊＊］") if len(name) > 1 else text


def _erase_original(case: Case) -> None:
    case.text, case.address = case.public_text, case.public_address
    case.attributes = {}
    case.reading = {**case.reading, "words": []}
    Attachment.objects.filter(case=case, message=None, is_public=False).delete()
