"""Background work of understanding: learning from the day's decided cases, vectors of answered ones."""

from __future__ import annotations

import subprocess
import sys

import structlog
from procrastinate.contrib.django import app

from gongzhi.understanding import similar

log = structlog.get_logger(__name__)

_TRAINING_S = 3600
_BATCH, _ROUNDS = 2_000, 50


@app.periodic(cron="20 2 * * *")
@app.task(name="understanding.train", queue="nightly", queueing_lock="understanding.train")
def train(timestamp: int) -> None:
    """Train anew, compare with the model in use on texts neither has seen, switch if not worse.

    In a process of its own: what training needs must not stay in the worker's memory.
    """
    command = [sys.executable, "-m", "gongzhi", "train", "--json"]
    done = subprocess.run(  # noqa: S603 – our own command
        command, capture_output=True, text=True, timeout=_TRAINING_S, check=True
    )
    log.info("understanding.trained", result=done.stdout.strip())


@app.periodic(cron="*/5 * * * *")
@app.task(name="understanding.embed", queue="nightly", queueing_lock="understanding.embed")
def embed(timestamp: int) -> None:
    """Give vectors to newly answered cases, so that similar ones can be found."""
    for _ in range(_ROUNDS):
        if similar.fill_embeddings(_BATCH) < _BATCH:
            return
