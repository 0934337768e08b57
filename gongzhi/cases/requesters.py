"""Who somebody is that turns to the city again: by telephone number, and what else they have open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from gongzhi.cases.actions.requesting import digits_of
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case, Party
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Person

MOST = 20
LEAST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Matter:
    """A matter of a requester; `is_open` first, then the newest."""

    case: Case
    is_open: bool
    role: str
    language: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of a telephone number; `name` is empty when nobody ever gave one."""

    phone: str
    name: str
    person_id: int | None
    language: str
    matters: list[Matter]

    @property
    def open_matters(self) -> list[Matter]:
        return [m for m in self.matters if m.is_open]

    @property
    def ended_matters(self) -> list[Matter]:
        return [m for m in self.matters if not m.is_open]


def caller(actor: Actor, phone: str) -> Caller | None:
    """Who calls from this number; None while too few digits are typed.

    Raises:
        NotAllowed: only those who take matters in, or dispatch them, may look somebody up.
    """
    authority.require(actor, "case.see_caller")
    digits = digits_of(phone)
    if len(digits) < LEAST_DIGITS:
        return None
    matters = _matters(Q(phone=digits))
    person = Person.objects.filter(phone=digits).first()
    named = next((m for m in matters if m[1]), None)
    name = person.name if person else (named[1] if named else "")
    language = matters[0][0].language if matters else ""
    return Caller(digits, name, person.pk if person else None, language, [m for m, _name in matters])


def other_matters(actor: Actor, case: Case, parties: Iterable[Party]) -> list[Matter]:
    """Further open matters of those who raised `case`, as far as `actor` may know of them.

    A matter that is kept from the public is left out unless the actor may see it.
    """
    phones = {p.phone for p in parties if p.phone}
    people = {p.person_id for p in parties if p.person_id}
    if not phones and not people:
        return []
    found = _matters(Q(phone__in=phones) | Q(person_id__in=people), Q(case__state__in=OPEN_STATES))
    return [
        matter
        for matter, _name in found
        if matter.case.pk != case.pk
        and (
            matter.case.is_public
            or authority.may(actor, "case.see_private", Subject(organisation_id=matter.case.organisation_id))
        )
    ]


def _matters(whose: Q, which: Q | None = None) -> list[tuple[Matter, str]]:
    rows = Party.objects.filter(whose, which or Q()).exclude(case__merged_into__isnull=False)
    found: dict[int, tuple[Matter, str]] = {}
    for party in rows.select_related("case").order_by("-joined_at")[: MOST * 2]:
        case = party.case
        is_open = case.state in OPEN_STATES
        matter = Matter(case, is_open, party.role, party.language, party.joined_at)
        found.setdefault(case.pk, (matter, party.name))
    return sorted(found.values(), key=lambda m: not m[0].is_open)[:MOST]
