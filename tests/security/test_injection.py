"""Whatever is typed into a filter, a search, an order or a cursor is taken literally."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest

from tests.security.test_matrix import content_of
from tests.security.world import World

pytestmark = pytest.mark.django_db

PAYLOADS = (
    "' OR '1'='1", "' OR 1=1--", "\" OR \"\"=\"", "') OR ('1'='1", "'; DROP TABLE cases_case;--", "1; SELECT pg_sleep(3)",
    "' || pg_sleep(3) || '", "' UNION SELECT NULL,NULL--", "1) OR (1=1", "\\' OR 1=1", "%' OR '%'='", "%_%", "_", "\\",
    "%%%s%(x)s", "$1", "$$x$$", "{0.__class__}", "{{7*7}}", "${7*7}", "<script>alert(1)</script>", "../../etc/passwd",
    "..%2f..%2fetc", "%00", "\r\nX-Evil: 1", "[]", "{}", "null", "NaN", "-1", "1e309", "٣", "²", "9" * 400, "9" * 4500,
    "0x10", "1_000", "9999-99-99", "0001-01-01T00:00:00+14:00", "id__gt", "-pk", "public_text", "; cat /etc/passwd",
    "*)(uid=*", "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16") * 3, "(?:a+)+$",
)  # fmt: skip
"""SQL, LIKE, format strings, templates, paths, headers, numbers that are none, dates, names of columns."""

FEWER = (*PAYLOADS[::4], "²", "9" * 4500)

FILTERS = ("q", "state", "function", "organisation", "area")
"""Narrow a list: with words that stand nowhere, no row is left."""

ADDRESSES: dict[str, dict[str, tuple[str, ...]]] = {
    "anonymous": {
        "/cases/": (*FILTERS, "after"),
        "/cases.csv": FILTERS,
        "/map/points.json?bbox=100,20,120,40&zoom=22": FILTERS,
        "/map/points.json?zoom=3": ("bbox",),
        "/map/points.json?bbox=100,20,120,40": ("zoom",),
        "/map/here.json?bbox=100,20,120,40": ("q",),
        "/board/": ("days",),
        "/circulation/": ("days",),
        "/report/places": ("address",),
        "/report/understood?text=门口的路灯坏了": ("lng", "lat"),
        "/api/v1/cases": (
            "q", "status", "function", "organisation", "area", "overdue", "opened_after", "updated_after", "bbox",
            "sort", "cursor", "limit", "nosuch",
        ),
        "/open311/v2/requests.json": (
            "service_request_id", "service_code", "status", "start_date", "end_date", "page", "page_size", "jurisdiction_id",
        ),
        "/open311/v2/servicerequestupdates.json": ("service_request_id", "start_date", "page"),
        "/ledger/proof": ("act",),
        "/ledger/consistency?from=1": ("to",),
    },
    "dispatcher": {
        "/desk/worklist/": ("tab", "q", "function", "area", "light", "after"),
        "/desk/dispatch/": ("tab", "after"),
        "/desk/cases/": ("q",),
        "/desk/intake/caller": ("phone",),
        "/desk/intake/understood?text=门口的路灯坏了": ("function", "lng"),
    },
    "leader": {
        "/desk/oversight/urban/": ("light", "after"),
        "/desk/directives/": ("parent",),
        "/desk/sensing/": ("area", "function"),
    },
    "analyst": {
        "/desk/improvement/": ("days", "detail", "function", "area", "since", "as"),
    },
}  # fmt: skip
IN_PATH = (
    "/cases/{}/", "/api/v1/cases/{}", "/api/v1/cases/{}/timeline", "/api/v1/functions/{}", "/api/v1/areas/{}",
    "/open311/v2/requests/{}.json", "/open311/v2/services/{}.json", "/ledger/tile/{}", "/follow/{}/x/",
    "/desk/cases/{}/", "/desk/oversight/{}/", "/desk/settlements/waterworks/{}/", "/desk/settlements/{}/2026-10/",
)  # fmt: skip
NARROWING = {*FILTERS, "service_request_id", "service_code"}
SHOWING_MORE = ("/desk/sensing/", "/desk/intake/understood")
"""There a filter that is unknown marks nothing, and the page stays whole."""
SEARCHED_ALL = ("anonymous",)
"""On the desks, whose pages are larger, every third payload and those that look like numbers are tried."""


@pytest.mark.parametrize("role", ADDRESSES)
def test_what_is_typed_is_taken_literally(world: World, role: str) -> None:
    client, wrong = world.client(role), []
    numbers = [case.number for case in world.cases.values()]
    for address, parameters in ADDRESSES[role].items():
        for name in parameters:
            for payload in PAYLOADS if role in SEARCHED_ALL else FEWER:
                began = time.monotonic()
                joint = "&" if "?" in address else "?"
                response = client.get(f"{address}{joint}{name}={quote(payload)}")
                what = f"{address} {name}={payload[:40]!r}: {response.status_code}"
                if response.status_code >= 500:
                    wrong.append(what)
                elif time.monotonic() - began > 2.5:
                    wrong.append(f"{what} took its time")
                elif (
                    response.status_code == 200 and name in NARROWING and not address.startswith(SHOWING_MORE)
                ):
                    text = content_of(response)
                    if any(number in text for number in numbers):
                        wrong.append(f"{what} has rows")
                if "X-Evil" in response.headers:
                    wrong.append(f"{what} writes a header")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", ["anonymous", "leader"])
def test_what_stands_in_a_path_is_taken_literally(world: World, role: str) -> None:
    client, wrong = world.client(role), []
    for address in IN_PATH:
        for payload in PAYLOADS if role in SEARCHED_ALL else FEWER:
            response = client.get(address.format(quote(payload, safe="")))
            if response.status_code >= 500 or response.status_code == 200 or "X-Evil" in response.headers:
                wrong.append(f"{address} {payload[:40]!r}: {response.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("payload", ["9" * 4500, "²", "-1", "' OR 1=1--"])
def test_numbers_in_forms_that_are_none_are_refused(world: World, payload: str) -> None:
    """Versions, posts, files, filters, wordings: whatever names a row or a version."""
    worker, dispatcher, leader = (world.client(r) for r in ("worker", "dispatcher", "leader"))
    number = world.cases["mine"].number
    answers = {
        "version": worker.post(f"/desk/cases/{number}/", {"verb": "note", "text": "x", "version": payload}),
        "file": worker.post(f"/desk/cases/{number}/", {"verb": "release", "file": payload}),
        "many": worker.post("/desk/worklist/act", {"verb": "note", "text": "x", "case": f"{number}:{payload}"}),
        "post": worker.post("/desk/post", {"post": payload}),
        "drop": worker.post("/desk/worklist/filters", {"drop": payload}),
        "wording": worker.post("/desk/wordings/", {"drop": "1", "wording": payload}),
        "decide": dispatcher.post("/desk/dispatch/decide", {"case": f"{number}:{payload}", "to": "water", "text": "x"}),
        "parent": leader.post("/desk/directives/", {"parent": payload}),
        "due": leader.post("/desk/directives/", {"due_at": payload, "title": "a", "text": "b", "targets": "gov-429001"}),
        "early": leader.post("/desk/directives/", {"due_at": "0001-01-01T00:00", "title": "a", "text": "b", "targets": "gov-429001"}),
        "level": leader.post("/desk/incidents/", {"title": "a", "area": "429001", "level": payload, "resolve_hours": "1", "report_hours": "1"}),
        "agreement": leader.post("/desk/settlements/", {"verb": "enter", "agreement": payload, "kind": "cost", "amount": "1", "month": "2026-10"}),
        "follow": world.client("resident").post(f"/follow/{number}/by-phone/", {"verb": "say", "text": "x", "version": payload}),
        "hide": world.client("anonymous").post("/report/", {"text": "门口的路灯坏了", "hide_span": f"{payload}-{payload}"}),
    }  # fmt: skip
    assert {name: a.status_code for name, a in answers.items() if a.status_code >= 500} == {}
