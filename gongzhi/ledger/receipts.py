"""What a resident keeps, and the proof that it is in the log."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings

from gongzhi.ledger import acts, keys, merkle, notes, tree
from gongzhi.ledger.acts import PreparedAct
from gongzhi.ledger.models import Act, Checkpoint, Position

FORMAT = "gongzhi-receipt/1"


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a commitment stands in the log; hashes as base64, `position` None while pending."""

    status: str
    position: int | None
    size: int
    hashes: list[str]
    checkpoint: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def receipt(act_id: int, act: Act | PreparedAct, url: str) -> dict[str, Any]:
    """The receipt for an act, complete in itself: content, salt, commitment and the log's key."""
    return {
        "format": FORMAT,
        "origin": settings.LEDGER_ORIGIN,
        "vkey": keys.verifier_text(),
        "number": act.subject_key,
        "url": url,
        "act_id": act_id,
        "act": acts.content(act),
        "salt": base64.b64encode(bytes(act.salt)).decode(),
        "commitment": bytes(act.commitment).hex(),
    }


def proof_for(act_id: int) -> Proof | None:
    """The proof for an act, None when there is no such act."""
    head = tree.head()
    position = Position.objects.filter(act_id=act_id).values_list("position", flat=True).first()
    note = head.note if head else ""
    if position is None or head is None:
        if not Act.objects.filter(pk=act_id).exists():
            return None
        return Proof("pending", None, head.size if head else 0, [], note)
    path = merkle.inclusion_proof(tree.hash_reader(), position, head.size)
    return Proof("included", position, head.size, [base64.b64encode(h).decode() for h in path], note)


def consistency(old: int, new: int) -> list[str]:
    """Base64 hashes that show the log only grew from `old` to `new`.

    Raises:
        ValueError: not 0 < old ≤ new ≤ size of the log.
    """
    head = tree.head()
    if head is None or new > head.size:
        raise ValueError("the log is not that large")
    return [base64.b64encode(h).decode() for h in merkle.consistency_proof(tree.hash_reader(), old, new)]


def check(document: dict[str, Any], proof: Proof | None) -> list[tuple[str, bool]]:
    """Recompute a receipt step by step: (name of the step, whether it holds).

    Steps: ``commitment`` the content gives the commitment; ``known_key`` a key of this log signed;
    ``included`` the commitment is in the signed tree.
    """
    try:
        salt = base64.b64decode(document["salt"], validate=True)
        computed = acts.commitment_of(document["act"], salt)
        same = computed.hex() == document["commitment"]
        same = same and document["act"]["subject_key"] == document["number"]
    except (KeyError, TypeError, ValueError):
        return [("commitment", False)]
    steps = [("commitment", same)]
    if proof is None or proof.position is None:
        return [*steps, ("included", False)]
    try:
        head = notes.open_checkpoint(proof.checkpoint, keys.verifiers())
    except notes.NoteInvalid:
        return [*steps, ("known_key", False)]
    path = [base64.b64decode(h) for h in proof.hashes]
    included = head.size == proof.size and merkle.verify_inclusion(
        merkle.leaf_hash(computed), proof.position, head.size, path, head.root
    )
    return [*steps, ("known_key", True), ("included", included)]


def checkpoint_at(size: int) -> Checkpoint | None:
    """The stored checkpoint of exactly `size` leaves."""
    return Checkpoint.objects.filter(size=size).first()


class OwnLog:
    """The log in this installation's own database, as `checking.Log` asks for it."""

    def verifier_keys(self) -> list[str]:
        return [str(verifier) for verifier in keys.verifiers()]

    def proof(self, act_id: int) -> dict[str, Any] | None:
        found = proof_for(act_id)
        return found.as_json() if found is not None else None

    def consistency(self, old: int, new: int) -> list[str]:
        return consistency(old, new)
