"""A session belongs to one sign-in and ends: by leaving, by time, by a new password, by losing the account."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.cache import cache
from django.test import Client

from gongzhi.registry.models import Person
from tests.conftest import PASSWORD
from tests.security.world import World

pytestmark = pytest.mark.django_db
NEW = "andere-Losung-2026"


def signed_in() -> Client:
    cache.clear()
    client = Client()
    answer = client.post("/accounts/login/", {"login": "worker", "password": PASSWORD})
    assert answer.status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/desk/worklist/").status_code == 200


def test_signing_in_gives_a_new_session(world: World) -> None:
    client = Client()
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    client.post("/accounts/login/", {"login": "worker", "password": PASSWORD})
    assert client.cookies["sessionid"].value not in ("", before)
    thief = Client()
    thief.cookies["sessionid"] = before or ""
    assert is_in(client) and not is_in(thief)


def test_signing_out_ends_the_session_for_a_copy_of_its_cookie_too(world: World) -> None:
    client, copy = signed_in(), Client()
    copy.cookies["sessionid"] = client.cookies["sessionid"].value
    assert is_in(copy)
    client.post("/accounts/logout/")
    assert not is_in(copy)


def test_a_new_password_ends_every_session(world: World) -> None:
    here, elsewhere = signed_in(), signed_in()
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert here.post("/accounts/password/change/", form).status_code == 302
    assert not is_in(elsewhere)


def test_an_account_that_was_closed_is_out_at_once(world: World) -> None:
    client = signed_in()
    Person.objects.filter(username="worker").update(is_active=False)
    assert not is_in(client)


@pytest.mark.parametrize(
    ("pauses", "stays"),
    [([3000] * 3, True), ([3700], False), ([3000] * 15, False), ([10] * 3, True)],
    ids=["busy", "idle for an hour", "busy for twelve hours", "clicking"],
)
def test_a_session_ends_after_an_hour_without_work_and_twelve_in_all(
    world: World, monkeypatch: pytest.MonkeyPatch, pauses: list[int], stays: bool
) -> None:
    client, clock = signed_in(), time.time()
    for pause in pauses:
        clock += pause
        now = clock
        monkeypatch.setattr("gongzhi.web.sessions.time.time", lambda now=now: now)
        still = is_in(client)
    assert still == stays


def test_a_link_for_a_new_password_works_once(world: World) -> None:
    person = Person.objects.get(username="worker")
    key = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    client = Client()
    page = client.get(f"/accounts/password/reset/key/{key}/", follow=True)
    path = page.redirect_chain[-1][0]
    assert client.post(path, {"password1": NEW, "password2": NEW}).status_code == 302
    assert Person.objects.get(pk=person.pk).check_password(NEW)
    again = Client()
    page = again.get(f"/accounts/password/reset/key/{key}/", follow=True)
    again.post(page.request["PATH_INFO"], {"password1": PASSWORD + "x", "password2": PASSWORD + "x"})
    assert Person.objects.get(pk=person.pk).check_password(NEW)


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "\\\\evil.example",
    ],
)
def test_nobody_is_sent_elsewhere(world: World, evil: str) -> None:
    cache.clear()
    worker, mine = world.client("worker"), world.cases["mine"]
    answers: dict[str, Any] = {
        "dispatch": world.client("dispatcher").post(
            "/desk/dispatch/decide", {"case": f"{mine.number}:{mine.version}", "to": "water", "text": "核定", "back": evil}
        ),
        "sign-in": Client().post("/accounts/login/", {"login": "worker", "password": PASSWORD, "next": evil}),
        "language": Client().post("/i18n/setlang/", {"language": "en", "next": evil}),
        "worklist": worker.post("/desk/worklist/act", {"verb": "note", "text": "x", "case": f"{mine.number}:{mine.version}", "back": evil}),
        "filters": worker.post("/desk/worklist/filters", {"name": "a", "query": evil}),
        "sign-out": worker.post("/accounts/logout/", {"next": evil}),
    }  # fmt: skip
    for where, answer in answers.items():
        assert answer.status_code == 302, where
        assert answer["Location"].startswith("/") and not answer["Location"].startswith(("//", "/\\")), where


def test_the_adapter_names_the_client(world: World, rf: Any) -> None:
    assert get_adapter().get_client_ip(rf.get("/", REMOTE_ADDR="203.0.113.5")) == "203.0.113.5"
