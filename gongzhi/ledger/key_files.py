"""Private keys in files that only their owner can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class KeyUnsafe(RuntimeError):
    """The key file can be read by others, or is damaged."""


def read_or_make(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in `path` (32 raw bytes, mode 600), made at the first call.

    Raises:
        KeyUnsafe: others can read the file, or it holds no key.
    """
    if not path.exists():
        make(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeyUnsafe(f"{path} can be read by others: run chmod 600 {path}")
    raw = path.read_bytes()
    if len(raw) != 32:
        raise KeyUnsafe(f"{path} does not hold an Ed25519 key: restore it from the backup")
    return Ed25519PrivateKey.from_private_bytes(raw)


def make(path: Path) -> None:
    """Write a new key, whole or not at all; of several processes that begin at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(f".{os.urandom(6).hex()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Ed25519PrivateKey.generate().private_bytes_raw())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
