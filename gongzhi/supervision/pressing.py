"""What presses: the open matters that somebody looks after, by the light of their clock, and what else waits.

Tallies cost two statements and a page of matters three, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Value
from django.db.models.fields import DateTimeField, DurationField
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.lights import Light
from gongzhi.cases.models import Case
from gongzhi.cases.queries import Page, page_by_deadline
from gongzhi.errors import Invalid
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.supervision import clocks, inviting, settings
from gongzhi.supervision.models import Clock, Escalation, LateRisk, Push, Urging, Watch

PUSHED: Final = "pushed"
"""Beside the lights: matters that the ladder (督办) has brought before this post and that it has not seen."""


@dataclass(frozen=True, slots=True)
class Tallies:
    """How much of each presses: matters by light, and what waits for an answer or a call."""

    pushed: int
    late: int
    red: int
    amber: int
    green: int
    urgings: int
    bad_ratings: int
    calls: int

    @property
    def open(self) -> int:
        return self.late + self.red + self.amber + self.green


@dataclass(frozen=True, slots=True)
class Pressing:
    """An open matter with its clock.

    Attributes:
        share: of the time limit that is used; 1.0 is the deadline.
        step: the newest step of the ladder that was taken, if any.
        is_pushed: whether a step was taken towards this post and not seen yet.
    """

    case: Case
    clock: Clock
    light: Light
    share: float
    step: Escalation | None
    is_pushed: bool
    risk: LateRisk | None


@dataclass(frozen=True, slots=True)
class Watched:
    """A part, directive or request for time with a deadline of its own."""

    watch: Watch
    light: Light
    share: float
    push: Push | None
    """The newest step towards this post that it has not seen."""


def _held(actor: Actor) -> list[int]:
    return [actor.organisation_id or 0, *actor.subordinate_ids]


def _is_everywhere(actor: Actor) -> bool:
    return "dispatcher" in actor.roles


def _unseen(actor: Actor) -> QuerySet[Escalation]:
    return Escalation.objects.filter(post_id=actor.post_id or 0, seen_at=None, case__clock__isnull=False)


def _point(percent: int) -> ExpressionWrapper[Any]:
    """SQL: the moment at which a clock has used `percent` of its time."""
    whole = ExpressionWrapper(F("clock__due_at") - F("clock__started_at"), output_field=DurationField())
    part = ExpressionWrapper(whole * Value(percent / 100), output_field=DurationField())
    return ExpressionWrapper(F("clock__started_at") + part, output_field=DateTimeField())


def _open(actor: Actor, now: datetime) -> QuerySet[Case]:
    """Open matters of the own organisation and those below (a dispatcher: of all), with `looked_at` and so on."""
    rules = settings.current()
    rows = Case.objects.filter(clock__isnull=False).annotate(
        looked_at=Coalesce("clock__paused_at", Value(now)),
        red_at=_point(rules.red_percent),
        amber_at=_point(rules.amber_percent),
    )
    return rows if _is_everywhere(actor) else rows.filter(organisation_id__in=_held(actor))


_WHEN: Final = {
    Light.LATE: Q(clock__due_at__lte=F("looked_at")),
    Light.RED: Q(clock__due_at__gt=F("looked_at"), red_at__lte=F("looked_at")),
    Light.AMBER: Q(red_at__gt=F("looked_at"), amber_at__lte=F("looked_at")),
    Light.GREEN: Q(amber_at__gt=F("looked_at")),
}


def urgings(actor: Actor) -> QuerySet[Urging]:
    """Urgings without an answer about what the actor looks after, the next due first."""
    rows = Urging.objects.filter(answered_at=None).order_by("answer_due_at", "pk")
    return rows if _is_everywhere(actor) else rows.filter(organisation_id__in=_held(actor))


def tallies(actor: Actor) -> Tallies:
    """Count everything, in two statements.

    Raises:
        NotAllowed: the actor does not look after anything.
    """
    authority.require(actor, "supervision.see")
    lights = _open(actor, timezone.now()).aggregate(
        **{str(light): Count("pk", filter=when) for light, when in _WHEN.items()}
    )
    counted: dict[str, QuerySet[Any]] = {
        "pushed": _unseen(actor), "urgings": urgings(actor), "bad_ratings": inviting.to_put_right(actor),
        "calls": inviting.to_call(actor),
    }  # fmt: skip
    parts = [
        rows.order_by()
        .select_related(None)
        .annotate(what=Value(name))
        .values("what")
        .annotate(n=Count("case" if name == "pushed" else "pk", distinct=True))
        .values_list("what", "n")
        for name, rows in counted.items()
    ]
    others = dict.fromkeys(counted, 0) | dict(parts[0].union(*parts[1:], all=True))
    return Tallies(**lights, **others)


def matters(
    actor: Actor, light: str = "", *, after: str = "", limit: int = 20
) -> tuple[list[Pressing], Page]:
    """A page of open matters with their clocks, the next deadline first; of one light, or those pushed.

    Raises:
        NotAllowed: the actor does not look after anything.
        Invalid: there is no such light, or the cursor is unknown.
    """
    authority.require(actor, "supervision.see")
    now = timezone.now()
    if light == PUSHED:
        mine = _unseen(actor).filter(case=OuterRef("pk"))
        rows = Case.objects.filter(Exists(mine), clock__isnull=False)
    elif light:
        if light not in list(Light):
            raise Invalid(fields={"light": _("Choose one of the lights shown.")})
        rows = _open(actor, now).filter(_WHEN[Light(light)])
    else:
        rows = _open(actor, now)
    page = page_by_deadline(rows.select_related("clock", "late_risk"), after=after, limit=limit)
    steps = _steps(case.pk for case in page.rows)
    return [_pressing(case, steps.get(case.pk, []), actor, now) for case in page.rows], page


def _steps(case_ids: Iterable[int]) -> dict[int, list[Escalation]]:
    """The steps taken for each of the cases, the newest first."""
    found: dict[int, list[Escalation]] = {}
    for step in Escalation.objects.filter(case_id__in=list(case_ids)).order_by("-at", "-percent"):
        found.setdefault(step.case_id, []).append(step)
    return found


def _pressing(case: Case, steps: list[Escalation], actor: Actor, now: datetime) -> Pressing:
    clock: Clock = case.clock
    share = _share(clock.started_at, clock.due_at, clock.paused_at or now)
    light = clocks.light(share, settings.current())
    is_pushed = any(step.post_id == actor.post_id and step.seen_at is None for step in steps)
    step = steps[0] if steps else None
    return Pressing(case, clock, light, share, step, is_pushed, getattr(case, "late_risk", None))


def _share(started_at: datetime, due_at: datetime, moment: datetime) -> float:
    """How much of a time limit is used; one shorter than a minute counts as a minute, as the ladder does."""
    return max(0.0, (moment - started_at) / max(timedelta(minutes=1), due_at - started_at))


def watched(actor: Actor, limit: int = 50) -> list[Watched]:
    """What has a deadline beside the case, the next due first; what was pushed to this post is among it."""
    authority.require(actor, "supervision.see")
    unseen = Push.objects.filter(post_id=actor.post_id or 0, seen_at=None)
    rows = Watch.objects.select_related("case").order_by("due_at", "pk")
    if not _is_everywhere(actor):
        held = _held(actor)
        mine = unseen.filter(kind=OuterRef("kind"), about_id=OuterRef("about_id"))
        rows = rows.filter(Q(organisation_id__in=held) | Q(case__organisation_id__in=held) | Q(Exists(mine)))
    newest = {(push.kind, push.about_id): push for push in unseen.order_by("at", "percent")}
    rules, now = settings.current(), timezone.now()
    found = []
    for row in rows[:limit]:
        share = _share(row.started_at, row.due_at, now)
        push = newest.get((row.kind, row.about_id))
        found.append(Watched(row, clocks.light(share, rules), share, push))
    return found


def mark_seen(actor: Actor) -> None:
    """This post has seen every step that was taken towards it."""
    authority.require(actor, "supervision.see")
    for taken in (Escalation.objects, Push.objects):
        taken.filter(post_id=actor.post_id or 0, seen_at=None).update(seen_at=timezone.now())
