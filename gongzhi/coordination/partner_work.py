"""What a partner works on: its tasks, leading or assisting, and the agreement each falls under."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import rules
from gongzhi.cases.models import Case, Party, Task
from gongzhi.coordination import settlement
from gongzhi.coordination.actions import partners
from gongzhi.coordination.agreements import is_partner, valid
from gongzhi.coordination.models import Agreement
from gongzhi.errors import NotAllowed, NotFound
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Subject

_OPEN = (Task.State.OPEN, Task.State.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Work:
    """A task of a partner, and what it may see of the matter."""

    task: Task
    agreement: Agreement | None
    """What the matter falls under today; None for what a city gave it beside its agreements."""
    sees_private: bool
    """Whether it sees the original wording and the people: as who leads the matter, not who assists."""
    parties: tuple[Party, ...] = ()


def partner_of(actor: Actor) -> int:
    """The partner that the actor works for.

    Raises:
        NotAllowed: it works for none.
    """
    if actor.organisation_id is None or actor.post_id is None or not is_partner(actor.organisation_id):
        raise NotAllowed(_("This is for partners of the city."))
    return actor.organisation_id


def tasks(actor: Actor, *, only_open: bool = True, after: int = 0, limit: int = 50) -> list[Work]:
    """The partner's tasks, the newest first; `after`: those older than the task of this id."""
    partner = partner_of(actor)
    authority.require(actor, "case.see_worklist")
    found = Task.objects.filter(organisation_id=partner, role__in=(Task.Role.LEAD, Task.Role.ASSIST))
    if only_open:
        found = found.filter(state__in=_OPEN)
    if after:
        found = found.filter(pk__lt=after)
    return _work(actor, list(found.select_related("case").order_by("-pk")[:limit]))


def task(actor: Actor, task_id: int) -> Work:
    """One task of the partner.

    Raises:
        NotFound: there is no such task.
        NotAllowed: it is another's; where its matter is outside the partner's agreements, that it
            asked is recorded.
    """
    partner = partner_of(actor)
    found = Task.objects.filter(pk=task_id).select_related("case").first()
    if found is None:
        raise NotFound(_("There is no such task."))
    if found.organisation_id != partner:
        partners.check_reading(actor, found.case)
        raise NotAllowed(_("This task is another organisation's."))
    return _work(actor, [found])[0]


def _work(actor: Actor, rows: list[Task]) -> list[Work]:
    today = timezone.now().astimezone(rules.calendar().zone).date()
    held = [
        (agreement, frozenset(settlement.leaves(agreement.functions)))
        for agreement in valid(actor.organisation_id or 0, today)
    ]
    seen = {
        row.case_id
        for row in rows
        if authority.may(actor, "case.see_private", Subject(organisation_id=row.case.organisation_id))
    }
    people: dict[int, list[Party]] = {}
    for party in Party.objects.filter(case__in=seen).order_by("pk"):
        people.setdefault(party.case_id, []).append(party)
    return [
        Work(
            row, _agreement_for(row.case, held), row.case_id in seen, tuple(people.get(row.case_id, ()))
        )
        for row in rows
    ]  # fmt: skip


def _agreement_for(case: Case, held: list[tuple[Agreement, frozenset[str]]]) -> Agreement | None:
    view = snapshot.current()
    function, area = view.functions.get(case.function_id or 0), view.areas.get(case.area_id or 0)
    if function is None:
        return None
    for agreement, leaves in held:
        if function.code in leaves and (area is None or agreement.area_id in area.ancestors):
            return agreement
    return None
