"""Ordering, passing down, reporting (上下联动)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import staff_notices
from gongzhi.cases.opening import utc_text
from gongzhi.cases.texts import checked_text
from gongzhi.coordination import forms
from gongzhi.coordination.actions._core import active, later, own_organisation, post_of, record, require
from gongzhi.coordination.models import Directive, Order
from gongzhi.errors import Invalid, NotFound, WrongState
from gongzhi.ledger.canonical import compact
from gongzhi.registry.authority import SYSTEM, Actor
from gongzhi.registry.models import Organisation
from gongzhi.registry.queries import organisations_below

_OPEN = (Order.State.SENT, Order.State.ACKNOWLEDGED)
_LONGEST_CHAIN = 10


def issue(
    actor: Actor,
    title: str,
    text: str,
    targets: Sequence[Organisation],
    *,
    due_at: datetime,
    form: dict[str, Any] | None = None,
    parent: Order | None = None,
    at: datetime | None = None,
) -> Directive:
    """Order subordinate organisations to do something and to report.

    Args:
        form: JSON Schema of the report; without it that of `parent`, else a text.
        parent: the order from above that is passed down; its deadline is the latest possible one.

    Raises:
        Invalid: no title or text, no target, a target that is not below or stands above in the chain.
        NotAllowed: the actor is no supervisor or leader, or `parent` went to another organisation.
        WrongState: `parent` is no longer open.
    """
    title, text = checked_text(title, field_name="title")[:200], checked_text(text)
    issuer = own_organisation(actor)
    now = at or timezone.now()
    with transaction.atomic():
        require(actor, "directive.issue", issuer, own=True)
        above: list[int] = []
        if parent is not None:
            parent = _locked(parent.pk)
            require(actor, "directive.acknowledge", parent.organisation_id, own=True)
            if parent.directive.state != Directive.State.OPEN:
                raise WrongState(_("The directive is no longer open."))
            if due_at > parent.due_at:
                raise Invalid(fields={"due_at": _("Not after the deadline that was set from above.")})
            above = _chain(parent)
        ids = _checked_targets(issuer, targets, above)
        asked = forms.checked_form(form if form is not None else parent.directive.form if parent else {})
        directive = Directive.objects.create(
            issuer_id=issuer,
            post_id=post_of(actor),
            parent=parent,
            title=title,
            text=text,
            form=asked,
            issued_at=now,
            due_at=later(due_at, now),
        )
        Order.objects.bulk_create(
            Order(directive=directive, organisation_id=pk, due_at=directive.due_at) for pk in ids
        )
        if parent is not None and parent.state == Order.State.SENT:
            _take_up(parent, actor, now)
        record(
            actor,
            "directive.issue",
            directive.pk,
            {
                "targets": ids,
                "due_at": utc_text(directive.due_at),
                "parent": parent.directive_id if parent else None,
                "title": title,
            },
            at=now,
        )
        _notify(staff_notices.Kind.ORDER, directive, staff_notices.heads(*ids), f"order:{directive.pk}")
    return directive


def acknowledge(actor: Actor, order: Order, *, at: datetime | None = None) -> Order:
    """Say that the order was read and somebody is on it.

    Raises:
        WrongState: that was said before, or the order is no longer open.
    """
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(order.pk)
        require(actor, "directive.acknowledge", locked.organisation_id, own=True)
        if locked.state != Order.State.SENT:
            raise WrongState(_("This order was taken up already, or is no longer open."))
        _take_up(locked, actor, now)
        record(actor, "directive.acknowledge", locked.directive_id, {"by": locked.organisation_id}, at=now)
    return locked


def report(actor: Actor, order: Order, answer: dict[str, Any], *, at: datetime | None = None) -> Order:
    """Report what was done, as the form asks; until the directive is closed it can be corrected.

    Raises:
        Invalid: the answer does not fit the form.
        WrongState: the directive is no longer open.
    """
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(order.pk)
        require(actor, "directive.report", locked.organisation_id, own=True)
        if locked.directive.state != Directive.State.OPEN or locked.state == Order.State.CANCELLED:
            raise WrongState(_("The directive is no longer open."))
        answer = forms.checked_answer(locked.directive.form, answer)
        is_first = locked.reported_at is None
        locked.report, locked.state, locked.post_id = answer, Order.State.REPORTED, actor.post_id
        locked.reported_at = locked.reported_at or now
        locked.acknowledged_at = locked.acknowledged_at or now
        locked.save()
        details = {
            "by": locked.organisation_id,
            "in_time": locked.reported_at <= locked.due_at,
            "correction": not is_first,
            "digest": hashlib.sha256(compact(answer).encode()).hexdigest(),
        }
        record(actor, "directive.report", locked.directive_id, details, at=now)
    return locked


def close(actor: Actor, directive: Directive, *, reason: str, at: datetime | None = None) -> Directive:
    """End a directive; what is still open below it ends with it, and who did not report stays visible.

    Raises:
        Invalid: no reason.
        WrongState: it ended before.
    """
    reason = checked_text(reason, field_name="reason")
    now = at or timezone.now()
    with transaction.atomic():
        locked = Directive.objects.select_for_update().filter(pk=directive.pk).first()
        if locked is None:
            raise NotFound(_("There is no such directive."))
        require(actor, "directive.close", locked.issuer_id, own=True)
        if locked.state != Directive.State.OPEN:
            raise WrongState(_("The directive is no longer open."))
        waiting = [locked]
        while waiting:
            ending = waiting.pop()
            silent = list(ending.orders.filter(state__in=_OPEN).values_list("organisation_id", flat=True))
            ending.orders.filter(state__in=_OPEN).update(state=Order.State.CANCELLED)
            ending.state, ending.closed_at = Directive.State.CLOSED, now
            ending.save(update_fields=["state", "closed_at"])
            record(actor, "directive.close", ending.pk, {"silent": silent}, reason=reason, at=now)
            waiting += Directive.objects.select_for_update().filter(
                parent__directive=ending, state=Directive.State.OPEN
            )
    return locked


def miss(order_id: int, *, at: datetime) -> bool:
    """Record that no report came in time; False when there was one, or it was recorded before."""
    with transaction.atomic():
        locked = _locked(order_id)
        if locked.state not in _OPEN or locked.missed_at is not None or at < locked.due_at:
            return False
        locked.missed_at = at
        locked.save(update_fields=["missed_at"])
        details = {"by": locked.organisation_id, "due_at": utc_text(locked.due_at)}
        record(SYSTEM, "directive.miss", locked.directive_id, details, at=at)
        told = [*staff_notices.heads(locked.organisation_id), locked.post_id, locked.directive.post_id]
        _notify(staff_notices.Kind.OVERDUE, locked.directive, told, f"missed:{locked.pk}")
    return True


def remind(order_id: int) -> bool:
    """Tell who was ordered that the report is due soon, once; False when they know or have reported."""
    with transaction.atomic():
        locked = _locked(order_id)
        if locked.state not in _OPEN:
            return False
        told = [locked.post_id] if locked.post_id else staff_notices.heads(locked.organisation_id)
        return _notify(staff_notices.Kind.DUE, locked.directive, told, f"due:{locked.pk}") > 0


def _notify(kind: str, directive: Directive, posts: Sequence[int | None], key: str) -> int:
    return staff_notices.tell(kind, directive.title, f"/desk/directives/{directive.pk}/", posts, key=key)


def _take_up(order: Order, actor: Actor, now: datetime) -> None:
    order.state, order.acknowledged_at, order.post_id = Order.State.ACKNOWLEDGED, now, actor.post_id
    order.save(update_fields=["state", "acknowledged_at", "post"])


def _locked(order_id: int) -> Order:
    order = (
        Order.objects.select_for_update(of=("self",)).select_related("directive").filter(pk=order_id).first()
    )
    if order is None:
        raise NotFound(_("There is no such directive."))
    return order


def _chain(order: Order) -> list[int]:
    """Ids of all organisations from which an order came down."""
    found, current = [], order
    for _turn in range(_LONGEST_CHAIN):
        found.append(current.directive.issuer_id)
        if current.directive.parent is None:
            return found
        current = current.directive.parent
    raise Invalid(fields={"targets": _("The order has been passed down too often.")})


def _checked_targets(issuer: int, targets: Sequence[Organisation], above: list[int]) -> list[int]:
    if not targets:
        raise Invalid(fields={"targets": _("Choose at least one organisation.")})
    below = organisations_below(issuer)
    for target in targets:
        if target.pk == issuer or target.pk in above:
            sentence = _("%(name)s stands above in this chain of orders; a directive does not go in circles.")
            raise Invalid(fields={"targets": sentence % {"name": target.name}})
        if target.pk not in below:
            sentence = _("%(name)s is not subordinate to your organisation.")
            raise Invalid(fields={"targets": sentence % {"name": target.name}})
        active(target, "targets")
    return sorted({target.pk for target in targets})
