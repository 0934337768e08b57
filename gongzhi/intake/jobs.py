"""Background work of the window."""

from __future__ import annotations

from procrastinate.contrib.django import app

from gongzhi.intake import limits


@app.periodic(cron="20 * * * *")
@app.task(name="intake.forget_quotas", queue="nightly", queueing_lock="intake.forget_quotas")
def forget_quotas(timestamp: int) -> None:
    """Drop the counts of hours that are over; they name addresses of people."""
    limits.forget()
