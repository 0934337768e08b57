from __future__ import annotations

from datetime import timedelta

import pytest

from gongzhi.cases import actions, lights, worklists
from gongzhi.cases.models import Case, Task
from gongzhi.errors import NotAllowed, WrongState
from gongzhi.ledger.models import Act
from gongzhi.registry.models import Organisation
from gongzhi.supervision import accountability, clocks, invariant, settings, urging
from gongzhi.supervision.models import Clock, Escalation, Push, Repair, Watch

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(submit, staff) -> Case:  # type: ignore[no-untyped-def]
    found = Case.objects.get(number=submit().number)
    actions.accept(staff("worker"), found)
    clocks.follow()
    return found


def at_share(case: Case, percent: float):  # type: ignore[no-untyped-def]
    clock = Clock.objects.get(case=case)
    return clock.started_at + (clock.due_at - clock.started_at) * percent / 100


def test_each_step_of_the_ladder_is_taken_once(case: Case) -> None:
    assert clocks.climb(at_share(case, 49)) == 0
    assert clocks.climb(at_share(case, 51)) == 1
    assert clocks.climb(at_share(case, 51)) == 0
    assert clocks.climb(at_share(case, 130)) == 3
    assert clocks.climb(at_share(case, 500)) == 0
    steps = list(Escalation.objects.filter(case=case).order_by("percent"))
    assert [s.percent for s in steps] == [50, 80, 100, 120]
    assert steps[0].post_id == case.post_id
    assert all(s.post_id for s in steps)
    assert Act.objects.filter(verb="supervision.escalate", subject_id=case.pk).count() == 4


