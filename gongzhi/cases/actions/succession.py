"""Open work whose post or organisation is no longer there goes to a successor; the past stays.

The acts are those of the reorganisation (`coordination.actions.reorganising`), in whose transaction
these run.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from gongzhi.cases.actions._core import OPEN_TASKS
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case, Task


def posts_work_goes_to(post_id: int, successor_id: int | None, at: datetime) -> int:
    """Name another post of the organisation in the open cases and tasks of a post; gives how many cases."""
    moved = Case.objects.filter(post_id=post_id, state__in=OPEN_STATES).update(
        post_id=successor_id, version=F("version") + 1, updated_at=at
    )
    Task.objects.filter(post_id=post_id, state__in=OPEN_TASKS).update(post_id=successor_id)
    return moved


def parts_go_to(gone_id: int, into_id: int) -> int:
    """Give the open parts of an organisation to its successor, to be taken up anew; gives how many."""
    return Task.objects.filter(organisation_id=gone_id, role=Task.Role.ASSIST, state__in=OPEN_TASKS).update(
        organisation_id=into_id, post_id=None, state=Task.State.OPEN
    )
