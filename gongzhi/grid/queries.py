"""Reads for the rooms above: the register of a cell, and how its checks stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases.models import Case
from gongzhi.errors import NotFound
from gongzhi.grid import cells
from gongzhi.grid.actions import today
from gongzhi.grid.models import Check, Entry
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Post, Role
from gongzhi.registry.snapshot import AreaView, FunctionView

PAGE = 50


@dataclass(frozen=True, slots=True)
class Register:
    """A page of a register, overdue entries first; `counts` of every kind, narrowed by words only."""

    entries: list[Entry]
    counts: dict[str, int]
    total: int
    page: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class CellState:
    """How the checks of one cell stand.

    Attributes:
        walkers: posts of grid workers for this cell, or for an area around it.
        oldest: the day on which the longest overdue check was due.
        checked: how many checks were made in the last seven days.
        wrong: how many of those found something.
    """

    area: AreaView
    walkers: list[Post]
    entries: int
    overdue: int
    oldest: date | None
    checked: int
    wrong: int


def entry_seen(actor: Actor, pk: int) -> Entry:
    """An entry of a cell that the actor walks or oversees.

    Raises:
        NotFound: there is none, or it is in a cell of others: whoever may not see it does not learn of it.
    """
    entry = Entry.objects.select_related("function", "area").filter(pk=pk, is_active=True).first()
    if entry is None or not authority.may(actor, "grid.see", cells.subject_of(entry.area_id)):
        raise NotFound(_("There is no such entry."))
    return entry


def register(
    actor: Actor, area_ids: Sequence[int], *, kind: str = "", words: str = "", page: int = 1
) -> Register:
    """What the given areas hold; overdue entries first, then by the day of the next check.

    Raises:
        NotAllowed: one of the areas is neither walked nor overseen by the actor.
    """
    for area_id in area_ids:
        authority.require(actor, "grid.see", cells.subject_of(area_id))
    rows: QuerySet[Entry] = Entry.objects.filter(area_id__in=list(area_ids), is_active=True)
    if words := words.replace("\x00", "").strip()[:100]:
        of_all = Q(code__icontains=words)
        # Names and addresses of people are not searched: a list that answers them would say who lives where.
        of_things = Q(name_zh__icontains=words) | Q(name_en__icontains=words) | Q(address__icontains=words)
        rows = rows.filter(of_all | of_things & ~Q(kind=Entry.Kind.PERSON))
    counts = {row["kind"]: row["n"] for row in rows.values("kind").annotate(n=Count("pk")).order_by("kind")}
    if kind in Entry.Kind.values:
        rows = rows.filter(kind=kind)
    total = counts.get(kind, 0) if kind in Entry.Kind.values else sum(counts.values())
    start = (max(1, page) - 1) * PAGE
    found = list(rows.order_by(F("due_on").asc(nulls_last=True), "pk")[start : start + PAGE + 1])
    return Register(found[:PAGE], counts, total, max(1, page), len(found) > PAGE)


def checks_of(entry: Entry, *, most: int = 20) -> list[Check]:
    """The last checks of an entry, the newest first."""
    return list(entry.checks.select_related("post", "case").order_by("-at")[:most])


def cell_states(actor: Actor) -> list[CellState]:
    """The cells that the actor oversees and that hold something or have a walker; the most overdue first.

    Raises:
        NotAllowed: the actor oversees nobody.
    """
    authority.require(actor, "grid.oversee", Subject(organisation_id=actor.organisation_id))
    areas = {a.id: a for a in cells.kept_by({actor.organisation_id or 0, *actor.subordinate_ids})}
    day = today()
    held: dict[int, Any] = {
        row["area_id"]: row
        for row in Entry.objects.filter(area_id__in=list(areas), is_active=True)
        .values("area_id")
        .annotate(
            entries=Count("pk"),
            overdue=Count("pk", filter=Q(due_on__lt=day)),
            oldest=Min("due_on", filter=Q(due_on__lt=day)),
        )
    }
    made: dict[int, Any] = {
        row["entry__area_id"]: row
        for row in Check.objects.filter(
            at__gte=timezone.now() - timedelta(days=7), entry__area_id__in=list(held)
        )
        .values("entry__area_id")
        .annotate(checked=Count("pk"), wrong=Count("pk", filter=Q(is_fine=False)))
    }
    walkers = _walkers()
    found = []
    for pk, area in areas.items():
        posts = next((walkers[a] for a in reversed(area.ancestors) if a in walkers), [])
        if pk not in held and pk not in walkers:
            continue
        row, checks = held.get(pk, {}), made.get(pk, {})
        found.append(
            CellState(
                area,
                posts,
                row.get("entries", 0),
                row.get("overdue", 0),
                row.get("oldest"),
                checks.get("checked", 0),
                checks.get("wrong", 0),
            )
        )
    return sorted(found, key=lambda s: (-s.overdue, s.area.code))


def _walkers() -> dict[int, list[Post]]:
    """Area → active posts of grid workers for it."""
    posts = Post.objects.filter(
        roles__contains=[Role.GRID], is_active=True, area__isnull=False, organisation__is_active=True
    )
    found: dict[int, list[Post]] = {}
    for post in posts.select_related("person").order_by("code"):
        found.setdefault(post.area_id or 0, []).append(post)
    return found


def usual_functions(actor: Actor, *, most: int = 8) -> list[FunctionView]:
    """What was reported most in the actor's area in the last 90 days, for the chips of a report.

    Where little was reported, what entries of the register are about fills the list up.
    """
    view = snapshot.current()
    ids = [area.id for area in cells.walked_by(actor)]
    since = timezone.now() - timedelta(days=90)
    reported = (
        Case.objects.filter(area_id__in=ids, opened_at__gte=since, function__kind__in=["thing", "event"])
        .values_list("function_id")
        .annotate(n=Count("pk"))
        .order_by("-n", "function_id")[:most]
    )
    kept = (
        Entry.objects.filter(area_id__in=ids, is_active=True, function__isnull=False)
        .values_list("function_id")
        .annotate(n=Count("pk"))
        .order_by("-n", "function_id")[:most]
    )
    found = dict.fromkeys(pk for pk, _n in [*reported, *kept])
    return [view.functions[pk] for pk in found if pk in view.functions and view.functions[pk].is_leaf][:most]
