"""The desks' work over HTTP among 10,000 cases and among 1,000,000 cases with 5,000,000 acts.

Measured are whole lives of cases (submit with everything, accept, resolve, search), single actions beside
a bare committed INSERT in the same server, worklist and case page, and a burst of submissions. The log is
sequenced meanwhile, as in a running system; other background work stands still.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from benchmarks import figures, rows
from benchmarks.bench_post import load, served

SIZES = tuple(int(n) for n in os.environ.get("SIZES", "10000,1000000").split(","))
SECONDS = float(os.environ.get("SECONDS_EACH", "10"))
BURST_S = int(os.environ.get("BURST_S", "180"))
BURST_PER_S = 35
CLIENTS = 4
CALLS = int(os.environ.get("CALLS", "80"))
Row = dict[str, Any]


class Desk:
    """One keep-alive connection of somebody who is signed in."""

    def __init__(self, port: int, session: str, turns: Iterator[int]) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.connect()
        self.session = session
        self.turns = turns
        self.token = "a" * 32

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
        headers = {"Cookie": f"sessionid={self.session}; csrftoken={self.token}", "Accept-Language": "zh-CN"}
        if kind:
            headers |= {"Content-Type": kind, "X-CSRFToken": self.token}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def submit(self) -> str:
        """A report with everything that a form asks for; gives its number."""
        turn = next(self.turns)
        sent = {
            "text": f"人民路{turn}号门口的路灯坏了好几天，晚上很黑，请派人修",
            "lng": 111.3 + (turn % 997) / 5000,
            "lat": 30.46 + (turn % 991) / 10000,
            "address": f"人民路{turn}号",
            "function": "lighting",
            "contact": {"phone": f"138{turn % 10**8:08d}", "email": f"r{turn}@example.org"},
        }
        status, body = self.ask("POST", "/api/v1/cases", json.dumps(sent).encode(), "application/json")
        expect(status, 201, body)
        return str(json.loads(body)["number"])

    def act(self, number: str, verb: str, version: int, **fields: str) -> None:
        form = urlencode({"verb": verb, "version": version} | fields).encode()
        status, body = self.ask("POST", f"/desk/cases/{number}/", form, "application/x-www-form-urlencoded")
        expect(status, 302, body)

    def live(self) -> None:
        """The whole life of a case."""
        number = self.submit()
        self.act(number, "accept", 1)
        self.act(number, "resolve", 2, closure="fixed", text=f"{words(number)}路灯已更换灯头，恢复照明。")
        status, body = self.ask("GET", f"/api/v1/cases?q={number}")
        expect(status, 200, body)
        if number.encode() not in body:
            raise SystemExit(f"{number} is not found again")


def words(number: str) -> str:
    """A number in letters, so that no answer repeats another."""
    return "".join("零一二三四五六七八九"[int(digit)] for digit in number)


def expect(status: int, wanted: int, body: bytes) -> None:
    if status != wanted:
        raise SystemExit(f"answered {status} instead of {wanted}: {body[:300]!r}")


def session_of(username: str) -> str:
    from django.test import Client

    from gongzhi.registry.models import Person

    client = Client()
    person = Person.objects.get(username=username)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies["sessionid"].value


def at_once(work: list[Callable[[], Any]]) -> float:
    """Run all in threads; seconds until the last is done."""
    faults: list[BaseException] = []

    def guarded(one: Callable[[], Any]) -> None:
        try:
            one()
        except BaseException as problem:
            faults.append(problem)

    threads = [threading.Thread(target=guarded, args=(one,)) for one in work]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return time.perf_counter() - start


def lives_per_second(desks: list[Desk]) -> float:
    done = [0] * len(desks)
    until = time.perf_counter() + SECONDS

    def run(k: int) -> None:
        while time.perf_counter() < until:
            desks[k].live()
            done[k] += 1

    took = at_once([lambda k=k: run(k) for k in range(len(desks))])  # type: ignore[misc]
    return sum(done) / took


def actions_per_second(desks: list[Desk], each: int = 60) -> dict[str, float]:
    """Accept, answer and pass on: each on cases made before the time is taken."""
    numbers = [[desk.submit() for _ in range(each)] for desk in desks]
    steps: list[tuple[str, int, Callable[[str], dict[str, str]]]] = [
        ("accept", 1, lambda number: {}),
        ("reply", 2, lambda number: {"text": f"{words(number)}已安排明天上午修理，请留意。"}),
        ("transfer", 3, lambda number: {"to": "housing", "text": "该处由住建部门管养"}),
    ]
    rates = {}
    for verb, version, fields in steps:

        def run(k: int, verb: str = verb, version: int = version, fields: Any = fields) -> None:
            for number in numbers[k]:
                desks[k].act(number, verb, version, **fields(number))

        took = at_once([lambda k=k: run(k) for k in range(len(desks))])  # type: ignore[misc]
        rates[verb] = each * len(desks) / took
    return rates


def page_times(desk: Desk, number: str) -> dict[str, list[float]]:
    """Milliseconds of worklist and case page, one after the other."""
    found: dict[str, list[float]] = {}
    for name, path in {"worklist": "/desk/worklist/", "case page": f"/desk/cases/{number}/"}.items():
        for call in range(CALLS + 5):
            start = time.perf_counter()
            status, body = desk.ask("GET", path)
            if call >= 5:
                found.setdefault(name, []).append((time.perf_counter() - start) * 1000)
            expect(status, 200, body)
    return found


def queries_of(number: str) -> dict[str, int]:
    """Statements that a page asks of the database."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from gongzhi.registry.models import Person

    client = Client()
    client.force_login(
        Person.objects.get(username="worker"), backend="django.contrib.auth.backends.ModelBackend"
    )
    counts = {}
    for name, path in {"worklist": "/desk/worklist/", "case page": f"/desk/cases/{number}/"}.items():
        client.get(path, SERVER_NAME="127.0.0.1")
        with CaptureQueriesContext(connection) as caught:
            answer = client.get(path, SERVER_NAME="127.0.0.1")
        expect(answer.status_code, 200, answer.content)
        counts[name] = len(caught)
    return counts


