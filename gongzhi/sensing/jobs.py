"""The morning's figures made ahead, so that no page has to wait for them."""

from __future__ import annotations

from procrastinate.contrib.django import app

from gongzhi.sensing import arriving
from gongzhi.sensing.morning import refresh


@app.periodic(cron="5 * * * *")
@app.task(name="sensing.refresh", queue="nightly", queueing_lock="sensing.refresh", lock="sensing.refresh")
def refresh_morning(timestamp: int) -> None:
    """Count, forecast and look for alerts anew."""
    refresh()


@app.periodic(cron="* * * * *")
@app.task(name="sensing.arrive", queue="figures", queueing_lock="sensing.arrive", lock="sensing.arrive")
def arrive(timestamp: int) -> None:
    """Let new matters join the hot issues."""
    arriving.arrive()
