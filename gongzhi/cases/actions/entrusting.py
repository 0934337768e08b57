"""Giving a task to a post of the organisation that does it (派工): from then on that post answers for it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from gongzhi.cases.actions._core import OPEN_TASKS, step
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.models import Case, Task
from gongzhi.errors import Invalid, WrongState
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Post


def entrust(actor: Actor, case: Case, task: Task, post: Post, *, at: datetime | None = None) -> Task:
    """Name the post that does a task. What was not accepted yet counts as accepted by this.

    Args:
        case: the task's case, in the version that was seen.
        task: the leading organisation's, or an assisting one's part.

    Raises:
        Invalid: the post is not one of the organisation that does the task, or is no longer there.
        NotAllowed: the actor neither supervises nor dispatches for that organisation.
        WrongState: the task is no longer open, or has this post already.
    """
    is_part = task.role == Task.Role.ASSIST
    verb = Verb.ENTRUST_PART if is_part else Verb.ENTRUST
    with transaction.atomic():
        with step(actor, case, verb, at=at, of_part=task.organisation_id if is_part else None) as now:
            locked = Task.objects.select_for_update().get(pk=task.pk)
            if locked.state not in OPEN_TASKS or locked.role not in (Task.Role.LEAD, Task.Role.ASSIST):
                raise WrongState(_("This task is no longer open."))
            if post.organisation_id != locked.organisation_id or not post.is_active:
                raise Invalid(fields={"post": _("Choose a crew of the organisation that does it.")})
            if locked.post_id == post.pk and locked.state == Task.State.ACCEPTED:
                raise WrongState(_("This crew has the task already."))
            locked.post_id, locked.state = post.pk, Task.State.ACCEPTED
            locked.save(update_fields=["post", "state"])
            if not is_part:
                now.case.post_id = post.pk
                now.case.accepted_at = now.case.accepted_at or now.at
            now.details |= {"organisation": locked.organisation_id, "post": post.pk, "task": locked.pk}
    task.post_id, task.state = locked.post_id, locked.state
    return task