def burst(desks: list[Desk], seconds: int) -> tuple[list[float], list[float]]:
    """Submissions at fixed times whether or not earlier ones were answered; ms from when each was due.

    The second list holds those of ten quiet seconds right after it, at five a second.
    """
    times: list[list[float]] = [[], []]
    for phase, (rate, length) in enumerate(((BURST_PER_S, seconds), (5, 10))):
        begin = time.perf_counter() + 0.1
        due = iter([begin + n / rate for n in range(rate * length)])
        lock = threading.Lock()

        def run(desk: Desk, phase: int = phase, due: Iterator[float] = due, lock: Any = lock) -> None:
            while True:
                with lock:
                    at = next(due, None)
                if at is None:
                    return
                time.sleep(max(0.0, at - time.perf_counter()))
                desk.submit()
                times[phase].append((time.perf_counter() - at) * 1000)

        at_once([lambda desk=desk: run(desk) for desk in desks])  # type: ignore[misc]
    return times[0], times[1]


@contextmanager
def sequencing() -> Iterator[None]:
    """The log goes on while we measure."""
    from gongzhi.ledger.jobs import run_sequencer

    stop = threading.Event()
    thread = threading.Thread(target=run_sequencer, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def main() -> None:
    found: list[Row] = []
    with figures.home():
        figures.demo_city()
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE bare_report (id bigserial PRIMARY KEY, text text, lng float8, lat float8)"
            )
        with served("gongzhi.wsgi:application", "benchmarks.bare:application") as (port, bare):
            session, turns = session_of("worker"), itertools.count(1)
            desks = [Desk(port, session, turns) for _ in range(CLIENTS)]
            found += _measured(desks, port, bare, session, turns)
    figures.write("desk", found)


def _measured(desks: list[Desk], port: int, bare: int, session: str, turns: Iterator[int]) -> list[Row]:
    found: list[Row] = []
    with sequencing():
        lives_per_second(desks[:1])
        lives = {0: lives_per_second(desks)}
        reference = load(bare, "/api/bare", CLIENTS)["requests_per_second"]
        for verb, rate in actions_per_second(desks).items():
            ratio = round(rate / reference, 3)
            found.append(
                _row(
                    f"{verb} over HTTP, per second",
                    rate,
                    reference,
                    ratio,
                    "ratio at least 0.4",
                    ratio >= 0.4,
                )
            )
        times: dict[int, dict[str, list[float]]] = {}
        made = 0
        for size in SIZES:
            rows.make_city(made + 1, size)
            made = size
            _wait_for_the_log()
            # The server has closed connections on which nothing was asked for that long.
            desks = [Desk(port, session, turns) for _ in range(CLIENTS)]
            times[size] = page_times(desks[0], desks[0].submit())
        lives[SIZES[-1]] = lives_per_second(desks)
        for size, goal in ((0, 60), (SIZES[-1], 50)):
            what = f"whole lives of cases per second at {size} cases; reference: at none"
            found.append(
                _row(
                    what,
                    lives[size],
                    lives[0],
                    lives[size] / lives[0],
                    f"at least {goal}/s",
                    lives[size] >= goal,
                )
            )
        counts = queries_of(desks[0].submit())
        for name in counts:
            least, most = (figures.quantile(times[n][name], 0.95) for n in (SIZES[0], SIZES[-1]))
            what = f"{name}: p95 in ms at {SIZES[-1]} cases; reference: at {SIZES[0]}"
            found.append(_row(what, most, least, most / least, "at most 2 ×", most <= 2 * least))
            what = f"{name}: statements"
            found.append(_row(what, counts[name], None, None, "at most 12", counts[name] <= 12))
        before = sorted(_calm(desks[0]))
        hurried, after = burst([Desk(port, session, turns) for _ in range(16)], BURST_S)
        p95 = figures.quantile(hurried, 0.95)
        calm, again = figures.median(before), figures.median(after)
        what = f"p95 in ms of {BURST_PER_S} submissions/s for {BURST_S} s at {SIZES[-1]} cases, none in error"
        found.append(_row(what, p95, None, None, "at most 500", p95 <= 500))
        what = "median in ms in the 10 s after the burst; reference: before it"
        found.append(_row(what, again, calm, again / calm, "at most 1.5 ×", again <= 1.5 * calm))
    return found


def _calm(desk: Desk) -> list[float]:
    times = []
    for _ in range(30):
        start = time.perf_counter()
        desk.submit()
        times.append((time.perf_counter() - start) * 1000)
        time.sleep(0.2)
    return times


def _wait_for_the_log() -> None:
    from django.db import connection

    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM ledger_pending)")
            if not cursor.fetchone()[0]:
                return
        time.sleep(1)


def _row(what: str, ours: float, reference: float | None, ratio: float | None, goal: str, met: bool) -> Row:
    return {
        "what": what,
        "ours": round(ours, 1),
        "reference": None if reference is None else round(reference, 1),
        "ratio": None if ratio is None else round(ratio, 3),
        "goal": goal,
        "met": met,
    }


if __name__ == "__main__":
    main()
