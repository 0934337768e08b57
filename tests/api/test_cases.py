"""A program brings matters in and reads the public ones; what is wrong is said field by field."""

from __future__ import annotations

import base64
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from gongzhi.cases import actions
from gongzhi.cases.models import Attachment, Case, Party
from tests.conftest import HERE

pytestmark = pytest.mark.django_db
TEXT = "门口的路灯坏了好几天，晚上很黑"


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(out, "PNG")
    return out.getvalue()


def _post(client: Client, body: Any = None, **headers: str) -> Any:
    if body is None:
        body = {"text": TEXT, "lat": HERE[1], "lng": HERE[0]}
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return client.post("/api/v1/cases", data, content_type="application/json", headers=headers)


def test_a_matter_gets_a_number_an_organisation_a_deadline_and_a_receipt(client: Client) -> None:
    response = _post(client)
    answer = response.json()
    assert response.status_code == 201 and answer["status"] == "assigned"
    assert response["Location"].endswith(f"/api/v1/cases/{answer['number']}")
    assert answer["function"] and answer["organisation"] and answer["due"].endswith("Z")
    assert answer["receipt"]["number"] == answer["number"]
    assert client.get(f"/follow/{answer['number']}/{answer['secret']}/").status_code == 200


def test_photos_come_as_base64_or_as_files_of_a_form(client: Client) -> None:
    data = base64.b64encode(_picture()).decode()
    body = {
        "text": TEXT,
        "photos": [{"data": data, "name": "../lamp.png"}, {"data": f"data:image/png;base64,{data}"}],
    }
    number = _post(client, body).json()["number"]
    names = Attachment.objects.filter(case__number=number).values_list("name", flat=True)
    assert set(names) == {"lamp.png", "file"}
    upload = SimpleUploadedFile("lamp.jpg", _picture())
    form = {"text": TEXT, "lat": HERE[1], "lng": HERE[0], "phone": "13800138000", "photos": [upload]}
    answer = client.post("/api/v1/cases", form)
    assert answer.status_code == 201
    case = Case.objects.get(number=answer.json()["number"])
    assert case.attachments.count() == 1 and Party.objects.get(case=case).phone == "13800138000"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ("", 422, "body"),
        ("[1", 422, "body"),
        ("[]", 422, "body"),
        ({}, 422, "text"),
        ({"text": 5}, 422, "text"),
        ({"text": " x "}, 422, "text"),
        ({"text": "路灯坏了\x00"}, 422, "text"),
        ('{"text": "\\ud800 lamp"}', 422, None),
        ({"text": "路灯坏了" * 300_000}, 422, "text"),
        ({"text": TEXT, "lat": 30.5}, 422, "lat"),
        ({"text": TEXT, "lat": 0, "lng": 0}, 422, "lat"),
        ('{"text": "路灯坏了", "lat": NaN, "lng": NaN}', 422, "lat"),
        ('{"text": "路灯坏了", "lat": Infinity, "lng": 1}', 422, "lat"),
        ('{"text": "路灯坏了", "lat": 1%s, "lng": 1}' % ("0" * 5000), 422, None),
        ('{"text": "路灯坏了", "contact": %s}' % ('{"a":' * 100_000), 422, None),
        ({"text": TEXT, "organization": "x"}, 422, "organization"),
        ({"text": TEXT, "function": "no-such"}, 422, "function"),
        ({"text": TEXT, "contact": {"phone": "nobody"}}, 422, "contact.phone"),
        ({"text": TEXT, "contact": {"email": "nobody"}}, 422, "contact.email"),
        ({"text": TEXT, "photos": [{"data": "%%%"}]}, 422, "photos.0.data"),
        ({"text": TEXT, "photos": [{"data": "aGVsbG8="}]}, 422, "photos.0.data"),
        ({"text": TEXT, "photos": [{"data": ""}] * 7}, 422, "photos"),
    ],
    ids=range(22),
)
def test_what_is_wrong_is_said_field_by_field(
    client: Client, body: Any, status: int, field: str | None
) -> None:
    answer = _post(client, body)
    problem = answer.json()
    assert answer.status_code == status and answer["Content-Type"] == "application/problem+json"
    assert problem["status"] == status and problem["title"] and problem["errors"]
    assert field is None or field in problem["errors"]
    assert Case.objects.count() == 0


def test_the_reader_is_told_in_the_own_language() -> None:
    told = {
        language: _post(Client(headers={"accept-language": language}), {"lat": 1}).json()["errors"]["text"]
        for language in ("zh-CN", "en")
    }
    assert told == {"zh-CN": "此项必填。", "en": "This is required."}


