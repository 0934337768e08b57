"""Keys of other systems (`api_key` of Open311): made, found and revoked.

A secret has 256 random bits, so that a plain SHA-256 of it gives nothing away and finding a key is
one look into an index.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.api.models import SenderKey
from gongzhi.errors import Invalid, NotFound
from gongzhi.ledger import acts
from gongzhi.registry.authority import Actor, declare, require
from gongzhi.registry.authority import Relation as Who
from gongzhi.registry.models import Post

BEGINNING = "gzk_"
"""So that a key that leaked into a text is found by those who look for keys."""

declare("key.make", (Who.ADMINISTRATOR, Who.SYSTEM))
declare("key.revoke", (Who.ADMINISTRATOR, Who.SYSTEM))


@dataclass(frozen=True, slots=True)
class Sender:
    """Another system that showed its key."""

    name: str
    actor: Actor | None
    """As whom it works on cases; None: it only relays for requesters."""


def make(actor: Actor, name: str, post: Post | None = None, purpose: str = SenderKey.Purpose.MATTERS) -> str:
    """A new key; its secret is given once and never again.

    Raises:
        Invalid: no name, the name has a key already, the post has ended, or a gateway of text
            messages was given one.
    """
    require(actor, "key.make")
    name = name.strip()
    if not 1 <= len(name) <= 100:
        raise Invalid(fields={"name": _("Between 1 and 100 characters.")})
    if post is not None and not post.is_active:
        raise Invalid(fields={"post": _("This post no longer exists.")})
    if post is not None and purpose == SenderKey.Purpose.TEXTS:
        raise Invalid(fields={"post": _("A gateway of text messages works in no post.")})
    secret = BEGINNING + secrets.token_urlsafe(32)
    with transaction.atomic():
        key, is_new = SenderKey.objects.get_or_create(
            name=name, defaults={"secret_hash": _hash(secret), "post": post, "purpose": purpose}
        )
        if not is_new:
            raise Invalid(fields={"name": _("There is a key of this name already.")})
        details = {
            "post": post.pk if post else None,
            "organisation": post.organisation_id if post else None,
            "purpose": str(purpose),
        }
        acts.record(actor, "key.make", "key", key.pk, name, details)
    return secret


def revoke(actor: Actor, name: str) -> None:
    """End a key at once; what was done with it stays.

    Raises:
        NotFound: no key of this name is in use.
    """
    require(actor, "key.revoke")
    with transaction.atomic():
        key = SenderKey.objects.select_for_update().filter(name=name, revoked_at=None).first()
        if key is None:
            raise NotFound(_("No key of this name is in use."))
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        acts.record(actor, "key.revoke", "key", key.pk, name, {})


def holder(secret: str, purpose: str = SenderKey.Purpose.MATTERS) -> Sender | None:
    """Who holds a key for this purpose, None when it is unknown or revoked, or its post has ended."""
    if not secret.startswith(BEGINNING) or len(secret) > 100:
        return None
    found = (
        SenderKey.objects.filter(secret_hash=_hash(secret), purpose=purpose, revoked_at=None)
        .select_related("post__organisation")
        .first()
    )
    if found is None:
        return None
    post = found.post
    if post is None:
        return Sender(found.name, None)
    if not (post.is_active and post.organisation.is_active):
        return None
    return Sender(
        found.name,
        Actor(kind="app", post_id=post.pk, organisation_id=post.organisation_id, roles=frozenset(post.roles)),
    )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
