"""Checking a receipt with nothing but what anybody can fetch: no database, no trust in the server.

The anchor is the verifier key inside the receipt, which the resident has kept.
"""

from __future__ import annotations

import base64
import binascii
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from gongzhi.ledger import acts, merkle, notes

_MOST_BYTES = 1 << 20


class Log(Protocol):
    """What a check asks of a log, wherever it lies."""

    def verifier_keys(self) -> list[str]:
        """Verifier keys, the present one first."""
        ...

    def proof(self, act_id: int) -> dict[str, Any] | None:
        """The proof for an act as `receipts.Proof.as_json` writes it; None: no such act."""
        ...

    def consistency(self, old: int, new: int) -> list[str]:
        """Base64 hashes that show that the log of `new` acts begins with the one of `old`."""
        ...


class Unreachable(Exception):
    """The log did not answer, or not as a log does; the sentence says what happened."""


@dataclass(frozen=True, slots=True)
class PublicLog:
    """A log behind its public addresses."""

    url: str

    def verifier_keys(self) -> list[str]:
        return self._fetch("/ledger/vkey").decode("utf-8", "replace").split()

    def proof(self, act_id: int) -> dict[str, Any] | None:
        try:
            return self._json(f"/ledger/proof?act={act_id}")
        except _Missing:
            return None

    def consistency(self, old: int, new: int) -> list[str]:
        found = self._json(f"/ledger/consistency?from={old}&to={new}").get("hashes")
        return [str(h) for h in found] if isinstance(found, list) else []

    def _json(self, path: str) -> dict[str, Any]:
        try:
            document = json.loads(self._fetch(path))
        except ValueError as problem:
            raise Unreachable(f"{self.url}{path} did not answer with JSON") from problem
        if not isinstance(document, dict):
            raise Unreachable(f"{self.url}{path} did not answer with a JSON object")
        return document

    def _fetch(self, path: str) -> bytes:
        address = self.url.rstrip("/") + path
        if urlsplit(address).scheme not in ("http", "https"):
            raise Unreachable(f"{self.url} must begin with http:// or https://")
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 – checked above
                data: bytes = answer.read(_MOST_BYTES)
        except urllib.error.HTTPError as problem:
            if problem.code == 404:
                raise _Missing(address) from problem
            raise Unreachable(f"{address} answered {problem.code}") from problem
        except OSError as problem:
            raise Unreachable(f"{address} cannot be reached: {problem}") from problem
        return data


class _Missing(Unreachable):
    pass


def check_receipt(document: Mapping[str, Any], log: Log, *, old_note: str = "") -> list[tuple[str, bool]]:
    """Every step of a check with its result, in order; a step that cannot be taken ends the list.

    Steps: ``commitment`` the content gives the commitment and belongs to the case; ``known_key``
    the checkpoint is signed by the key in the receipt, or by one that replaced it; ``included`` the
    commitment is in the signed tree; ``old_checkpoint`` the earlier checkpoint is signed too;
    ``grown`` the log has only grown since.

    Args:
        document: the receipt.
        old_note: a checkpoint that was kept earlier; empty: none.

    Raises:
        Unreachable: the log did not answer.
    """
    try:
        salt = base64.b64decode(document["salt"], validate=True)
        computed = acts.commitment_of(document["act"], salt)
        act_id = int(document["act_id"])
        own = notes.Verifier.parse(str(document["vkey"]))
        same = computed.hex() == document["commitment"]
        same = same and document["act"]["subject_key"] == document["number"]
    except (KeyError, TypeError, ValueError):
        return [("commitment", False)]
    steps = [("commitment", same)]
    proof = log.proof(act_id)
    if proof is None or proof.get("position") is None:
        return [*steps, ("included", False)]
    verifiers = _verifiers(own, log.verifier_keys())
    head = _opened(str(proof.get("checkpoint", "")), verifiers, own.name)
    steps.append(("known_key", head is not None))
    if head is None:
        return steps
    try:
        path = [base64.b64decode(h, validate=True) for h in proof["hashes"]]
        included = merkle.verify_inclusion(
            merkle.leaf_hash(computed), int(proof["position"]), head.size, path, head.root
        )
    except (KeyError, TypeError, ValueError, binascii.Error):
        included = False
    steps.append(("included", included))
    if old_note:
        steps += _grown(old_note, head, verifiers, own.name, log)
    return steps


def _grown(
    old_note: str,
    head: notes.Checkpoint,
    verifiers: Sequence[notes.Verifier],
    origin: str,
    log: Log,
) -> list[tuple[str, bool]]:
    old = _opened(old_note, verifiers, origin)
    if old is None:
        return [("old_checkpoint", False)]
    if old.size > head.size:
        return [("old_checkpoint", True), ("grown", False)]
    hashes: list[bytes] = []
    if 0 < old.size < head.size:
        try:
            hashes = [base64.b64decode(h, validate=True) for h in log.consistency(old.size, head.size)]
        except binascii.Error:
            return [("old_checkpoint", True), ("grown", False)]
    grown = merkle.verify_consistency(old.size, head.size, old.root, head.root, hashes)
    return [("old_checkpoint", True), ("grown", grown)]


def _verifiers(own: notes.Verifier, listed: Sequence[str]) -> list[notes.Verifier]:
    """The receipt's key; keys that the log lists count only if they list the receipt's as well."""
    known = []
    for text in listed:
        try:
            known.append(notes.Verifier.parse(text))
        except notes.NoteInvalid:
            continue
    return known if own in known else [own]


def _opened(note: str, verifiers: Sequence[notes.Verifier], origin: str) -> notes.Checkpoint | None:
    try:
        opened = notes.open_checkpoint(note, list(verifiers))
    except notes.NoteInvalid:
        return None
    return opened if opened.origin == origin else None
