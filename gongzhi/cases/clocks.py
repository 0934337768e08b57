"""What happens by itself when a limit is over: found here, done by the verbs, each exactly once.

Every step locks its case and looks again, so that a second worker, or the same one after a crash,
finds nothing left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import structlog
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import actions, rules
from gongzhi.cases.lifecycle import State
from gongzhi.cases.models import Case, Extension
from gongzhi.errors import Conflict, GongzhiError, NotFound, WrongState
from gongzhi.registry.authority import SYSTEM

log = structlog.get_logger(__name__)

MOST_A_ROUND = 20_000
AT_ONCE = 500
"""So many cases are locked and written in one transaction."""


def run(now: datetime | None = None) -> dict[str, int]:
    """Do everything that is due at `now`; gives how much of each was done."""
    moment = now or timezone.now()
    return {
        "resumed": _each(_paused(moment), lambda case: actions.resume(SYSTEM, case, why="limit", at=moment)),
        "lapsed": _lapse(moment),
        "refused": _each(_undecided(moment), lambda case: _refuse(case, moment)),
    }


def _paused(now: datetime) -> Iterable[Case]:
    """Cases whose requester did not answer in time."""
    return Case.objects.filter(paused_until__lte=now).order_by("paused_until")[:MOST_A_ROUND]


def _lapse(now: datetime) -> int:
    """Count as accepted what was neither accepted nor returned in time, so many at once."""
    latest = now - rules.shortest_wait()
    waiting = Case.objects.filter(Q(assigned_at__lte=latest) | Q(assigned_at=None), state=State.ASSIGNED)
    due = [case.pk for case in waiting.order_by("assigned_at")[:MOST_A_ROUND] if rules.answer_by(case) <= now]
    return sum(actions.lapse(due[n : n + AT_ONCE], at=now) for n in range(0, len(due), AT_ONCE))


def _undecided(now: datetime) -> Iterable[Case]:
    """Cases whose supervisor did not decide in time on more time."""
    waiting = Extension.objects.filter(state=Extension.State.ASKED, decide_by__lte=now)
    return [row.case for row in waiting.select_related("case").order_by("decide_by")[:MOST_A_ROUND]]


def _refuse(case: Case, now: datetime) -> None:
    reason = _("Nobody decided in time; the deadline stays.")
    actions.refuse_time(SYSTEM, case, reason=reason, at=now)


def _each(cases: Iterable[Case], act: Callable[[Case], object]) -> int:
    done = 0
    for case in list(cases):
        try:
            act(case)
            done += 1
        except (WrongState, Conflict, NotFound):
            continue  # somebody was quicker, which is what the limit asks for
        except GongzhiError as problem:
            log.error("clock.failed", case=case.number, problem=type(problem).__name__)
    return done
