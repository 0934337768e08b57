from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from gongzhi.cases import actions
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case
from gongzhi.errors import GongzhiError, Invalid, NotAllowed, NotFound, WrongState
from gongzhi.registry.authority import ANONYMOUS, Actor
from gongzhi.supervision import rating, rating_words
from gongzhi.supervision.models import CallBack, Rating

pytestmark = pytest.mark.django_db
PHONE = "13812345678"


@pytest.fixture
def resolved(submit, staff) -> Case:  # type: ignore[no-untyped-def]
    case = Case.objects.get(number=submit(contact=Contact(phone=PHONE)).number)
    actions.accept(staff("worker"), case)
    actions.resolve(staff("worker"), case, "灯已换好")
    return case


def as_party(case: Case) -> Actor:
    return Actor(kind="anonymous", party_ids=frozenset(case.parties.values_list("pk", flat=True)))


def again(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    actions.contest(as_party(case), case, "又坏了")
    actions.resolve(staff("worker"), case, "已换新灯头")


def test_a_handling_is_rated_once_and_a_new_handling_anew(resolved: Case, staff) -> None:  # type: ignore[no-untyped-def]
    party = resolved.parties.get()
    rating.rate(as_party(resolved), resolved, party, 4, reasons=["fast"])
    assert resolved.state == "rated"
    with pytest.raises(WrongState):
        rating.rate(as_party(resolved), resolved, party, 1)
    again(resolved, staff)
    rating.rate(as_party(resolved), resolved, party, 1, reasons=["not_solved"])
    assert list(Rating.objects.order_by("pk").values_list("level", flat=True)) == [4, 1]


def test_nobody_else_rates(resolved: Case) -> None:
    with pytest.raises(NotAllowed):
        rating.rate(ANONYMOUS, resolved, resolved.parties.get(), 5)


def test_a_bad_rating_is_called_back_within_the_citys_limit(resolved: Case, staff) -> None:  # type: ignore[no-untyped-def]
    found = rating.rate(as_party(resolved), resolved, resolved.parties.get(), 2, reasons=["slow"])
    from gongzhi.cases.actions.handling import calendar

    assert calendar().working_days_between(found.at, found.call_back.due_at) == 15
    with pytest.raises(Invalid):
        rating.settle(staff("worker"), found.call_back, CallBack.Outcome.PROMISED, reason="等材料")
    day = timezone.now().date() + timedelta(days=10)
    settled = rating.settle(
        staff("worker"), found.call_back, CallBack.Outcome.PROMISED, reason="等材料", promised_on=day
    )
    assert (settled.outcome, settled.promised_on) == ("promised", day)
    rating.settle(staff("worker"), found.call_back, CallBack.Outcome.PUT_RIGHT, reason="已修好并道歉")


def test_a_link_to_rate_cannot_be_guessed_or_used_twice(resolved: Case, staff) -> None:  # type: ignore[no-untyped-def]
    (secret,) = rating.invite(resolved).values()
    assert rating.invite(resolved) == {}
    with pytest.raises(NotFound):
        rating.rate_by_link(secret[:-1] + ("a" if secret[-1] != "a" else "b"), 5)
    rating.rate_by_link(secret, 5)
    with pytest.raises(NotFound):
        rating.rate_by_link(secret, 1)
    assert Rating.objects.get().level == 5


def test_a_link_to_an_earlier_handling_is_worth_nothing(resolved: Case, staff) -> None:  # type: ignore[no-untyped-def]
    (secret,) = rating.invite(resolved).values()
    again(resolved, staff)
    with pytest.raises(NotFound):
        rating.rate_by_link(secret, 5)


@pytest.mark.parametrize(
    ("words", "level", "text"),
    [
        ("5", 5, ""),
        ("１ 还是漏水", 1, "还是漏水"),
        ("不满意，没人来", 2, "没人来"),
        ("非常满意！", 5, ""),
        ("谢谢", None, ""),
    ],
)
def test_a_text_message_is_read_as_a_rating(resolved: Case, words: str, level: int | None, text: str) -> None:
    rating.invite(resolved)
    meant = rating_words.read(words)
    assert (meant.level, meant.text if level else "") == (level, text)
    if level:
        assert rating.rate_by_text("138-1234-5678", meant).level == level


def test_a_text_message_from_a_strange_number_rates_nothing(resolved: Case) -> None:
    rating.invite(resolved)
    with pytest.raises(NotFound):
        rating.rate_by_text("13900000000", rating_words.read("5"))


def test_a_call_asks_on_behalf_of_the_requester(resolved: Case, staff) -> None:  # type: ignore[no-untyped-def]
    party = resolved.parties.get()
    rating.call(staff("operator"), party, "not_reached")
    rating.call(staff("operator"), party, "rated", level=3)
    assert Rating.objects.get().channel == "call"
    with pytest.raises(GongzhiError):
        rating.call(staff("operator"), party, "rated", level=5)


def test_people_of_a_merged_case_rate_too(submit, staff) -> None:  # type: ignore[no-untyped-def]
    first = Case.objects.get(number=submit(contact=Contact(phone=PHONE)).number)
    second = Case.objects.get(number=submit("路灯不亮一周了", contact=Contact(phone="13700000001")).number)
    actions.merge(staff("worker"), second, first, reason="同一盏灯")
    first.refresh_from_db()
    actions.accept(staff("worker"), first)
    actions.resolve(staff("worker"), first, "灯已换好")
    secrets = rating.invite(first)
    assert len(secrets) == 2
    for secret in secrets.values():
        rating.rate_by_link(secret, 5)
    assert Rating.objects.filter(case=first).count() == 2
