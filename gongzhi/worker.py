"""The background worker: the sequencer of the log in a thread, and the jobs (procrastinate) beside it.

Both outlive a lost database and go on within a second of its return. Jobs that a killed worker left
half done are taken up again; each of them is written so that doing it twice has one effect.
"""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from typing import Final

import structlog
from django.conf import settings
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from gongzhi.ledger.jobs import run_sequencer
from gongzhi.postgres.answering import Address, answers

log = structlog.get_logger(__name__)

_LOOK_EVERY_S: Final = 0.5
_STOP_WITHIN_S: Final = 10.0
_STALLED_AFTER_S: Final = 4.0
"""A worker that has given no sign for so long is dead, and what it was doing is done anew."""


def run(stop: threading.Event) -> None:
    """Work until `stop` is set."""
    sequencer = threading.Thread(target=run_sequencer, args=(stop,), name="sequencer")
    sequencer.start()
    try:
        asyncio.run(_work_until(stop))
    finally:
        stop.set()
        sequencer.join(timeout=20)


async def _work_until(stop: threading.Event) -> None:
    address = _address()
    while not stop.is_set():
        if address is None or await asyncio.to_thread(answers, address):
            try:
                await _work_once(stop, address)
            except Exception as problem:  # noqa: BLE001 – whatever it is, the worker goes on
                log.warning("worker.interrupted", problem=type(problem).__name__)
        await _pause(stop, _LOOK_EVERY_S)


async def _work_once(stop: threading.Event, address: Address | None) -> None:
    """Run the jobs until `stop` is set or the database is lost."""
    connector = PsycopgConnector(
        kwargs=connector_params(), min_size=1, max_size=6, timeout=3.0, reconnect_timeout=1.0
    )
    with app.replace_connector(connector) as jobs:
        async with jobs.open_async():
            working = asyncio.create_task(
                jobs.run_worker_async(install_signal_handlers=False, name=f"worker-{os.getpid()}")
            )
            reviving = asyncio.create_task(_take_up_stalled())
            log.info("worker.started")
            try:
                while not (stop.is_set() or working.done() or reviving.done()):
                    await _pause(stop, _LOOK_EVERY_S)
                    if address is not None and not await asyncio.to_thread(answers, address):
                        raise ConnectionError("the database does not answer")
            finally:
                reviving.cancel()
                working.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await asyncio.wait_for(working, _STOP_WITHIN_S)
            if reviving.done() and not reviving.cancelled():
                reviving.result()


async def _take_up_stalled() -> None:
    """Put jobs of workers that died back into the queue."""
    while True:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_AFTER_S):
            log.warning("job.taken_up_again", task=job.task_name, job=job.id)
            await app.job_manager.retry_job(job)
        await asyncio.sleep(1.0)


async def _pause(stop: threading.Event, seconds: float) -> None:
    """Wait, but not longer than until `stop` is set."""
    for _ in range(max(1, round(seconds / 0.1))):
        if stop.is_set():
            return
        await asyncio.sleep(0.1)


def _address() -> Address | None:
    database = settings.DATABASES["default"]
    host = str(database["HOST"])
    return Address(host, int(database["PORT"] or 5432)) if host else None
