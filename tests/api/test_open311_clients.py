"""Clients of other cities work unchanged: the very requests they send, and what they read from the answers."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from gongzhi.api import keys
from gongzhi.cases import actions
from gongzhi.cases.models import Attachment, Case, Message
from gongzhi.errors import Invalid, NotFound
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import SYSTEM
from gongzhi.registry.models import Post
from tests.api.test_open311 import _holder_of, _lamp
from tests.conftest import HERE

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


class FixMyStreet:
    """What mySociety's Open311 module sends: pairs in a form, jurisdiction and key first, XML back."""

    def __init__(self, client: Client, api_key: str = "") -> None:
        self.client, self.api_key = client, api_key

    def get(self, path: str, **query: str) -> ElementTree.Element:
        answer = self.client.get(f"/open311/v2/{path}", query | {"jurisdiction_id": ""})
        assert answer.status_code == 200, answer.content
        return ElementTree.fromstring(answer.content)

    def post(self, path: str, pairs: list[tuple[str, str]]) -> Any:
        body = urlencode([("jurisdiction_id", ""), ("api_key", self.api_key), *pairs])
        return self.client.post(f"/open311/v2/{path}", body, content_type=FORM)

    def report(self, *more: tuple[str, str]) -> str:
        answer = self.post(
            "requests.xml",
            [
                ("lat", str(HERE[1])),
                ("long", str(HERE[0])),
                ("email", "mary@example.org"),
                ("description", "title:  Lamp out\n\ndetail: It has been dark for days\n\nurl: http://fms/report/1\n\nSubmitted via FixMyStreet\n"),
                ("service_code", _lamp()),
                ("first_name", "Mary"),
                ("last_name", "Smith"),
                ("phone", "13800138000"),
                ("attribute[easting]", "529025"),
                ("attribute[northing]", "179716"),
                ("attribute[fixmystreet_id]", "1"),
                *more,
            ],
        )  # fmt: skip
        assert answer.status_code < 300, answer.content
        found = ElementTree.fromstring(answer.content).find("request/service_request_id")
        assert found is not None and found.text
        return found.text

    def update(self, number: str, update_id: str, status: str, text: str, *more: tuple[str, str]) -> Any:
        return self.post(
            "servicerequestupdates.xml",
            [
                ("updated_datetime", "2026-11-24T09:30:00+00:00"),
                ("service_request_id", number),
                ("service_request_id_ext", "1"),
                ("status", status),
                ("description", text),
                ("last_name", "Jones"),
                ("first_name", "Eve"),
                ("email", "eve@example.org"),
                ("public_anonymity_required", "TRUE"),
                ("update_id", update_id),
                *more,
            ],
        )


@pytest.fixture
def relay(client: Client) -> FixMyStreet:
    return FixMyStreet(client, keys.make(SYSTEM, "FixMyStreet"))


def test_fixmystreet_populates_its_categories(relay: FixMyStreet) -> None:
    for service in relay.get("services.xml").findall("service"):
        told = {child.tag: child.text for child in service}
        assert told["service_code"] and told["service_name"] and told["metadata"] in ("true", "false")
        if told["metadata"] == "true":
            definition = relay.get(f"services/{told['service_code']}.xml")
            assert definition.findtext("service_code") == told["service_code"]
            assert all(a.findtext("code") for a in definition.findall("attributes/attribute"))


def test_fixmystreet_sends_a_report_with_pictures_that_lie_elsewhere(relay: FixMyStreet) -> None:
    pictures = [("media_url", f"http://fms/photo/{n}.jpeg") for n in (1, 2)]
    number = relay.report(*pictures)
    case = Case.objects.get(number=number)
    assert case.attributes["media_url"] == [url for _name, url in pictures]
    assert relay.get(f"tokens/{number}.xml").findtext("request/service_request_id") == number
    both = f"{number},{relay.report()}"
    assert len(relay.get("requests.xml", service_request_id=both).findall("request")) == 2


def test_fixmystreet_sends_files_in_a_multipart_form(client: Client) -> None:
    out = io.BytesIO()
    Image.new("RGB", (30, 30)).save(out, "JPEG")
    files = {f"photo{n}": SimpleUploadedFile(f"{n}.jpeg", out.getvalue(), "image/jpeg") for n in (1, 2)}
    form = {
        "service_code": _lamp(),
        "lat": HERE[1],
        "long": HERE[0],
        "description": "Lamp out",
        "api_key": "",
    }
    answer = client.post("/open311/v2/requests.xml", form | files)
    assert answer.status_code == 201 and Attachment.objects.count() == 2


