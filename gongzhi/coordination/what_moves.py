"""What will move when organisations merge, a post ends or an agreement ends: counted before it is done."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from gongzhi.cases import rules
from gongzhi.cases.lifecycle import OPEN_STATES, State
from gongzhi.cases.models import Case, Task
from gongzhi.coordination import settlement
from gongzhi.coordination.actions.reorganising import successor_of
from gongzhi.coordination.models import Agreement, Order
from gongzhi.registry import snapshot
from gongzhi.registry.models import Mandate, Organisation, Post

_OPEN_TASKS = (Task.State.OPEN, Task.State.ACCEPTED)
_OPEN_ORDERS = (Order.State.SENT, Order.State.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class OfOrganisation:
    """What goes to the successor; everything that has ended stays with the one that is gone."""

    cases: int
    parts: int
    mandates: int
    posts: int
    orders: int
    below: int
    stays: int
    """Cases that have ended."""


@dataclass(frozen=True, slots=True)
class OfPost:
    """What the successor gets."""

    cases: int
    tasks: int
    successor: Post | None
    """None: nobody there does such work; it waits for the organisation without a name on it."""


def of_organisation(gone: Organisation) -> OfOrganisation:
    """What moves when this organisation is merged into another."""
    today = timezone.now().astimezone(rules.calendar().zone).date()
    cases = Case.objects.filter(organisation=gone)
    return OfOrganisation(
        cases=cases.filter(state__in=(State.ASSIGNED, State.UNDER_WAY)).count(),
        parts=Task.objects.filter(
            organisation=gone, role=Task.Role.ASSIST, state__in=_OPEN_TASKS
        ).count(),
        mandates=Mandate.objects.filter(organisation=gone, valid_from__lte=today)
        .exclude(valid_until__lt=today)
        .count(),
        posts=Post.objects.filter(organisation=gone, is_active=True).count(),
        orders=Order.objects.filter(organisation=gone, state__in=_OPEN_ORDERS).count(),
        below=Organisation.objects.filter(parent=gone, is_active=True).count(),
        stays=cases.exclude(state__in=OPEN_STATES).count(),
    )  # fmt: skip


def of_post(post: Post) -> OfPost:
    """What goes to a successor when this post ends or its holder moves."""
    return OfPost(
        cases=Case.objects.filter(post_id=post.pk, state__in=OPEN_STATES).count(),
        tasks=Task.objects.filter(post_id=post.pk, state__in=_OPEN_TASKS).count(),
        successor=successor_of(post),
    )


def of_agreement(agreement: Agreement) -> int:
    """How many open tasks of the partner fall under an agreement; they stay the partner's when it ends."""
    view = snapshot.current()
    leaves = [view.function_by_code[code].id for code in settlement.leaves(agreement.functions)]
    within = [a.id for a in view.areas.values() if agreement.area_id in a.ancestors]
    return Task.objects.filter(
        Q(case__area_id__in=within) | Q(case__area_id=None),
        organisation_id=agreement.partner_id,
        state__in=_OPEN_TASKS,
        case__function_id__in=leaves,
    ).count()
