"""Today's round of a grid worker: what is to be looked at, in the order in which it is walked, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from django.db.models import F, Q
from django.utils import timezone

from gongzhi.cases import rules
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case
from gongzhi.grid import cells, walking
from gongzhi.grid.actions import today
from gongzhi.grid.models import Check, Entry
from gongzhi.registry import authority, queries
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.snapshot import AreaView

MOST_CHECKS = 40
"""More nobody walks in a day; the most overdue come first."""
MOST_CASES = 20


@dataclass(frozen=True, slots=True)
class Stop:
    """One place of the round: an entry to check, or a case to look after.

    Attributes:
        overdue_days: how late the check is; of a case, how late its deadline.
        is_mine: of a case: it is with the actor's own post, not just in the cell.
        metres: from the stop before, or from where the round starts; None without a place.
    """

    entry: Entry | None = None
    case: Case | None = None
    overdue_days: int = 0
    is_mine: bool = False
    metres: int | None = None

    @property
    def point(self) -> walking.Point | None:
        of = self.entry or self.case
        if of is None or of.lng is None or of.lat is None:
            return None
        return of.lng, of.lat


@dataclass(frozen=True, slots=True)
class Round:
    """What one post does today.

    Attributes:
        stops: in walking order; those without a place are at the end.
        done: checks made today, the newest first.
        due: how many checks are due in all, also those that do not fit into today's round.
        length_m: the way through all stops, in metres.
        days: the day the round is for.
    """

    cells: list[AreaView]
    stops: list[Stop]
    done: list[Check]
    due: int
    length_m: int
    day: date


def round_of(actor: Actor, *, start: walking.Point | None = None, now: datetime | None = None) -> Round:
    """The round of whoever acts.

    Args:
        start: where the walk begins; None: where the last check of today was, else the middle of the cell.

    Raises:
        NotAllowed: the actor's post walks no cell.
    """
    authority.require(actor, "grid.walk", cells.own_subject(actor))
    moment = now or timezone.now()
    day = today(moment)
    walked = cells.walked_by(actor)
    ids = [area.id for area in walked]
    due = Entry.objects.filter(area_id__in=ids, is_active=True, due_on__lte=day)
    entries = list(due.order_by("due_on", "pk")[:MOST_CHECKS])
    count = len(entries) if len(entries) < MOST_CHECKS else due.count()
    done = list(
        Check.objects.filter(post_id=actor.post_id or 0, at__gte=_midnight(day))
        .select_related("entry", "case")
        .order_by("-at")
    )
    stops = [Stop(entry=e, overdue_days=e.overdue_days(day)) for e in entries]
    stops += [
        Stop(case=c, overdue_days=max(0, (day - today(c.due_at)).days), is_mine=c.post_id == actor.post_id)
        for c in _cases(actor, ids)
    ]
    begin = start or _last_place(done) or _middle(actor.area_id)
    ordered, length_m = in_walking_order(stops, begin)
    return Round(walked, ordered, done, count, length_m, day)


def in_walking_order(stops: Sequence[Stop], start: walking.Point | None) -> tuple[list[Stop], int]:
    """The stops as they are walked, each with its distance from the one before, and the way's length in metres."""
    placed = [stop for stop in stops if stop.point is not None]
    points = [stop.point for stop in placed if stop.point is not None]
    here = start or (points[0] if points else None)
    found: list[Stop] = []
    total = 0.0
    if here is not None:
        for index in walking.order(here, points):
            step = walking.metres(here, points[index])
            total += step
            here = points[index]
            found.append(replace(placed[index], metres=round(step)))
    return [*found, *(stop for stop in stops if stop.point is None)], round(total)


def _cases(actor: Actor, area_ids: Sequence[int]) -> list[Case]:
    """Open cases with this post, and those of its organisation in the cell that nobody has taken up."""
    own = Subject(organisation_id=actor.organisation_id)
    if not authority.may(actor, "case.see_private", own):
        return []
    rows = Case.objects.filter(
        Q(post_id=actor.post_id) | Q(post=None, area_id__in=area_ids),
        organisation_id=actor.organisation_id or 0,
        state__in=OPEN_STATES,
    )
    return list(rows.order_by(F("post_id").asc(nulls_last=True), "due_at", "pk")[:MOST_CASES])


def _last_place(done: Sequence[Check]) -> walking.Point | None:
    entry = next((c.entry for c in done if c.entry.lng is not None), None)
    if entry is None or entry.lng is None or entry.lat is None:
        return None
    return entry.lng, entry.lat


def _middle(area_id: int | None) -> walking.Point | None:
    from shapely.geometry import shape

    outline = queries.outline_of(area_id or 0)
    if outline is None:
        return None
    point = shape(outline).representative_point()
    return float(point.x), float(point.y)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, rules.calendar().zone)
