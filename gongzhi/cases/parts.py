"""What an assisting organisation sees: its own part, and of the case only what it needs for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from gongzhi.cases.models import Case, Task
from gongzhi.errors import NotFound
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor, Subject

_OPEN = (Task.State.OPEN, Task.State.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a case as its assisting organisation sees it: no requester, no original wording."""

    task_id: int
    case_number: str
    lead_id: int | None
    organisation_id: int
    function_id: int | None
    area_id: int | None
    public_text: str
    address: str
    lng: float | None
    lat: float | None
    request: str
    is_required: bool
    state: str
    opened_at: datetime
    due_at: datetime
    result: str


def parts(actor: Actor, *, limit: int = 200) -> list[Part]:
    """Open parts that the actor's organisation was asked for, by deadline.

    Raises:
        NotAllowed: the actor holds no post.
    """
    authority.require(actor, "case.see_worklist")
    rows = Task.objects.filter(
        organisation_id=actor.organisation_id or 0, role=Task.Role.ASSIST, state__in=_OPEN
    ).select_related("case")
    return [_part(task) for task in rows.order_by("due_at", "pk")[:limit]]


def part_of(actor: Actor, task_id: int) -> Part:
    """One part, for the organisation that was asked and those above it.

    Raises:
        NotFound: there is no such part.
        NotAllowed: it is another organisation's.
    """
    task = Task.objects.filter(pk=task_id, role=Task.Role.ASSIST).select_related("case").first()
    if task is None:
        raise NotFound(_("This case has no such part."))
    authority.require(actor, "case.see_part", Subject(organisation_id=task.organisation_id))
    return _part(task)


def task_of_part(actor: Actor, task_id: int) -> Task:
    """The task behind `part_of`, for acting on it; raises alike."""
    part_of(actor, task_id)
    return Task.objects.get(pk=task_id)


def parts_of(case: Case) -> list[Task]:
    """All parts of a case, oldest first, for its lead."""
    rows = Task.objects.filter(case=case, role=Task.Role.ASSIST).select_related("organisation", "post")
    return list(rows.order_by("opened_at", "pk"))


def _part(task: Task) -> Part:
    case = task.case
    return Part(
        task_id=task.pk,
        case_number=case.number,
        lead_id=case.organisation_id,
        organisation_id=task.organisation_id,
        function_id=case.function_id,
        area_id=case.area_id,
        public_text=case.public_text,
        address=case.address,
        lng=case.lng,
        lat=case.lat,
        request=task.request,
        is_required=task.is_required,
        state=task.state,
        opened_at=task.opened_at,
        due_at=task.due_at,
        result=task.result,
    )
