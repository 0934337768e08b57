"""Memory of web and worker at rest, and how long a second start takes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks import figures
from benchmarks.bench_soak import memory
from tests.operations.system import start


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gongzhi-rest-") as folder:
        home = Path(folder) / "home"
        began = time.monotonic()
        system = start(home)
        first = time.monotonic() - began
        system.stop()
        began = time.monotonic()
        system = start(home)
        second = time.monotonic() - began
        try:
            for path in ("/", "/cases/", "/report/"):
                system.ask(path)
            time.sleep(5)
            parts = {"web": system.processes("web"), "worker": system.processes("worker")}
            used = {name: round(sum(memory(p) for p in found) / 2**20) for name, found in parts.items()}
        finally:
            system.stop()
    figures.write(
        "rest",
        [
            {
                "what": "memory of web and worker at rest in MB (proportional set size)",
                "ours": sum(used.values()),
                "reference": None,
                "ratio": None,
                "goal": "less than 600",
                "met": sum(used.values()) < 600,
                **used,
            },
            {
                "what": "a second start in s, until it answers; reference: the first, without demo matters",
                "ours": round(second, 1),
                "reference": round(first, 1),
                "ratio": round(second / first, 2),
                "goal": "seconds",
                "met": second < 10,
            },
        ],
    )


if __name__ == "__main__":
    main()
