"""May this actor do this to that? The only place that answers, asked by every action.

Rooms declare, as data, which *relations* permit an action (`declare`); this module works out which
relations an actor has to a subject. What nobody declared is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from django.utils.translation import gettext as _

from gongzhi.errors import NotAllowed, SignInNeeded
from gongzhi.ledger.actor import Actor as LedgerActor
from gongzhi.registry.models import Person, Post, Role


@dataclass(frozen=True, slots=True)
class Actor(LedgerActor):
    """Who acts, as the ledger records it, and what that person's post is for.

    `party_ids` are the parties of cases whose secret link (or number and phone) was shown; they
    make an anonymous visitor the requester or a supporter of exactly those cases.
    """

    roles: frozenset[str] = frozenset()
    party_ids: frozenset[int] = frozenset()
    subordinate_ids: frozenset[int] = frozenset()
    """Organisations below the actor's own, which its supervisors and leaders oversee."""
    area_id: int | None = None
    """The area that the actor's post is for; a grid worker walks it and whatever lies in it."""


@runtime_checkable
class Held(Protocol):
    """Something that an organisation holds, such as a case."""

    @property
    def organisation_id(self) -> int | None: ...


class Relation(StrEnum):
    """How an actor can stand to a subject."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    PARTY = "party"
    HOLDER = "holder"
    HOLDER_SUPERVISOR = "holder_supervisor"
    GRID_WORKER = "grid_worker"
    HOLDER_DISPATCHER = "holder_dispatcher"
    """A dispatcher of the organisation that holds it, not of any other."""
    OPERATOR = "operator"
    DISPATCHER = "dispatcher"
    ANALYST = "analyst"
    STAFF = "staff"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


RULES: dict[str, frozenset[Relation]] = {}
"""action → relations that permit it; filled by `declare` when the rooms start."""


def declare(action: str, relations: Iterable[Relation]) -> None:
    """State who may do `action` (e.g. ``case.accept``); declaring twice differently is an error."""
    allowed = frozenset(relations)
    if RULES.setdefault(action, allowed) != allowed:
        raise ValueError(f"{action} is declared twice with different relations")


@dataclass(frozen=True, slots=True)
class Subject:
    """What authority needs to know of a thing: who holds it, whose it is, and where it is.

    `area_ids` are the area in which it lies and all areas around that one.
    """

    organisation_id: int | None = None
    party_ids: frozenset[int] = field(default_factory=frozenset)
    area_ids: frozenset[int] = field(default_factory=frozenset)


_BY_ROLE = {
    Role.OPERATOR: Relation.OPERATOR,
    Role.DISPATCHER: Relation.DISPATCHER,
    Role.ANALYST: Relation.ANALYST,
    Role.ADMINISTRATOR: Relation.ADMINISTRATOR,
}


def relations(actor: Actor, subject: Subject | None) -> frozenset[Relation]:
    """All relations in which `actor` stands to `subject` (None: the system as a whole)."""
    found = {Relation.ANYONE}
    if actor.kind == "system":
        found.add(Relation.SYSTEM)
    if actor.person_id is not None:
        found.add(Relation.SIGNED_IN)
    if actor.post_id is not None:
        found.add(Relation.STAFF)
        found |= {relation for role, relation in _BY_ROLE.items() if role in actor.roles}
    if subject is not None:
        if actor.party_ids & subject.party_ids:
            found.add(Relation.PARTY)
        if Role.GRID in actor.roles and actor.post_id is not None and actor.area_id in subject.area_ids:
            found.add(Relation.GRID_WORKER)
        holder = subject.organisation_id
        if holder is not None and actor.post_id is not None:
            own = actor.organisation_id == holder
            if own and {Role.WORKER, Role.SUPERVISOR} & actor.roles:
                found.add(Relation.HOLDER)
            if own and Role.DISPATCHER in actor.roles:
                found.add(Relation.HOLDER_DISPATCHER)
            oversees = own or holder in actor.subordinate_ids
            if oversees and {Role.SUPERVISOR, Role.LEADER} & actor.roles:
                found.add(Relation.HOLDER_SUPERVISOR)
    return frozenset(found)


def may(actor: Actor, action: str, subject: Subject | None = None) -> bool:
    """Whether `actor` is permitted `action` on `subject`; an action nobody declared is refused."""
    allowed = RULES.get(action)
    return allowed is not None and bool(allowed & relations(actor, subject))


def require(actor: Actor, action: str, subject: Subject | None = None) -> None:
    """Pass silently or raise.

    Raises:
        SignInNeeded: nobody is signed in and a named person might be permitted.
        NotAllowed: the actor's posts do not permit it.
    """
    if may(actor, action, subject):
        return
    if actor.kind == "anonymous":
        raise SignInNeeded(_("Please sign in, or open the case with its secret link."))
    raise NotAllowed(_("Your post does not permit this. Ask the organisation that holds the case."))


ANONYMOUS = Actor(kind="anonymous")
SYSTEM = Actor(kind="system")


def actor_of(person: Person, post: Post | None = None) -> Actor:
    """The actor for a signed-in person, in `post` or in the first of the person's active posts.

    Raises:
        NotAllowed: the post is not held by this person.
    """
    if post is None:
        post = person.posts.filter(is_active=True, organisation__is_active=True).order_by("pk").first()
    elif post.person_id != person.pk or not post.is_active:
        raise NotAllowed(_("You do not hold this post."))
    if post is None:
        return Actor(kind="person", person_id=person.pk)
    roles = frozenset(post.roles)
    below: frozenset[int] = frozenset()
    if {Role.SUPERVISOR, Role.LEADER} & roles:
        from gongzhi.registry.queries import organisations_below

        below = organisations_below(post.organisation_id)
    return Actor(
        kind="person",
        person_id=person.pk,
        post_id=post.pk,
        organisation_id=post.organisation_id,
        roles=roles,
        subordinate_ids=below,
        area_id=post.area_id,
    )
