"""Taking a matter in for somebody who calls or stands at the counter."""

from __future__ import annotations

import pytest
from django.test import Client

from gongzhi.cases.models import Case, Party
from gongzhi.web.templatetags.desk import read_out
from tests.conftest import HERE

pytestmark = pytest.mark.django_db
FORM = {
    "text": "枫林街道门口的路灯坏了好几天",
    "phone": "138 1234 5678",
    "name": "王女士",
    "channel": "phone",
    "lng": HERE[0],
    "lat": HERE[1],
    "language": "zh-hans",
}


def _take_in(desk: Client, **fields: object):  # type: ignore[no-untyped-def]
    return desk.post("/desk/intake/", {**FORM, **fields})


def test_a_call_becomes_a_case_of_the_caller_not_of_the_operator(desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("operator")
    sent = _take_in(desk, key="call-1")
    case, party = Case.objects.get(), Party.objects.get()
    assert (case.channel, case.language, party.phone) == ("phone", "zh-hans", "13812345678")
    assert party.person_id is None and party.name == "王女士"
    slip = desk.get(sent["Location"]).content.decode()
    assert read_out(case.number) in slip and "viewBox" in slip and "13812345678" not in slip
    assert _take_in(desk, key="call-1")["Location"] == sent["Location"] and Case.objects.count() == 1


def test_the_slip_opens_the_case_for_its_requester_and_nobody_else_prints_it(desk_of, client: Client) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("operator")
    where = _take_in(desk)["Location"]
    link = desk.session["desk.secrets"][Case.objects.get().number]
    assert client.get(f"/follow/{Case.objects.get().number}/{link}/").status_code == 200
    assert desk_of("operator").get(where).status_code == 403
    assert desk_of("worker").get(where).status_code == 403


def test_a_busy_desk_is_not_stopped_by_the_limit_of_an_address(desk_of, settings) -> None:  # type: ignore[no-untyped-def]
    settings.RATE_LIMITS = True
    desk = desk_of("operator")
    for n in range(32):
        assert _take_in(desk, phone=f"1390000{n:04d}").status_code == 302
    assert Case.objects.count() == 32


def test_who_calls_is_known_from_the_number_with_what_is_open(desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("operator")
    _take_in(desk)
    fragment = desk.get("/desk/intake/caller", {"phone": "13812345678"}).content.decode()
    assert "王女士" in fragment and Case.objects.get().number in fragment
    assert "Nobody has called" in desk.get("/desk/intake/caller", {"phone": "13900000000"}).content.decode()
    assert desk.get("/desk/intake/caller", {"phone": "138"}).content.decode().strip() == ""


def test_only_those_who_take_matters_in_may_look_people_up(desk_of) -> None:  # type: ignore[no-untyped-def]
    for username in ("worker", "supervisor", "leader", "administrator"):
        for path in (
            "/desk/intake/",
            "/desk/intake/caller?phone=13812345678",
            "/desk/intake/understood?text=x",
        ):
            assert desk_of(username).get(path).status_code == 403, (username, path)


def test_text_is_understood_while_it_is_typed(desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("operator")
    first = _take_in(desk, key="a")["Location"].split("/")[-2]
    page = desk.get("/desk/intake/understood", {"text": FORM["text"], "lng": HERE[0], "lat": HERE[1]})
    assert first in page.content.decode() and "Let the caller join" in page.content.decode()
    danger = desk.get("/desk/intake/understood", {"text": "着火了，有人被困，快来人救命"}).content.decode()
    assert "Danger to life" in danger and "119" in danger


def test_a_caller_joins_what_is_reported_already(desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("operator")
    _take_in(desk)
    case = Case.objects.get()
    joined = desk.post("/desk/intake/join", {**FORM, "phone": "13911112222", "into": case.number})
    assert joined.status_code == 302 and Case.objects.count() == 1
    supporter = Party.objects.get(role="supporter")
    assert supporter.phone == "13911112222" and supporter.person_id is None


def test_the_form_keeps_what_was_typed_when_something_is_wrong(desk_of) -> None:  # type: ignore[no-untyped-def]
    page = _take_in(desk_of("operator"), lng="0", lat="0")
    assert page.status_code == 422 and FORM["text"] in page.content.decode()
    assert _take_in(desk_of("operator"), channel="web").status_code == 422


def test_a_number_is_read_out_digit_by_digit() -> None:
    from django.utils import translation

    with translation.override("zh-hans"):
        assert read_out("261100014724") == "二六幺幺，零零零幺，四七二，四"
    with translation.override("en"):
        assert read_out("261100014724") == "2 6 1 1, 0 0 0 1, 4 7 2, 4"
