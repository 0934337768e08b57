from __future__ import annotations

import pytest

from gongzhi.cases import actions, queries
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case
from gongzhi.errors import Conflict, Invalid, NotAllowed, NotFound, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import ANONYMOUS, Actor
from gongzhi.registry.models import Organisation

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(submit):  # type: ignore[no-untyped-def]
    return Case.objects.get(number=submit(contact=Contact(phone="13812345678")).number)


@pytest.fixture
def requester(case: Case) -> Actor:
    return Actor(kind="anonymous", party_ids=frozenset(case.parties.values_list("pk", flat=True)))


def test_a_case_lives_from_receipt_to_resolution(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    worker = staff("worker")
    actions.accept(worker, case)
    actions.reply(worker, Case.objects.get(pk=case.pk), "维修班今天下午到现场")
    case.refresh_from_db()
    actions.resolve(worker, case, "已更换灯头，恢复照明")
    assert (case.state, case.closure) == ("resolved", "fixed")
    verbs = list(Act.objects.filter(subject_id=case.pk, subject_kind="case").order_by("pk").values_list("verb", flat=True))  # fmt: skip
    assert verbs == ["case.open", "case.accept", "case.reply", "case.resolve"]


def test_only_the_organisation_that_holds_it_may_accept(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    for username in ("worker-water", "operator", "leader", "administrator"):
        with pytest.raises(NotAllowed):
            actions.accept(staff(username), case)
    with pytest.raises(NotAllowed):
        actions.accept(ANONYMOUS, case)


def test_the_second_of_two_is_told(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    seen_by_another = Case.objects.get(pk=case.pk)
    actions.accept(staff("worker"), case)
    with pytest.raises(Conflict):
        actions.note(staff("worker"), seen_by_another, "去现场看过")


def test_a_returned_case_goes_back_to_the_dispatcher_who_assigns_it(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    deadline = case.due_at
    actions.return_(staff("worker"), case, reason_code="not_ours", reason="属于交通部门")
    assert (case.state, case.returns, case.due_at) == ("received", 1, deadline)
    to = Organisation.objects.get(code="transport")
    actions.assign(staff("dispatcher"), case, to, reason="道路附属设施")
    assert (case.state, case.organisation_id) == ("assigned", to.pk)


def test_a_transfer_keeps_number_and_deadline_and_needs_a_reason(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    to = Organisation.objects.get(code="transport")
    with pytest.raises(Invalid):
        actions.transfer(staff("worker"), case, to, reason=" ")
    number, deadline = case.number, case.due_at
    actions.transfer(staff("worker"), Case.objects.get(pk=case.pk), to, reason="不归我局")
    case.refresh_from_db()
    assert (case.number, case.due_at, case.transfers) == (number, deadline, 1)


def test_not_ours_must_name_the_owner(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    actions.accept(staff("worker"), case)
    with pytest.raises(Invalid) as problem:
        actions.resolve(staff("worker"), case, "不归我们", closure="not_ours")
    assert "owner" in problem.value.fields


def test_a_requester_contests_a_closure_and_the_clock_starts_again(
    case: Case, staff, requester: Actor
) -> None:  # type: ignore[no-untyped-def]
    actions.accept(staff("worker"), case)
    actions.resolve(staff("worker"), case, "已修好")
    actions.contest(requester, case, "还是不亮")
    assert (case.state, case.closure) == ("under_way", "")


def test_a_withdrawn_case_is_not_done(case: Case, requester: Actor) -> None:
    actions.withdraw(requester, case)
    assert (case.state, case.closure) == ("closed", "withdrawn")
    with pytest.raises(WrongState):
        actions.withdraw(requester, case)


def test_a_supporter_has_the_rights_of_the_requester(case: Case) -> None:
    joined = actions.join(ANONYMOUS, case, Contact(), language="en")
    case.refresh_from_db()
    party = queries.party_by_secret(case, joined.secret)
    assert party is not None and case.supporters == 1
    actions.say(Actor(kind="anonymous", party_ids=frozenset({party.pk})), case, "我们楼也一样")


def test_merging_keeps_everybody_informed(case: Case, submit, staff) -> None:  # type: ignore[no-untyped-def]
    other = submit("路灯不亮已经一周")
    into = Case.objects.get(number=other.number)
    secret_owner = case.parties.get()
    actions.merge(staff("worker"), case, into, reason="同一盏路灯")
    assert (case.state, case.closure, case.merged_into_id) == ("closed", "duplicate", into.pk)
    assert into.parties.filter(secret_hash=bytes(secret_owner.secret_hash)).exists()


def test_a_case_is_found_by_number_and_phone_only_together(case: Case) -> None:
    assert queries.party_by_phone(case, "138-1234-5678") is not None
    assert queries.party_by_phone(case, "13800000000") is None
    with pytest.raises(NotFound):
        queries.case_by_number("261100000012")
