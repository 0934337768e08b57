"""Signed requests between installations: HTTP Message Signatures (RFC 9421) with Ed25519.

The signature covers method, full address and the digest of the body (RFC 9530), and when it was made;
one that is older than `FRESH_S` is refused. Answers are signed over status and digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.utils.translation import gettext as _

from gongzhi.errors import NotAllowed
from gongzhi.ledger import key_files

FRESH_S: Final = 300
_OF_REQUEST: Final = ("@method", "@target-uri", "content-digest")
_OF_ANSWER: Final = ("@status", "content-digest")
_INPUT: Final = re.compile(
    r'sig1=(?P<params>\((?P<names>[^)]*)\);created=(?P<created>\d{1,12});keyid="(?P<keyid>[A-Za-z0-9-]{1,12})";alg="ed25519")'
)
_SIGNATURE: Final = re.compile(r"sig1=:(?P<value>[A-Za-z0-9+/=]{86,88}):")


@dataclass(frozen=True, slots=True)
class Signed:
    """What was verified: whose key it was, and when it was signed (seconds since 1970)."""

    key_id: str
    created: int


def own_key() -> Ed25519PrivateKey:
    """The key of this installation, made at the first call.

    Raises:
        KeyUnsafe: others can read the file, or it holds no key.
    """
    return key_files.read_or_make(Path(settings.FEDERATION_KEY_FILE))


def own_public_key() -> str:
    """The public key of this installation in base64, as neighbours register it."""
    return base64.b64encode(own_key().public_key().public_bytes_raw()).decode()


def sign_request(
    method: str, url: str, body: bytes, *, key_id: str, key: Ed25519PrivateKey, created: int
) -> dict[str, str]:
    """The headers that sign a request."""
    values = {"@method": method, "@target-uri": url, "content-digest": content_digest(body)}
    return _signed(_OF_REQUEST, values, key_id, key, created)


def sign_answer(
    status: int, body: bytes, *, key_id: str, key: Ed25519PrivateKey, created: int
) -> dict[str, str]:
    """The headers that sign an answer."""
    values = {"@status": str(status), "content-digest": content_digest(body)}
    return _signed(_OF_ANSWER, values, key_id, key, created)


def verify_request(
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    key_of: Callable[[str], str],
    now: int,
) -> Signed:
    """Whose request this is.

    Args:
        headers: names in lower case.
        key_of: gives the public key (base64) for a key id, empty for an unknown one.

    Raises:
        NotAllowed: no signature, an unknown key, changed in any byte, or too old.
    """
    values = {"@method": method, "@target-uri": url}
    return _verified(_OF_REQUEST, values, body, headers, key_of, now)


def verify_answer(
    status: int, body: bytes, headers: Mapping[str, str], *, key_of: Callable[[str], str], now: int
) -> Signed:
    """Whose answer this is; raises like `verify_request`."""
    return _verified(_OF_ANSWER, {"@status": str(status)}, body, headers, key_of, now)


def content_digest(body: bytes) -> str:
    """The Content-Digest header (RFC 9530) of a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _signed(
    names: tuple[str, ...], values: dict[str, str], key_id: str, key: Ed25519PrivateKey, created: int
) -> dict[str, str]:
    listed = " ".join(f'"{name}"' for name in names)
    params = f'({listed});created={created};keyid="{key_id}";alg="ed25519"'
    signature = base64.b64encode(key.sign(_base(names, values, params))).decode()
    return {
        "Content-Digest": values["content-digest"],
        "Signature-Input": f"sig1={params}",
        "Signature": f"sig1=:{signature}:",
    }


def _base(names: tuple[str, ...], values: Mapping[str, str], params: str) -> bytes:
    lines = [f'"{name}": {values[name]}' for name in names]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode()


def _verified(
    names: tuple[str, ...],
    values: dict[str, str],
    body: bytes,
    headers: Mapping[str, str],
    key_of: Callable[[str], str],
    now: int,
) -> Signed:
    given = _INPUT.fullmatch(headers.get("signature-input", ""))
    signature = _SIGNATURE.fullmatch(headers.get("signature", ""))
    if given is None or signature is None or given["names"] != " ".join(f'"{n}"' for n in names):
        raise NotAllowed(_("The request is not signed as this installation asks for (RFC 9421, Ed25519)."))
    created = int(given["created"])
    if abs(now - created) > FRESH_S:
        raise NotAllowed(_("The signature is too old, or the clocks differ by more than five minutes."))
    public = key_of(given["keyid"])
    if not public:
        raise NotAllowed(_("This installation does not know the key of the sender."))
    all_values = values | {"content-digest": content_digest(body)}
    if headers.get("content-digest", "") != all_values["content-digest"]:
        raise NotAllowed(_("The body was changed on its way."))
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(signature["value"]), _base(names, all_values, given["params"]))
    except (InvalidSignature, ValueError) as problem:
        raise NotAllowed(_("The signature does not fit the request.")) from problem
    return Signed(given["keyid"], created)
