"""Counting as accepted what an organisation has neither accepted nor returned in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from gongzhi.cases import rules
from gongzhi.cases.lifecycle import TRANSITIONS, State, Verb
from gongzhi.cases.models import Case, Task
from gongzhi.cases.opening import utc_text
from gongzhi.ledger import acts
from gongzhi.registry import authority, queries


def lapse(case_ids: Sequence[int], *, at: datetime) -> int:
    """Count those of the cases as accepted whose time to answer is over; gives how many.

    The post that takes up new cases there is named with each, so that somebody is responsible. Many
    can be due in the same minute, so they are written as a set; what another worker holds is left to
    it, and what was accepted or returned in the meantime stays as it is.
    """
    authority.require(authority.SYSTEM, f"case.{Verb.LAPSE}")
    target = TRANSITIONS[State.ASSIGNED, Verb.LAPSE]
    posts: dict[int | None, int | None] = {}
    by_post: dict[int | None, list[int]] = defaultdict(list)
    ready = []
    with transaction.atomic():
        rows = Case.objects.select_for_update(skip_locked=True).filter(pk__in=case_ids, state=State.ASSIGNED)
        for case in rows.order_by("pk"):
            answer_by = rules.answer_by(case)
            if at < answer_by:
                continue
            holder = case.organisation_id
            if holder not in posts:
                post = queries.first_post_for(holder or 0)
                posts[holder] = post.pk if post else None
            by_post[posts[holder]].append(case.pk)
            details = {
                "state": str(target),
                "organisation": holder,
                "post": posts[holder],
                "answer_by": utc_text(answer_by),
            }
            verb = f"case.{Verb.LAPSE}"
            ready.append(acts.prepared(authority.SYSTEM, verb, "case", case.pk, case.number, details, at=at))
        for post_id, ids in by_post.items():
            Case.objects.filter(pk__in=ids).update(
                state=target, post_id=post_id, accepted_at=at, updated_at=at, version=F("version") + 1
            )
            waiting = Task.objects.filter(case__in=ids, role=Task.Role.LEAD, state=Task.State.OPEN)
            waiting.update(state=Task.State.ACCEPTED, post_id=post_id)
        acts.record_many(ready)
    return len(ready)
