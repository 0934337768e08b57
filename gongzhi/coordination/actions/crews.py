"""Sending a crew (派工): the task gets its post, and the post is told of it, in one transaction."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from gongzhi.cases import actions, numbers, staff_notices
from gongzhi.cases.models import Case, Task
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Post


def send(actor: Actor, case: Case, task: Task, post: Post, *, at: datetime | None = None) -> None:
    """Give a task to a crew and tell its post, at the desk and by mail.

    Raises:
        Invalid, NotAllowed, WrongState: as `cases.actions.entrust`.
    """
    now = at or timezone.now()
    is_part = task.role == Task.Role.ASSIST
    link = f"/desk/parts/{task.pk}/" if is_part else f"/desk/cases/{case.number}/"
    with transaction.atomic():
        actions.entrust(actor, case, task, post, at=now)
        staff_notices.tell(
            staff_notices.Kind.ERRAND,
            numbers.spoken(case.number),
            link,
            [post.pk],
            key=f"entrust:{task.pk}:{now.isoformat()}",
            at=now,
        )