def test_one_key_gives_one_case_and_another_body_is_refused(client: Client) -> None:
    key = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    first, second = _post(client, **key), _post(client, **key)
    assert first.status_code == second.status_code == 201 and first.json() == second.json()
    other = _post(client, {"text": "井盖松动"}, **key)
    assert other.status_code == 422 and other.json()["type"] == "urn:gongzhi:idempotency-key-reused"
    assert Case.objects.count() == 1


def test_too_large_a_body_is_refused_unread(client: Client) -> None:
    answer = _post(client, b'{"text": "' + b"x" * 17_000_000 + b'"}')
    assert answer.status_code == 413 and "multipart" in answer.json()["detail"]


def test_other_media_are_refused(client: Client) -> None:
    answer = client.post("/api/v1/cases", "<a/>", content_type="application/xml")
    assert answer.status_code == 415 and answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW"])
@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/api/v1/cases", "GET, HEAD, POST, OPTIONS"), ("/api/v1/functions", "GET, HEAD, OPTIONS")],
)
def test_unknown_methods_are_answered_with_those_that_are_known(
    client: Client, method: str, path: str, allowed: str
) -> None:
    answer = client.generic(method, path)
    assert answer.status_code == 405 and set(answer["Allow"].split(", ")) == set(allowed.split(", "))
    assert answer["Content-Type"] == "application/problem+json"


def test_other_sites_may_read_answers_and_errors(client: Client) -> None:
    for path in (
        "/api/v1/functions",
        "/api/v1/cases?limit=0",
        "/open311/v2/requests/none.json",
        "/ledger/vkey",
    ):
        assert client.get(path)["Access-Control-Allow-Origin"] == "*"


def test_head_and_options(client: Client) -> None:
    head = client.head("/api/v1/functions")
    assert head.status_code == 200 and head.content == b""
    options = client.options("/api/v1/cases")
    assert options.status_code == 204 and "POST" in options["Allow"]
    assert options["Access-Control-Allow-Origin"] == "*"


@pytest.fixture
def five(submit: Any) -> list[str]:
    """Numbers of five matters, oldest first."""
    return [submit(f"第{n}处路灯坏了，晚上很黑").number for n in range(5)]


def _numbers(client: Client, **query: Any) -> list[str]:
    answer = client.get("/api/v1/cases", query)
    assert answer.status_code == 200, answer.content
    return [case["number"] for case in answer.json()["cases"]]


def test_pages_follow_each_other_without_gap(client: Client, five: list[str]) -> None:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/v1/cases", {"limit": 2, "cursor": cursor}).json()
        found += [case["number"] for case in page["cases"]]
        cursor = page["next"]
    assert found == five[::-1]


def test_every_filter_narrows_the_list(client: Client, five: list[str]) -> None:
    case = Case.objects.get(number=five[2])
    shown = client.get(f"/api/v1/cases/{case.number}").json()
    newest_first = five[::-1]
    assert _numbers(client, q="第2处") == [case.number] == _numbers(client, q=case.number)
    assert _numbers(client, function=shown["function"]) == newest_first
    assert _numbers(client, organisation=shown["organisation"]) == newest_first
    assert _numbers(client, area=shown["area"]) == newest_first
    assert _numbers(client, status="open") == newest_first and _numbers(client, status="ended") == []
    assert _numbers(client, overdue="true") == []
    lng, lat = shown["lng"], shown["lat"]
    around = f"{lng - 0.01},{lat - 0.01},{lng + 0.01},{lat + 0.01}"
    assert _numbers(client, bbox=around, limit=3) == newest_first[:3]
    assert _numbers(client, bbox=around, q="第2处") == [case.number]
    assert _numbers(client, bbox="0,0,1,1") == []
    at = case.opened_at.isoformat()
    assert _numbers(client, opened_after=at) == newest_first[:3]
    assert _numbers(client, opened_before=at) == newest_first[3:]


