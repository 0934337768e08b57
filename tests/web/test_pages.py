from __future__ import annotations

import re

import pytest
from django.test import Client

from gongzhi.cases.models import Case
from tests.conftest import HERE, PASSWORD

pytestmark = pytest.mark.django_db
TEXT = "The street lamp outside our block is out, call me on 13812345678"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize(
    "path", ["/", "/report/", "/cases/", "/board/", "/verify/", "/follow/", "/accounts/login/"]
)
def test_every_page_opens_in_both_languages(client: Client, path: str, language: str) -> None:
    response = client.get(path, headers={"accept-language": language})
    assert response.status_code == 200
    assert f'lang="{language}"' in response.content.decode()
    assert "unsafe-inline" not in response["Content-Security-Policy"]


def test_a_matter_is_reported_without_javascript_and_followed(client: Client) -> None:
    form = {"text": TEXT, "lng": str(HERE[0]), "lat": str(HERE[1]), "key": "web-1"}
    checked = client.post("/report/", form, headers={"accept-language": "en"})
    assert "What the public will read" in checked.content.decode()
    sent = client.post("/report/", {**form, "step": "send", "hide": "our block"})
    assert sent.status_code == 302
    page = client.get(sent["Location"])
    case = Case.objects.get()
    assert "13812345678" in page.content.decode()
    public = client.get(f"/cases/{case.number}/").content.decode()
    assert "13812345678" not in public and "our block" not in public
    again = client.post("/report/", {**form, "step": "send", "hide": "our block"})
    assert again["Location"] == sent["Location"] and Case.objects.count() == 1


def test_a_place_that_the_words_name_is_offered_and_taken_only_when_chosen(client: Client) -> None:
    form = {"text": "解放大道上有个井盖没了"}
    checked = client.post("/report/", form, headers={"accept-language": "zh-hans"}).content.decode()
    assert "您说的是哪个地方" in checked and "解放大道" in checked
    code = re.search(r'name="place" value="([^"-][^"]*)"', checked)
    assert code and f'value="{code[1]}" checked' not in checked
    client.post("/report/", {**form, "step": "send", "place": code[1], "key": "named-1"})
    assert Case.objects.get().lat is not None
    client.post("/report/", {**form, "step": "send", "place": "-", "key": "named-2"})
    assert Case.objects.latest("pk").lat is None


def test_the_form_keeps_what_was_typed(client: Client) -> None:
    page = client.post("/report/", {"text": TEXT, "lng": "0", "lat": "0", "step": "send"})
    assert page.status_code == 422 and TEXT in page.content.decode()


def test_a_wrong_secret_and_a_wrong_phone_give_nothing_away(client: Client, submit) -> None:  # type: ignore[no-untyped-def]
    number = submit().number
    assert client.get(f"/follow/{number}/wrong/").status_code == 404
    for typed in (number, "261100000012"):
        answer = client.post("/follow/", {"number": typed, "phone": "13900000000"})
        assert answer.status_code == 404


def test_html_in_a_matter_is_shown_as_text(client: Client, submit) -> None:  # type: ignore[no-untyped-def]
    number = submit("<script>alert(1)</script> 路灯坏了").number
    assert "<script>alert" not in client.get(f"/cases/{number}/").content.decode()


def test_staff_sign_in_and_resolve_a_case(client: Client, submit) -> None:  # type: ignore[no-untyped-def]
    number = submit().number
    assert client.get("/desk/").status_code == 302
    client.post("/accounts/login/", {"login": "worker", "password": PASSWORD})
    assert number[:4] in client.get("/desk/").content.decode()
    page = f"/desk/cases/{number}/"
    assert client.post(page, {"verb": "accept", "version": "1"}).status_code == 302
    stale = client.post(page, {"verb": "resolve", "version": "1", "text": "已修好", "closure": "fixed"})
    assert stale.status_code == 409 and "已修好" in stale.content.decode()
    client.post(page, {"verb": "resolve", "version": "2", "text": "已修好", "closure": "fixed"})
    assert Case.objects.get().state == "resolved"


def test_a_form_without_its_token_is_refused() -> None:
    assert Client(enforce_csrf_checks=True).post("/report/", {"text": TEXT}).status_code == 403


def test_the_api_takes_a_matter_in_and_shows_it_masked(client: Client) -> None:
    body = {"text": TEXT, "lat": HERE[1], "lng": HERE[0]}
    made = client.post("/api/v1/cases", body, content_type="application/json")
    assert made.status_code == 201
    answer = made.json()
    assert {"number", "status", "function", "organisation", "due", "url", "secret", "receipt"} <= set(answer)
    assert "13812345678" not in client.get(f"/api/v1/cases/{answer['number']}").content.decode()
    assert len(client.get("/api/v1/cases?limit=1").json()["cases"]) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"text": 5}', b'{"text": "lamp", "lat": NaN}', b'{"text": "\\u0000lamp"}', b"[" * 5000, b'{"text": "ok lamp", "lat": 1e400, "lng": 1}'])  # fmt: skip
def test_bad_json_gets_a_problem_that_names_the_field(client: Client, body: bytes) -> None:
    answer = client.post("/api/v1/cases", body, content_type="application/json")
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json" and answer.json()["errors"]


def test_every_stand_in_has_a_word_that_can_be_read_out() -> None:
    from gongzhi.cases import personal_text
    from gongzhi.web.templatetags import words

    stand_ins = {*personal_text._STAND_IN.values(), personal_text.masked("secret", ((0, 6),))}
    for stand_in in stand_ins:
        page = words.shown(f"<b>call {stand_in}</b>")
        assert stand_in not in page and "only-read" in page and page.startswith("&lt;b&gt;")
