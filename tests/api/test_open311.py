"""An Open311 client works unchanged: XML and JSON say the same, and all rules of GeoReport v2 hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client

from gongzhi.cases import actions
from gongzhi.cases.models import Case, Message
from tests.conftest import HERE

SCHEMAS = Path(__file__).parents[3] / "shared" / "data" / "standards" / "open311_schemas"
pytestmark = pytest.mark.django_db


def _lamp() -> str:
    from gongzhi.registry.models import Function

    return str(Function.objects.filter(is_leaf=True, name_zh__contains="路灯").order_by("code")[0].code)


def _send(client: Client, extension: str = "json", **changed: Any) -> Any:
    form = {
        "service_code": _lamp(),
        "lat": HERE[1],
        "long": HERE[0],
        "description": "The lamp at the gate is out. Call me: 13800138000",
        "email": "mary@example.org",
        "first_name": "Mary",
        "last_name": "Smith",
        "phone": "13800138000",
    } | changed
    return client.post(f"/open311/v2/requests.{extension}", {k: v for k, v in form.items() if v is not None})


def _values(element: ElementTree.Element) -> Any:
    """An XML element as the JSON that says the same."""
    if not len(element):
        return element.text or ""
    if len({child.tag for child in element}) < len(element) or element.tag in (
        "service_requests", "services", "errors", "endpoints", "formats", "attributes", "values",
        "service_request_updates",
    ):  # fmt: skip
        return [_values(child) for child in element]
    return {child.tag: _values(child) for child in element}


def _as_xml_says(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _as_xml_says(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_as_xml_says(v) for v in value] or ""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_xml_and_json_say_the_same(client: Client) -> None:
    number = _send(client).json()[0]["service_request_id"]
    paths = ["discovery", "services", f"services/{_lamp()}", "requests", f"requests/{number}"]
    for path in [*paths, f"tokens/{number}", "servicerequestupdates", "requests/nope"]:
        said = json.loads(client.get(f"/open311/v2/{path}.json").content)
        xml = ElementTree.fromstring(client.get(f"/open311/v2/{path}.xml").content)
        assert _values(xml) == _as_xml_says(said), path


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the Open311 schemas are not on this machine")
def test_answers_follow_the_published_schemas(client: Client) -> None:
    import jsonschema_rs

    number = _send(client).json()[0]["service_request_id"]
    for name, path in (
        ("service", "services"),
        ("service-definition", f"services/{_lamp()}"),
        ("request", f"requests/{number}"),
    ):
        schema = json.loads((SCHEMAS / f"{name}.json").read_text())
        said = client.get(f"/open311/v2/{path}.json").json()
        for entry in said if isinstance(said, list) else [said]:
            jsonschema_rs.validate(schema, entry)


def test_discovery_names_a_production_and_a_test_endpoint(client: Client) -> None:
    kinds = {e["type"] for e in client.get("/open311/discovery.json").json()["endpoints"]}
    assert kinds == {"production", "test"}


def test_a_report_fixes_the_function_and_is_public_without_personal_data(client: Client) -> None:
    answer = _send(client)
    assert answer.status_code == 201 and len(answer.json()) == 1
    shown = client.get(f"/open311/v2/requests/{answer.json()[0]['service_request_id']}.json").json()[0]
    assert shown["service_code"] == _lamp() and shown["status"] == "open"
    assert "13800138000" not in json.dumps(shown) and "Mary" not in json.dumps(shown)
    assert shown["requested_datetime"].endswith("+08:00")


def test_the_general_service_lets_the_text_decide(client: Client) -> None:
    number = _send(client, service_code="general", description="门口的路灯坏了好几天").json()
    case = Case.objects.get(number=number[0]["service_request_id"])
    assert case.function is not None and "路灯" in case.function.name_zh


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"service_code": None}, 400),
        ({"service_code": "no-such"}, 400),
        ({"lat": None, "long": None}, 400),
        ({"lat": "north"}, 400),
        ({"lat": "0", "long": "0"}, 400),
        ({"jurisdiction_id": "elsewhere.gov"}, 404),
        ({"email": "no at sign"}, 400),
    ],
)
@pytest.mark.parametrize("extension", ["json", "xml"])
def test_wrong_parameters_get_an_error_document(
    client: Client, changed: dict[str, Any], status: int, extension: str
) -> None:
    answer = _send(client, extension, **changed)
    assert answer.status_code == status
    if extension == "json":
        assert answer.json()[0]["code"] == status and answer.json()[0]["description"]
    else:
        assert ElementTree.fromstring(answer.content).find("error/description") is not None
    assert Case.objects.count() == 0


def test_an_address_is_enough(client: Client) -> None:
    assert _send(client, lat=None, long=None, address_string="枫林街道 8 号").status_code == 201


def test_filters_and_paging(client: Client) -> None:
    numbers = [_send(client).json()[0]["service_request_id"] for _ in range(5)]
    general = _send(client, service_code="general").json()[0]["service_request_id"]

    def asked(**query: Any) -> list[str]:
        answer = client.get("/open311/v2/requests.json", query)
        assert answer.status_code == 200, answer.content
        return [row["service_request_id"] for row in answer.json()]

    assert len(asked()) == 6
    assert set(asked(service_request_id=",".join(numbers[:2]))) == set(numbers[:2])
    first, second = asked(page=1, page_size=4), asked(page=2, page_size=4)
    assert len(first) == 4 and len(second) == 2 and not set(first) & set(second)
    assert asked(status="closed") == [] and len(asked(status="open,closed")) == 6
    assert general in asked(service_code=f"{_lamp()},general")
    assert asked(end_date="2020-01-01T00:00:00Z") == []
    assert asked(start_date="2020-01-01", end_date="2026-12-31") == asked(
        start_date="2026-10-15", end_date="2026-12-31"
    )


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "yesterday"},
        {"status": "fixed"},
        {"page": "0"},
        {"page_size": "-1"},
        {"service_code": "no-such"},
        {"start_date": "2026-02-01", "end_date": "2026-01-01"},
        {"end_date": "0001-01-01T00:00:00+14:00"},
        {"start_date": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_wrong_filters_say_what_is_wrong(client: Client, query: dict[str, str]) -> None:
    answer = client.get("/open311/v2/requests.json", query)
    assert answer.status_code == 400 and any(name in answer.content.decode() for name in query)


def test_other_methods_are_answered_with_allow(client: Client) -> None:
    answer = client.put("/open311/v2/requests.json")
    assert answer.status_code == 405 and answer["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert client.delete("/open311/v2/services.xml").status_code == 405


def test_the_test_endpoint_keeps_nothing(client: Client) -> None:
    form = {"service_code": "general", "description": "路灯坏了", "lat": HERE[1], "long": HERE[0]}
    answer = client.post("/open311/test/v2/requests.json", form)
    assert answer.status_code == 201 and Case.objects.count() == 0


def test_updates_tell_what_happened(client: Client, staff: Any) -> None:
    number = _send(client).json()[0]["service_request_id"]
    case = Case.objects.get(number=number)
    worker = _holder_of(case)
    actions.accept(worker, case)
    actions.resolve(worker, case, "已更换灯泡，恢复照明。")
    rows = client.get("/open311/v2/servicerequestupdates.json").json()
    told = [(r["service_request_id"], r["status"]) for r in rows]
    assert told == [(number, "IN_PROGRESS"), (number, "FIXED")]
    assert rows[1]["description"] == "已更换灯泡，恢复照明。"


def test_an_update_is_taken_once(client: Client) -> None:
    number = _send(client).json()[0]["service_request_id"]
    form = {
        "service_request_id": number,
        "update_id": "u-1",
        "description": "The pole leans, too.",
        "status": "OPEN",
        "email": "mary@example.org",
    }
    path = "/open311/v2/servicerequestupdates.json"
    answers = [client.post(path, form) for _ in range(3)]
    assert [a.status_code for a in answers] == [201] * 3 and answers[0].json() == [{"update_id": "u-1"}]
    assert Message.objects.filter(case__number=number).count() == 1
    assert client.post(path, form | {"description": "Other words"}).status_code == 400


def test_an_update_by_somebody_else_is_refused(client: Client) -> None:
    number = _send(client).json()[0]["service_request_id"]
    form = {"service_request_id": number, "update_id": "u-2", "description": "x y", "status": "OPEN"}
    answer = client.post("/open311/v2/servicerequestupdates.json", form | {"email": "eve@example.org"})
    assert answer.status_code == 403 and Message.objects.count() == 0


def test_a_reopening_contests_the_closure(client: Client) -> None:
    number = _send(client).json()[0]["service_request_id"]
    case = Case.objects.get(number=number)
    worker = _holder_of(case)
    actions.accept(worker, case)
    actions.resolve(worker, case, "已更换灯泡，恢复照明。")
    form = {
        "service_request_id": number,
        "update_id": "u-3",
        "description": "It is dark again.",
        "status": "REOPEN",
        "phone": "138 0013 8000",
    }
    assert client.post("/open311/v2/servicerequestupdates.xml", form).status_code == 201
    assert Case.objects.get(number=number).state == "under_way"


def _holder_of(case: Case) -> Any:
    """A worker of the organisation that holds the case."""
    from gongzhi.registry.authority import Actor
    from gongzhi.registry.models import Post

    post = Post.objects.filter(organisation_id=case.organisation_id, roles__contains=["worker"])[0]
    return Actor(
        kind="person",
        person_id=post.person_id,
        post_id=post.pk,
        organisation_id=post.organisation_id,
        roles=frozenset(post.roles),
    )