def test_a_file_that_is_no_picture_is_refused_in_the_form_of_the_standard(client: Client) -> None:
    form = {
        "service_code": _lamp(),
        "lat": HERE[1],
        "long": HERE[0],
        "media": SimpleUploadedFile("x.jpg", b"<svg/>"),
    }
    answer = client.post("/open311/v2/requests.xml", form)
    assert answer.status_code == 400 and Case.objects.count() == 0
    assert ElementTree.fromstring(answer.content).findtext("error/code") == "400"


def test_fixmystreet_relays_what_its_users_say_once(relay: FixMyStreet) -> None:
    number = relay.report()
    for _again in range(3):
        answer = relay.update(number, "17", "OPEN", "Still dark")
        told = ElementTree.fromstring(answer.content).findtext("request_update/update_id")
        assert answer.status_code < 300 and told == "17"
    assert list(Message.objects.values_list("text", flat=True)) == ["Still dark"]
    assert relay.update(number, "18", "CLOSED", "Works again").status_code < 300
    assert Case.objects.get(number=number).state == "assigned"
    pictures = [("media_url", "http://fms/photo/3.jpeg"), ("media_url", "http://fms/photo/4.jpeg")]
    assert relay.update(number, "19", "OPEN", "", *pictures).status_code < 300
    assert "http://fms/photo/4.jpeg" in Message.objects.latest("pk").text


def test_fixmystreet_fetches_what_the_city_did(relay: FixMyStreet) -> None:
    number = relay.report()
    case = Case.objects.get(number=number)
    worker = _holder_of(case)
    actions.accept(worker, case)
    actions.resolve(worker, case, "已更换灯泡，恢复照明。")
    rows = relay.get("servicerequestupdates.xml", start_date="2026-01-01T00:00:00Z").findall("request_update")
    assert rows == []
    rows = relay.get("servicerequestupdates.xml").findall("request_update")
    told = [{child.tag: child.text for child in row} for row in rows]
    assert [t["status"] for t in told] == ["IN_PROGRESS", "FIXED"]
    assert all(t["update_id"] and t["service_request_id"] == number and t["updated_datetime"] for t in told)
    assert told[1]["description"] == "已更换灯泡，恢复照明。"


def test_somebody_without_the_key_cannot_relay_for_others(client: Client, relay: FixMyStreet) -> None:
    number = relay.report()
    assert FixMyStreet(client).update(number, "1", "OPEN", "Hello").status_code == 403
    keys.revoke(SYSTEM, "FixMyStreet")
    assert relay.update(number, "1", "OPEN", "Hello").status_code == 403
    assert Message.objects.count() == 0


def _works_system(client: Client, case: Case) -> FixMyStreet:
    post = Post.objects.filter(organisation_id=case.organisation_id, roles__contains=["worker"])[0]
    return FixMyStreet(client, keys.make(SYSTEM, "Works system", post))


def test_the_works_system_of_the_holder_works_on_a_case(client: Client) -> None:
    number = FixMyStreet(client).report()
    case = Case.objects.get(number=number)
    works = _works_system(client, case)
    assert works.update(number, "a", "IN_PROGRESS", "").status_code < 300
    case.refresh_from_db()
    assert case.state == "under_way" and case.post_id == keys.holder(works.api_key).actor.post_id  # type: ignore[union-attr]
    assert works.update(number, "b", "FIXED", "").status_code == 400
    assert works.update(number, "c", "DUPLICATE", "Same as another").status_code == 400
    for _again in range(2):
        assert works.update(number, "d", "CLOSED", "The lamp was replaced.").status_code < 300
    case.refresh_from_db()
    assert case.state == "resolved" and case.closure == "fixed"
    assert Act.objects.filter(subject_kind="case", subject_id=case.pk, actor_kind="app").count() == 2


@pytest.mark.parametrize(
    ("status", "state", "closure"),
    [("NO_FURTHER_ACTION", "resolved", "will_not"), ("NOT_COUNCILS_RESPONSIBILITY", "received", "")],
)
def test_a_works_system_may_say_no(client: Client, status: str, state: str, closure: str) -> None:
    number = FixMyStreet(client).report()
    works = _works_system(client, Case.objects.get(number=number))
    assert works.update(number, "a", status, "The lamp belongs to the estate.").status_code < 300
    case = Case.objects.get(number=number)
    assert (case.state, case.closure) == (state, closure)


