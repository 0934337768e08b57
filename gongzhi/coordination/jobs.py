"""Background work of this room: clocks, messages to other cities, monthly statements."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from django.db.models import Q
from django.utils import timezone
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from gongzhi.coordination import clocks, couriers
from gongzhi.coordination.actions import federation
from gongzhi.coordination.models import Neighbour, Passage, Told
from gongzhi.coordination.outgoing import Unreachable
from gongzhi.errors import GongzhiError

log = structlog.get_logger(__name__)

TRIES: Final = 10


@app.task(
    name="coordination.deliver_passage",
    queue="federation",
    retry=RetryStrategy(max_attempts=TRIES, exponential_wait=3, retry_exceptions=[Unreachable]),
    pass_context=True,
)
def deliver_passage(context: JobContext, passage_id: str) -> None:
    """Bring a matter to another city; what it refuses, or cannot be reached for hours, comes back."""
    try:
        couriers.deliver(UUID(passage_id))
    except Unreachable:
        if context.job is None or context.job.attempts < TRIES - 1:
            raise
        federation.failed(UUID(passage_id), "unreachable")
    except (couriers.Refused, GongzhiError) as problem:
        log.warning("passage.refused", passage=passage_id, problem=type(problem).__name__)
        federation.failed(UUID(passage_id), str(problem))


@app.periodic(cron="* * * * * */10")
@app.task(
    name="coordination.exchange",
    queue="federation",
    queueing_lock="coordination.exchange",
    lock="coordination.exchange",
)
def exchange(timestamp: int) -> None:
    """Tell other cities what happened to their matters and ours, and ask those that cannot tell."""
    exchange_once()


def exchange_once() -> None:
    """One round of `exchange`; a city that cannot be reached is tried in the next one."""
    now = timezone.now()
    there = Passage.objects.filter(state=Passage.State.THERE)
    for passage_id in list(there.values_list("pk", flat=True)):
        federation.collect(passage_id)
    stuck: set[UUID] = set()
    waiting = Told.objects.filter(sent_at=None).order_by("passage", "sequence")
    for told_id, passage_id in list(waiting.values_list("pk", "passage_id")):
        if passage_id in stuck:
            continue
        try:
            couriers.tell(told_id)
        except (Unreachable, couriers.Refused, GongzhiError) as problem:
            stuck.add(passage_id)
            log.warning("passage.not_told", passage=str(passage_id), problem=str(problem)[:200])
    quiet = Q(asked_at=None) | Q(asked_at__lte=now - couriers.ASK_EVERY)
    to_ask = there.filter(quiet, neighbour__kind=Neighbour.Kind.OPEN311)
    for passage_id in list(to_ask.values_list("pk", flat=True)):
        try:
            couriers.ask(passage_id)
        except (Unreachable, couriers.Refused, GongzhiError) as problem:
            log.warning("passage.not_asked", passage=str(passage_id), problem=str(problem)[:200])


@app.periodic(cron="* * * * *")
@app.task(
    name="coordination.run_clocks",
    queue="clocks",
    queueing_lock="coordination.run_clocks",
    lock="coordination.run_clocks",
)
def run_clocks(timestamp: int) -> None:
    """Do what is due by itself: silence recorded, reports asked for, deadlines changed."""
    done = clocks.run()
    if any(done.values()):
        log.info("coordination.clocks_run", **done)
