"""Nothing outside a clock: every open case has an organisation, something to do, and a next step;
so has every open part, request for time and directive.

The nightly look repairs what is missing and writes down what it found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.ledger import acts
from gongzhi.registry import snapshot
from gongzhi.registry.authority import SYSTEM
from gongzhi.supervision import clocks, settings, watches
from gongzhi.supervision.models import Clock, Repair, Watch

_OPEN = "c.state IN ('received', 'assigned', 'under_way')"

_NO_OWNER = f"SELECT c.id, c.number FROM cases_case c WHERE {_OPEN} AND c.organisation_id IS NULL"  # noqa: S608
_NO_TASK = f"""
SELECT c.id, c.number FROM cases_case c
WHERE {_OPEN} AND c.state <> 'received' AND c.organisation_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM cases_task t WHERE t.case_id = c.id AND t.state IN ('open', 'accepted'))
"""  # noqa: S608
_NO_CLOCK = f"""
SELECT c.id, c.number FROM cases_case c LEFT JOIN supervision_clock k ON k.case_id = c.id
WHERE {_OPEN} AND (k.case_id IS NULL OR k.due_at <> c.due_at OR (k.next_at IS NULL AND k.step < %s AND c.paused_at IS NULL))
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Violation:
    """An open case, or something of it or beside it (`about`), that is outside a clock."""

    case_id: int | None
    number: str
    kind: str
    about: str = ""


def violations() -> list[Violation]:
    """What is open without owner, task or next escalation; none is what should be found.

    Beside cases: parts, requests for time and directives (see `watches`).
    """
    found: list[Violation] = []
    with connection.cursor() as cursor:
        for kind, sql, parameters in (
            (Repair.Kind.NO_OWNER, _NO_OWNER, []),
            (Repair.Kind.NO_TASK, _NO_TASK, []),
            (Repair.Kind.NO_CLOCK, _NO_CLOCK, [len(settings.current().ladder)]),
        ):
            cursor.execute(sql, parameters)
            found += [Violation(pk, number, kind) for pk, number in cursor.fetchall()]
    loose = watches.unwatched(len(settings.current().ladder))
    return found + [
        Violation(case_id, label, Repair.Kind.NO_CLOCK, f"{kind} {about}")
        for kind, about, case_id, label in loose
    ]


def repair(now: datetime | None = None) -> list[Violation]:
    """Give every such case back an owner, a task and a clock, each with its act; gives what was found.

    No owner → the organisation that is first responsible (首接负责制), whose dispatcher decides.
    """
    now = now or timezone.now()
    view = snapshot.current()
    desk = view.organisation_by_code.get(str(view.city.config.get("first_responsible", "")))
    with transaction.atomic():
        found = violations()
        ids: dict[str, list[int]] = {
            kind: [v.case_id for v in found if v.kind == kind and v.case_id and not v.about]
            for kind in (Repair.Kind.NO_OWNER, Repair.Kind.NO_TASK, Repair.Kind.NO_CLOCK)
        }
        with connection.cursor() as cursor:
            if desk is not None and ids[Repair.Kind.NO_OWNER]:
                cursor.execute(
                    "UPDATE cases_case SET organisation_id = %s, post_id = NULL, state = 'received',"
                    " version = version + 1, updated_at = %s"
                    " WHERE id = ANY(%s) AND organisation_id IS NULL AND state = ANY(%s)",
                    [desk.id, now, ids[Repair.Kind.NO_OWNER], [str(s) for s in OPEN_STATES]],
                )
            if ids[Repair.Kind.NO_TASK]:
                cursor.execute(
                    "INSERT INTO cases_task (case_id, organisation_id, post_id, role, state, opened_at, due_at, result)"
                    " SELECT id, organisation_id, post_id, 'lead',"
                    " CASE WHEN state = 'under_way' THEN 'accepted' ELSE 'open' END, %s, due_at, ''"
                    " FROM cases_case WHERE id = ANY(%s)",
                    [now, ids[Repair.Kind.NO_TASK]],
                )
        # A clock that would never push starts anew; steps that were taken are not taken again.
        Clock.objects.filter(case_id__in=ids[Repair.Kind.NO_CLOCK]).delete()
        for v in found:
            if v.about:
                kind, about = v.about.split()
                Watch.objects.filter(kind=kind, about_id=int(about)).delete()
        clocks.follow()
        Repair.objects.bulk_create(
            Repair(case_id=v.case_id, kind=v.kind, about=v.about, at=now) for v in found
        )
        acts.record_many(
            [
                acts.prepared(
                    SYSTEM,
                    "supervision.repair_clock",
                    "supervision" if v.case_id else v.about.split()[0],
                    v.case_id or int(v.about.split()[1]),
                    v.number if v.case_id else v.about.split()[1],
                    {"kind": str(v.kind), "about": v.about},
                    at=now,
                )
                for v in found
            ]
        )
    return found
