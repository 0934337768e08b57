"""The open work of an organisation and its crews, as `crew_plans` needs them; six statements for any number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from gongzhi.cases.deadlines import Calendar
from gongzhi.cases.models import Task
from gongzhi.coordination import crew_plans
from gongzhi.coordination.crew_plans import Plan, Suggestion, Why
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Crew

MOST = 200
"""So many tasks are planned at once, the next deadline first."""
_OPEN = (Task.State.OPEN, Task.State.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Force:
    """A crew with what it has: `tasks` are its open ones, by deadline."""

    crew: Crew
    tasks: list[Task]
    is_on_duty: bool

    @property
    def load(self) -> int:
        return len(self.tasks)

    @property
    def free(self) -> int:
        return max(0, self.crew.capacity - self.load)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A task without a crew: the one that is suggested, or why there is none; who else has the skill."""

    task: Task
    suggestion: Suggestion | None
    why: Why | None
    able: list[Crew]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The page of one organisation's crews.

    Attributes:
        proposals: open tasks that a crew could do, by deadline.
        elsewhere: how many open tasks are about what no crew does.
        is_more: there are more than were planned.
    """

    forces: list[Force]
    proposals: list[Proposal]
    elsewhere: int
    is_more: bool


def sheet(actor: Actor, now: datetime, *, off_duty: Collection[int] = ()) -> Sheet:
    """The crews of the actor's organisation, what they have, and a plan for what has no crew yet.

    Args:
        off_duty: posts that get nothing new now.

    Raises:
        NotAllowed: the actor neither supervises nor dispatches for the organisation.
    """
    mine = actor.organisation_id or 0
    authority.require(actor, "crew.see", Subject(organisation_id=mine))
    crews = list(
        Crew.objects.filter(post__organisation=mine, post__is_active=True)
        .select_related("post__person", "post__area")
        .prefetch_related("functions")
        .order_by("post__code")
    )
    rows = Task.objects.filter(
        organisation=mine, role__in=(Task.Role.LEAD, Task.Role.ASSIST), state__in=_OPEN
    ).select_related("case")
    ids = [crew.pk for crew in crews]
    having: dict[int, list[Task]] = {pk: [] for pk in ids}
    for task in rows.filter(post__in=ids).order_by("due_at", "pk"):
        having[task.post_id or 0].append(task)
    forces = [Force(crew, having[crew.pk], crew.pk not in off_duty) for crew in crews]
    waiting = rows.exclude(post__in=ids).filter(case__paused_at=None)
    skills = _functions_under({f.pk for crew in crews for f in crew.functions.all()})
    fitting = list(waiting.filter(case__function__in=skills).order_by("due_at", "pk")[: MOST + 1])
    elsewhere = waiting.exclude(case__function__in=skills).aggregate(n=Count("pk"))["n"]
    tasks = fitting[:MOST]
    plan = _planned(tasks, [force for force in forces if force.is_on_duty], now)
    by_task = {s.work: s for s in plan.suggestions}
    view = snapshot.current()
    proposals = []
    for task in tasks:
        function = view.functions.get(task.case.function_id or 0)
        above = set(function.ancestors) if function else set()
        able = [crew for crew in crews if above & {f.pk for f in crew.functions.all()}]
        proposals.append(Proposal(task, by_task.get(task.pk), plan.left.get(task.pk), able))
    return Sheet(forces, proposals, elsewhere, len(fitting) > MOST)


def _functions_under(tops: set[int]) -> list[int]:
    return [f.id for f in snapshot.current().functions.values() if tops & set(f.ancestors)]


def _planned(tasks: list[Task], forces: list[Force], now: datetime) -> Plan:
    view = snapshot.current()
    hours = {(force.crew.opens, force.crew.closes) for force in forces}
    city = view.city
    left = {
        (opens, closes): _minutes_left(tasks, Calendar(city.country, city.timezone, closes, opens), now)
        for opens, closes in hours
    }
    work = []
    for n, task in enumerate(tasks):
        case = task.case
        function = view.functions.get(case.function_id or 0)
        area = view.areas.get(case.area_id or 0)
        work.append(
            crew_plans.Work(
                id=task.pk,
                lng=case.lng,
                lat=case.lat,
                functions=frozenset(function.ancestors if function else ()),
                areas=frozenset(area.ancestors if area else ()),
                urgency=case.urgency,
                minutes_left=tuple(left[f.crew.opens, f.crew.closes][n] for f in forces),
            )
        )
    crews = [
        crew_plans.Crew(
            id=force.crew.pk,
            lng=force.crew.lng,
            lat=force.crew.lat,
            functions=frozenset(f.pk for f in force.crew.functions.all()),
            area=force.crew.post.area_id,
            load=force.load,
            capacity=force.crew.capacity,
        )
        for force in forces
    ]
    return crew_plans.plan(work, crews)


def _minutes_left(tasks: list[Task], calendar: Calendar, now: datetime) -> list[float]:
    """Working minutes until each deadline by a crew's own hours; emergencies count day and night."""
    return [
        max(0.0, (task.due_at - now).total_seconds() / 60)
        if task.case.urgency == "emergency"
        else calendar.working_time_between(now, task.due_at).total_seconds() / 60
        for task in tasks
    ]
