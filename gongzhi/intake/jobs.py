"""Background work of the window."""

from __future__ import annotations

from procrastinate.contrib.django import app

from gongzhi.intake import limits
from gongzhi.intake.counters import tickets
from gongzhi.registry.authority import SYSTEM


@app.periodic(cron="20 * * * *")
@app.task(name="intake.forget_quotas", queue="nightly", queueing_lock="intake.forget_quotas")
def forget_quotas(timestamp: int) -> None:
    """Drop the counts of hours that are over; they name addresses of people."""
    limits.forget()


@app.periodic(cron="5 * * * *")
@app.task(name="intake.end_days", queue="nightly", queueing_lock="intake.end_days")
def end_days(timestamp: int) -> None:
    """End tickets of days that are over, close counters left open, forget why somebody had priority."""
    tickets.end_days(SYSTEM)