def test_a_program_can_follow_what_changes(client: Client, five: list[str], staff: Any) -> None:
    since = timezone.now()
    case = Case.objects.get(number=five[1])
    party = Party.objects.get(case=case)
    from gongzhi.registry.authority import Actor

    actions.say(Actor(kind="anonymous", party_ids=frozenset({party.pk})), case, "还没有修好")
    assert _numbers(client, updated_after=since.isoformat()) == [case.number]
    assert _numbers(client, sort="updated") == [*five[:1], *five[2:], case.number]
    page = client.get("/api/v1/cases", {"sort": "updated", "limit": 3}).json()
    after = _numbers(client, sort="updated", cursor=page["next"])
    assert after == [five[4], case.number]
    assert _numbers(client, updated_after=(timezone.now() + timedelta(days=1)).isoformat()) == []


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "many"},
        {"limit": "1" * 400},
        {"status": "fixed"},
        {"bbox": "1,2,3"},
        {"bbox": "2,0,1,1"},
        {"bbox": "nan,nan,nan,nan"},
        {"opened_after": "yesterday"},
        {"opened_after": "0001-01-01T00:00:00+14:00"},
        {"updated_after": "9999-12-31T23:59:59-14:00"},
        {"cursor": "x"},
        {"cursor": "MjAyNi0wMS0wMVQwMDowMDowMHwx"},
        {"function": "no-such"},
        {"organisation": "no-such"},
        {"area": "no-such"},
        {"overdue": "perhaps"},
        {"q": "x" * 101},
        {"organization": "police"},
    ],
    ids=str,
)
def test_a_wrong_filter_is_named(client: Client, query: dict[str, str]) -> None:
    answer = client.get("/api/v1/cases", query)
    assert answer.status_code == 422 and set(answer.json()["errors"]) == set(query)


def test_a_public_matter_shows_no_personal_data(client: Client) -> None:
    body = {
        "text": f"{TEXT}，请打 13800138000",
        "lat": HERE[1],
        "lng": HERE[0],
        "contact": {"name": "李建国"},
    }
    number = _post(client, body).json()["number"]
    for path in (f"/api/v1/cases/{number}", "/api/v1/cases", f"/api/v1/cases/{number}/timeline"):
        said = client.get(path).content.decode()
        assert number in said and "13800138000" not in said and "李建国" not in said


def test_the_place_is_the_published_one(client: Client, submit: Any) -> None:
    receipt = submit("楼上邻居半夜很吵，影响休息")
    case = Case.objects.get(pk=receipt.case_id)
    Case.objects.filter(pk=case.pk).update(public_lng=None, public_lat=None)
    shown = client.get(f"/api/v1/cases/{case.number}").json()
    assert shown["lat"] is None and shown["lng"] is None


def test_what_is_not_public_is_not_found(client: Client, submit: Any) -> None:
    number = submit(is_public=False).number
    for path in (f"/api/v1/cases/{number}", f"/api/v1/cases/{number}/timeline", "/api/v1/cases/1"):
        assert client.get(path).status_code == 404
    assert _numbers(client) == []


def test_every_step_can_be_proved(client: Client, submit: Any) -> None:
    from gongzhi.ledger import sequencer

    number = submit().number
    while sequencer.sequence():
        pass
    (step,) = client.get(f"/api/v1/cases/{number}/timeline").json()["steps"]
    assert step["verb"] == "open" and step["to"]
    assert client.get("/ledger/proof", {"act": step["act"]}).json()["status"] == "included"


def test_the_codes_of_the_city_can_be_read(client: Client) -> None:
    for kind in ("functions", "organisations", "areas"):
        rows = client.get(f"/api/v1/{kind}").json()[kind]
        codes = {row["code"] for row in rows}
        assert len(rows) == len(codes) > 10
        assert {row["parent"] for row in rows} <= codes | {None}
        one = client.get(f"/api/v1/{kind}/{rows[0]['code']}").json()
        assert {k: one[k] for k in rows[0]} == rows[0]
        assert client.get(f"/api/v1/{kind}/none").status_code == 404
    assert client.get("/api/v1/areas/" + sorted(codes)[0]).json()["geometry"]["type"] in (
        "Polygon",
        "MultiPolygon",
    )


def test_the_reference_shows_every_address_and_needs_no_script() -> None:
    for language, word in (("en", "Bring a matter in"), ("zh-CN", "提交办件")):
        client = Client(headers={"accept-language": language})
        document = client.get("/api/v1/openapi.json").json()
        page = client.get("/api/v1/docs").content.decode()
        assert document["openapi"].startswith("3.1") and word in page
        for path in document["paths"]:
            assert path in page
        assert "<style" not in page and " style=" not in page and "onclick" not in page
        assert page.count("<script") == 1


def test_a_matter_costs_few_round_trips_to_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    _post(client)  # what a process reads once
    direct: list[object] = []
    execute = psycopg.RawCursor.execute
    monkeypatch.setattr(
        psycopg.RawCursor, "execute", lambda self, *a, **k: (direct.append(a), execute(self, *a, **k))[1]
    )
    with CaptureQueriesContext(connection) as asked:
        assert _post(client, None, **{"Idempotency-Key": "once"}).status_code == 201
    assert 1 <= len(asked) + len(direct) <= 8
