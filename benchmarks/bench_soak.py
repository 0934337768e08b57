"""R11: half load for a while: memory, connections and answer times stay where they were.

MINUTES=30 is the promise; a short run (the default is 3) shows whether something grows at once.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks import figures
from tests.operations.system import HERE, System, start

MINUTES = float(os.environ.get("MINUTES", "3"))
CLIENTS = 2
PAUSE_S = 0.02
"""Between two requests of a client, so that the machine is about half busy."""
_PAGES = ("/", "/cases/", "/board/", "/api/v1/cases?limit=20", "/ledger/checkpoint")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gongzhi-soak-") as folder:
        system = start(Path(folder) / "home")
        try:
            measured = load(system, MINUTES * 60)
        finally:
            system.stop()
    first, last = measured[1], measured[-1]
    rows: list[dict[str, Any]] = [
        row("memory of web and worker in MB, last minute; reference: second minute", first, last, "mb", 1.05),
        row("connections to the database", first, last, "connections", 1.0),
        row("p95 in ms", first, last, "p95_ms", 1.2),
        {
            "what": f"requests answered in {MINUTES:g} minutes, of them in error",
            "ours": sum(m["requests"] for m in measured),
            "reference": sum(m["errors"] for m in measured),
            "ratio": None,
            "goal": "no error",
            "met": not sum(m["errors"] for m in measured),
        },
    ]
    figures.write("soak", rows)


def row(what: str, first: dict[str, float], last: dict[str, float], name: str, most: float) -> dict[str, Any]:
    ratio = last[name] / max(first[name], 1e-9)
    return {
        "what": what,
        "ours": last[name],
        "reference": first[name],
        "ratio": round(ratio, 3),
        "goal": f"at most {most} ×",
        "met": ratio <= most,
    }


def load(system: System, seconds: float) -> list[dict[str, float]]:
    """Figures of each minute while clients write and read."""
    stop = threading.Event()
    lock = threading.Lock()
    times: list[float] = []
    errors = [0]

    def client(number: int) -> None:
        turn = number
        while not stop.is_set():
            turn += 1
            writes = turn % 3 == 0
            began = time.perf_counter()
            try:
                if writes:
                    body = {"text": f"门口的路灯坏了好几天，第 {turn} 盏", **HERE}
                    good = system.ask("/api/v1/cases", body=body).status == 201
                else:
                    good = system.ask(_PAGES[turn % len(_PAGES)]).status == 200
            except OSError:
                good = False
            with lock:
                times.append((time.perf_counter() - began) * 1000)
                errors[0] += not good
            time.sleep(PAUSE_S)

    clients = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
    for one in clients:
        one.start()
    found = []
    try:
        for _ in range(max(2, round(seconds / 60))):
            time.sleep(60)
            with lock:
                answered, wrong = list(times), errors[0]
                times.clear()
                errors[0] = 0
            parts = system.processes("web") + system.processes("worker")
            found.append(
                {
                    "mb": round(sum(memory(p) for p in parts) / 2**20, 1),
                    "connections": float(system.one("SELECT count(*) FROM pg_stat_activity") or 0),
                    "p95_ms": round(figures.quantile(answered, 0.95), 1),
                    "requests": float(len(answered)),
                    "errors": float(wrong),
                }
            )
            print(found[-1], flush=True)
    finally:
        stop.set()
        for one in clients:
            one.join()
    return found


def memory(process: psutil.Process) -> int:
    """Bytes that a process alone uses, and its share of what it shares."""
    return int(process.memory_full_info().pss)


if __name__ == "__main__":
    main()
