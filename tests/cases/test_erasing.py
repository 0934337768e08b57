"""A person can be erased, and the ledger still proves everything."""

from __future__ import annotations

import pytest

from gongzhi.cases import actions
from gongzhi.cases.models import Case, Message, Party
from gongzhi.errors import NotAllowed
from gongzhi.intake.submission import Contact
from gongzhi.ledger.sequencer import sequence
from gongzhi.ledger.verification import verify_all
from gongzhi.registry.authority import Actor


def _reported(submit):  # type: ignore[no-untyped-def]
    receipt = submit(
        "我叫张三丰，电话13800138000，门口的路灯坏了",
        contact=Contact(name="张三丰", phone="13800138000", email="zhang@example.org"),
    )
    case = Case.objects.get(number=receipt.number)
    party = Party.objects.get(case=case)
    actions.say(Actor(kind="anonymous", party_ids=frozenset({party.pk})), case, "请打13800138000找张三丰先生")
    return case, party


def test_nothing_personal_is_left_and_the_ledger_still_verifies(committed, submit, staff) -> None:  # type: ignore[no-untyped-def]
    case, party = _reported(submit)
    sequence()
    actions.erase(staff("administrator"), party, reason="当事人申请")
    sequence()
    left = [
        *Case.objects.filter(pk=case.pk).values_list(),
        *Party.objects.filter(case=case).values_list(),
        *Message.objects.filter(case=case).values_list(),
    ]
    for word in ("张三丰", "13800138000", "zhang@example.org"):
        assert word not in str(left)
    assert verify_all().is_sound


def test_only_an_administrator_erases(submit, staff) -> None:  # type: ignore[no-untyped-def]
    _, party = _reported(submit)
    with pytest.raises(NotAllowed):
        actions.erase(staff("worker"), party, reason="当事人申请")
    assert Party.objects.get(pk=party.pk).phone == "13800138000"
