"""What waits for an organisation, by deadline: tabs, how many are in each, and the rows of a page.

Counting stops at `COUNTED` cases, the most urgent first, so that a page of a large organisation
costs what the page of a small one costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import ExpressionWrapper, Value
from django.db.models.fields import DateTimeField, DurationField
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.lifecycle import OPEN_STATES, State
from gongzhi.cases.lights import AMBER_FROM, RED_FROM, Light
from gongzhi.cases.models import Case
from gongzhi.cases.queries import (
    NEXT_DEADLINE_FIRST,
    OLDEST_FIRST,
    CaseFilters,
    Order,
    Page,
    narrowed,
    page_by_deadline,
    page_in_order,
)
from gongzhi.cases.rules import RETURNS_BEFORE_ARBITRATION, calendar
from gongzhi.errors import Invalid, Text
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor, Subject

COUNTED = 2_000


@dataclass(frozen=True, slots=True)
class Tab:
    """One part of a worklist; `code` stands in the address."""

    code: str
    name: Text
    count: int = 0
    is_more: bool = False
    """Whether there are more than were counted."""


ALL = "all"
TABS: tuple[Tab, ...] = (
    Tab(ALL, _("All open")),
    Tab("to_accept", _("To accept")),
    Tab("under_way", _("Under way")),
    Tab("overdue", _("Overdue")),
    Tab("today", _("Due today")),
    Tab("unanswered", _("Unanswered")),
    Tab("came_back", _("Returned before")),
    Tab("mine", _("Mine")),
)


@dataclass(frozen=True, slots=True)
class Worklist:
    """A page of one tab, and all tabs with their counts."""

    tabs: list[Tab]
    page: Page
    written: frozenset[int]
    """Ids of the page's cases in which the requester had the last word."""


STANDS_STILL = Q(paused_at__isnull=False, paused_at__lt=F("due_at"))
"""The requester was asked before the deadline: it cannot be overdue until the clock runs again."""


def worklist(
    actor: Actor,
    tab: str,
    filters: CaseFilters,
    *,
    light: str = "",
    after: str = "",
    limit: int = 50,
) -> Worklist:
    """Open cases of the actor's organisation by deadline.

    Raises:
        NotAllowed: the actor holds no post.
        Invalid: the tab, the light, a filter or the cursor is unknown.
    """
    authority.require(actor, "case.see_worklist")
    now = timezone.now()
    of_tab = _conditions(actor, now)
    if tab not in of_tab:
        raise Invalid(fields={"tab": _("Choose one of the lists shown.")})
    held = Case.objects.filter(organisation_id=actor.organisation_id or 0, state__in=OPEN_STATES)
    held = with_light(narrowed(held, filters), light, now)
    counts = _counted(held, of_tab)
    page = page_by_deadline(held.filter(of_tab[tab]), after=after, limit=limit)
    written = requester_had_last_word(case.pk for case in page.rows)
    is_more = counts[ALL] > COUNTED
    tabs = [replace(t, count=min(counts[t.code], COUNTED), is_more=is_more) for t in TABS]
    return Worklist(tabs, page, written)


def end_of_today(now: datetime) -> datetime:
    """The midnight that ends the day of `now` in the city's zone."""
    local = now.astimezone(calendar().zone)
    return datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo)


def _conditions(actor: Actor, now: datetime) -> dict[str, Q]:
    return {
        ALL: Q(),
        "to_accept": Q(state=State.ASSIGNED),
        "under_way": Q(state=State.UNDER_WAY),
        "overdue": Q(due_at__lt=now) & ~STANDS_STILL,
        "today": Q(due_at__gte=now, due_at__lt=end_of_today(now)),
        "unanswered": Q(state=State.UNDER_WAY, replied_at=None),
        "came_back": Q(returns__gt=0),
        "mine": Q(post_id=actor.post_id),
    }


def _counted(rows: QuerySet[Case], conditions: dict[str, Q]) -> dict[str, int]:
    first = rows.order_by("due_at", "pk")[: COUNTED + 1]
    return first.aggregate(**{code: Count("pk", filter=q or None) for code, q in conditions.items()})


def used_up_to(share: float) -> ExpressionWrapper[Any]:
    """SQL: the moment at which `share` of a case's time is used."""
    whole = ExpressionWrapper(F("due_at") - F("opened_at"), output_field=DurationField())
    part = ExpressionWrapper(whole * Value(share), output_field=DurationField())
    return ExpressionWrapper(F("opened_at") + part, output_field=DateTimeField())