def test_a_contested_closure_starts_the_ladder_anew(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    clocks.climb(at_share(case, 51))
    actions.resolve(staff("worker"), case, "已修好")
    clocks.follow()
    assert not Clock.objects.filter(case=case).exists()
    party = frozenset(case.parties.values_list("pk", flat=True))
    from gongzhi.registry.authority import Actor

    actions.contest(Actor(kind="anonymous", party_ids=party), case, "还是不亮")
    clocks.follow()
    assert Clock.objects.get(case=case).step == 0


def test_a_level_without_a_post_is_asked_of_the_next_one() -> None:
    chain = clocks.Chain()
    lonely = Organisation.objects.create(code="lonely", name_zh="孤", name_en="Lonely")
    assert chain.of("worker", lonely.pk, None).level in ("leader", "dispatcher")
    assert chain.of("worker", None, None).level == "dispatcher"


def test_lights_follow_the_share_of_time_used() -> None:
    rules = settings.read({})
    assert [clocks.light(s, rules) for s in (0.1, 0.5, 0.8, 1, 2)] == [
        "green",
        "amber",
        "red",
        "late",
        "late",
    ]


def test_the_city_decides_about_its_ladder() -> None:
    rules = settings.read({"ladder": [{"percent": 90, "level": "leader"}, {"percent": 30, "level": "head"}]})
    assert [(r.percent, r.level) for r in rules.ladder] == [(30, "head"), (90, "leader")]


def test_an_open_case_outside_a_clock_is_repaired_and_reported(case: Case) -> None:
    assert invariant.violations() == []
    Task.objects.filter(case=case).update(state="done")
    Clock.objects.filter(case=case).delete()
    kinds = {v.kind for v in invariant.repair()}
    assert kinds == {"no_task", "no_clock"}
    assert invariant.violations() == []
    Case.objects.filter(pk=case.pk).update(organisation=None)
    invariant.repair()
    case.refresh_from_db()
    assert (case.organisation.code, case.state) == ("hotline", "received")  # type: ignore[union-attr]
    assert Repair.objects.filter(case=case).count() == 3


def test_an_urging_must_be_answered_and_goes_up_when_nobody_does(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotAllowed):
        urging.urge(staff("operator"), case, "请抓紧")
    pushed = urging.urge(staff("supervisor"), case, "请说明进展")
    assert urging.raise_unanswered(pushed.at) == 0
    assert urging.raise_unanswered(pushed.answer_due_at + timedelta(seconds=1)) == 1
    assert urging.raise_unanswered(pushed.answer_due_at + timedelta(seconds=1)) == 0
    urging.answer(staff("worker"), pushed, "配件周五到货，当天更换")
    with pytest.raises(WrongState):
        urging.answer(staff("worker"), pushed, "再答")


def test_the_account_of_a_case_names_posts_and_the_working_time_each_held_it(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    told = accountability.account(staff("supervisor"), case, now=case.due_at + timedelta(days=3))
    assert told.is_late and told.holdings[-1].is_after_due
    organisation, post, hours = told.hours_by_post[0]
    assert (organisation, post) == (case.organisation_id, case.post_id) and hours > 5
    with pytest.raises(NotAllowed):
        accountability.account(staff("operator"), case)


def test_while_the_requester_is_asked_ladder_and_light_stand_still(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    clocks.climb(at_share(case, 51))
    asked_at = at_share(case, 60)
    actions.ask(staff("worker"), case, "请问是几号楼？", at=asked_at)
    clocks.follow()
    before = Clock.objects.get(case=case)
    assert (before.paused_at, before.next_at) == (asked_at, None)
    assert clocks.climb(at_share(case, 500)) == 0
    assert invariant.violations() == [], "a clock that stands still is no clock that is missing"
    late = case.due_at + timedelta(days=30)
    assert lights.light(case.opened_at, case.due_at, case.paused_at or late) != "late"
    page = worklists.with_light(Case.objects.filter(pk=case.pk), "late", late)
    assert not page.exists() and worklists.with_light(Case.objects.all(), "amber", late).get() == case
    actions.resume(staff("worker"), case, why="staff", at=asked_at + timedelta(days=7))
    clocks.follow()
    after = Clock.objects.get(case=case)
    assert after.due_at == case.due_at > before.due_at and after.step == 1
    assert after.due_at - after.started_at == before.due_at - before.started_at
    assert clocks.climb(at_share(case, 79)) == 0, "the step at 50 % is not taken again"
    assert clocks.climb(at_share(case, 81)) == 1
    taken = Escalation.objects.filter(case=case).order_by("percent").values_list("percent", flat=True)
    assert list(taken) == [50, 80]


def test_the_part_of_another_organisation_has_a_ladder_of_its_own(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    helper = Organisation.objects.exclude(pk=case.organisation_id).order_by("pk")[0]
    task = actions.ask_part(staff("worker"), case, helper, request="请协助疏导交通")
    clocks.follow()
    watch = Watch.objects.get(kind="part", about_id=task.pk)
    assert (watch.organisation_id, watch.due_at, watch.step) == (helper.pk, task.due_at, 0)
    whole = watch.due_at - watch.started_at
    Clock.objects.filter(case=case).update(next_at=None)
    assert clocks.climb(watch.started_at + whole * 0.49) == 0
    assert clocks.climb(watch.started_at + whole * 0.85) == 2
    assert clocks.climb(watch.started_at + whole * 0.85) == 0
    assert list(Push.objects.order_by("percent").values_list("percent", "case_id")) == [
        (50, case.pk), (80, case.pk),
    ]  # fmt: skip
    assert Act.objects.filter(verb="supervision.push", subject_id=case.pk).count() == 2
    Watch.objects.all().delete()
    (lost,) = [v for v in invariant.repair() if v.about]
    assert lost.about == f"part {task.pk}" and Repair.objects.get(about=lost.about).case_id == case.pk
    assert invariant.violations() == []


def test_a_request_for_more_time_is_pushed_to_the_head_until_it_is_decided(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    asked = actions.ask_time(staff("worker"), case, working_days=1, reason="等配件")
    clocks.follow()
    watch = Watch.objects.get(kind="extension", about_id=asked.pk)
    assert watch.due_at == asked.decide_by
    clocks.climb(watch.started_at + (watch.due_at - watch.started_at) * 0.6)
    assert Push.objects.get(kind="extension").level != "worker"
    actions.refuse_time(staff("supervisor"), case, reason="已有足够时间")
    clocks.follow()
    assert not Watch.objects.filter(kind="extension").exists()


def test_a_directive_without_a_report_climbs_the_ladder_and_is_covered_by_the_nightly_look(staff) -> None:  # type: ignore[no-untyped-def]
    from django.utils import timezone

    from gongzhi.coordination.actions import directives
    from gongzhi.registry import queries

    above = staff("leader")
    target = Organisation.objects.get(pk=min(queries.organisations_below(above.organisation_id or 0)))
    now = timezone.now()
    ordered = directives.issue(
        above, "排查井盖", "请排查辖区井盖并上报", [target], due_at=now + timedelta(days=10)
    )
    order = ordered.orders.get()
    assert [v.about for v in invariant.violations()] == [f"order {order.pk}"]
    (repaired,) = invariant.repair()
    assert (repaired.case_id, repaired.number) == (None, "排查井盖")
    clocks.climb(now + timedelta(days=13))
    assert list(Push.objects.order_by("percent").values_list("percent", flat=True)) == [50, 80, 100, 120]
    assert Push.objects.filter(post=None).count() == 0
    assert Act.objects.filter(verb="supervision.push", subject_kind="order", subject_id=order.pk).count() == 4
