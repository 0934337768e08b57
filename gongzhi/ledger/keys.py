"""The signing key of the log: a file that only its owner can read."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from gongzhi.ledger import key_files
from gongzhi.ledger.notes import Verifier


def _file() -> Path:
    return Path(settings.LEDGER_KEY_FILE)


def signing_key() -> Ed25519PrivateKey:
    """The present key, made at the first call.

    Raises:
        KeyUnsafe: others can read the file, or it holds no key.
    """
    return key_files.read_or_make(_file())


def verifiers() -> list[Verifier]:
    """The present key first, then all former ones, whose checkpoints stay valid."""
    return list(_known())


def verifier_text() -> str:
    """The present key as `name+hash+key`, as every receipt carries it."""
    return _written(_known()[0])


_written = lru_cache(maxsize=8)(str)


def _known() -> tuple[Verifier, ...]:
    path, former = _paths(str(settings.LEDGER_KEY_FILE))
    stamp = _stamp(path)
    if stamp == _ABSENT:
        signing_key()
        stamp = _stamp(path)
    return _verifiers(path, settings.LEDGER_ORIGIN, stamp, _stamp(former))


@lru_cache(maxsize=8)
def _paths(file: str) -> tuple[str, str]:
    return file, str(_former(Path(file)))


@lru_cache(maxsize=8)
def _verifiers(path: str, origin: str, *stamps: tuple[int, int, int]) -> tuple[Verifier, ...]:
    """Read once for as long as neither file changes (`stamps`)."""
    present = signing_key().public_key().public_bytes_raw()
    former = _former(Path(path))
    lines = former.read_text().split() if former.exists() else []
    return (
        Verifier(origin, present),
        *(Verifier(origin, bytes.fromhex(line)) for line in reversed(lines)),
    )


_ABSENT = (0, 0, 0)


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 – asked at every receipt, where making a Path costs more
    except FileNotFoundError:
        return _ABSENT
    return (found.st_mtime_ns, found.st_ino, stat.S_IMODE(found.st_mode))


def rotate() -> Verifier:
    """Replace the key; the former public key stays listed. Gives the new verifier key."""
    path = _file()
    public = signing_key().public_key().public_bytes_raw()
    with _former(path).open("a") as former:
        former.write(public.hex() + "\n")
    path.rename(path.with_suffix(f".{public.hex()[:8]}.old"))
    key_files.make(path)
    return verifiers()[0]


def _former(path: Path) -> Path:
    return path.with_suffix(".former")
