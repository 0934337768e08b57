"""Notices: one per party and act, in the act's transaction, sent once for a receiver that knows the key."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from gongzhi.cases import actions, notices
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case, Notice, Party
from gongzhi.registry.authority import ANONYMOUS

ADDRESS = Contact(email="wang.fang@example.org")


def _jobs() -> list[str]:
    waiting = ProcrastinateJob.objects.filter(task_name="cases.deliver_notice", status="todo")
    return [job.args["notice_id"] for job in waiting.order_by("id")]


def _deliver_all() -> int:
    return sum(notices.deliver(pk) for pk in Notice.objects.values_list("pk", flat=True))


def test_a_matter_with_an_address_of_mail_is_confirmed_with_its_own_link(submit: Any) -> None:
    receipt = submit(contact=ADDRESS, language="zh-hans")
    notice = Notice.objects.get(case_id=receipt.case_id)
    assert _jobs() == [str(notice.pk)]
    assert notices.deliver(notice.pk)
    (letter,) = mail.outbox
    assert letter.to == ["wang.fang@example.org"]
    assert f"/follow/{receipt.number}/{receipt.secret}/" in letter.body
    assert "已收到" in letter.subject
    notice.refresh_from_db()
    assert (notice.state, notice.secret) == ("sent", ""), "the secret goes when the mail has left"


def test_a_matter_without_an_address_costs_no_statement_more(submit: Any) -> None:
    submit()
    with CaptureQueriesContext(
        connection,
    ) as plain:
        submit(contact=Contact(phone="13800138000"))
    assert not Notice.objects.exists()
    assert not [q for q in plain if "notice" in q["sql"] or "procrastinate" in q["sql"]]


def test_a_second_delivery_of_the_same_notice_sends_nothing(submit: Any) -> None:
    submit(contact=ADDRESS)
    assert [_deliver_all(), _deliver_all(), len(mail.outbox)] == [1, 0, 1]


def test_a_repetition_after_a_crash_carries_the_same_message_id(submit: Any) -> None:
    receipt = submit(contact=ADDRESS)
    _deliver_all()
    Notice.objects.filter(case_id=receipt.case_id).update(state="waiting")  # died before its commit
    _deliver_all()
    assert len({letter.extra_headers["Message-ID"] for letter in mail.outbox}) == 1


def test_everybody_on_a_case_is_told_of_an_answer_each_in_their_language(submit: Any, staff: Any) -> None:
    receipt = submit(contact=ADDRESS)
    case = Case.objects.get(pk=receipt.case_id)
    actions.join(ANONYMOUS, case, Contact(email="john@example.org"), language="en")
    case.refresh_from_db()
    Notice.objects.all().delete()
    worker = _holder(case)
    actions.accept(worker, case)
    actions.reply(worker, case, "我们明天上午来修，电话 13800138000。")
    assert Notice.objects.count() == len(_jobs()[-2:]) == 2
    _deliver_all()
    letters = {letter.to[0]: letter for letter in mail.outbox}
    assert "有了新答复" in letters["wang.fang@example.org"].subject
    assert "There is an answer" in letters["john@example.org"].subject
    assert all("明天上午来修" in letter.body for letter in letters.values())
    assert all("13800138000" not in letter.body for letter in letters.values())


def test_a_rolled_back_act_leaves_no_notice_and_no_job(submit: Any) -> None:
    case = Case.objects.get(pk=submit(contact=ADDRESS).case_id)
    before = (Notice.objects.count(), len(_jobs()))
    worker = _holder(case)
    actions.accept(worker, case)
    with pytest.raises(RuntimeError, match="afterwards"), transaction.atomic():
        actions.reply(worker, case, "我们明天上午来修。")
        raise RuntimeError("something fails afterwards")
    assert (Notice.objects.count(), len(_jobs())) == before


def test_history_that_is_brought_in_tells_nobody(submit: Any) -> None:
    case = Case.objects.get(pk=submit(contact=ADDRESS).case_id)
    Notice.objects.all().delete()
    worker = _holder(case)
    long_ago = timezone.now() - timedelta(days=30)
    actions.accept(worker, case, at=long_ago)
    actions.reply(worker, case, "已修好。", at=long_ago)
    assert not Notice.objects.exists()


def test_a_mail_server_that_refuses_leaves_the_notice_waiting_and_then_visibly_failed(
    submit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = Notice.objects.get(case_id=submit(contact=ADDRESS).case_id)

    def refuse(self: object) -> int:
        raise smtplib.SMTPServerDisconnected

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        notices.deliver(notice.pk)
    notices.failed(notice.pk, smtplib.SMTPServerDisconnected(), for_good=False)
    notice.refresh_from_db()
    assert (notice.state, notice.problem) == ("waiting", "SMTPServerDisconnected")
    notices.failed(notice.pk, smtplib.SMTPServerDisconnected(), for_good=True)
    notice.refresh_from_db()
    assert (notice.state, notice.secret) == ("failed", "")


def test_nobody_is_written_to_after_the_person_was_erased(submit: Any) -> None:
    receipt = submit(contact=ADDRESS)
    Party.objects.filter(case_id=receipt.case_id).update(email="")
    _deliver_all()
    assert not mail.outbox
    assert Notice.objects.get(case_id=receipt.case_id).state == "void"


def _holder(case: Case) -> Any:
    from gongzhi.registry.authority import actor_of
    from gongzhi.registry.models import Post

    posts = Post.objects.filter(organisation_id=case.organisation_id, is_active=True)
    post = next(p for p in posts.select_related("person") if "worker" in p.roles)
    return actor_of(post.person, post)
