"""The lake kept up with the log."""

from __future__ import annotations

import structlog
from django.conf import settings
from procrastinate.contrib.django import app

from gongzhi.lake.export import export

log = structlog.get_logger(__name__)


@app.periodic(cron="17 * * * *")
@app.task(name="lake.refresh", queue="nightly", queueing_lock="lake.refresh", lock="lake.refresh")
def refresh(timestamp: int) -> None:
    """Write what has been recorded since the last time; done twice it has one effect."""
    done = export(settings.HOME / "lake")
    log.info("lake.refreshed", acts=done.acts, cases=done.cases, until=done.acts_until)
