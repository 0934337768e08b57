"""Signing in: with a second factor, with recovery codes, and with demo accounts in a trial only."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from gongzhi.cases.models import ReplyWording
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def _code(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return str(format_hotp_value(hotp_value(secret, counter)))


def _with_second_factor() -> tuple[Client, str]:
    """A client whose account has just got a second factor, and its secret."""
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.post(LOGIN, {"login": "worker", "password": PASSWORD})
    again = client.get("/accounts/2fa/totp/activate/", follow=True)
    assert "password once more" in again.content.decode()
    where = {"password": PASSWORD, "next": "/accounts/2fa/totp/activate/"}
    page = client.post("/accounts/reauthenticate/", where, follow=True).content.decode()
    secret = re.search(r'class="secret">([A-Z2-7]+)<', page)
    assert secret is not None
    done = client.post("/accounts/2fa/totp/activate/", {"code": _code(secret[1])}, follow=True)
    assert done.status_code == 200
    return client, secret[1]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_second_factor_is_set_up_and_asked_for(language: str) -> None:
    client, secret = _with_second_factor()
    listed = client.get("/accounts/2fa/recovery-codes/").content.decode()
    assert len(re.findall(r"<li><code>", listed)) == 10
    fresh = Client(HTTP_ACCEPT_LANGUAGE=language)
    asked = fresh.post(LOGIN, {"login": "worker", "password": PASSWORD}, follow=True)
    page = asked.content.decode()
    assert asked.redirect_chain[-1][0].startswith("/accounts/2fa/authenticate/")
    assert ("Second factor" if language == "en" else "双重验证") in page
    assert fresh.get("/desk/").status_code == 302, "the password alone opens nothing"
    wrong = fresh.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert 'aria-invalid="true"' in wrong.content.decode()
    recovery = re.search(r"<li><code>([^<]+)<", listed)
    assert recovery is not None
    fresh.post("/accounts/2fa/authenticate/", {"code": recovery[1]})
    assert fresh.get("/desk/").status_code == 200
    again = Client()
    again.post(LOGIN, {"login": "worker", "password": PASSWORD})
    again.post("/accounts/2fa/authenticate/", {"code": recovery[1]})
    assert again.get("/desk/").status_code == 302, "a recovery code opens once"


def test_demo_accounts_are_shown_in_a_trial_and_never_in_production(client: Client, settings) -> None:  # type: ignore[no-untyped-def]
    page = client.get(LOGIN).content.decode()
    assert PASSWORD in page and 'value="supervisor"' in page
    settings.PRODUCTION, settings.DEMO_PASSWORD = True, ""
    page = client.get(LOGIN).content.decode()
    assert PASSWORD not in page and 'value="supervisor"' not in page


def test_one_click_on_a_demo_account_signs_in(client: Client) -> None:
    sent = client.post(LOGIN, {"login": "operator", "password": PASSWORD}, follow=True)
    assert sent.redirect_chain[-1][0] == "/desk/intake/"


def test_a_wrong_password_says_so_and_keeps_the_name(client: Client) -> None:
    page = client.post(LOGIN, {"login": "worker", "password": "wrong"}).content.decode()
    assert 'role="alert"' in page and 'value="worker"' in page


def test_the_header_says_who_acts_in_which_post_for_whom(desk_of) -> None:  # type: ignore[no-untyped-def]
    page = desk_of("worker").get("/desk/").content.decode()
    assert "Tang Lixin" in page and "municipal maintenance" in page and "City Management Bureau" in page


def test_signing_out_takes_one_click(desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("worker")
    desk.post("/accounts/logout/")
    assert desk.get("/desk/").status_code == 302


def test_wordings_belong_to_the_organisation(desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("worker")
    desk.post("/desk/wordings/", {"title": "灯头", "text": "已于{日期}更换{地点}灯头。"})
    row = ReplyWording.objects.get()
    assert "灯头" in desk_of("supervisor").get("/desk/wordings/").content.decode()
    assert "已于{日期}" not in desk_of("worker-housing").get("/desk/wordings/").content.decode()
    twice = desk.post("/desk/wordings/", {"title": "灯头", "text": "别的"})
    assert twice.status_code == 422 and "别的" in twice.content.decode()
    assert (
        desk_of("worker-housing").post("/desk/wordings/", {"wording": row.pk, "drop": "1"}).status_code == 404
    )
    desk.post("/desk/wordings/", {"wording": row.pk, "title": "灯头", "text": "已更换。"})
    row.refresh_from_db()
    assert row.text == "已更换。"
    desk.post("/desk/wordings/", {"wording": row.pk, "drop": "1"})
    assert not ReplyWording.objects.exists()
    assert desk_of("leader").get("/desk/wordings/").status_code == 403
