"""The cases behind a claim: whatever a figure, a finding or an alert says, somebody can open what it is made of.

Only what everybody may see of a case is listed; confidential ones are counted and not shown, so that a list never
tells what a page would hide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import Count, Q, QuerySet

from gongzhi.cases.models import Case
from gongzhi.errors import Invalid
from gongzhi.registry import snapshot

MOST: Final = 50
"""So many cases stand on one page."""
MOST_NUMBERS: Final = 2000
"""So many cases can be named one by one."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What a claim is about; empty means that it does not matter.

    Attributes:
        functions, areas: ids; everything below them counts as well.
        organisations: ids that hold the cases now.
        since, until: when the cases were received; `until` itself is not included.
        has_moved: whether they changed hands.
        steps: verbs of acts that followed each other directly, such as ("return", "assign").
    """

    numbers: tuple[str, ...] = ()
    functions: tuple[int, ...] = ()
    areas: tuple[int, ...] = ()
    organisations: tuple[int, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    has_moved: bool = False
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A page of the cases, newest first.

    Attributes:
        total: all of them, also those that are confidential.
        confidential: how many are not shown.
        after: number of the last case shown when more follow, else empty.
    """

    cases: list[Case]
    total: int
    confidential: int
    after: str


def cases_behind(behind: Behind, after: str = "") -> Found:
    """The cases of a claim.

    Raises:
        Invalid: more than `MOST_NUMBERS` numbers, or `after` is none of them.
    """
    rows = _narrowed(behind)
    counts = rows.aggregate(total=Count("pk"), public=Count("pk", filter=Q(is_public=True)))
    shown = rows.filter(is_public=True)
    if after:
        last = Case.objects.filter(number=after).only("opened_at").first()
        if last is None:
            raise Invalid(fields={"after": after})
        beyond = Q(opened_at__lt=last.opened_at) | Q(opened_at=last.opened_at, pk__lt=last.pk)
        shown = shown.filter(beyond)
    found = list(shown.order_by("-opened_at", "-pk")[: MOST + 1])
    more = found[MOST - 1].number if len(found) > MOST else ""
    return Found(found[:MOST], counts["total"], counts["total"] - counts["public"], more)


def _narrowed(behind: Behind) -> QuerySet[Case]:
    view = snapshot.current()
    if len(behind.numbers) > MOST_NUMBERS:
        raise Invalid(fields={"number": str(len(behind.numbers))})
    rows = Case.objects.all()
    if behind.numbers:
        rows = rows.filter(number__in=behind.numbers)
    if behind.functions:
        wanted = set(behind.functions)
        rows = rows.filter(function__in=[f.id for f in view.functions.values() if wanted & set(f.ancestors)])
    if behind.areas:
        wanted = set(behind.areas)
        rows = rows.filter(area__in=[a.id for a in view.areas.values() if wanted & set(a.ancestors)])
    if behind.organisations:
        rows = rows.filter(organisation__in=behind.organisations)
    if behind.since is not None:
        rows = rows.filter(opened_at__gte=behind.since)
    if behind.until is not None:
        rows = rows.filter(opened_at__lt=behind.until)
    if behind.has_moved:
        rows = rows.filter(Q(transfers__gt=0) | Q(returns__gt=0))
    if behind.steps:
        rows = rows.filter(pk__in=_with_steps(behind))
    return rows


_STEPS = """
SELECT DISTINCT subject_id FROM (
    SELECT a.subject_id, substr(a.verb, 6) AS one,
           lead(substr(a.verb, 6), 1) OVER w AS two, lead(substr(a.verb, 6), 2) OVER w AS three
    FROM ledger_act a JOIN cases_case c ON c.id = a.subject_id
    WHERE a.subject_kind = 'case' AND a.verb LIKE 'case.%%' AND a.verb <> ALL(%s)
      AND c.opened_at >= coalesce(%s::timestamptz, '-infinity') AND c.opened_at < coalesce(%s::timestamptz, 'infinity')
    WINDOW w AS (PARTITION BY a.subject_id ORDER BY a.id)
) AS follows WHERE one = %s AND two = %s AND (%s::text IS NULL OR three = %s) LIMIT 20000
"""
UNSEEN: Final = ("case.note", "case.redact", "case.absorb")
"""Verbs that do not move a case along: between two others they count as nothing."""


def _with_steps(behind: Behind) -> Sequence[int]:
    """Ids of cases in which the acts followed each other directly."""
    one, two, three = (*behind.steps, None, None)[:3]
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, [list(UNSEEN), behind.since, behind.until, one, two, three, three])
        return [row[0] for row in cursor.fetchall()]
