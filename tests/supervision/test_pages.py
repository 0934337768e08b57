from __future__ import annotations

import pytest
from django.test import Client

from gongzhi.cases import actions
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case
from gongzhi.ledger.sequencer import sequence
from gongzhi.registry.models import Person
from gongzhi.supervision import clocks, rates, rating
from gongzhi.supervision.models import Rating, Urging

pytestmark = pytest.mark.django_db


@pytest.fixture
def resolved(submit, staff):  # type: ignore[no-untyped-def]
    receipt = submit(contact=Contact(phone="13812345678"))
    case = Case.objects.get(number=receipt.number)
    actions.accept(staff("worker"), case)
    actions.resolve(staff("worker"), case, "灯已换好")
    return case, receipt.secret


def test_a_requester_rates_from_the_own_page_once(client: Client, resolved) -> None:  # type: ignore[no-untyped-def]
    case, secret = resolved
    own = f"/follow/{case.number}/{secret}/"
    assert f"{own}rate/" in client.get(own).content.decode()
    assert client.post(f"{own}rate/", {"level": "9"}).status_code == 422
    assert (
        client.post(f"{own}rate/", {"level": "2", "reasons": ["slow"], "text": "等了一周"}).status_code == 302
    )
    assert client.post(f"{own}rate/", {"level": "5"}).status_code == 409
    assert Rating.objects.get().reasons == ["slow"]
    assert client.get(f"/follow/{case.number}/wrong/rate/").status_code == 404


def test_a_single_use_link_opens_once(client: Client, resolved) -> None:  # type: ignore[no-untyped-def]
    case, _ = resolved
    (secret,) = rating.invite(case).values()
    assert client.get(f"/rate/{secret}/").status_code == 200
    assert client.post(f"/rate/{secret}/", {"level": "5"}).status_code == 302
    assert client.get(f"/rate/{secret}/").status_code == 404


def test_rates_are_public_with_definition_interval_and_cases(client: Client, resolved) -> None:  # type: ignore[no-untyped-def]
    case, _ = resolved
    sequence()
    rates.refresh()
    for by in ("organisation", "area", "function"):
        page = client.get(f"/rates/?by={by}", headers={"accept-language": "en"}).content.decode()
        assert "Wilson" in page and "whose ending is not contested" in page and "n 1)" in page
    cases = client.get(f"/rates/cases/?by=organisation&key={case.organisation_id}&rate=resolved")
    assert f"/cases/{case.number}/" in cases.content.decode()
    assert client.get("/rates/?by=nonsense").status_code == 422
    assert client.get("/inspections/").status_code == 200


def test_a_supervisor_urges_from_the_overview_and_sees_who_held_it(client: Client, submit, staff) -> None:  # type: ignore[no-untyped-def]
    case = Case.objects.get(number=submit().number)
    actions.accept(staff("worker"), case)
    clocks.follow()
    assert client.get("/supervision/").status_code in (302, 401)
    client.force_login(Person.objects.get(username="supervisor"), "django.contrib.auth.backends.ModelBackend")
    assert case.number[-5:-1] in client.get("/supervision/").content.decode()
    urge = {"do": "urge", "number": case.number, "text": "请说明"}
    assert client.post("/supervision/urgings/", urge).status_code == 302
    assert Urging.objects.get().case_id == case.pk
    assert "请说明" in client.get(f"/supervision/cases/{case.number}/").content.decode()
    client.force_login(Person.objects.get(username="operator"), "django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/supervision/cases/{case.number}/").status_code == 403
    assert client.post("/supervision/urgings/", urge).status_code == 403
