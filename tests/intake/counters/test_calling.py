"""Numbers, counters and the fair rule, on the database as it runs."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gongzhi.errors import Conflict, Invalid, NotAllowed, NotFound, WrongState
from gongzhi.intake import limits
from gongzhi.intake.counters import calling, hours, queries, setting_up, tickets
from gongzhi.intake.counters.lifecycle import TRANSITIONS, State, Verb
from gongzhi.intake.counters.models import Priority, Source, Ticket
from gongzhi.intake.counters.order import Place, next_of
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import ANONYMOUS, SYSTEM
from tests.intake.counters.hall import OPEN, Built, a_clerk, a_hall

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def built(db: None) -> Built:
    return a_hall()


def _take(
    built: Built, minute: int = 0, *, queue: int = 0, priority: str = "", source: Source = Source.KIOSK
) -> Ticket:
    ticket, _ = tickets.take(
        ANONYMOUS, built.queues[queue], source=source, priority=priority, at=OPEN + minute * MINUTE
    )
    return ticket


def _sit(built: Built, number: int = 0):  # type: ignore[no-untyped-def]
    return built.clerks[number], calling.open_counter(built.clerks[number], built.counters[number], at=OPEN)


def _call(built: Built, number: int = 0, minute: int = 60) -> Ticket | None:
    return calling.call_next(built.clerks[number], built.counters[number], at=OPEN + minute * MINUTE)


def test_numbers_go_on_within_a_queue_and_begin_anew_with_the_day_of_the_city(built: Built) -> None:
    assert [_take(built).label, _take(built).label, _take(built, queue=1).label] == ["A001", "A002", "B001"]
    _sit(built)  # so that the hall is open at night
    before, after = OPEN.replace(hour=15, minute=59), OPEN.replace(hour=16, minute=1)
    for moment, label in ((before, "A003"), (after, "A001")):
        ticket, _ = tickets.take(ANONYMOUS, built.queues[0], source=Source.KIOSK, at=moment)
        assert ticket.label == label


def test_a_number_is_given_only_while_the_hall_is_open_by_the_citys_calendar(built: Built) -> None:
    night, holiday = OPEN.replace(hour=14), OPEN.replace(month=10, day=2)
    for moment in (night, holiday):
        with pytest.raises(WrongState):
            tickets.take(ANONYMOUS, built.queues[0], source=Source.KIOSK, at=moment)
    _sit(built)
    tickets.take(ANONYMOUS, built.queues[0], source=Source.KIOSK, at=night)


def test_pressing_twice_gives_one_number(built: Built) -> None:
    one, first = tickets.take(ANONYMOUS, built.queues[0], source=Source.KIOSK, key="k", at=OPEN)
    two, second = tickets.take(ANONYMOUS, built.queues[0], source=Source.KIOSK, key="k", at=OPEN)
    assert one.pk == two.pk and first == second
    assert tickets.by_secret(first).pk == one.pk and first.encode() not in bytes(one.secret_digest)
    with pytest.raises(NotFound):
        tickets.by_secret(first + "x")


def test_an_address_takes_only_so_many_numbers_from_home(built: Built, settings) -> None:  # type: ignore[no-untyped-def]
    settings.RATE_LIMITS = True
    for n in range(tickets.FROM_HOME_AN_HOUR + 1):
        if n == tickets.FROM_HOME_AN_HOUR:
            with pytest.raises(limits.TooMany):
                tickets.take(ANONYMOUS, built.queues[0], source=Source.PHONE, client="203.0.113.1", at=OPEN)
        else:
            tickets.take(ANONYMOUS, built.queues[0], source=Source.PHONE, client="203.0.113.1", at=OPEN)
    assert Ticket.objects.count() == tickets.FROM_HOME_AN_HOUR


def test_priority_comes_first_but_never_twice_running(built: Built) -> None:
    clerk, _counter = _sit(built)
    for minute, priority in enumerate(("", "", "age", "child", "disability", "")):
        _take(built, minute, priority=priority)
    order = []
    while (ticket := _call(built)) is not None:
        order.append(ticket.label)
        calling.finish(clerk, ticket)
    assert order == ["A003", "A001", "A004", "A002", "A005", "A006"]


def test_a_number_from_home_is_called_only_after_arrival_and_keeps_its_place(built: Built) -> None:
    _sit(built)
    home = _take(built, source=Source.PHONE)
    walk_in = _take(built, 1)
    assert home.state == State.COMING and _call(built) == walk_in
    late = tickets.arrive_by_number(ANONYMOUS, built.hall, " a001 ", at=OPEN + 90 * MINUTE)
    assert late.place_at == OPEN + 90 * MINUTE, "its turn had passed"
    early = _take(built, 91, source=Source.PHONE)
    _take(built, 92)
    code = tickets.arrival_code(built.hall, OPEN)
    with pytest.raises(Invalid):
        tickets.arrive(ANONYMOUS, early, code=f"{(int(code) + 1) % 10_000:04d}", at=OPEN + 93 * MINUTE)
    assert tickets.arrive(ANONYMOUS, early, code=code, at=OPEN + 93 * MINUTE).place_at == OPEN + 91 * MINUTE


def test_one_counter_serves_one_and_only_whoever_sits_there(built: Built) -> None:
    clerk, counter = _sit(built)
    other = built.clerks[1]
    _take(built), _take(built)
    with pytest.raises(NotAllowed):
        calling.call_next(other, counter, at=OPEN)
    with pytest.raises(Conflict):
        calling.open_counter(other, counter)
    with pytest.raises(WrongState):
        calling.open_counter(clerk, built.counters[1])
    ticket = _call(built)
    assert ticket is not None
    with pytest.raises(WrongState):
        _call(built)
    with pytest.raises(WrongState):
        calling.close_counter(clerk, counter)
    with pytest.raises(NotAllowed):
        calling.finish(other, ticket)
    calling.finish(clerk, ticket)
    calling.pause(clerk, counter, True)
    with pytest.raises(WrongState):
        _call(built)


def test_a_clerk_of_another_house_serves_nobody_here(built: Built) -> None:
    stranger = a_clerk(9, type(built.hall.organisation).objects.get(code="urban"))
    with pytest.raises(NotAllowed):
        calling.open_counter(stranger, built.counters[0])


def test_passing_on_keeps_number_and_place(built: Built) -> None:
    clerk, _ = _sit(built)
    other, second = _sit(built, 1)
    first, later = _take(built), _take(built, 1)
    assert _call(built) == first
    passed = calling.pass_on(clerk, first, to=second)
    assert passed.label == "A001" and passed.state == State.WAITING
    assert _call(built) == later, "it waits for the other counter alone"
    assert _call(built, 1) == first
    calling.finish(other, first)
    calling.pass_on(clerk, later, queue=built.queues[1])
    assert _call(built, 1) == later and Ticket.objects.get(pk=later.pk).label == "A002"


def test_a_counter_that_closes_leaves_nobody_waiting_for_it_alone(built: Built) -> None:
    clerk, _ = _sit(built)
    other, second = _sit(built, 1)
    ticket = _take(built)
    _call(built)
    calling.pass_on(clerk, ticket, to=second)
    calling.close_counter(other, second)
    assert _call(built) == ticket


def test_calling_out_of_turn_needs_a_reason_and_is_recorded_as_are_counters(built: Built) -> None:
    clerk, counter = _sit(built)
    _take(built)
    second = _take(built, 1)
    with pytest.raises(Invalid):
        calling.call_out_of_turn(clerk, counter, second, reason=" ", at=OPEN)
    assert calling.call_out_of_turn(clerk, counter, second, reason="身体不适", at=OPEN).state == State.CALLED
    acts = Act.objects.filter(verb__in=["counter.open", "ticket.call_out_of_turn"]).order_by("pk")
    assert [(a.verb, a.post_id) for a in acts] == [
        ("counter.open", clerk.post_id), ("ticket.call_out_of_turn", clerk.post_id),
    ]  # fmt: skip


def test_who_was_missed_may_come_back_to_the_end(built: Built) -> None:
    clerk, _ = _sit(built)
    missed, other = _take(built), _take(built, 1)
    ticket = _call(built)
    assert ticket == missed
    assert calling.call_again(clerk, missed).calls == 2
    calling.miss(clerk, missed)
    calling.come_back(clerk, missed, at=OPEN + 61 * MINUTE)
    assert _call(built) == other


def test_the_day_ends_what_is_left_and_forgets_why_somebody_came_first(built: Built) -> None:
    clerk, counter = _sit(built)
    waiting, served = _take(built, 1, priority=Priority.DISABILITY), _take(built)
    calling.call_out_of_turn(clerk, counter, served, reason="测试", at=OPEN)
    assert tickets.end_days(SYSTEM, at=OPEN) == 0
    assert tickets.end_days(SYSTEM, at=OPEN + timedelta(days=1)) == 2
    waiting.refresh_from_db(), served.refresh_from_db(), counter.refresh_from_db()
    assert (waiting.state, waiting.priority, waiting.is_priority) == (State.LEFT, "", True)
    assert served.state == State.DONE and counter.post is None
    with pytest.raises(NotAllowed):
        tickets.end_days(clerk)


def test_a_screen_is_set_up_by_a_link_once_and_shut_out_at_once(built: Built, staff) -> None:  # type: ignore[no-untyped-def]
    administrator = staff("administrator")
    with pytest.raises(NotAllowed):
        setting_up.make_screen(staff("supervisor-hotline"), built.hall, "kiosk", "门口")
    screen, link = setting_up.make_screen(administrator, built.hall, "kiosk", "门口")
    _, own = setting_up.claim_screen(link)
    with pytest.raises(NotFound):
        setting_up.claim_screen(link)
    assert setting_up.screen_of(own, built.hall.code, "kiosk") == screen
    assert setting_up.screen_of(own, built.hall.code, "display") is None
    assert setting_up.screen_of(link, built.hall.code, "kiosk") is None
    setting_up.revoke_screen(administrator, screen)
    assert setting_up.screen_of(own, built.hall.code, "kiosk") is None


def test_a_hall_can_be_changed_by_whoever_runs_it(built: Built, staff) -> None:  # type: ignore[no-untyped-def]
    boss = staff("supervisor-hotline")
    named = setting_up.Named("新名")
    clerk, counter = _sit(built)
    with pytest.raises(NotAllowed):
        setting_up.change_counter(clerk, counter, named, built.queues, is_active=True)
    with pytest.raises(WrongState):
        setting_up.change_counter(boss, counter, named, built.queues, is_active=False)
    waiting = _take(built)
    setting_up.change_queue(boss, built.queues[0], named, usual_minutes=4, function=None, is_active=False)
    built.queues[0].refresh_from_db()
    with pytest.raises(WrongState):
        _take(built)
    outlook = queries.outlook_at(built.hall, OPEN)
    assert waiting.pk in outlook.tickets and built.queues[0].pk not in outlook.newcomers
    assert _call(built) == waiting, "who waits already is still served"
    changed = setting_up.change_hall(
        boss, built.hall, named, address="", opens_at=time(9), closes_at=time(12), is_active=True
    )
    assert not hours.calendar_of(changed).is_open(OPEN.replace(hour=5))
    with pytest.raises(Invalid):
        setting_up.change_hall(boss, changed, named, address="", opens_at=time(12), closes_at=time(9))


def test_a_post_that_ends_leaves_its_counter_and_a_merged_organisation_its_halls(built: Built, staff) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.coordination.actions import reorganising
    from gongzhi.registry.models import Organisation, Post

    clerk, counter = _sit(built)
    ticket = _take(built)
    assert _call(built) == ticket
    post = Post.objects.get(pk=clerk.post_id or 0)
    reorganising.end_post(staff("administrator"), post, reason="离岗")
    counter.refresh_from_db()
    assert counter.post is None
    other = built.clerks[1]
    calling.open_counter(other, counter, at=OPEN)
    calling.finish(other, ticket, at=OPEN)
    urban, transport = (Organisation.objects.get(code=code) for code in ("urban", "transport"))
    administrator = staff("administrator")
    hall = setting_up.make_hall(administrator, "urban-hall", setting_up.Named("城管大厅"), urban)
    reorganising.merge_organisations(administrator, urban, transport, reason="机构改革")
    hall.refresh_from_db()
    assert hall.organisation_id == transport.pk


def test_figures_of_the_day_and_what_is_measured_for_the_next(built: Built) -> None:
    clerk, _ = _sit(built)
    for n in range(12):
        ticket = _take(built, n)
        called = calling.call_next(clerk, built.counters[0], at=OPEN + (n + 4) * MINUTE)
        assert called == ticket
        calling.finish(clerk, ticket, at=OPEN + (n + 4.5) * MINUTE)
    today = queries.today(clerk, built.hall, OPEN + 30 * MINUTE)
    whole = today.rows[0]
    assert (whole.letter, whole.taken, whole.mean_wait_s, whole.p95_wait_s) == (None, 12, 240, 240)
    assert whole.mean_service_s == 30 and {r.hour for r in today.rows} == {None, 10}
    outlook = queries.outlook_at(built.hall, OPEN + 30 * MINUTE)
    assert outlook.measured == {built.queues[0].pk: 12, built.queues[1].pk: 0}
    _take(built, 31), _take(built, 31)
    soon = queries.outlook_at(built.hall, OPEN + 32 * MINUTE).newcomers[built.queues[0].pk]
    assert soon.before == 2 and soon.seconds == 60, "two measured times of half a minute"


Waits = st.lists(st.tuples(st.booleans(), st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=12)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(Waits, st.lists(st.sampled_from(["call0", "call1", "pause0", "take"]), max_size=24))
def test_sql_and_rule_agree_and_nobody_starves(
    built: Built, waits: list[tuple[bool, int, int]], steps: list[str]
) -> None:
    from django.db import transaction

    with transaction.atomic():
        for number in (0, 1):
            _sit(built, number)
        for is_priority, queue, minute in waits:
            _take(built, minute, queue=queue, priority="age" if is_priority else "")
        last = {0: False, 1: False}
        for step in steps:
            if step == "take":
                _take(built, 5)
                continue
            number = int(step[-1])
            counter = built.counters[number]
            counter.refresh_from_db()
            present = calling.present(counter)
            if present is not None:
                calling.finish(built.clerks[number], present)
            waiting = Ticket.objects.filter(hall=built.hall, state=State.WAITING)
            places = [Place(t.place_at.timestamp(), t.pk, t.is_priority) for t in waiting]
            expected = next_of(places, last_was_priority=last[number])
            called = _call(built, number)
            assert (called.pk if called else None) == (expected.id if expected else None)
            if called is not None:
                ordinary = any(not p.is_priority for p in places)
                assert not (last[number] and called.is_priority and ordinary), "two running"
                last[number] = called.is_priority
        transaction.set_rollback(True)


DOING = {
    Verb.START: calling.start, Verb.FINISH: calling.finish, Verb.CALL_AGAIN: calling.call_again,
    Verb.MISS: calling.miss, Verb.COME_BACK: calling.come_back,
}  # fmt: skip


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*Verb]), max_size=12))
def test_a_ticket_goes_only_where_the_table_leads(built: Built, verbs: list[Verb]) -> None:
    from django.db import transaction

    with transaction.atomic():
        clerk, counter = _sit(built)
        code = tickets.arrival_code(built.hall, OPEN)
        ticket = _take(built, source=Source.PHONE)
        for verb in verbs:
            froms, to = TRANSITIONS[verb]
            before = ticket.state
            try:
                with transaction.atomic():
                    if verb == Verb.CALL:
                        calling.call_out_of_turn(clerk, counter, ticket, reason="x", at=OPEN)
                    elif verb == Verb.ARRIVE:
                        tickets.arrive(ANONYMOUS, ticket, code=code, at=OPEN)
                    elif verb == Verb.LEAVE:
                        tickets.leave(ANONYMOUS, ticket, at=OPEN)
                    elif verb == Verb.SEND_ON:
                        calling.pass_on(clerk, ticket, queue=built.queues[1])
                    else:
                        DOING[verb](clerk, ticket, **({} if verb == Verb.CALL_AGAIN else {"at": OPEN}))
                done = True
            except WrongState:
                done = False
            ticket.refresh_from_db()
            assert done == (before in froms), (before, verb)
            assert ticket.state == (to if done else before)
        assert hours.day_of(OPEN) == ticket.day
        transaction.set_rollback(True)
