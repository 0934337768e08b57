"""Deciding who does a case (派单、裁定): what the mandates say is heard, what goes against it is written down."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.coordination import decisions
from gongzhi.errors import Invalid
from gongzhi.registry import snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Function, Organisation
from gongzhi.routing import findings
from gongzhi.routing.models import Finding


def decide(
    actor: Actor,
    case: Case,
    to: Organisation,
    *,
    function: Function | None = None,
    reason: str = "",
    at: datetime | None = None,
) -> Case:
    """Send a case to the organisation that does it; what was returned twice is ruled for good.

    A decision for an organisation without a mandate where another one leads is allowed, with a reason:
    it is a finding about the mandates, and so is every ruling. A case without a place counts for the
    whole city; one of which it is not known what it is about says nothing of mandates.

    Args:
        function: what the case is about, if that is to be corrected at once.

    Raises:
        Invalid: a reason is needed and missing, or `to` no longer exists.
        NotAllowed: the actor is no dispatcher, or would rule on the own organisation.
        WrongState: the case is no longer open.
    """
    now = at or timezone.now()
    with transaction.atomic():
        if function is not None and function.pk != case.function_id:
            actions.classify(actor, case, function, at=now)
        plan = decisions.decision(case, to.pk, function.pk if function else None, now)
        if plan.contradicts and not reason.strip():
            raise Invalid(
                fields={
                    "reason": _(
                        "By the mandates another organisation leads this here. Say why you decide otherwise."
                    )
                }
            )
        if plan.is_final:
            actions.arbitrate(actor, case, to, reason=reason, at=now)
            _record(Finding.Kind.RULING, plan, now)
        else:
            actions.assign(actor, case, to, reason=reason, at=now)
        if plan.contradicts:
            _record(Finding.Kind.AGAINST, plan, now)
    return case


def _record(kind: Finding.Kind, plan: decisions.Decision, now: datetime) -> None:
    root = snapshot.current().root_area()
    area_id = plan.case.area_id or (root.id if root else None)
    if plan.function_id is not None and area_id is not None:
        findings.record_decision(kind, plan.function_id, area_id, plan.organisation_id, now)
