"""Nobody tries for ever: limits by address and phone, and answers that do not tell who exists."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.core.cache import cache
from django.test import Client

from gongzhi.intake import limits
from gongzhi.intake.models import Quota
from tests.conftest import PASSWORD
from tests.security.world import MINE, World

pytestmark = pytest.mark.django_db
TEXT = {"text": "门口的路灯坏了"}


@pytest.fixture
def limited(world: World, settings: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    """Limits are on, and three an hour are enough."""
    settings.RATE_LIMITS = True
    monkeypatch.setattr(limits, "PER_WINDOW", 3)
    cache.clear()
    return world


def send(address: str, phone: str = "", **headers: str) -> Any:
    body = TEXT | {"contact": {"phone": phone}} if phone else TEXT
    return Client(REMOTE_ADDR=address).post(
        "/api/v1/cases", body, content_type="application/json", headers=headers
    )


def test_an_address_is_stopped_and_told_when_to_come_again(limited: World) -> None:
    assert [send("203.0.113.1").status_code for _ in range(3)] == [201] * 3
    refused = send("203.0.113.1")
    assert refused.status_code == 429 and 0 < int(refused["Retry-After"]) <= limits.WINDOW_S + 1
    assert send("203.0.113.2").status_code == 201


def test_every_channel_counts_into_the_same_limit(limited: World) -> None:
    for _ in range(3):
        send("203.0.113.1")
    form = {"service_code": "lighting", "lat": "30.52", "long": "111.36", "description": "路灯坏了"}
    client = Client(REMOTE_ADDR="203.0.113.1")
    assert client.post("/open311/v2/requests.json", form).status_code == 429
    assert client.post(f"/cases/{limited.cases['public'].number}/join", {"phone": ""}).status_code == 429


def test_a_phone_is_stopped_from_whatever_address(limited: World) -> None:
    assert [send(f"203.0.113.{n}", "13800000001").status_code for n in range(4)] == [201, 201, 201, 429]


@pytest.mark.parametrize("claimed", ["198.51.100.{}", "198.51.100.{}, 203.0.113.1", "not an address {}"])
def test_an_invented_address_helps_nobody(limited: World, claimed: str) -> None:
    got = [send("203.0.113.1", **{"X-Forwarded-For": claimed.format(n)}).status_code for n in range(4)]
    assert got == [201, 201, 201, 429]


def test_behind_a_proxy_of_ours_its_own_word_counts(limited: World, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    for n in range(3):
        assert send("127.0.0.1", **{"X-Forwarded-For": f"198.51.100.{n}, 203.0.113.1"}).status_code == 201
    assert send("127.0.0.1", **{"X-Forwarded-For": "198.51.100.9, 203.0.113.1"}).status_code == 429
    assert send("127.0.0.1", **{"X-Forwarded-For": "203.0.113.1, 203.0.113.2"}).status_code == 201


def test_a_household_with_many_addresses_counts_once(limited: World) -> None:
    got = [send(f"2001:db8:1:2::{n}").status_code for n in range(1, 5)]
    assert got == [201, 201, 201, 429]


def test_what_is_counted_is_forgotten_after_its_hour(limited: World) -> None:
    for n in range(500):
        limits.count(f"198.51.100.{n}", "")
    Quota.objects.filter(key__startswith="a:198.51.100.1").update(window=1)
    assert limits.forget() == 111
    assert not Quota.objects.filter(window=1).exists()


def test_guessing_phones_is_stopped(limited: World) -> None:
    client = Client(REMOTE_ADDR="203.0.113.1")
    number = limited.cases["mine"].number
    tries = [
        client.post("/follow/", {"number": number, "phone": f"1370000{n:04}"}).status_code for n in range(4)
    ]
    assert tries == [404, 404, 404, 429]


def _looked_up(**form: str) -> str:
    page = Client(REMOTE_ADDR="203.0.113.1").post("/follow/", form)
    text = re.sub(r'csrfmiddlewaretoken" value="[^"]*', "", page.content.decode())
    for typed in form.values():
        text = text.replace(typed, "·")
    return f"{page.status_code} {text}"


def test_a_number_and_a_phone_tell_nothing_one_by_one(world: World) -> None:
    mine, theirs = world.cases["mine"].number, world.cases["theirs"].number
    wrong_phone = _looked_up(number=mine, phone="13900000009")
    assert wrong_phone == _looked_up(number="261199999999", phone=MINE.phone)
    assert wrong_phone == _looked_up(number=theirs, phone=MINE.phone)


def _sign_in(name: str, password: str, **headers: str) -> Any:
    return Client(**headers).post("/accounts/login/", {"login": name, "password": password})  # type: ignore[arg-type]


def test_signing_in_does_not_tell_who_exists(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words, and the same work: the hash that takes the time is computed as often."""
    hashed: list[str] = []
    encode = ScryptPasswordHasher.encode

    def counted(self: Any, *given: Any, **named: Any) -> str:
        hashed.append("x")
        return encode(self, *given, **named)

    monkeypatch.setattr(ScryptPasswordHasher, "encode", counted)
    found = {}
    for name in ("worker", "nobody-of-this-name"):
        cache.clear()
        hashed.clear()
        page = _sign_in(name, "wrong-password-1", REMOTE_ADDR="203.0.113.7")
        # The trial's page names its accounts on buttons, whoever signs in.
        hidden = rf'csrfmiddlewaretoken" value="[^"]*|value="({name}|worker)"'
        text = re.sub(hidden, "·", page.content.decode())
        found[name] = (page.status_code, text, len(hashed))
    known, unknown = found.values()
    assert known[::2] == unknown[::2]
    assert known[1].splitlines() == unknown[1].splitlines()


def test_failed_sign_ins_are_limited_by_the_address_that_a_proxy_of_ours_names(
    world: World, settings: Any
) -> None:
    """Otherwise one attacker behind the city's proxy would lock everybody out."""
    settings.TRUSTED_PROXIES = 1
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    cache.clear()
    attacker = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.66"}
    for n in range(12):
        _sign_in(f"guess-{n}", "x", **attacker)
    assert _sign_in("worker", PASSWORD, **attacker).status_code != 302
    honest = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.5"}
    assert _sign_in("worker", PASSWORD, **honest).status_code == 302
    cache.clear()
