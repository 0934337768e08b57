"""What is due in this room: found here, done by the verbs, each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from gongzhi.cases import rules
from gongzhi.cases.watching import Watched
from gongzhi.coordination.actions import directives, incidents, partners, whistles
from gongzhi.coordination.models import Agreement, Call, Incident, Order, Settlement, SituationReport
from gongzhi.registry.authority import SYSTEM
from gongzhi.registry.models import Organisation

MOST_A_ROUND = 5_000
_REMIND = timedelta(days=1)
WATCHED_ORDERS = Watched(
    "order",
    """SELECT o.id, NULL::bigint, o.organisation_id, o.post_id, d.issued_at, o.due_at, d.title
       FROM coordination_order o JOIN coordination_directive d ON d.id = o.directive_id
       WHERE o.state IN ('sent', 'acknowledged') AND d.state = 'open'""",
)
"""Orders that wait for their report: supervision keeps a clock for each (see `cases.watching`)."""


def run(now: datetime | None = None) -> dict[str, int]:
    """Do everything that is due at `now`; gives how much of each was done."""
    moment = now or timezone.now()
    return {
        "orders": _each(_late_orders(moment), lambda pk: directives.miss(pk, at=moment)),
        "reminders": _each(_due_soon(moment), directives.remind),
        "calls": _each(_late_calls(moment), lambda pk: whistles.miss(pk, at=moment)),
        "reports": _each(_late_reports(moment), lambda pk: incidents.miss_report(pk, at=moment)),
        "periods": _each(_going_on(), lambda pk: incidents.next_period(pk, moment)),
        "hastened": sum(
            incidents.include_matters(incident, moment)
            for incident in Incident.objects.filter(state=Incident.State.ON).select_related("area")
        ),
        "statements": _each(_unsettled(moment), lambda pk: _settle(pk, moment)),
    }


def _late_orders(now: datetime) -> Iterable[int]:
    rows = Order.objects.filter(due_at__lte=now, missed_at=None, state__in=["sent", "acknowledged"])
    return rows.order_by("due_at").values_list("pk", flat=True)[:MOST_A_ROUND]


def _due_soon(now: datetime) -> Iterable[int]:
    """Orders whose report is due within a day, and that were given longer than that."""
    soon = Order.objects.filter(
        due_at__gt=now, due_at__lte=now + _REMIND, state__in=["sent", "acknowledged"], missed_at=None
    ).filter(directive__issued_at__lte=F("due_at") - _REMIND)
    return soon.order_by("due_at").values_list("pk", flat=True)[:MOST_A_ROUND]


def _late_calls(now: datetime) -> Iterable[int]:
    late = Q(answered_at=None, answer_by__lte=now) | Q(arrived_at=None, arrive_by__lte=now)
    rows = Call.objects.filter(late, missed_at=None, whistle__state="called")
    return rows.order_by("answer_by").values_list("pk", flat=True)[:MOST_A_ROUND]


def _late_reports(now: datetime) -> Iterable[int]:
    rows = SituationReport.objects.filter(due_at__lte=now, missed_at=None, reported_at=None)
    return rows.order_by("due_at").values_list("pk", flat=True)[:MOST_A_ROUND]


def _going_on() -> Iterable[int]:
    return Incident.objects.filter(state=Incident.State.ON).values_list("pk", flat=True)


def _unsettled(now: datetime) -> Iterable[int]:
    """Partners with an agreement in the month that is over, whose statement was not issued yet."""
    month = last_month(now)
    first = datetime.fromisoformat(f"{month}-01").date()
    rows = Agreement.objects.filter(valid_until__gte=first, valid_from__lte=first + timedelta(days=31))
    settled = Settlement.objects.filter(month=month).values("partner")
    return rows.exclude(partner__in=settled).order_by().values_list("partner_id", flat=True).distinct()


def _settle(partner_id: int, now: datetime) -> bool:
    partner = Organisation.objects.get(pk=partner_id)
    partners.issue_statement(SYSTEM, partner, last_month(now), at=now)
    return True


def last_month(now: datetime) -> str:
    """The month before the present one in the city's zone, written 2026-11."""
    today = now.astimezone(rules.calendar().zone).date()
    return f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"


def _each(ids: Iterable[int], act: Callable[[int], bool]) -> int:
    return sum(act(pk) for pk in list(ids))
