"""Lists, worklist, board and map among 10,000, 100,000 and 1,000,000 cases.

The rows are synthetic, made inside the database with plausible spreads of time, place, state and
organisation; measured are the product's own queries, the second hundred of calls each.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from benchmarks import figures, rows

SIZES = tuple(int(n) for n in os.environ.get("SIZES", "10000,100000,1000000").split(","))
CALLS = int(os.environ.get("CALLS", "60"))


def timed(work: Callable[[], Any]) -> list[float]:
    """Milliseconds of each call, after a few to warm up."""
    for _ in range(5):
        work()
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return times


def questions() -> dict[str, Callable[[], Any]]:
    """What is asked, by name."""
    from django.utils import timezone

    from gongzhi.cases import figures as city_figures
    from gongzhi.cases import map_points, queries
    from gongzhi.registry.authority import Actor
    from gongzhi.registry.models import Organisation

    everything = queries.CaseFilters()
    urban = Organisation.objects.order_by("pk")[5]
    worker = Actor("person", 1, 1, urban.pk, roles=frozenset({"worker"}))
    dispatcher = Actor("person", 1, 1, urban.pk, roles=frozenset({"dispatcher"}))
    cursor = ""
    for _ in range(499):
        cursor = queries.public_page(everything, after=cursor, limit=100).next_cursor or cursor
    rare = queries.CaseFilters(q="第77号")
    common = queries.CaseFilters(q="路灯")
    open_of = queries.CaseFilters(state="open", organisation_code=urban.code)
    return {
        "list, first 100": lambda: queries.public_page(everything, limit=100),
        "list, page 500": lambda: queries.public_page(everything, after=cursor, limit=100),
        "list, open of one organisation": lambda: queries.public_page(open_of, limit=100),
        "search, common word": lambda: queries.public_page(common, limit=100),
        "search, rare word": lambda: queries.public_page(rare, limit=100),
        "worklist": lambda: queries.worklist(worker, everything, limit=100),
        "worklist of a dispatcher": lambda: queries.worklist(dispatcher, everything, limit=100),
        "board": lambda: queries.board(timezone.now() - timedelta(days=90)),
        "home page figures": city_figures.at_a_glance,
        "map, whole city": lambda: map_points.map_points((111.2, 30.4, 111.6, 30.7), 11, everything),
        "map, one street": lambda: map_points.map_points((111.35, 30.5, 111.36, 30.51), 16, everything),
    }


def main() -> None:
    found: list[dict[str, Any]] = []
    with figures.home():
        from django.conf import settings
        from django.db import connection

        from gongzhi.registry import packs

        packs.load(settings.CITY_PACK)
        measured: dict[str, dict[int, list[float]]] = {}
        made = 0
        for size in SIZES:
            rows.make_cases(made + 1, size)
            made = size
            connection.close()
            for name, work in questions().items():
                measured.setdefault(name, {})[size] = timed(work)
        least, most = SIZES[0], SIZES[-1]
        for name, by_size in measured.items():
            p50 = {n: round(figures.median(times), 2) for n, times in by_size.items()}
            p95 = {n: round(figures.quantile(times, 0.95), 2) for n, times in by_size.items()}
            growth = p95[most] / p95[least]
            is_list, is_search = name.startswith("list"), name.startswith("search")
            goal = "p50 at most 20 ms" if is_list else "p95 grows at most 1.5 ×"
            met = p50[most] <= 20 if is_list else growth <= 1.5
            if is_search:
                goal, met = "bounded: p95 at most 500 ms", p95[most] <= 500
            found.append(
                {
                    "what": f"{name}: p50 in ms at {most}; reference: at {least}",
                    "ours": p50[most],
                    "reference": p50[least],
                    "ratio": round(p50[most] / p50[least], 2),
                    "p50_ms": p50,
                    "p95_ms": p95,
                    "goal": goal,
                    "p95_growth": round(growth, 2),
                    "met": met,
                }
            )
        figures.write("lists", found)


if __name__ == "__main__":
    main()