def with_light(rows: QuerySet[Case], light: str, now: datetime) -> QuerySet[Case]:
    """Those of `rows` that show this traffic light; all without one.

    Raises:
        Invalid: there is no such light.
    """
    if not light:
        return rows
    amber, red = used_up_to(AMBER_FROM), used_up_to(RED_FROM)
    if light == Light.LATE:
        return rows.filter(Q(due_at__lte=now) & ~STANDS_STILL)
    rows = rows.filter(Q(due_at__gt=now) | STANDS_STILL)
    rows = rows.alias(seen_at=Coalesce("paused_at", Value(now)), amber_at=amber, red_at=red)
    if light == Light.RED:
        return rows.filter(red_at__lte=F("seen_at"))
    if light == Light.AMBER:
        return rows.filter(amber_at__lte=F("seen_at"), red_at__gt=F("seen_at"))
    if light == Light.GREEN:
        return rows.filter(amber_at__gt=F("seen_at"))
    raise Invalid(fields={"light": _("Choose one of the lights shown.")})


def requester_had_last_word(case_ids: Iterable[int]) -> frozenset[int]:
    """Those of the cases whose latest message is not yet answered by staff; one query."""
    ids = list(case_ids)
    if not ids:
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c FROM unnest(%s::bigint[]) AS c, LATERAL (
                 SELECT party_id FROM cases_message WHERE case_id = c AND audience <> 'internal'
                 ORDER BY said_at DESC, id DESC LIMIT 1) AS last WHERE last.party_id IS NOT NULL""",
            [ids],
        )
        return frozenset(row[0] for row in cursor.fetchall())


UNDECIDED: tuple[Tab, ...] = (
    Tab(ALL, _("All that wait")),
    Tab("arbitration", _("Returned twice")),
    Tab("returned", _("Returned once")),
    Tab("gap", _("No mandate covers it")),
    Tab("unclear", _("Not understood surely")),
)
_UNDECIDED_WHEN: dict[str, Q] = {
    ALL: Q(),
    "arbitration": Q(returns__gte=RETURNS_BEFORE_ARBITRATION),
    "returned": Q(returns__gt=0, returns__lt=RETURNS_BEFORE_ARBITRATION),
    "gap": Q(returns=0, route__rule="gap"),
    "unclear": Q(returns=0, route__rule="unclear"),
}


ORDERS: dict[str, Order] = {"oldest": OLDEST_FIRST, "due": NEXT_DEADLINE_FIRST}


def undecided(
    actor: Actor,
    tab: str,
    filters: CaseFilters | None = None,
    *,
    urgency: str = "",
    order: str = "oldest",
    after: str = "",
    limit: int = 25,
) -> Worklist:
    """What a dispatcher has to decide: no rule named an organisation, or it came back.

    Args:
        urgency: only matters of this urgency.
        order: a key of `ORDERS`.

    Raises:
        NotAllowed: the actor is no dispatcher.
        Invalid: the tab, the order, a filter or the cursor is unknown.
    """
    authority.require(actor, "case.see_unassigned")
    if tab not in _UNDECIDED_WHEN:
        raise Invalid(fields={"tab": _("Choose one of the lists shown.")})
    if order not in ORDERS:
        raise Invalid(fields={"order": _("Choose one of the orders shown.")})
    waiting = narrowed(Case.objects.filter(state=State.RECEIVED), filters or CaseFilters())
    if urgency:
        waiting = waiting.filter(urgency=urgency)
    counts = _counted(waiting, _UNDECIDED_WHEN)
    page = page_in_order(waiting.filter(_UNDECIDED_WHEN[tab]), ORDERS[order], after=after, limit=limit)
    is_more = counts[ALL] > COUNTED
    tabs = [replace(t, count=min(counts[t.code], COUNTED), is_more=is_more) for t in UNDECIDED]
    return Worklist(tabs, page, requester_had_last_word(case.pk for case in page.rows))


def of_organisation(
    actor: Actor, organisation_id: int, *, light: str = "", after: str = "", limit: int = 50
) -> Page:
    """Open cases of an organisation that the actor oversees, the next deadline first.

    Raises:
        NotAllowed: the organisation is neither the actor's own nor below it.
    """
    authority.require(actor, "case.oversee", Subject(organisation_id=organisation_id))
    rows = Case.objects.filter(organisation_id=organisation_id, state__in=OPEN_STATES)
    return page_by_deadline(with_light(rows, light, timezone.now()), after=after, limit=limit)


def most_urgent(actor: Actor, *, limit: int) -> list[Case]:
    """The open cases that are latest among all that the actor oversees."""
    authority.require(actor, "case.oversee", Subject(organisation_id=actor.organisation_id))
    ids = [actor.organisation_id or 0, *actor.subordinate_ids]
    rows = Case.objects.filter(organisation_id__in=ids, state__in=OPEN_STATES, due_at__lt=timezone.now())
    rows = rows.filter(~STANDS_STILL)
    return list(rows.order_by("due_at", "pk")[:limit])
