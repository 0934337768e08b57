"""Whatever is sent, every answer fits the document that describes it, and none is a fault of ours.

Small here; ``CASES=20000`` runs it in full size.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import hypothesis.strategies as st
import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks

from gongzhi.api import keys
from gongzhi.api.models import SenderKey
from gongzhi.registry.authority import SYSTEM
from gongzhi.registry.models import Post
from tests.conftest import HERE

pytestmark = pytest.mark.django_db
CASES = int(os.environ.get("CASES", "300"))
IS_SMALL = CASES <= 300
OPERATIONS = 23
SIZE = settings(
    deadline=None,
    derandomize=IS_SMALL,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
WANTED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
]


@pytest.fixture
def described(db: None) -> Iterator[Any]:
    """The product's own document, asked for as a server would; the database stays that of the test."""
    from django.core.signals import request_finished, request_started
    from django.db import close_old_connections

    from gongzhi.wsgi import application

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    key = keys.make(SYSTEM, "a gateway", purpose=SenderKey.Purpose.TEXTS)
    KEYS["/api/v1/texts"] = {"Authorization": f"Bearer {key}"}
    post = Post.objects.get(person__username="worker-power")
    KEYS["/api/v1/partner"] = {"Authorization": f"Bearer {keys.make(SYSTEM, 'a partner', post)}"}
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


KEYS: dict[str, dict[str, str]] = {}
"""Beginning of an address → headers with the key that opens it; made anew for each test."""


def _key_for(path: str) -> dict[str, str]:
    return next((headers for start, headers in KEYS.items() if path.startswith(start)), {})


def _operations(described: Any) -> list[Any]:
    found = [result.ok() for result in described.get_all_operations()]
    assert len(found) == OPERATIONS
    return found


CAN_BE_WRONG = (
    "/api/v1/cases",
    "/api/v1/texts",
    "/api/v1/partner/tasks",
    "/ledger/proof",
    "/ledger/consistency",
)
"""Where the description leaves room for something that breaks it."""


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_fits_its_description(described: Any, mode: GenerationMode) -> None:
    for operation in _operations(described):
        if mode is GenerationMode.NEGATIVE and operation.path not in CAN_BE_WRONG:
            continue

        @settings(SIZE, max_examples=max(4, CASES // OPERATIONS // 4))
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: Any) -> None:
            case.call_and_validate(checks=WANTED, headers=_key_for(case.path))

        holds()


def test_every_edge_of_every_parameter_fits_its_description(described: Any) -> None:
    for operation in _operations(described):
        edges = described.iter_coverage_cases(
            operation, generation_modes=list(GenerationMode), generation_config=described.config.generation
        )
        for case in islice(edges, max(12, CASES // OPERATIONS)):
            case.call_and_validate(checks=WANTED, headers=_key_for(case.path))


def test_every_chain_of_requests_fits_its_description(described: Any) -> None:
    class Chain(described.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": _key_for(case.path)}

        def validate_response(self, response: Any, case: Any, *_more: Any, **_named: Any) -> None:
            case.validate_response(response, checks=WANTED)

    Chain.run(settings=settings(SIZE, max_examples=max(6, CASES // 24), stateful_step_count=6))


WORDS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "",
            "general",
            "13800138000",
            "nan",
            "1e400",
            "-0",
            "2611-0000001-0",
            "OPEN",
            "9" * 400,
            "\x00",
            "\ud800",
        ]
    ),
    st.floats().map(str),
    st.datetimes().map(str),
)
NAMES = st.one_of(
    st.sampled_from(
        [
            *("service_code", "lat", "long", "address_string", "address_id", "description", "email", "phone"),
            *(
                "first_name",
                "last_name",
                "media_url",
                "account_id",
                "device_id",
                "api_key",
                "jurisdiction_id",
            ),
            *(
                "service_request_id",
                "update_id",
                "status",
                "updated_datetime",
                "attribute[a]",
                "attribute[a][]",
            ),
            *("start_date", "end_date", "page", "page_size", "attribute[", "attribute[[]]"),
        ]
    ),
    st.text(max_size=20),
)


def _form(pairs: list[tuple[str, str]]) -> bytes:
    return urlencode(pairs, errors="surrogatepass").encode()


@settings(SIZE, max_examples=CASES // 4)
@given(
    pairs=st.lists(st.tuples(NAMES, WORDS), max_size=12),
    sound=st.booleans(),
    path=st.sampled_from(["requests", "servicerequestupdates"]),
    extension=st.sampled_from(["json", "xml"]),
)
def test_whatever_an_open311_client_sends_is_answered_in_form(
    db: None, pairs: list[tuple[str, str]], sound: bool, path: str, extension: str
) -> None:
    client = Client(headers={"accept-language": "en"}, raise_request_exception=False)
    if sound:
        pairs = [("service_code", "general"), ("lat", str(HERE[1])), ("long", str(HERE[0])), *pairs]
    address = f"/open311/v2/{path}.{extension}"
    for answer in (
        client.post(address, _form(pairs), content_type="application/x-www-form-urlencoded"),
        client.get(f"{address}?{_form(pairs).decode()}"),
    ):
        assert answer.status_code < 500
        if extension == "json":
            assert isinstance(answer.json(), list)
        else:
            ElementTree.fromstring(answer.content)
        if answer.status_code >= 400 and extension == "json":
            assert all(told["code"] == answer.status_code and told["description"] for told in answer.json())


@settings(SIZE, max_examples=CASES // 4)
@given(body=st.binary(max_size=400), boundary=st.sampled_from(["x", "", "\xff", "a" * 300]))
def test_whatever_a_multipart_body_holds_is_refused_kindly(db: None, body: bytes, boundary: str) -> None:
    client = Client(headers={"accept-language": "en"}, raise_request_exception=False)
    for wrapped in (body, b"--x\r\nContent-Disposition: form-data; name=" + body + b"\r\n\r\n1\r\n--x--\r\n"):
        for address in ("/open311/v2/requests.json", "/api/v1/cases"):
            answer = client.post(address, wrapped, content_type=f"multipart/form-data; boundary={boundary}")
            assert 400 <= answer.status_code < 500 and answer.json()
