"""Deciding for good who does what was returned twice; every ruling is a finding about the mandates."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.registry import snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Organisation
from gongzhi.routing import findings


def arbitrate(actor: Actor, case: Case, to: Organisation, *, reason: str, at: datetime | None = None) -> Case:
    """`cases.actions.arbitrate`, with the finding that the mandates did not decide it.

    A case without a place counts for the whole city; one without a function says nothing of mandates.
    """
    now = at or timezone.now()
    with transaction.atomic():
        actions.arbitrate(actor, case, to, reason=reason, at=now)
        root = snapshot.current().root_area()
        area_id = case.area_id or (root.id if root else None)
        if case.function_id is not None and area_id is not None:
            findings.record_ruling(case.function_id, area_id, to.pk, now)
    return case
