"""Background work on cases: sending notices, and the nightly look at what nobody watches."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import structlog
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from gongzhi.cases import clocks, notices, prepared, staff_notices
from gongzhi.cases.watching import unwatched

log = structlog.get_logger(__name__)

TRIES: Final = 8
"""With waits of 3, 9, 27 … seconds the last try is some five hours after the first."""


@app.task(
    name="cases.deliver_notice",
    queue="notices",
    retry=RetryStrategy(max_attempts=TRIES, exponential_wait=3),
    pass_context=True,
)
def deliver_notice(context: JobContext, notice_id: str) -> None:
    """Send one notice; tried again with growing pauses, given up visibly after `TRIES` tries."""
    try:
        notices.deliver(UUID(notice_id))
    except notices.Quiet as quiet:
        deliver_notice.configure(schedule_at=quiet.until).defer(notice_id=notice_id)
    except Exception as problem:
        attempts = context.job.attempts if context.job else TRIES
        is_last = attempts >= TRIES
        notices.failed(UUID(notice_id), problem, for_good=is_last)
        if is_last:
            log.error("notice.given_up", notice=notice_id, problem=type(problem).__name__)
        raise


@app.task(
    name="cases.deliver_staff_notices",
    queue="notices",
    retry=RetryStrategy(max_attempts=TRIES, exponential_wait=3),
    pass_context=True,
)
def deliver_staff_notices(context: JobContext, post_id: int) -> None:
    """Send what waits for a post as one mail; given up visibly after `TRIES` tries."""
    try:
        staff_notices.deliver(post_id)
    except notices.Quiet as quiet:
        deliver_staff_notices.configure(schedule_at=quiet.until).defer(post_id=post_id)
    except Exception as problem:
        is_last = (context.job.attempts if context.job else TRIES) >= TRIES
        staff_notices.failed(post_id, problem, for_good=is_last)
        if is_last:
            log.error("staff_notice.given_up", post=post_id, problem=type(problem).__name__)
        raise


@app.periodic(cron="40 1 * * *")
@app.task(name="cases.check_clocks", queue="nightly", queueing_lock="cases.check_clocks")
def check_clocks(timestamp: int) -> None:
    """Every open case has an organisation, an open task and a deadline; say aloud which has not."""
    found: list[Any] = unwatched(limit=20)
    if found:
        log.error("cases.unwatched", count=len(found), numbers=found)
    else:
        log.info("cases.all_watched")


@app.periodic(cron="* * * * *")
@app.task(name="cases.run_clocks", queue="clocks", queueing_lock="cases.run_clocks", lock="cases.run_clocks")
def run_clocks(timestamp: int) -> None:
    """Do what is due by itself: count as accepted, start clocks again, refuse what nobody decided."""
    done = clocks.run()
    if any(done.values()):
        log.info("clocks.run", **done)


@app.task(name="cases.prepare", queue="figures")
def prepare(name: str, asked: dict[str, Any]) -> None:
    """Make the answer to a question that takes long (see `prepared`)."""
    prepared.make(name, asked)
