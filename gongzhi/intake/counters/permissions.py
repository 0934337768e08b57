"""Who may do what in a hall; the subject of each line is the organisation that runs it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from gongzhi.errors import NotAllowed
from gongzhi.intake.counters.models import Hall
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor, Relation, Subject

WHO: dict[str, tuple[Relation, ...]] = {
    "ticket.take": (Relation.ANYONE,),
    # Whoever holds the secret link of a ticket.
    "ticket.hold": (Relation.ANYONE,),
    "counter.serve": (Relation.OPERATOR,),
    "hall.oversee": (Relation.OPERATOR, Relation.HOLDER_SUPERVISOR, Relation.ADMINISTRATOR),
    "hall.set_up": (Relation.HOLDER_SUPERVISOR, Relation.ADMINISTRATOR),
    "screen.make": (Relation.ADMINISTRATOR,),
    "ticket.end_day": (Relation.SYSTEM,),
}
_OF_THE_HOUSE = frozenset({"counter.serve"})
"""What only those may do who work for the organisation that runs the hall."""


def require(actor: Actor, action: str, hall: Hall | None = None) -> None:
    """Pass silently or raise.

    Raises:
        SignInNeeded, NotAllowed: the actor's post does not permit it, or it is another organisation's hall.
    """
    authority.require(actor, action, Subject(organisation_id=hall.organisation_id) if hall else None)
    if hall is not None and action in _OF_THE_HOUSE and actor.organisation_id != hall.organisation_id:
        raise NotAllowed(_("This hall is run by another organisation."))


def may(actor: Actor, action: str, hall: Hall) -> bool:
    """Whether `require` would pass."""
    try:
        require(actor, action, hall)
    except NotAllowed:
        return False
    return True
