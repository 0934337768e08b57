"""Reports that roll up by themselves: what was reported at every level, added up, and who is silent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gongzhi.coordination.models import Directive, Order


@dataclass
class Standing:
    """One organisation under a directive, with those below it to whom it was passed down.

    Attributes:
        totals: of every number of the form: the own report, else the sum of what is below.
        counted: how many reports are in `totals`.
    """

    order: Order
    is_silent: bool
    below: list[Standing] = field(default_factory=list)
    totals: dict[str, float] = field(default_factory=dict)
    counted: int = 0


@dataclass
class RollUp:
    """A directive at all levels.

    Attributes:
        targets, reported, in_time, silent: orders at all levels; silent are those past their deadline
            without a report.
    """

    directive: Directive
    standings: list[Standing]
    totals: dict[str, float]
    targets: int
    reported: int
    in_time: int
    silent: list[int]
    """Ids of organisations, each once."""


def roll_up(directive: Directive, now: datetime) -> RollUp:
    """How a directive stands; one query a level."""
    orders: list[Order] = []
    level = list(_orders([directive.pk]))
    children: dict[int, list[Order]] = defaultdict(list)
    while level:
        orders += level
        passed = list(Directive.objects.filter(parent__in=level).values_list("pk", "parent_id"))
        parents = dict(passed)
        level = list(_orders(list(parents)))
        for order in level:
            children[parents[order.directive_id] or 0].append(order)
    top = [o for o in orders if o.directive_id == directive.pk]
    standings = [_standing(order, children, now) for order in top]
    late = [o for o in orders if _is_silent(o, now)]
    return RollUp(
        directive=directive,
        standings=standings,
        totals=_sum([s.totals for s in standings]),
        targets=len(orders),
        reported=sum(o.reported_at is not None for o in orders),
        in_time=sum(o.reported_at is not None and o.reported_at <= o.due_at for o in orders),
        silent=sorted({o.organisation_id for o in late}),
    )


def _orders(directive_ids: list[int]) -> Any:
    rows = Order.objects.filter(directive__in=directive_ids)
    return rows.select_related("organisation", "directive").order_by("organisation__code")


def _standing(order: Order, children: dict[int, list[Order]], now: datetime) -> Standing:
    below = [_standing(child, children, now) for child in children.get(order.pk, [])]
    standing = Standing(order=order, is_silent=_is_silent(order, now), below=below)
    if order.report is not None:
        standing.totals, standing.counted = _numbers(order.report), 1
    else:
        standing.totals = _sum([s.totals for s in below])
        standing.counted = sum(s.counted for s in below)
    return standing


def _is_silent(order: Order, now: datetime) -> bool:
    return order.reported_at is None and order.due_at < now


def _numbers(report: dict[str, Any]) -> dict[str, float]:
    return {k: v for k, v in report.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def _sum(parts: list[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total
