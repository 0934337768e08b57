"""The table of a case's life: complete, closed, and never left by any sequence of verbs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gongzhi.cases import actions, clocks
from gongzhi.cases.lifecycle import OPEN_STATES, RECORDS, TRANSITIONS, WHO, State, Verb
from gongzhi.cases.models import Case, Task
from gongzhi.cases.watching import unwatched
from gongzhi.errors import GongzhiError
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import SYSTEM
from gongzhi.registry.models import Organisation
from tests.cases.builders import MONDAY, a_case, requester_of

_BESIDE = {Verb.ABSORB, Verb.LET_GO}
"""Recorded on the other case of a verb that has its own row in WHO."""


def test_every_verb_has_its_rows() -> None:
    in_table = {verb for _, verb in TRANSITIONS} | {Verb.OPEN}
    assert set(Verb) == in_table
    assert set(RECORDS) == set(Verb)
    assert {f"case.{verb}" for verb in set(Verb) - _BESIDE} <= set(WHO)


def test_every_state_can_be_reached_and_every_open_one_can_end() -> None:
    def reached(start: State) -> set[State]:
        found, waiting = {start}, [start]
        while waiting:
            now = waiting.pop()
            following = {to for (state, _), to in TRANSITIONS.items() if state == now} - found
            found |= following
            waiting += following
        return found

    assert reached(State.RECEIVED) == set(State)
    assert all(State.CLOSED in reached(state) for state in State)


_STEPS = (
    "accept", "return", "transfer", "assign", "arbitrate", "resolve", "contest", "withdraw", "ask",
    "say", "ask_time", "grant_time", "refuse_time", "reopen", "split", "merge", "unmerge", "ask_part",
    "accept_part", "finish_part", "return_part", "cancel_part", "clocks", "pass_on", "mirror", "set_due",
)  # fmt: skip


@pytest.mark.django_db
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(steps=st.lists(st.tuples(st.sampled_from(_STEPS), st.integers(1, 3000)), min_size=4, max_size=14))
def test_no_sequence_of_verbs_leaves_the_table_or_a_case_outside_a_clock(
    steps: list[tuple[str, int]], submit: Any, staff: Any
) -> None:
    with transaction.atomic():
        case = a_case(submit, staff)
        other = a_case(submit, staff)
        moment = MONDAY
        for name, minutes in steps:
            moment += timedelta(minutes=minutes)
            case.refresh_from_db()
            before, acts_before = State(case.state), _acts(case)
            try:
                _do(name, case, other, staff, moment)
            except GongzhiError:
                case.refresh_from_db()
                assert (State(case.state), _acts(case)) == (before, acts_before), (
                    "refused means nothing written"
                )
                continue
            _follows_the_table(case, before, acts_before)
            _is_inside_a_clock(case)
        transaction.set_rollback(True)


def _acts(case: Case) -> list[int]:
    rows = Act.objects.filter(subject_kind="case", subject_id=case.pk)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _follows_the_table(case: Case, state: State, acts_before: list[int]) -> None:
    case.refresh_from_db()
    for act in Act.objects.filter(pk__in=set(_acts(case)) - set(acts_before)).order_by("pk"):
        verb = Verb(act.verb.removeprefix("case."))
        if verb in _BESIDE:
            continue
        state = TRANSITIONS[(state, verb)]
        assert act.details["state"] == state
        assert set(RECORDS[verb]) - {"photos", "mandate"} <= set(act.details), verb
    assert state == case.state


def _is_inside_a_clock(case: Case) -> None:
    assert case.number not in unwatched()
    if case.state in OPEN_STATES:
        assert case.organisation_id is not None and case.closure == ""
        open_tasks = Task.objects.filter(case=case, state__in=["open", "accepted"])
        leading = [t for t in open_tasks if t.role != "assist"]
        assert len(leading) == 1 or (case.state == "received" and not leading)
        assert all(t.due_at for t in open_tasks)
    else:
        assert not Task.objects.filter(case=case, state__in=["open", "accepted"]).exists()
        assert case.paused_at is None


def _do(name: str, case: Case, other: Case, staff: Any, at: Any) -> None:
    holder = Organisation.objects.get(pk=case.organisation_id)
    worker = staff(
        "dispatcher"
        if holder.code == "hotline"
        else "worker"
        if holder.code == "urban"
        else f"worker-{holder.code}"
    )
    supervisor = staff("supervisor" if holder.code == "urban" else f"supervisor-{holder.code}")
    transport = Organisation.objects.get(code="transport")
    urban = Organisation.objects.get(code="urban")
    elsewhere = urban if holder == transport else transport
    dispatcher = staff("dispatcher")
    part = Task.objects.filter(case=case, role="assist").order_by("-pk").first()
    helper = staff("worker-water")
    calls = {
        "accept": lambda: actions.accept(worker, case, at=at),
        "return": lambda: actions.return_(worker, case, reason_code="not_ours", reason="不归我们", at=at),
        "transfer": lambda: actions.transfer(worker, case, elsewhere, reason="归他们", at=at),
        "assign": lambda: actions.assign(dispatcher, case, elsewhere, reason="按权责", at=at),
        "arbitrate": lambda: actions.arbitrate(dispatcher, case, elsewhere, reason="按权责清单", at=at),
        "resolve": lambda: actions.resolve(worker, case, "已修好", at=at),
        "contest": lambda: actions.contest(requester_of(case), case, "还是不亮", at=at),
        "withdraw": lambda: actions.withdraw(requester_of(case), case, at=at),
        "ask": lambda: actions.ask(worker, case, "是哪一盏？", at=at),
        "say": lambda: actions.say(requester_of(case), case, "门口第二盏", at=at),
        "ask_time": lambda: actions.ask_time(worker, case, working_days=2, reason="等配件", at=at),
        "grant_time": lambda: actions.grant_time(supervisor, case, at=at),
        "refuse_time": lambda: actions.refuse_time(supervisor, case, reason="配件有货", at=at),
        "reopen": lambda: actions.reopen(supervisor, case, reason="现场仍未亮", at=at),
        "split": lambda: actions.split(worker, case, "路面也坏了", elsewhere, reason="两件事", at=at),
        "merge": lambda: actions.merge(dispatcher, case, other, reason="同一盏灯", at=at),
        "unmerge": lambda: actions.unmerge(dispatcher, case, reason="不是同一盏", at=at),
        "ask_part": lambda: actions.ask_part(
            worker, case, Organisation.objects.get(code="water"), request="查一下积水", at=at
        ),
        "accept_part": lambda: part and actions.accept_part(helper, part, at=at),
        "finish_part": lambda: part and actions.finish_part(helper, part, "已排水", at=at),
        "return_part": lambda: (
            part and actions.return_part(helper, part, reason_code="not_ours", reason="非本单位", at=at)
        ),
        "cancel_part": lambda: part and actions.cancel_part(worker, case, part, reason="不需要了", at=at),
        "clocks": lambda: clocks.run(at),
        "pass_on": lambda: actions.pass_on(dispatcher, case, city="429900", reason="属邻市", at=at),
        "mirror": lambda: actions.mirror(case, city="429900", number="1", status="under_way", at=at),
        "set_due": lambda: actions.set_due(
            case, at + timedelta(hours=4), why="incident:1", reason="防汛", at=at
        ),
    }
    calls[name]()
    assert SYSTEM.post_id is None
