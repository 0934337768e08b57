from __future__ import annotations

import json
from pathlib import Path

import pytest

from gongzhi.api import keys
from gongzhi.api.models import SenderKey
from gongzhi.cases import actions, notices, numbers, text_messages
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case, Message, Notice, RefusedNumber
from gongzhi.errors import Invalid, NotAllowed
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import ANONYMOUS, SYSTEM
from gongzhi.supervision import jobs, rating, text_answers
from gongzhi.supervision.models import CallBack, HeardText, Rating
from gongzhi.supervision.rating_words import Kind, read

pytestmark = pytest.mark.django_db
PHONE = "13812345678"


@pytest.fixture(autouse=True)
def sent(settings, tmp_path: Path, monkeypatch):  # type: ignore[no-untyped-def]
    """Text messages that have left: the newest of a number."""
    settings.SMS_GATEWAY, settings.HOME = "file", tmp_path
    monkeypatch.setattr(text_messages, "quiet_until", lambda now=None: None)

    def answer(heard: HeardText) -> str:
        before = set((tmp_path / "sms").glob("*.json"))
        text_answers.send_reply(heard.pk)
        (new,) = set((tmp_path / "sms").glob("*.json")) - before
        return str(json.loads(new.read_text())["text"])

    return answer


@pytest.fixture
def handled(submit, staff):  # type: ignore[no-untyped-def]
    """A matter that was dealt with and about which its requester was asked."""

    def make(language: str = "zh-hans") -> Case:
        number = submit(contact=Contact(phone=PHONE), language=language).number
        case = Case.objects.get(number=number)
        actions.accept(staff("worker"), case)
        actions.resolve(staff("worker"), case, "灯已换好")
        rating.invite(case)
        return case

    return make


def hear(words: str, message_id: str = "m1", phone: str = "+86 138-1234-5678") -> HeardText:
    return text_answers.hear(SYSTEM, "运营商", message_id, phone, words)


@pytest.mark.parametrize(
    ("words", "level"),
    [
        *(("5", 5), ("５", 5), ("5️⃣", 5), ("⑤", 5), ("❺", 5), ("5👍👍", 5), ("五星", 5), ("5 非常满意", 5)),
        *(("满意", 4), ("我很满意，来得很快", 5), ("回复5", 5), ("（4）", 4), ("一般", 3), ("5 stars", 5)),
        *(("不满意 还没修好", 2), ("我对处理结果不满意", 2), ("１ 还是漏水", 1), ("很不满意 态度差", 1)),
        *(("not satisfied - still broken", 2), ("I am not happy", 2), ("very satisfied!", 5)),
    ],
)
def test_odd_ways_to_write_a_level(words: str, level: int) -> None:
    assert (read(words).kind, read(words).level) == (Kind.RATING, level)


@pytest.mark.parametrize(
    "words",
    [
        *("👍", "谢谢", "3天没人来", "1个月了还没修", "15楼还在漏水", "5分钟就修好了", "五一路的灯坏了"),
        *(
            "满意吗？",
            "满意度怎么查",
            "什么时候能让人满意",
            "一般情况下",
            "5.1放假",
            "2,3楼没灯",
            "2 days late",
        ),
        *("Stop sending garbage", "happyland closed", "1st floor", ""),
    ],
)
def test_what_only_looks_like_a_level_is_none(words: str) -> None:
    assert read(words).kind == Kind.WORDS


@pytest.mark.parametrize("words", ["5 不满意", "1 very satisfied", "2 lamps are out"])
def test_what_can_be_read_in_two_ways_is_asked_again(words: str, handled, sent) -> None:  # type: ignore[no-untyped-def]
    assert read(words).kind == Kind.UNCLEAR
    case = handled()
    heard = hear(words)
    assert (heard.outcome, Rating.objects.count()) == ("asked", 0)
    assert numbers.spoken(case.number) in sent(heard)


def test_a_bad_answer_is_a_rating_with_its_reason_and_is_called_back(handled, sent) -> None:  # type: ignore[no-untyped-def]
    case = handled()
    heard = hear("不满意 还没修好")
    given = Rating.objects.get(case=case)
    assert (given.level, given.text, given.reasons, given.channel) == (2, "还没修好", ["not_solved"], "text")
    assert CallBack.objects.get().rating == given and heard.case == case
    assert "回访" in sent(heard)
    heard.refresh_from_db()
    assert (heard.phone, heard.reply, heard.reply_state) == ("", "", "sent")


def test_the_same_message_again_has_no_further_effect(handled, sent) -> None:  # type: ignore[no-untyped-def]
    handled(), handled()
    first = hear("5", "m1")
    assert hear("1", "m1").pk == first.pk
    assert Rating.objects.get().level == 5
    sent(first)
    assert not text_answers.send_reply(first.pk)


def test_two_matters_asked_about_are_rated_one_after_the_other_the_last_first(handled, sent) -> None:  # type: ignore[no-untyped-def]
    older, newer = handled(), handled()
    first = hear("5", "m1")
    assert first.case == newer and numbers.spoken(older.number) in sent(first)
    assert hear("2 慢", "m2").case == older
    third = hear("4", "m3")
    assert third.outcome == "asked" and Rating.objects.count() == 2


def test_an_answer_may_name_its_matter(handled) -> None:  # type: ignore[no-untyped-def]
    older, _newer = handled(), handled()
    assert hear(f"{numbers.spoken(older.number)} 5").case == older


