"""Signing in with the identity provider of the city."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from gongzhi.environment import Environment, EnvironmentInvalid
from gongzhi.registry.models import Person
from tests.accounts.provider import Provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings) -> Iterator[Provider]:  # type: ignore[no-untyped-def]
    running = Provider()
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "city",
                    "name": "City",
                    "client_id": "gongzhi",
                    "secret": "s3cret",
                    "settings": {"server_url": running.issuer},
                }
            ],
        }
    }
    yield running
    running.close()


def _sign_in(provider: Provider, **person: object) -> Client:
    provider.person = {"sub": "4711", "email_verified": True, **person}
    client = Client()
    asked = client.post("/accounts/oidc/city/login/")
    assert asked.status_code == 302 and asked["Location"].startswith(f"{provider.issuer}/authorize")
    query = parse_qs(urlsplit(asked["Location"]).query)
    assert query["code_challenge_method"] == ["S256"]
    client.get("/accounts/oidc/city/login/callback/", {"code": "c", "state": query["state"][0]})
    return client


def _who(client: Client) -> Person | None:
    key = client.session.get("_auth_user_id")
    return Person.objects.get(pk=key) if key else None


def test_a_member_of_staff_is_recognised_by_the_verified_address(provider: Provider) -> None:
    worker = Person.objects.get(username="worker")
    worker.email = "li.wei@city.example"
    worker.save()
    assert _who(_sign_in(provider, email="Li.Wei@city.example")) == worker
    assert provider.asked[0]["client_secret"] == ["s3cret"]
    assert "code_verifier" in provider.asked[0]


def test_an_unverified_address_opens_no_account_of_staff(provider: Provider) -> None:
    worker = Person.objects.get(username="worker")
    worker.email = "li.wei@city.example"
    worker.save()
    signed_in = _who(_sign_in(provider, email="li.wei@city.example", email_verified=False))
    assert signed_in != worker
    if signed_in is not None:
        assert not signed_in.posts.exists() and signed_in.email == ""


def test_a_stranger_becomes_a_resident_without_a_post(provider: Provider) -> None:
    client = _sign_in(provider, email="wang@example.org", name="王小明", preferred_username="wang")
    person = _who(client)
    assert person is not None
    assert (person.name_zh, person.email, person.identity) == ("王小明", "wang@example.org", 1)
    assert not person.posts.exists()
    assert client.get("/desk/").status_code == 403


def test_a_reply_to_a_question_nobody_asked_signs_nobody_in(provider: Provider) -> None:
    provider.person = {"sub": "4711", "email": "a@example.org", "email_verified": True}
    client = Client()
    client.get("/accounts/oidc/city/login/callback/", {"code": "c", "state": "guessed"})
    assert _who(client) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"GONGZHI_OIDC_ISSUER": "login.city.example"},
        {"GONGZHI_OIDC_ISSUER": "https://login.city.example"},
        {"GONGZHI_OIDC_ISSUER": "https://login.city.example", "GONGZHI_OIDC_CLIENT_ID": "x"},
    ],
)
def test_half_a_provider_stops_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(EnvironmentInvalid, match="GONGZHI_OIDC"):
        Environment.read(wrong)
