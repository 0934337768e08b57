"""Who is calling: the key that a program shows as ``Authorization: Bearer gzk_…`` (RFC 6750)."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from gongzhi.api import keys
from gongzhi.api.keys import Sender
from gongzhi.api.models import SenderKey
from gongzhi.errors import SignInNeeded


class KeyNeeded(SignInNeeded):
    """No key was shown, or one that opens nothing here."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.headers = {"WWW-Authenticate": 'Bearer realm="gongzhi"'}


def sender(request: HttpRequest, purpose: str = SenderKey.Purpose.MATTERS) -> Sender:
    """Who holds the key that came with a request.

    Raises:
        KeyNeeded: none came, or it is unknown, revoked or for another purpose.
    """
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise KeyNeeded(_("Send your key: Authorization: Bearer gzk_…"))
    found = keys.holder(secret.strip(), purpose)
    if found is None:
        raise KeyNeeded(_("This key is not valid here."))
    return found
