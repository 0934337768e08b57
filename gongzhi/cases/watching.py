"""Which open cases are outside a clock: nobody holds them, or nobody has to be done by a date."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from gongzhi.cases.lifecycle import State
from gongzhi.cases.models import Case, Task


@dataclass(frozen=True, slots=True)
class Watched:
    """A kind of thing with a deadline of its own, beside the case: a part, a request for time, an order.

    Attributes:
        kind: a word of at most 12 letters.
        rows: a SELECT of those that are open now: about_id, case_id, organisation_id, post_id,
            started_at, due_at, label.
        has_workers: whether the person who works on it is pushed first; else the head.
    """

    kind: str
    rows: str
    has_workers: bool = True


WATCHED: dict[str, Watched] = {}
"""Kind → what supervision keeps a clock for; rooms beside it add theirs when they start."""


def register(watched: Watched) -> None:
    """Have a clock kept for everything of this kind."""
    WATCHED[watched.kind] = watched


register(
    Watched(
        "part",
        """SELECT t.id, t.case_id, t.organisation_id, t.post_id, t.opened_at, t.due_at, c.number
           FROM cases_task t JOIN cases_case c ON c.id = t.case_id
           WHERE t.state IN ('open', 'accepted') AND t.role <> 'lead'
             AND c.state IN ('received', 'assigned', 'under_way')""",
    )
)
register(
    Watched(
        "extension",
        """SELECT e.id, e.case_id, e.organisation_id, NULL::bigint, e.asked_at, e.decide_by, c.number
           FROM cases_extension e JOIN cases_case c ON c.id = e.case_id WHERE e.state = 'asked'""",
        has_workers=False,
    )
)


def unwatched(*, limit: int = 100) -> list[str]:
    """Numbers of open cases without organisation, or sent on without an open task; oldest first.

    A returned case waits for the dispatcher of the organisation that holds it and needs no task.
    """
    open_task = Task.objects.filter(case=OuterRef("pk"), state__in=[Task.State.OPEN, Task.State.ACCEPTED])
    lost = Q(organisation=None) | (Q(state__in=[State.ASSIGNED, State.UNDER_WAY]) & ~Exists(open_task))
    open_cases = Case.objects.filter(state__in=[State.RECEIVED, State.ASSIGNED, State.UNDER_WAY])
    found = open_cases.filter(lost).order_by("opened_at", "pk")
    return list(found.values_list("number", flat=True)[:limit])
