"""Signed requests, addresses that must not be called, and a city that has only Open311."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from django.utils import translation

from gongzhi.cases.models import Case, Message
from gongzhi.coordination import couriers, outgoing, signatures
from gongzhi.coordination.actions import federation
from gongzhi.coordination.actions.federation import Place
from gongzhi.coordination.models import Neighbour, Passage
from gongzhi.errors import Invalid, NotAllowed, WrongState
from gongzhi.registry.authority import SYSTEM
from tests.cases.builders import a_case
from tests.conftest import HERE

KEY = Ed25519PrivateKey.generate()
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
URL = "https://b.example/api/federation/v1/matters"


def signed(body: bytes, *, url: str = URL, created: int | None = None) -> dict[str, str]:
    headers = signatures.sign_request(
        "POST", url, body, key_id="429900", key=KEY, created=created or int(time.time())
    )
    return {name.lower(): value for name, value in headers.items()}


def verify(body: bytes, headers: dict[str, str], **changes: Any) -> signatures.Signed:
    given = {"method": "POST", "url": URL, "now": int(time.time())} | changes
    return signatures.verify_request(
        given["method"], given["url"], body, headers,
        key_of=lambda code: PUBLIC if code == "429900" else "", now=given["now"],
    )  # fmt: skip


def test_a_signature_names_the_sender() -> None:
    assert verify(b"{}", signed(b"{}")).key_id == "429900"


@pytest.mark.parametrize(
    "changes",
    [{"method": "PUT"}, {"url": URL + "?a=1"}, {"url": "https://c.example/api/federation/v1/matters"}],
)
def test_a_signature_fits_only_its_request(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed):
        verify(b"{}", signed(b"{}"), **changes)


@pytest.mark.parametrize("age", [-301, 301, 86_400])
def test_a_replay_older_than_five_minutes_is_refused(age: int) -> None:
    headers = signed(b"{}", created=int(time.time()) - age)
    with translation.override("en"), pytest.raises(NotAllowed, match="five minutes"):
        verify(b"{}", headers)


def test_any_changed_byte_is_refused() -> None:
    body = '{"text": "路灯"}'.encode()
    headers = signed(body)
    for n in range(len(body)):
        with pytest.raises(NotAllowed):
            verify(body[:n] + bytes([body[n] ^ 1]) + body[n + 1 :], headers)
    for name in ("signature", "signature-input", "content-digest"):
        with pytest.raises(NotAllowed):
            verify(body, headers | {name: headers[name].replace("a", "b").replace("1", "2")})
        with pytest.raises(NotAllowed):
            verify(body, {k: v for k, v in headers.items() if k != name})


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "::1", "fe80::1",
     "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "ff02::1"],
)  # fmt: skip
def test_inner_addresses_are_not_outside(ip: str) -> None:
    assert not outgoing.is_outside(ip)


def test_public_addresses_are_outside() -> None:
    assert outgoing.is_outside("1.1.1.1") and outgoing.is_outside("2606:4700:4700::1111")


@pytest.mark.parametrize(
    "url",
    ["http://example.org/", "https://127.0.0.1/", "https://localhost/", "https://2130706433/", "https://0x7f.1/",
     "https://[::ffff:127.0.0.1]/", "https://user:pw@1.1.1.1/", "file:///etc/passwd", "https://", "gopher://1.1.1.1/",
     "https://１２７.0.0.1/", "https://127.0.0.1.:443/"],
)  # fmt: skip
def test_addresses_that_must_not_be_called(url: str) -> None:
    with pytest.raises((Invalid, outgoing.Unreachable)):
        outgoing.checked(url)


def test_a_name_that_changes_its_mind_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        ip = "1.1.1.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    to = outgoing.checked("https://rebinding.example/")
    assert (to.ip, len(asked)) == ("1.1.1.1", 1), "the connection goes to the address that was checked"
    with pytest.raises(Invalid):
        outgoing.checked("https://rebinding.example/")


class _City(BaseHTTPRequestHandler):
    """A neighbouring city with Open311 only."""

    posted: list[dict[str, list[str]]] = []
    status = "open"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.posted.append(parse_qs(self.rfile.read(length).decode()))
        self._say([{"token": "T-1"}])

    def do_GET(self) -> None:
        if self.path.startswith("/tokens/T-1.json"):
            self._say([{"service_request_id": "311-77", "token": "T-1"}])
        elif self.path.startswith("/requests/311-77.json"):
            self._say(
                [{"service_request_id": "311-77", "status": self.status, "status_notes": "Lamp replaced"}]
            )
        elif self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            self.end_headers()
        else:
            self.send_error(404)

    def _say(self, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def open311(settings: Any) -> Iterator[str]:
    _City.posted, _City.status = [], "open"
    server = HTTPServer(("127.0.0.1", 0), _City)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.OUTGOING_ALLOWED = [f"127.0.0.1:{server.server_port}"]
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_redirect_is_not_followed(open311: str) -> None:
    with pytest.raises(outgoing.Unreachable):
        outgoing.call("GET", f"{open311}/away", b"", {})


@pytest.mark.django_db
def test_a_city_without_gongzhi_is_reached_by_open311(open311: str, submit: Any, staff: Any) -> None:
    neighbour = federation.register_neighbour(
        staff("administrator"),
        Place("429800", "河东市", "Hedong", "open311", open311, api_key="k", services={"*": "general"}),
    )
    case = a_case(submit, staff)
    number = case.number
    passage = federation.send(staff("dispatcher"), case, neighbour, reason="地点属河东市")
    assert couriers.deliver(passage.pk) and not couriers.deliver(passage.pk)
    (posted,) = _City.posted
    assert posted["service_code"] == ["general"] and "13812345678" not in json.dumps(posted)
    assert not couriers.ask(passage.pk)
    _City.status = "closed"
    assert couriers.ask(passage.pk)
    case.refresh_from_db()
    passage.refresh_from_db()
    assert (case.number, case.state, case.closure) == (number, "resolved", "fixed")
    assert (passage.state, passage.number_there) == ("ended", "311-77")
    assert Message.objects.filter(case=case, text__contains="Lamp replaced").exists()


@pytest.fixture
def sender(db: None) -> Neighbour:
    return Neighbour.objects.create(
        code="429900",
        name_zh="邻市",
        name_en="Next",
        kind="gongzhi",
        base_url="https://n.example",
        public_key=PUBLIC,
    )


def post(client: Client, path: str, body: dict[str, Any], **changes: Any) -> Any:
    from django.conf import settings

    content = json.dumps(body).encode()
    headers = signatures.sign_request(
        "POST", f"{settings.PUBLIC_URL}{path}", content, key_id="429900",
        key=changes.get("key", KEY), created=changes.get("created", int(time.time())),
    )  # fmt: skip
    return client.post(path, content, content_type="application/json", headers=headers)


def matter(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()), "number": "261100000017", "text": "贵市桥头路灯不亮", "lng": HERE[0], "lat": HERE[1],
        "function": "lighting",
    } | changes  # fmt: skip


def test_a_matter_of_another_city_is_taken_in_once_with_a_signed_receipt(
    client: Client, sender: Neighbour
) -> None:
    body = matter()
    first = post(client, "/api/federation/v1/matters", body)
    again = post(client, "/api/federation/v1/matters", body)
    assert first.status_code == 201, first.content
    assert first.json()["number"] == again.json()["number"]
    assert Passage.objects.get().direction == "in"
    signatures.verify_answer(
        201, first.content, {k.lower(): v for k, v in first.headers.items()},
        key_of=lambda _: signatures.own_public_key(), now=int(time.time()),
    )  # fmt: skip
    case = Case.objects.get(number=first.json()["number"])
    assert case.source == "city:429900" and case.state == "assigned"


@pytest.mark.parametrize("changes", [{"key": Ed25519PrivateKey.generate()}, {"created": 1}])
def test_whoever_is_not_known_brings_nothing_in(
    client: Client, sender: Neighbour, changes: dict[str, Any]
) -> None:
    answer = post(client, "/api/federation/v1/matters", matter(), **changes)
    assert answer.status_code == 403 and not Passage.objects.exists()
    unsigned = client.post("/api/federation/v1/matters", "{}", content_type="application/json")
    assert unsigned.status_code == 403


def test_messages_are_taken_once_and_in_order(client: Client, sender: Neighbour) -> None:
    body = matter()
    number = post(client, "/api/federation/v1/matters", body).json()["number"]
    path = f"/api/federation/v1/matters/{body['id']}/messages"
    assert post(client, path, {"sequence": 2, "verb": "say", "text": "还有一盏"}).status_code == 409
    for _turn in range(2):
        assert post(client, path, {"sequence": 1, "verb": "say", "text": "桥头第三盏"}).status_code == 200
    assert Message.objects.filter(case__number=number, text="桥头第三盏").count() == 1
    assert post(client, path, {"sequence": 2, "verb": "resolve", "text": "x"}).status_code == 422
    other = f"/api/federation/v1/matters/{uuid.uuid4()}/messages"
    assert post(client, other, {"sequence": 1, "verb": "say", "text": "x"}).status_code == 404


@pytest.mark.django_db
def test_a_matter_is_sent_to_one_city_only_and_by_a_dispatcher(
    sender: Neighbour, submit: Any, staff: Any
) -> None:
    case = a_case(submit, staff)
    with pytest.raises(NotAllowed):
        federation.send(staff("worker"), case, sender, reason="不归我们")
    federation.send(staff("dispatcher"), case, sender, reason="地点属邻市")
    with pytest.raises(WrongState):
        federation.send(staff("dispatcher"), case, sender, reason="再送一次")


@pytest.mark.django_db
def test_a_neighbour_inside_the_own_network_needs_a_word_of_the_operator(staff: Any) -> None:
    inside = Place("429900", "邻市", "Next", "gongzhi", "https://10.0.0.8", public_key=PUBLIC)
    with pytest.raises(Invalid):
        federation.register_neighbour(SYSTEM, inside)
    with pytest.raises(NotAllowed):
        federation.register_neighbour(staff("dispatcher"), inside)
