"""What the verbs of this room do alike: ask authority about an organisation, record, and check."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.errors import Invalid, NotAllowed
from gongzhi.ledger import acts
from gongzhi.ledger.models import Act
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Organisation


def require(actor: Actor, action: str, organisation_id: int, *, own: bool = False) -> None:
    """Pass silently or raise.

    Args:
        own: only somebody of the organisation itself, not of one above it.

    Raises:
        NotAllowed, SignInNeeded: the actor's post does not permit it.
    """
    authority.require(actor, action, Subject(organisation_id=organisation_id))
    if own and actor.organisation_id != organisation_id:
        raise NotAllowed(_("Only somebody of this organisation itself can do this."))


def post_of(actor: Actor) -> int:
    """The post in which the actor acts.

    Raises:
        NotAllowed: in none.
    """
    if actor.post_id is None:
        raise NotAllowed()
    return actor.post_id


def own_organisation(actor: Actor) -> int:
    """The organisation for which the actor acts.

    Raises:
        NotAllowed: for none.
    """
    if actor.organisation_id is None:
        raise NotAllowed()
    return actor.organisation_id


def active(organisation: Organisation, field: str = "to") -> Organisation:
    """The organisation if it still exists.

    Raises:
        Invalid: it does not.
    """
    if not organisation.is_active:
        raise Invalid(fields={field: _("This organisation no longer exists.")})
    return organisation


def later(moment: datetime, now: datetime, field: str = "due_at") -> datetime:
    """The moment if it lies in the future.

    Raises:
        Invalid: it does not.
    """
    if moment <= now:
        raise Invalid(fields={field: _("Choose a time in the future.")})
    return moment


def record(
    actor: Actor,
    verb: str,
    pk: int,
    details: dict[str, Any],
    *,
    reason: str = "",
    at: datetime | None = None,
) -> Act:
    """Record an act of this room; ``directive.issue`` is about the directive `pk`."""
    kind = verb.split(".", 1)[0]
    return acts.record(actor, verb, kind, pk, f"{kind}-{pk}", details, reason=reason, at=at or timezone.now())
