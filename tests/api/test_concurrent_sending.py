"""The same request ten times at once is one matter, and all get the same answer."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection
from django.test import Client

from gongzhi.api import keys
from gongzhi.cases.models import Case, Message
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import SYSTEM
from tests.conftest import HERE

KEYS = int(os.environ.get("KEYS", "5"))
"""1,000 in full size."""
AT_ONCE = 10


def _at_once(send: Any) -> list[Any]:
    """What `send(n)` answers to ten threads that begin in the same moment."""
    barrier = Barrier(AT_ONCE)

    def one(n: int) -> Any:
        try:
            barrier.wait(timeout=30)
            return send(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def test_one_key_at_once_is_one_case_and_one_answer(committed: None) -> None:
    body = json.dumps(
        {"text": "门口的路灯坏了好几天", "lat": HERE[1], "lng": HERE[0], "contact": {"email": "a@b.org"}}
    )
    for number in range(KEYS):
        headers = {"Idempotency-Key": f"key-{number}", "accept-language": "en"}
        answers = _at_once(
            lambda _n, h=headers: Client().post(
                "/api/v1/cases", body, content_type="application/json", headers=h
            )
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
    assert Case.objects.count() == Act.objects.filter(verb="case.open").count() == KEYS
    other = Client().post(
        "/api/v1/cases",
        json.dumps({"text": "井盖松动"}),
        content_type="application/json",
        headers={"Idempotency-Key": "key-0"},
    )
    assert other.status_code == 422 and Case.objects.count() == KEYS


def test_one_update_at_once_is_said_once(committed: None) -> None:
    api_key = keys.make(SYSTEM, "City app")
    form = {"service_code": "general", "lat": HERE[1], "long": HERE[0], "description": "门口的路灯坏了好几天"}
    (made,) = Client().post("/open311/v2/requests.json", form).json()
    told = {
        "service_request_id": made["service_request_id"],
        "update_id": "u-1",
        "description": "还是不亮",
        "status": "OPEN",
        "api_key": api_key,
    }
    answers = _at_once(lambda _n: Client().post("/open311/v2/servicerequestupdates.json", told))
    assert {answer.status_code for answer in answers} == {201}
    assert Message.objects.count() == 1
