"""POST a report through the whole path, against a bare view that does one committed INSERT.

Ours and the reference run in the same server (granian, 2 processes), with the same middleware, on
the same database; rounds alternate, the median round counts.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import figures

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = os.environ.get("SECONDS_EACH", "4")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(application: str, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 – our own command
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(port), "--workers", "2", "--blocking-threads", "8"),
            *("--log-level", "warning", "--no-ws", application),
        ],
        cwd=figures.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_until_up(port: int, within_s: float = 120) -> None:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/none", timeout=5)  # noqa: S310 – loopback
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not come up")


@contextmanager
def served(*applications: str) -> Iterator[list[int]]:
    """Servers of `applications`, each on the port given, answering; stopped at the end."""
    ports = [free_port() for _ in applications]
    servers = [serve(one, port) for one, port in zip(applications, ports, strict=True)]
    try:
        for port in ports:
            wait_until_up(port)
        yield ports
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def load(port: int, path: str, clients: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.load", str(port), path, str(clients), SECONDS]
    output = subprocess.run(command, check=True, capture_output=True, cwd=figures.ROOT).stdout  # noqa: S603
    result: dict[str, float] = json.loads(output)
    if result["not_201"]:
        raise SystemExit(f"{path} did not always answer 201: {result['other_answers']}")
    return result


def main() -> None:
    rows = []
    with figures.home() as _folder:
        figures.demo_city()
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE bare_report (id bigserial PRIMARY KEY, text text, lng float8, lat float8)"
            )
        connection.close()
        with served("gongzhi.wsgi:application", "benchmarks.bare:application") as (ours, bare):
            for clients in (4, 16):
                load(ours, "/api/v1/cases", clients)
                load(bare, "/api/bare", clients)
                measured = [
                    (load(ours, "/api/v1/cases", clients), load(bare, "/api/bare", clients))
                    for _ in range(ROUNDS)
                ]
                mine = [m["requests_per_second"] for m, _ in measured]
                reference = [r["requests_per_second"] for _, r in measured]
                ratio = figures.median([m / r for m, r in zip(mine, reference, strict=True)])
                p95 = figures.median([m["p95_ms"] for m, _ in measured])
                rows += [
                    {
                        "what": f"requests/s, {clients} clients",
                        "ours": round(figures.median(mine), 1),
                        "reference": round(figures.median(reference), 1),
                        "ratio": round(ratio, 3),
                        "goal": "ratio at least 0.5, at least 300/s",
                        "met": ratio >= 0.5 and figures.median(mine) >= 300,
                    },
                    {
                        "what": f"p95 in ms, {clients} clients",
                        "ours": round(p95, 2),
                        "reference": round(figures.median([r["p95_ms"] for _, r in measured]), 2),
                        "ratio": None,
                        "goal": "at most 40 ms",
                        "met": p95 <= 40,
                    },
                ]
    figures.write("post", rows)


if __name__ == "__main__":
    main()
