"""Figures about the running system in Prometheus' text format, for its operators only."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gongzhi.errors import NotFound
from gongzhi.supervision import alarms
from gongzhi.web.health import Condition

REQUESTS: Final = Counter("gongzhi_requests_total", "Answered requests", ["route", "method", "status"])
SECONDS: Final = Histogram(
    "gongzhi_request_seconds",
    "Time to answer",
    ["method"],
    buckets=(0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5, 10),
)
STALE: Final = Counter("gongzhi_stale_pages_total", "Last good pages shown while the database was away")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All figures; to others than this machine or the holder of the token the page does not exist."""
    if not _may_read(request):
        raise NotFound()
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    present = CollectorRegistry()
    present.register(_Now())
    text = generate_latest(registry) + generate_latest(present)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


class _Now(Collector):
    """What is read from the database at the moment of asking."""

    def collect(self) -> Iterator[Metric]:
        now = Condition.read()
        alarm = alarms.read()
        for name, text, value in (
            ("gongzhi_acts_waiting", "Acts that are not in the signed log yet", now.acts_waiting),
            ("gongzhi_ledger_lag_seconds", "How far the signed log is behind", now.ledger_lag_s),
            ("gongzhi_worker_silence_seconds", "Since the worker's last sign", now.worker_silence_s),
            ("gongzhi_jobs_waiting", "Jobs to be done", now.jobs_waiting),
            ("gongzhi_jobs_failed", "Jobs that were given up", now.jobs_failed),
            ("gongzhi_oldest_job_seconds", "How long the oldest job that is due waits", alarm.oldest_job_s),
            ("gongzhi_notices_waiting", "Notices to people that wait to be sent", alarm.notices_waiting),
            ("gongzhi_notices_failed", "Notices given up within seven days", alarm.notices_failed),
        ):
            if value is not None:
                yield GaugeMetricFamily(name, text, value)


def _may_read(request: HttpRequest) -> bool:
    token = str(settings.METRICS_TOKEN)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(str(request.META.get("REMOTE_ADDR", ""))).is_loopback
    except ValueError:
        return False
