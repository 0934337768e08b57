"""Staff are told what waits for them: once, together, in their language, with what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from gongzhi.cases import actions, notices, staff_notices, text_messages
from gongzhi.cases.models import Case, StaffNotice
from gongzhi.coordination import clocks
from gongzhi.coordination.actions import directives, task_forces
from gongzhi.registry.models import Person, Post
from gongzhi.supervision import alarms, urging
from tests.coordination.builders import org

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _by_day(monkeypatch: Any) -> None:
    monkeypatch.setattr(text_messages, "quiet_until", lambda now=None: None)


def with_mail(username: str, language: str = "zh-hans") -> Post:
    Person.objects.filter(username=username).update(email=f"{username}@city.example", language=language)
    post = Post.objects.filter(person__username=username).first()
    assert post is not None
    return post


def test_a_mention_reaches_exactly_who_is_named(staff: Any, client: Any) -> None:
    leader = with_mail("leader", "en")
    force = task_forces.form(
        staff("supervisor"), "防汛专班", "汛期", [leader], until=timezone.now() + timedelta(days=5)
    )
    task_forces.comment(staff("supervisor"), force, "请 @leader 看一下")
    notice = StaffNotice.objects.get()
    assert (notice.post, notice.kind, notice.state) == (leader, "mention", "waiting")
    assert staff_notices.deliver(leader.pk) == 1 and staff_notices.deliver(leader.pk) == 0
    (letter,) = mail.outbox
    assert letter.to == ["leader@city.example"] and letter.subject == "You were mentioned: 防汛专班"
    assert f"/desk/task-forces/{force.pk}/" in letter.body and "请 @leader" not in letter.body
    client.force_login(Person.objects.get(username="leader"))
    page = client.get("/desk/notices/", headers={"accept-language": "en"}).content.decode()
    assert "防汛专班" in page and "sent" in page
    client.post("/desk/notices/")
    assert StaffNotice.objects.get().seen_at is not None


def test_a_part_an_order_and_an_urging_gather_into_one_mail(submit: Any, staff: Any) -> None:
    head = with_mail("supervisor-power")
    case = Case.objects.get(number=submit().number)
    actions.accept(staff("worker"), case)
    actions.ask_part(staff("worker"), case, org("power"), request="请断电")
    with_mail("supervisor")
    urging.urge(staff("leader"), case, "请尽快")
    kinds = set(StaffNotice.objects.values_list("post__organisation__code", "kind"))
    assert {("power", "part"), ("urban", "urging")} <= kinds
    for notice in list(StaffNotice.objects.all()):
        staff_notices.tell(notice.kind, notice.about, notice.link, [head.pk], key=f"again:{notice.pk}")
    waiting = StaffNotice.objects.filter(post=head, state="waiting").count()
    assert waiting > 1 and staff_notices.deliver(head.pk) == waiting
    assert len(mail.outbox) == 1 and mail.outbox[0].body.count("/desk/parts/") >= 1


def test_an_order_is_told_when_issued_when_due_and_when_overdue_each_once(staff: Any) -> None:
    now = timezone.now()
    street = org("gov-429001")
    directive = directives.issue(
        staff("leader"), "清查井盖", "逐一清查", [street], due_at=now + timedelta(days=3)
    )
    assert set(StaffNotice.objects.values_list("kind", flat=True)) == {"order"}
    clocks.run(now)
    assert not StaffNotice.objects.filter(kind="due").exists()
    for _time in range(2):
        clocks.run(directive.due_at - timedelta(hours=20))
    due = StaffNotice.objects.filter(kind="due")
    assert due.exists() and len(set(due.values_list("post", flat=True))) == due.count()
    for _time in range(2):
        clocks.run(directive.due_at + timedelta(minutes=1))
    late = set(StaffNotice.objects.filter(kind="overdue").values_list("post__organisation", flat=True))
    assert {street.pk, staff("leader").organisation_id} <= late


def test_the_night_is_quiet_and_what_fails_rings(staff: Any, monkeypatch: Any) -> None:
    from django.db import transaction

    post = with_mail("worker")
    with transaction.atomic():
        assert staff_notices.tell("part", "甲", "/desk/", [post.pk, post.pk, None], key="x") == 1
        assert staff_notices.tell("part", "甲", "/desk/", [post.pk], key="x") == 0
    monkeypatch.setattr(text_messages, "quiet_until", lambda now=None: NOON)
    with pytest.raises(notices.Quiet):
        staff_notices.deliver(post.pk)
    assert StaffNotice.objects.get().state == "waiting"
    staff_notices.failed(post.pk, OSError("x"), for_good=False)
    assert alarms.read().notices_failed == 0
    staff_notices.failed(post.pk, OSError("x"), for_good=True)
    assert alarms.read().notices_failed == 1


def test_who_has_no_address_or_has_read_it_gets_no_mail(staff: Any) -> None:
    post = with_mail("worker")
    staff_notices.tell("part", "甲", "/desk/", [post.pk], key="y")
    staff_notices.see_all(post.pk)
    assert staff_notices.deliver(post.pk) == 0 and not mail.outbox
    Person.objects.filter(username="worker").update(email="")
    staff_notices.tell("part", "乙", "/desk/", [post.pk], key="z")
    staff_notices.deliver(post.pk)
    assert set(StaffNotice.objects.values_list("state", flat=True)) == {"void"} and not mail.outbox
