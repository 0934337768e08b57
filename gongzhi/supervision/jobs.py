"""What supervision does by itself: clocks every minute, figures, lateness, the nightly look."""

from __future__ import annotations

import subprocess
import sys

import structlog
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from gongzhi.cases import text_messages
from gongzhi.errors import GongzhiError, TooMany
from gongzhi.registry.authority import SYSTEM
from gongzhi.supervision import (
    clocks,
    inspecting,
    invariant,
    inviting,
    rates,
    sampling,
    text_answers,
    urging,
)
from gongzhi.supervision.lateness import serving
from gongzhi.supervision.models import LatenessModel

_LEARNING_S = 1800
_TRIES = 8
log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="supervision.climb", queue="clocks", queueing_lock="supervision.climb")
def climb(timestamp: int) -> None:
    """Bring clocks in step with the cases, take the steps of the ladder that are due."""
    clocks.follow()
    taken, raised = clocks.climb(), urging.raise_unanswered()
    if taken or raised:
        log.info("supervision.climbed", steps=taken, urgings=raised)


@app.periodic(cron="* * * * *")
@app.task(name="supervision.count", queue="figures", queueing_lock="supervision.count")
def count(timestamp: int) -> None:
    """Bring the three rates up to date, perform announced draws, ask for ratings, foresee lateness."""
    rates.refresh()
    inspecting.perform_due()
    inviting.invite_resolved()
    serving.score_new()


@app.task(
    name="supervision.answer_text",
    queue="notices",
    retry=RetryStrategy(max_attempts=_TRIES, exponential_wait=3),
    pass_context=True,
)
def answer_text(context: JobContext, heard_id: int) -> None:
    """Send the answer to a text message; given up visibly after all tries."""
    try:
        text_answers.send_reply(heard_id)
    except Exception:
        if (context.job.attempts if context.job else _TRIES) >= _TRIES:
            text_answers.give_up(heard_id)
            log.error("text.answer_given_up", heard=heard_id)
        raise


@app.periodic(cron="* * * * *")
@app.task(name="supervision.collect_texts", queue="notices", queueing_lock="supervision.collect_texts")
def collect_texts(timestamp: int) -> None:
    """Take in what lies at a gateway that is asked instead of calling."""
    gateway = text_messages.gateway()
    if not isinstance(gateway, text_messages.Collected):
        return
    for lying in gateway.lying():
        try:
            text_answers.hear(SYSTEM, "collected", lying.id, lying.number, lying.text)
        except TooMany:
            continue
        except GongzhiError as problem:
            log.error("text.not_taken", message=lying.id, problem=type(problem).__name__)
            gateway.taken(lying, is_refused=True)
            continue
        gateway.taken(lying)


@app.periodic(cron="30 1 * * *")
@app.task(name="supervision.repair", queue="nightly", queueing_lock="supervision.repair")
def repair(timestamp: int) -> None:
    """Nothing outside a clock: repair what is, and say so aloud."""
    found = invariant.repair()
    if found:
        log.error("supervision.outside_a_clock", count=len(found), numbers=[v.number for v in found[:20]])
    else:
        log.info("supervision.everything_inside_a_clock")


@app.periodic(cron="50 2 * * *")
@app.task(name="supervision.foresee", queue="nightly", queueing_lock="supervision.foresee")
def foresee(timestamp: int) -> None:
    """Learn lateness from the city's own cases and tell it anew for every open one."""
    _foresee()


@app.periodic(cron="*/15 * * * *")
@app.task(name="supervision.foresee_first", queue="nightly", queueing_lock="supervision.foresee_first")
def foresee_first(timestamp: int) -> None:
    """Learn as soon as there is enough, so that a city need not wait for the night."""
    if not LatenessModel.objects.exists():
        _foresee("--if-never")


def _foresee(*options: str) -> None:
    """In a process of its own: what learning needs must not stay in the worker's memory."""
    command = [sys.executable, "-m", "gongzhi", "foresee", "--json", *options]
    done = subprocess.run(  # noqa: S603 – our own command
        command, capture_output=True, text=True, timeout=_LEARNING_S, check=True
    )
    log.info("supervision.lateness_learned", result=done.stdout.strip())


@app.periodic(cron="10 3 * * 1")
@app.task(name="supervision.sample", queue="nightly", queueing_lock="supervision.sample")
def sample(timestamp: int) -> None:
    """Draw last week's answers for a look at their quality."""
    log.info("supervision.sampled", answers=sampling.draw())
