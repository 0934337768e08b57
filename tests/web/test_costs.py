"""What a page costs does not grow with what is on it: queries are counted, pages are keyset pages."""

from __future__ import annotations

import time
from statistics import median

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gongzhi.cases.models import Case

pytestmark = pytest.mark.django_db
MOST_QUERIES = {
    "/": 6,
    "/cases/": 4,
    "/cases/?q=灯&state=open&area=429001": 6,
    "/map/": 3,
    "/board/": 4,
    "/report/": 3,
}


A_LOOK = 1
"""Once a second a process looks whether the city's description has changed."""


def _queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def _a_city_with(submit, count: int) -> None:  # type: ignore[no-untyped-def]
    words = ("路灯坏了", "垃圾没人收", "井盖不见了", "施工噪声很大", "公交车不来", "下水道堵了")
    for n in range(count):
        submit(f"第{n}号楼门口{words[n % len(words)]}，请处理", lng=111.36 + n % 7 / 500, lat=30.52)


def test_no_page_asks_more_when_it_shows_more(client: Client, submit) -> None:  # type: ignore[no-untyped-def]
    _a_city_with(submit, 3)
    few = {path: _queries(client, path) for path in MOST_QUERIES}
    _a_city_with(submit, 40)
    many = {path: _queries(client, path) for path in MOST_QUERIES}
    assert {path: n for path, n in many.items() if n > few[path] + A_LOOK} == {}
    assert {path: n for path, n in many.items() if n > MOST_QUERIES[path]} == {}


def test_a_long_history_costs_what_a_short_one_does(client: Client, submit, staff) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.cases import actions

    receipt = submit()
    paths = (f"/cases/{receipt.number}/", f"/follow/{receipt.number}/{receipt.secret}/")
    actions.accept(staff("worker"), Case.objects.get(number=receipt.number))
    few = [_queries(client, path) for path in paths]
    for n in range(12):
        actions.reply(staff("worker"), Case.objects.get(number=receipt.number), f"第{n}次答复：材料已到。")
    assert all(_queries(client, path) <= n + A_LOOK for path, n in zip(paths, few, strict=True))
    assert max(few) <= 12


def test_every_matter_is_on_exactly_one_page(client: Client, submit) -> None:  # type: ignore[no-untyped-def]
    _a_city_with(submit, 65)
    seen: list[str] = []
    address = "/cases/"
    for _ in range(5):
        page = client.get(address).content.decode()
        seen += [part[:12] for part in page.split('class="text" href="/cases/')[1:]]
        _, _, rest = page.partition('class="button" href="?after=')
        if not rest:
            break
        address = f"/cases/?after={rest.partition(chr(34))[0]}"
    assert len(seen) == len(set(seen)) == 65


def test_the_list_is_written_in_a_few_milliseconds(client: Client, submit) -> None:  # type: ignore[no-untyped-def]
    _a_city_with(submit, 40)
    took = []
    for _ in range(15):
        began = time.process_time()
        client.get("/cases/")
        took.append(time.process_time() - began)
    assert median(took) < 0.06, median(took)