def test_a_works_system_cannot_touch_what_others_hold(client: Client) -> None:
    number = FixMyStreet(client).report()
    case = Case.objects.get(number=number)
    other = Post.objects.exclude(organisation_id=case.organisation_id).filter(roles__contains=["worker"])[0]
    works = FixMyStreet(client, keys.make(SYSTEM, "Works system", other))
    assert works.update(number, "a", "FIXED", "Done").status_code == 403
    case.refresh_from_db()
    assert case.state == "assigned" and Act.objects.filter(subject_kind="case").count() == 1


def test_a_key_is_made_once_kept_as_a_hash_and_ends_when_revoked() -> None:
    secret = keys.make(SYSTEM, "City app")
    assert keys.holder(secret) is not None and keys.holder(secret[:-1]) is None and keys.holder("") is None
    with pytest.raises(Invalid):
        keys.make(SYSTEM, "City app")
    keys.revoke(SYSTEM, "City app")
    assert keys.holder(secret) is None
    with pytest.raises(NotFound):
        keys.revoke(SYSTEM, "City app")
    assert secret not in str(list(Act.objects.values_list("details", "subject_key")))


def test_a_city_may_ask_everybody_for_a_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from gongzhi.registry import snapshot

    monkeypatch.setitem(snapshot.current().city.config, "open311", {"key_required": True})
    form = {"service_code": _lamp(), "lat": HERE[1], "long": HERE[0], "description": "Lamp out"}
    for api_key in ("", "guessed"):
        assert client.post("/open311/v2/requests.json", form | {"api_key": api_key}).status_code == 403
    known = keys.make(SYSTEM, "City app")
    assert client.post("/open311/v2/requests.json", form | {"api_key": known}).status_code == 201


def test_the_python_client_three_finds_its_way(client: Client) -> None:
    """`Three(endpoint).discovery(), services(), post(), request(), requests(), token()` of the package three."""

    def get(path: str, **query: Any) -> Any:
        answer = client.get(f"/open311/v2/{path}.json", query)
        assert answer.status_code == 200
        return answer.json()

    assert {e["type"] for e in get("discovery")["endpoints"]} == {"production", "test"}
    assert _lamp() in {service["service_code"] for service in get("services")}
    assert get(f"services/{_lamp()}")["service_code"] == _lamp()
    out = io.BytesIO()
    Image.new("RGB", (30, 30)).save(out, "PNG")
    form = {
        "service_code": _lamp(),
        "address_string": "枫林街道 8 号",
        "first_name": "Zach",
        "last_name": "Williams",
        "phone": "555-5555",
        "description": "My issue description.",
        "api_key": "",
        "media": SimpleUploadedFile("photo.png", out.getvalue()),
    }
    (made,) = client.post("/open311/v2/requests.json", form).json()
    number = made["service_request_id"]
    assert "token" not in made and Attachment.objects.get().case.number == number  # type: ignore[union-attr]
    assert get(f"requests/{number}")[0]["service_request_id"] == number
    assert get(f"tokens/{number}")[0]["service_request_id"] == number
    span = {"start_date": "2026-11-01T00:00:00Z", "end_date": "2027-01-01T00:00:00Z"}
    assert [r["service_request_id"] for r in get("requests", page_size=5, service_code=_lamp(), **span)] == [
        number
    ]


@pytest.mark.parametrize("extension", ["json", "xml"])
def test_every_error_has_the_form_of_the_standard(client: Client, extension: str) -> None:
    for method, path, status in (
        ("GET", "nothing", 404),
        ("GET", "services/none", 404),
        ("GET", "requests/2611-0000000-0", 404),
        ("GET", "tokens/none", 404),
        ("DELETE", "requests", 405),
        ("TRACE", "requests", 405),
        ("POST", "services", 405),
    ):
        answer = client.generic(method, f"/open311/v2/{path}.{extension}")
        assert answer.status_code == status, path
        if extension == "json":
            (told,) = answer.json()
        else:
            root = ElementTree.fromstring(answer.content)
            assert root.tag == "errors"
            told = {child.tag: child.text for child in root[0]}
        assert int(told["code"]) == status and told["description"]
        assert status != 405 or "GET" in answer["Allow"]
