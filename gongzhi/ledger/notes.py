"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint) with Ed25519."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"


class NoteInvalid(ValueError):
    """The text is no signed note, or no known key signed it."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A verifier key: the name and public key of a signer."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.key_hash.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Read ``name+hash+key``.

        Raises:
            NoteInvalid: malformed, another algorithm, or the hash does not fit.
        """
        try:
            name, key_hash, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error) as problem:
            raise NoteInvalid("a verifier key reads name+hash+key") from problem
        if len(raw) != 33 or raw[:1] != _ED25519:
            raise NoteInvalid("only Ed25519 verifier keys are known here")
        verifier = cls(name, raw[1:])
        if verifier.key_hash.hex() != key_hash:
            raise NoteInvalid("the hash in the verifier key does not fit its key")
        return verifier


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: its name, size and root hash."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """`text` (ending in a newline) as a note signed by `key` under `name`."""
    public = key.public_key().public_bytes_raw()
    signature = Verifier(name, public).key_hash + key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def open_note(note: str, verifiers: list[Verifier]) -> str:
    """The text of a note that at least one of `verifiers` signed; unknown signatures are ignored.

    Raises:
        NoteInvalid: malformed, wrongly signed by a known key, or signed by none.
    """
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise NoteInvalid("no signatures behind a blank line")
    text += "\n"
    verified = False
    for line in signatures.splitlines():
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "—":
            raise NoteInvalid("a signature line reads — name signature")
        try:
            raw = base64.b64decode(parts[2], validate=True)
        except binascii.Error as problem:
            raise NoteInvalid("a signature is not base64") from problem
        for verifier in verifiers:
            if verifier.name == parts[1] and verifier.key_hash == raw[:4]:
                try:
                    key = Ed25519PublicKey.from_public_bytes(verifier.public)
                    key.verify(raw[4:], text.encode())
                except InvalidSignature as problem:
                    raise NoteInvalid(f"the signature of {parts[1]} is wrong") from problem
                verified = True
    if not verified:
        raise NoteInvalid("none of the known keys signed this note")
    return text


def open_checkpoint(note: str, verifiers: list[Verifier]) -> Checkpoint:
    """The checkpoint in a signed note.

    Raises:
        NoteInvalid: see `open_note`, or the text is no checkpoint.
    """
    lines = open_note(note, verifiers).split("\n")
    try:
        size = int(lines[1])
        root = base64.b64decode(lines[2], validate=True)
    except (IndexError, ValueError) as problem:
        raise NoteInvalid("a checkpoint has origin, size and root on three lines") from problem
    if len(root) != 32 or size < 0 or str(size) != lines[1]:
        raise NoteInvalid("the size or root of the checkpoint is malformed")
    return Checkpoint(lines[0], size, root)
