"""Pages of a hall: devices without a person, numbers on the phone, the clerk's counter."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gongzhi.cases.models import Case
from gongzhi.intake.counters import calling, queries, setting_up, tickets
from gongzhi.intake.counters.lifecycle import State
from gongzhi.intake.counters.models import Source, Ticket
from gongzhi.registry.authority import ANONYMOUS, actor_of
from gongzhi.registry.models import Person
from tests.intake.counters.hall import Built, a_hall

pytestmark = pytest.mark.django_db


@pytest.fixture
def built(db: None) -> Built:
    """A hall that is open because somebody sits at its second counter."""
    queries.forget_outlook()
    built = a_hall()
    calling.open_counter(built.clerks[1], built.counters[1])
    return built


def _signed_in(username: str) -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(Person.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")
    return client


def _device(built: Built, kind: str) -> Client:
    administrator = actor_of(Person.objects.get(username="administrator"))
    _screen, secret = setting_up.make_screen(administrator, built.hall, kind, "门口")
    device = Client(HTTP_ACCEPT_LANGUAGE="en")
    assert device.get(f"/halls/screens/{secret}/").status_code == 200
    assert device.get(f"/halls/screens/{secret}/").status_code == 200, "looking uses nothing up"
    assert device.post(f"/halls/screens/{secret}/")["Location"] == f"/halls/fenglin/{kind}/"
    assert Client().post(f"/halls/screens/{secret}/").status_code == 404
    return device


def test_a_device_opens_only_what_it_was_allowed_for_and_nothing_once_shut_out(built: Built) -> None:
    kiosk = _device(built, "kiosk")
    assert kiosk.get("/halls/fenglin/kiosk/").status_code == 200
    assert kiosk.get("/halls/fenglin/display/").status_code == 403
    a_hall(code="other", counters=0)
    assert kiosk.get("/halls/other/kiosk/").status_code == 403
    cookie = kiosk.cookies["screen"]
    assert cookie["httponly"] and cookie["path"] == "/halls/"
    administrator = _signed_in("administrator")
    page = administrator.get("/desk/halls/fenglin/").content.decode()
    screen = re.search(r'name="screen" value="(\d+)"', page)
    assert screen is not None
    administrator.post("/desk/halls/fenglin/", {"verb": "revoke", "screen": screen[1]})
    assert kiosk.get("/halls/fenglin/kiosk/").status_code == 403


def test_the_machine_gives_a_number_on_paper_with_the_way_to_follow_it(built: Built) -> None:
    kiosk = _device(built, "kiosk")
    form = {"queue": built.queues[0].pk, "priority": "age", "key": "k1"}
    paper = kiosk.post("/halls/fenglin/kiosk/", form)["Location"]
    assert kiosk.post("/halls/fenglin/kiosk/", form)["Location"] == paper, "pressed twice"
    page = kiosk.get(paper).content.decode()
    assert "A001" in page and "viewBox" in page and "You are called before others." in page
    secret = paper.split("/")[-2]
    phone = Client(HTTP_ACCEPT_LANGUAGE="en").get(f"/tickets/{secret}/")
    assert "0 numbers before you" in phone.content.decode() and phone["Cache-Control"] == "no-store"
    assert kiosk.post("/halls/fenglin/kiosk/", {"queue": "999"}).status_code == 422
    assert kiosk.post("/halls/fenglin/kiosk/", {**form, "key": "k2", "priority": "other"}).status_code == 422
    assert Ticket.objects.count() == 1


def test_one_browser_holds_one_number_and_an_address_has_its_share(built: Built, settings: Any) -> None:
    settings.RATE_LIMITS = True
    form = {"queue": built.queues[0].pk}
    phone = Client()
    first = phone.post("/halls/fenglin/", form)["Location"]
    assert phone.post("/halls/fenglin/", form)["Location"] == first
    phone.post(first, {"verb": "leave"})
    assert phone.post("/halls/fenglin/", form)["Location"] != first
    for _ in range(tickets.FROM_HOME_AN_HOUR - 2):
        assert Client().post("/halls/fenglin/", form).status_code == 302
    refused = Client().post("/halls/fenglin/", form)
    assert refused.status_code == 429 and Ticket.objects.count() == tickets.FROM_HOME_AN_HOUR


def test_who_comes_with_a_number_from_home_says_so(built: Built) -> None:
    phone = Client(HTTP_ACCEPT_LANGUAGE="en")
    place = phone.post("/halls/fenglin/", {"queue": built.queues[0].pk})["Location"]
    assert "you are called only when" in phone.get(place).content.decode()
    assert phone.post(place, {"verb": "arrive", "code": "abc"}).status_code == 422
    display = _device(built, "display").get("/halls/fenglin/display/").content.decode()
    code = re.search(r"<strong>(\d{4})</strong>", display)
    assert code is not None
    assert phone.post(place, {"verb": "arrive", "code": code[1]}).status_code == 302
    assert Ticket.objects.get().state == State.WAITING
    assert phone.post(place, {"verb": "arrive", "code": code[1]}).status_code == 409


def test_codes_are_not_tried_for_ever(built: Built, settings: Any) -> None:
    settings.RATE_LIMITS = True
    phone = Client()
    place = phone.post("/halls/fenglin/", {"queue": built.queues[0].pk})["Location"]
    tried = [phone.post(place, {"code": f"{n:05d}"}).status_code for n in range(tickets.TRIES_AN_HOUR + 1)]
    assert tried == [422] * tickets.TRIES_AN_HOUR + [429]


def test_a_part_that_has_not_changed_is_not_sent_again(built: Built) -> None:
    display = _device(built, "display")
    page = display.get("/halls/fenglin/display/").content.decode()
    asked = re.search(r'hx-get="([^"]+)"', page)
    assert asked is not None
    assert display.get(asked[1]).status_code == 204
    tickets.take(ANONYMOUS, built.queues[0], source=Source.KIOSK)
    calling.call_next(built.clerks[1], built.counters[1])
    changed = display.get(asked[1])
    assert changed.status_code == 200 and "A001" in changed.content.decode()


def test_from_a_number_to_a_case_and_its_slip(built: Built) -> None:
    ticket, _ = tickets.take(ANONYMOUS, built.queues[0], source=Source.KIOSK, language="en")
    clerk = _signed_in("operator")
    assert "Open Counter 1" in clerk.get("/desk/counter/").content.decode()
    clerk.post("/desk/counter/", {"verb": "open", "counter": built.counters[0].pk})
    clerk.post("/desk/counter/", {"verb": "next"})
    assert "A001" in clerk.get("/desk/counter/").content.decode()
    form = clerk.get(f"/desk/intake/?ticket={ticket.pk}").content.decode()
    assert 'value="counter" checked' in form and 'value="en" selected' in form
    fields = {"text": "枫林路的路灯坏了", "channel": "counter", "ticket": ticket.pk, "language": "en"}
    sent = clerk.post("/desk/intake/", fields)
    case = Case.objects.get()
    ticket.refresh_from_db()
    assert (case.channel, ticket.case_id, ticket.state) == ("counter", case.pk, State.SERVING)
    slip = clerk.get(sent["Location"]).content.decode()
    assert "Back to the counter: A001" in slip and "What happens next" in slip and "viewBox" in slip
    clerk.post("/desk/counter/", {"verb": "finish", "ticket": ticket.pk})
    assert clerk.post("/desk/intake/", fields).status_code == 404, "nobody is at the counter any more"
    assert Case.objects.count() == 1


def test_the_queue_offers_what_it_is_mostly_about(built: Built) -> None:
    asked = {"text": "你好，麻烦问一下", "suggested": "lighting"}
    page = _signed_in("operator").get("/desk/intake/understood", asked).content.decode()
    assert re.search(r'name="function" value="lighting"', page)


def test_a_clerk_gives_numbers_passes_on_and_calls_out_of_turn(built: Built) -> None:
    clerk = _signed_in("operator")
    clerk.post("/desk/counter/", {"verb": "open", "counter": built.counters[0].pk})
    for n in range(2):
        clerk.post(
            "/desk/counter/",
            {"verb": "give", "queue": built.queues[0].pk, "priority": "other", "key": f"{n}"},
        )
    first, second = Ticket.objects.order_by("number")
    assert first.source == Source.STAFF and first.priority == "other"
    do = {"verb": "out_of_turn", "ticket": second.pk}
    assert clerk.post("/desk/counter/", {**do, "reason": ""}).status_code == 422
    assert clerk.post("/desk/counter/", {**do, "reason": "身体不适"}).status_code == 302
    to = {"verb": "pass_on", "ticket": second.pk, "to": f"c{built.counters[1].pk}"}
    assert clerk.post("/desk/counter/", to).status_code == 302
    assert calling.call_next(built.clerks[1], built.counters[1]) == first, "its place is the earlier one"
    calling.finish(built.clerks[1], first)
    assert calling.call_next(built.clerks[1], built.counters[1]) == second
    assert clerk.post("/desk/counter/", {**to, "to": "x"}).status_code == 403, "it is at another counter now"


def test_pages_ask_as_much_of_the_database_with_many_as_with_few(built: Built) -> None:
    clerk = _signed_in("operator")
    clerk.post("/desk/counter/", {"verb": "open", "counter": built.counters[0].pk})
    kiosk, display = _device(built, "kiosk"), _device(built, "display")
    _ticket, secret = tickets.take(ANONYMOUS, built.queues[1], source=Source.KIOSK)
    looks = [
        (clerk, "/desk/counter/"), (clerk, "/desk/halls/fenglin/"), (kiosk, "/halls/fenglin/kiosk/"),
        (display, "/halls/fenglin/display/now"), (Client(), "/halls/fenglin/"), (Client(), "/halls/"),
        (Client(), f"/tickets/{secret}/"),
    ]  # fmt: skip

    def counts() -> list[int]:
        found = []
        for client, path in looks:
            client.get(path)
            queries.forget_outlook()
            with CaptureQueriesContext(
                connection,
            ) as captured:
                assert client.get(path).status_code == 200, path
            # The registry's revision is looked up once a second, whoever asks.
            found.append(sum("registry_city" not in query["sql"] for query in captured))
        return found

    few = counts()
    for n in range(40):
        tickets.take(ANONYMOUS, built.queues[n % 2], source=Source.KIOSK)
    assert counts() == few
    assert max(few) <= 20, dict(zip([p for _, p in looks], few, strict=True))
