"""What all benchmarks share: a home of their own, quiet timing, and how results are written down."""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
DATA = ROOT.parent / "shared" / "data"
"""Real files, where they lie beside the repository; benchmarks that need them say so when they are absent."""


@contextmanager
def home() -> Iterator[Path]:
    """A temporary home with Django set up on its own embedded PostgreSQL; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gongzhi-bench-"))
    os.environ |= {
        "GONGZHI_HOME": str(folder),
        "GONGZHI_LOG_LEVEL": "ERROR",
        "GONGZHI_RATE_LIMITS": "off",
        "DJANGO_SETTINGS_MODULE": "gongzhi.settings",
    }
    os.environ.pop("DATABASE_URL", None)
    from gongzhi import database

    os.environ["DATABASE_URL"] = database.embedded_url(folder)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    try:
        yield folder
    finally:
        from django.db import connections

        connections.close_all()
        database.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def demo_city() -> None:
    """The demo city with a trained model."""
    from django.conf import settings

    from gongzhi.registry import packs
    from gongzhi.understanding import training

    packs.load(settings.CITY_PACK)
    training.train()


def seconds(work: Callable[[], Any]) -> float:
    """How long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def write(name: str, rows: list[dict[str, Any]]) -> None:
    """Print rows of figures and keep them in ``benchmarks/results/<name>.json``.

    A row has `what`, `ours`, `reference`, `ratio`, `goal` and `met`; what they measure is in words.
    """
    RESULTS.mkdir(exist_ok=True)
    document = {
        "benchmark": name,
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]},
        "python": platform.python_version(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "figures": rows,
    }
    (RESULTS / f"{name}.json").write_text(
        json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    for row in rows:
        marks = {True: "met", False: "NOT MET", None: ""}
        print(
            f"{name:8} {row['what']}: ours {row.get('ours')}, reference {row.get('reference')}, "
            f"ratio {row.get('ratio')}  [{row.get('goal', '')}] {marks[row.get('met')]}",
            flush=True,
        )
