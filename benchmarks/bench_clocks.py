"""10,000 clocks due in the same minute: one worker, each step once, also when it is killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from benchmarks import figures
from benchmarks.bench_rates import _MAKE

CLOCKS = int(os.environ.get("CLOCKS", "10000"))
_WORK = (
    "import django; django.setup(); from gongzhi.supervision import clocks; print('ready', flush=True);"
    "clocks.climb(most=500)"
)


def main() -> None:
    with figures.home():
        from django.conf import settings
        from django.db import connection

        from gongzhi.ledger.models import Act
        from gongzhi.registry import packs
        from gongzhi.supervision import clocks
        from gongzhi.supervision.models import Clock, Escalation

        packs.load(settings.CITY_PACK)
        now = datetime.now(UTC)
        with connection.cursor() as cursor:
            cursor.execute(_MAKE, {"first": 1, "last": CLOCKS, "now": now})
            cursor.execute(
                "UPDATE cases_case SET state = 'under_way', closure = '', opened_at = %s, assigned_at = %s,"
                " due_at = %s",
                [now - timedelta(days=2), now - timedelta(days=2), now + timedelta(days=2, seconds=-30)],
            )
            cursor.execute("ANALYZE cases_case")
        followed = figures.seconds(clocks.follow)
        worker = subprocess.Popen([sys.executable, "-c", _WORK], stdout=subprocess.PIPE)
        assert worker.stdout is not None
        worker.stdout.readline()
        deadline = time.monotonic() + 30
        while Escalation.objects.count() == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        before = Escalation.objects.count()
        rest = figures.seconds(lambda: clocks.climb())
        steps, acts = Escalation.objects.count(), Act.objects.filter(verb="supervision.escalate").count()
        once = steps == acts == CLOCKS and Escalation.objects.values("case").distinct().count() == CLOCKS
        Escalation.objects.all().delete()
        Clock.objects.update(step=0, next_at=now)
        whole = figures.seconds(lambda: clocks.climb())
    figures.write(
        "clocks",
        [
            {
                "what": f"{CLOCKS} clocks due in the same minute, one worker, in s; reference: starting them all",
                "ours": round(whole, 2), "reference": round(followed, 2), "ratio": round(whole / followed, 2),
                "goal": "within 60 s", "met": whole < 60,
            },
            {
                "what": f"the worker killed after {before} steps, another one goes on ({rest:.2f} s): steps and acts",
                "ours": steps, "reference": CLOCKS, "ratio": round(steps / CLOCKS, 4),
                "goal": "each exactly once", "met": once,
            },
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