def test_nobody_names_a_matter_of_others(handled, submit, staff, sent) -> None:  # type: ignore[no-untyped-def]
    case = handled()
    heard = hear(f"1 {case.number}", phone="13900000000")
    assert (heard.outcome, heard.case, Rating.objects.count()) == ("asked", None, 0)
    assert "满意" not in sent(heard)


def test_not_settled_opens_the_matter_again(handled, sent) -> None:  # type: ignore[no-untyped-def]
    case = handled()
    heard = hear("没修好，晚上还是黑的")
    case.refresh_from_db()
    assert (heard.outcome, case.state) == ("contested", "under_way")
    assert Act.objects.filter(verb="case.contest", subject_id=case.pk).exists()
    assert sent(heard).startswith(f"您的 {numbers.spoken(case.number)} 号事项已重新办理")


def test_other_words_are_added_to_the_open_matter(submit, sent) -> None:  # type: ignore[no-untyped-def]
    case = Case.objects.get(number=submit(contact=Contact(phone=PHONE), language="en").number)
    heard = hear("是小区南门的那盏，电话13911112222")
    said = Message.objects.get(case=case, party__phone=PHONE)
    assert heard.outcome == "added" and "13911112222" not in said.public_text
    assert sent(heard).startswith("It was added to your matter"), "in the language of the person"


@pytest.mark.parametrize(("words", "beginning"), [("你们好", "我们"), ("Hello there", "We know of no open")])
def test_a_stranger_is_told_what_to_do_in_the_language_of_the_message(
    words: str, beginning: str, sent
) -> None:  # type: ignore[no-untyped-def]
    heard = hear(words, phone="13900000000")
    answer = sent(heard)
    assert heard.outcome == "asked" and answer.startswith(beginning) and "/report/" in answer


@pytest.mark.parametrize("words", ["TD", "ＴＤ", "退订。", "stop"])
def test_who_wants_no_texts_gets_none(words: str, submit, staff, handled, sent) -> None:  # type: ignore[no-untyped-def]
    handled()
    heard = hear(words)
    assert heard.outcome == "stopped" and ("START" in sent(heard))
    assert hear(words, "again").reply == "", "said once"
    waiting = Notice.objects.filter(channel="sms", state="waiting")
    assert waiting.exists()
    before = len(list((text_messages.FileGateway().folder).glob("*.json")))
    for notice in list(waiting.all()):
        notices.deliver(notice.pk)
    assert not waiting.exists() and len(list(text_messages.FileGateway().folder.glob("*.json"))) == before
    handled()
    assert not waiting.exists(), "no new ones are written"
    assert hear("5", "rating").outcome == "rated", "a rating counts all the same"
    assert HeardText.objects.get(message_id="rating").reply_state == "void"
    assert hear("START", "start").outcome == "started" and not RefusedNumber.objects.exists()


def test_only_a_gateway_is_heard() -> None:
    with pytest.raises(NotAllowed):
        text_answers.hear(ANONYMOUS, "x", "1", PHONE, "5")
    for message_id, phone, words in [("", PHONE, "5"), ("1", "abc", "5"), ("1", PHONE, " ")]:
        with pytest.raises(Invalid):
            text_answers.hear(SYSTEM, "x", message_id, phone, words)


def test_a_gateway_brings_texts_with_its_own_key_only(handled, client, staff) -> None:  # type: ignore[no-untyped-def]
    case = handled()
    gateway = keys.make(SYSTEM, "运营商", purpose=SenderKey.Purpose.TEXTS)
    other = keys.make(SYSTEM, "城市应用")
    body = {"id": "a-1", "from": PHONE, "text": "５ 谢谢"}
    for headers in ({}, {"authorization": f"Bearer {other}"}, {"authorization": "Bearer gzk_x"}):
        refused = client.post("/api/v1/texts", body, content_type="application/json", headers=headers)
        assert refused.status_code == 401 and refused["WWW-Authenticate"].startswith("Bearer")
    assert not Rating.objects.exists()
    given = {"authorization": f"Bearer {gateway}", "accept-language": "en"}
    for _time in range(2):
        answer = client.post("/api/v1/texts", body, content_type="application/json", headers=given)
        assert (answer.status_code, answer.json()) == (200, {"id": "a-1", "outcome": "rated"})
    assert Rating.objects.get(case=case).level == 5
    wrong = client.post(
        "/api/v1/texts", {"id": "2", "text": "5"}, content_type="application/json", headers=given
    )
    assert wrong.status_code == 422 and set(wrong.json()["errors"]) == {"from"}
    form = {
        "service_code": "general",
        "description": "路灯坏了",
        "lat": "30.52",
        "long": "111.36",
        "api_key": gateway,
    }
    assert client.post("/open311/v2/requests.json", form).status_code == 403, "and with it nothing else"


def test_files_are_collected_once_and_odd_ones_put_aside(handled) -> None:  # type: ignore[no-untyped-def]
    handled()
    folder = text_messages.FileGateway().folder / "in"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps({"from": PHONE, "text": "5"}), encoding="utf-8")
    (folder / "2.json").write_text("no json", encoding="utf-8")
    jobs.collect_texts(0)
    jobs.collect_texts(0)
    assert Rating.objects.get().level == 5 and not list(folder.glob("*.json"))
    assert (folder / "taken" / "1.json").exists() and (folder / "refused" / "2.json").exists()
