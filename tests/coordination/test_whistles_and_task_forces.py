"""Streets whistle and departments come; task forces have members, a page and mentions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gongzhi.coordination import clocks
from gongzhi.coordination.actions import task_forces, whistles
from gongzhi.coordination.actions.whistles import Spot
from gongzhi.coordination.models import Call, Mention, TaskForce, Whistle
from gongzhi.errors import Invalid, NotAllowed, NotFound, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry.models import Post
from tests.cases.builders import MONDAY
from tests.coordination.builders import org

pytestmark = pytest.mark.django_db


def whistle(staff: Any, **changes: Any) -> Whistle:
    departments = changes.pop("departments", ["urban", "water"])
    return whistles.call(
        staff(changes.pop("by", "worker-429001001")),
        "路面塌陷，需联合处置",
        Spot("枫林路12号", 111.36, 30.52),
        [org(code) for code in departments],
        **({"urgency": "urgent", "at": MONDAY} | changes),
    )


def call_of(one: Whistle, code: str) -> Call:
    return one.calls.get(organisation__code=code)


def test_answering_and_arriving_are_measured(staff: Any) -> None:
    one = whistle(staff)
    whistles.answer(staff("worker"), call_of(one, "urban"), at=MONDAY + timedelta(minutes=20))
    whistles.arrive(staff("worker-429001001"), call_of(one, "urban"), at=MONDAY + timedelta(minutes=75))
    answered, arrived = (Act.objects.get(verb=f"whistle.{v}").details for v in ("answer", "arrive"))
    assert (answered["minutes"], answered["in_time"]) == (20, True)
    assert (arrived["minutes"], arrived["in_time"]) == (75, True)
    late = MONDAY + timedelta(hours=2)
    assert [clocks.run(late)["calls"], clocks.run(late)["calls"]] == [1, 0]
    assert Act.objects.get(verb="whistle.miss").details == {"by": org("water").pk, "why": "silent"}


def test_only_streets_whistle_and_only_the_called_answer(staff: Any) -> None:
    with pytest.raises(NotAllowed):
        whistle(staff, by="worker")
    one = whistle(staff)
    with pytest.raises(NotAllowed):
        whistles.answer(staff("worker-water"), call_of(one, "urban"))
    with pytest.raises(NotAllowed):
        whistles.arrive(staff("worker"), call_of(one, "urban"))
    whistles.answer(staff("worker"), call_of(one, "urban"))
    with pytest.raises(WrongState):
        whistles.answer(staff("worker"), call_of(one, "urban"))


def test_the_street_marks_every_department_at_the_end(staff: Any) -> None:
    one = whistle(staff)
    street = staff("worker-429001001")
    with pytest.raises(Invalid):
        whistles.finish(street, one, "已回填", marks={org("urban").pk: 5})
    done = whistles.finish(street, one, "已回填", marks={org("urban").pk: 5, org("water").pk: 2})
    assert done.state == "finished"
    with pytest.raises(WrongState):
        whistles.finish(street, one, "再来", marks={})
    assert clocks.run(MONDAY + timedelta(days=3))["calls"] == 0, "what is over is not missed"


@pytest.mark.parametrize("changes", [{"departments": []}, {"urgency": "soon"}])
def test_a_whistle_needs_departments_and_an_urgency(staff: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        whistle(staff, **changes)


def force(staff: Any) -> TaskForce:
    posts = [Post.objects.get(person__username=name) for name in ("worker", "worker-water")]
    return task_forces.form(
        staff("leader"),
        "老旧小区积水专班",
        "汛期前完成改造",
        posts,
        until=timezone.now() + timedelta(days=60),
    )


def test_a_mention_reaches_the_member_and_is_seen_once(staff: Any) -> None:
    mine = force(staff)
    said = task_forces.comment(staff("worker"), mine, "请 @worker-water 明天带泵到现场")
    mention = Mention.objects.get(comment=said)
    assert mention.post_id == staff("worker-water").post_id
    with pytest.raises(NotAllowed):
        task_forces.seen(staff("worker"), mention)
    task_forces.seen(staff("worker-water"), mention)
    mention.refresh_from_db()
    first = mention.seen_at
    task_forces.seen(staff("worker-water"), mention)
    mention.refresh_from_db()
    assert mention.seen_at == first
    with pytest.raises(Invalid):
        task_forces.comment(staff("worker"), mine, "请 @worker-housing 看看")


def test_only_members_speak_and_only_the_lead_changes_it(staff: Any) -> None:
    mine = force(staff)
    with pytest.raises(NotAllowed):
        task_forces.comment(staff("worker-housing"), mine, "我也来")
    housing = Post.objects.get(person__username="worker-housing")
    with pytest.raises(NotAllowed):
        task_forces.add_member(staff("worker"), mine, housing)
    task_forces.add_member(staff("leader"), mine, housing)
    task_forces.add_member(staff("leader"), mine, housing)
    assert Act.objects.filter(verb="task_force.add").count() == 1
    task_forces.comment(staff("worker-housing"), mine, "已到位")
    task_forces.remove_member(staff("leader"), mine, housing)
    with pytest.raises(NotFound):
        task_forces.remove_member(staff("leader"), mine, housing)
    with pytest.raises(NotAllowed):
        task_forces.comment(staff("worker-housing"), mine, "还在吗")


def test_a_task_force_has_several_organisations_and_an_end(staff: Any) -> None:
    with pytest.raises(Invalid):
        task_forces.form(
            staff("supervisor"), "专班", "目的", [Post.objects.get(person__username="worker")],
            until=timezone.now() + timedelta(days=1),
        )  # fmt: skip
    mine = force(staff)
    task_forces.end(staff("leader"), mine, "已完成改造")
    for attempt in (
        lambda: task_forces.comment(staff("worker"), mine, "还有"),
        lambda: task_forces.end(staff("leader"), mine, "再来"),
    ):
        with pytest.raises(WrongState):
            attempt()
