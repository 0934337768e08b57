"""Orders flow down, reports flow up, and silence is seen."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gongzhi.coordination import clocks
from gongzhi.coordination.actions import directives
from gongzhi.coordination.models import Directive, Order
from gongzhi.coordination.rollup import roll_up
from gongzhi.errors import GongzhiError, Invalid, NotAllowed, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry.models import Organisation

pytestmark = pytest.mark.django_db
FORM = {
    "type": "object",
    "properties": {
        "checked": {"type": "integer", "title": "已排查（处）", "minimum": 0},
        "hazards": {"type": "integer", "title": "发现隐患（处）", "minimum": 0},
        "note": {"type": "string", "title": "说明"},
    },
    "required": ["checked", "hazards"],
}


def org(code: str) -> Organisation:
    return Organisation.objects.get(code=code)


@pytest.fixture
def directive(staff: Any) -> Directive:
    """The city orders two districts to look for hazards within five days."""
    return directives.issue(
        staff("leader"),
        "汛期隐患排查",
        "请组织排查低洼地段和地下车库。",
        [org("gov-429001"), org("gov-429002")],
        due_at=timezone.now() + timedelta(days=5),
        form=FORM,
    )


def order_of(directive: Directive, code: str) -> Order:
    return directive.orders.get(organisation__code=code)


def test_a_district_reorders_its_streets_and_their_reports_roll_up(directive: Directive, staff: Any) -> None:
    mine = order_of(directive, "gov-429001")
    below = directives.issue(
        staff("supervisor-429001"),
        "汛期隐患排查（转办）",
        "请各街道三日内上报。",
        [org("gov-429001001"), org("gov-429001002"), org("gov-429001003")],
        due_at=timezone.now() + timedelta(days=3),
        parent=mine,
    )
    assert below.form["properties"] == FORM["properties"]
    directives.report(
        staff("worker-429001001"), order_of(below, "gov-429001001"), {"checked": 12, "hazards": 2}
    )
    directives.report(
        staff("worker-429001002"), order_of(below, "gov-429001002"), {"checked": 8, "hazards": 1}
    )
    directives.report(
        staff("worker-429002"), order_of(directive, "gov-429002"), {"checked": 30, "hazards": 0}
    )
    found = roll_up(directive, timezone.now())
    assert found.totals == {"checked": 50, "hazards": 3}
    assert (found.targets, found.reported, found.in_time, found.silent) == (5, 3, 3, [])
    assert found.standings[0].counted == 2
    later = roll_up(directive, timezone.now() + timedelta(days=4))
    assert later.silent == [org("gov-429001003").pk], "the street that said nothing is named"


def test_an_own_report_counts_instead_of_what_is_below(directive: Directive, staff: Any) -> None:
    mine = order_of(directive, "gov-429001")
    below = directives.issue(
        staff("supervisor-429001"),
        "转办",
        "请上报。",
        [org("gov-429001001")],
        due_at=mine.due_at,
        parent=mine,
    )
    directives.report(
        staff("worker-429001001"), order_of(below, "gov-429001001"), {"checked": 5, "hazards": 0}
    )
    directives.report(staff("worker-429001"), mine, {"checked": 7, "hazards": 1})
    assert roll_up(directive, timezone.now()).totals == {"checked": 7, "hazards": 1}


@pytest.mark.parametrize("target", ["city", "gov-429001", "gov-429002", "gov-429002001"])
def test_orders_go_down_and_never_in_circles(directive: Directive, staff: Any, target: str) -> None:
    with pytest.raises(Invalid) as problem:
        directives.issue(
            staff("supervisor-429001"),
            "转办",
            "请上报。",
            [org(target)],
            due_at=timezone.now() + timedelta(days=1),
            parent=order_of(directive, "gov-429001"),
        )
    assert "targets" in problem.value.fields


def test_a_circle_in_the_registry_does_not_make_a_circle_of_orders(directive: Directive, staff: Any) -> None:
    Organisation.objects.filter(code="city").update(parent=org("gov-429001001"))
    with pytest.raises(Invalid, match="circles|循环"):
        directives.issue(
            staff("supervisor-429001"),
            "转办",
            "请上报。",
            [org("city")],
            due_at=timezone.now() + timedelta(days=1),
            parent=order_of(directive, "gov-429001"),
        )


def test_who_may_order_and_who_may_report(directive: Directive, staff: Any) -> None:
    due = timezone.now() + timedelta(days=1)
    for username in ("worker", "dispatcher", "administrator", "worker-429001"):
        with pytest.raises(NotAllowed):
            directives.issue(staff(username), "排查", "请上报。", [org("gov-429001001")], due_at=due)
    mine = order_of(directive, "gov-429001")
    for username in ("worker-429002", "leader", "worker-429001001", "administrator"):
        with pytest.raises(NotAllowed):
            directives.report(staff(username), mine, {"checked": 1, "hazards": 0})
    with pytest.raises(NotAllowed):
        directives.close(staff("supervisor-429001"), directive, reason="完成")
    with pytest.raises(NotAllowed):
        directives.issue(
            staff("supervisor-429002"), "转办", "上报", [org("gov-429002001")], due_at=due, parent=mine
        )


@pytest.mark.parametrize(
    "answer", [{}, {"checked": 1}, {"checked": -1, "hazards": 0}, {"checked": "一", "hazards": 0},
               {"checked": 1, "hazards": 0, "other": 1}]
)  # fmt: skip
def test_a_report_fits_the_form(directive: Directive, staff: Any, answer: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        directives.report(staff("worker-429001"), order_of(directive, "gov-429001"), answer)


@pytest.mark.parametrize(
    "form",
    [
        {"type": "array"},
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"a": {"$ref": "http://10.0.0.1/x"}}},
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+$"}}},
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["b"]},
        {"type": "object", "properties": {"a": {"type": "integer", "minimum": "viele"}}},
    ],
)
def test_a_form_that_cannot_be_filled_in_is_refused(staff: Any, form: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as problem:
        directives.issue(
            staff("leader"), "排查", "请上报。", [org("gov-429001")],
            due_at=timezone.now() + timedelta(days=1), form=form,
        )  # fmt: skip
    assert "form" in problem.value.fields


def test_nobody_gets_more_time_than_from_above(directive: Directive, staff: Any) -> None:
    with pytest.raises(Invalid):
        directives.issue(
            staff("supervisor-429001"), "转办", "上报", [org("gov-429001001")],
            due_at=directive.due_at + timedelta(days=1), parent=order_of(directive, "gov-429001"),
        )  # fmt: skip


def test_silence_is_recorded_once(directive: Directive, staff: Any) -> None:
    directives.report(staff("worker-429001"), order_of(directive, "gov-429001"), {"checked": 1, "hazards": 0})
    late = directive.due_at + timedelta(minutes=1)
    assert [clocks.run(late)["orders"], clocks.run(late)["orders"]] == [1, 0]
    act = Act.objects.get(verb="directive.miss")
    assert act.details["by"] == org("gov-429002").pk


def test_closing_ends_what_was_passed_down(directive: Directive, staff: Any) -> None:
    mine = order_of(directive, "gov-429001")
    below = directives.issue(
        staff("supervisor-429001"), "转办", "上报", [org("gov-429001001")], due_at=mine.due_at, parent=mine
    )
    directives.close(staff("leader"), directive, reason="汛期结束")
    below.refresh_from_db()
    assert below.state == "closed"
    with pytest.raises(WrongState):
        directives.report(
            staff("worker-429001001"), order_of(below, "gov-429001001"), {"checked": 1, "hazards": 0}
        )
    with pytest.raises(WrongState):
        directives.close(staff("leader"), directive, reason="再来一次")


def test_a_report_can_be_corrected_but_its_time_stays(directive: Directive, staff: Any) -> None:
    mine = order_of(directive, "gov-429001")
    directives.acknowledge(staff("worker-429001"), mine)
    with pytest.raises(WrongState):
        directives.acknowledge(staff("worker-429001"), mine)
    first = directives.report(staff("worker-429001"), mine, {"checked": 1, "hazards": 0})
    again = directives.report(staff("worker-429001"), mine, {"checked": 2, "hazards": 0})
    assert again.reported_at == first.reported_at
    assert roll_up(directive, timezone.now()).totals["checked"] == 2
    assert [a.details["correction"] for a in Act.objects.filter(verb="directive.report").order_by("pk")] == [
        False,
        True,
    ]


@pytest.mark.usefixtures("committed")
@pytest.mark.django_db(transaction=True)
def test_two_who_take_an_order_up_at_once_do_it_once(staff: Any) -> None:
    from django.db import connection

    directive = directives.issue(
        staff("leader"), "排查", "请上报。", [org("gov-429001")], due_at=timezone.now() + timedelta(days=1)
    )
    order, actor, outcomes = directive.orders.get(), staff("worker-429001"), []
    gate = threading.Barrier(2)

    def take_up() -> None:
        gate.wait()
        try:
            directives.acknowledge(actor, order)
            outcomes.append("done")
        except GongzhiError as problem:
            outcomes.append(problem.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=take_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "wrong-state"]
