from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gongzhi.cases import actions, notices, text_messages
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case, Notice

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)
NIGHT = datetime(2026, 11, 25, 15, tzinfo=UTC)


@pytest.fixture
def texts(settings, tmp_path: Path):  # type: ignore[no-untyped-def]
    settings.SMS_GATEWAY, settings.HOME = "file", tmp_path
    return lambda: [json.loads(f.read_text()) for f in sorted((tmp_path / "sms").glob("*.json"))]


@pytest.fixture
def case(submit, staff, texts, monkeypatch) -> Case:  # type: ignore[no-untyped-def]
    found = Case.objects.get(number=submit(contact=Contact(phone="13812345678")).number)
    actions.accept(staff("worker"), found)
    actions.reply(staff("worker"), found, "已派人，今天下午到")
    actions.resolve(staff("worker"), found, "灯已换好")
    return found


def test_what_waited_overnight_comes_as_one_message_with_every_event_once(case, texts, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    first, second = Notice.objects.filter(case=case, channel="sms").order_by("at")
    monkeypatch.setattr(text_messages, "quiet_until", lambda now=None: NOON)
    with pytest.raises(notices.Quiet):
        notices.deliver(first.pk)
    monkeypatch.setattr(text_messages, "quiet_until", lambda now=None: None)
    assert notices.deliver(first.pk) and not notices.deliver(second.pk)
    (sent,) = texts()
    assert sent["to"] == "13812345678" and sent["text"].count(case.number[:4]) == 2
    assert set(Notice.objects.filter(case=case).values_list("state", flat=True)) == {"sent"}


def test_a_message_sent_again_after_a_crash_arrives_once(case, texts, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(text_messages, "quiet_until", lambda now=None: None)
    notice = Notice.objects.filter(case=case, channel="sms").first()
    assert notice is not None
    notices.deliver(notice.pk)
    Notice.objects.filter(case=case).update(state="waiting")
    notices.deliver(notice.pk)
    assert len(texts()) == 1


def test_the_night_is_quiet() -> None:
    assert text_messages.quiet_until(NOON) is None
    until = text_messages.quiet_until(NIGHT)
    assert until is not None and until.astimezone(UTC) == datetime(2026, 11, 25, 23, tzinfo=UTC)


def test_the_notice_of_a_resolved_case_carries_a_link_that_rates_once(
    submit, staff, texts, monkeypatch, client
) -> None:  # type: ignore[no-untyped-def]
    from django.core import mail

    from gongzhi.supervision.models import CallBack, Rating

    monkeypatch.setattr(text_messages, "quiet_until", lambda now=None: None)
    contact = Contact(phone="13812345678", email="wang@example.org")
    found = Case.objects.get(number=submit(contact=contact, language="en").number)
    actions.accept(staff("worker"), found)
    actions.resolve(staff("worker"), found, "灯已换好")
    for notice in Notice.objects.filter(case=found, verb="resolve"):
        assert notices.deliver(notice.pk)
    (link_in_text,) = set(re.findall(r"/rate/\S+/", texts()[-1]["text"]))
    (letter,) = [m for m in mail.outbox if "/rate/" in m.body]
    assert link_in_text in letter.body and "How satisfied are you?" in texts()[-1]["text"]
    assert "Please rate how it was dealt with" in letter.body, "in the language of the person"
    page = client.get(link_in_text, headers={"accept-language": "zh-CN"}).content.decode()
    assert "How satisfied are you?" in page, "the page goes on in the language of the notice"
    assert client.post(link_in_text, {"level": "1", "reasons": ["not_solved"]}).status_code == 302
    assert client.post(link_in_text, {"level": "5"}).status_code == 404
    assert Rating.objects.get().level == 1 and CallBack.objects.get().outcome == ""


def test_a_notice_that_leaves_after_the_case_was_opened_again_asks_for_no_rating(
    submit, staff, texts, monkeypatch
) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.registry.authority import Actor

    monkeypatch.setattr(text_messages, "quiet_until", lambda now=None: None)
    found = Case.objects.get(number=submit(contact=Contact(phone="13812345678")).number)
    actions.accept(staff("worker"), found)
    actions.resolve(staff("worker"), found, "灯已换好")
    party = frozenset(found.parties.values_list("pk", flat=True))
    actions.contest(Actor(kind="anonymous", party_ids=party), found, "还是不亮")
    notices.deliver(Notice.objects.get(case=found, verb="resolve").pk)
    assert "/rate/" not in texts()[-1]["text"] and "满意" not in texts()[-1]["text"]
