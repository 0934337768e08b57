"""The case page: what is shown to whom, what is offered, and that nothing typed is lost."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from gongzhi.cases import actions, attachments
from gongzhi.cases.models import Attachment, Case, Party
from gongzhi.cases.reply_wordings import FIELD
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Organisation
from gongzhi.web.desk import verbs

pytestmark = pytest.mark.django_db
PHONE = "13812345678"


def _page(desk: Client, case: Case, **query: str) -> str:
    return desk.get(f"/desk/cases/{case.number}/", query).content.decode()


def _send(desk: Client, case: Case, verb: str, **fields: object):  # type: ignore[no-untyped-def]
    sent = {"verb": verb, "version": Case.objects.get(pk=case.pk).version, **fields}
    return desk.post(f"/desk/cases/{case.number}/", sent, follow=True)


def _photo() -> attachments.StoredFile:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "JPEG")
    return attachments.store(out.getvalue(), "lamp.jpg")


def test_who_holds_it_reads_the_original_and_a_stranger_the_public_text(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case(f"门口的路灯坏了，我电话{PHONE}")
    assert PHONE in _page(desk_of("worker"), case)
    assert PHONE in _page(desk_of("supervisor"), case)
    foreign = _page(desk_of("worker-housing"), case)
    assert PHONE not in foreign and "Another organisation holds this case" in foreign
    assert PHONE not in desk_of("worker-housing").get(f"/desk/cases/{case.number}/known").content.decode()
    assert PHONE not in _page(desk_of("worker-housing"), case, take="draft", known="1")


def test_a_stranger_reads_nothing_unmasked_of_tasks_notes_and_messages(a_case, desk_of, staff) -> None:  # type: ignore[no-untyped-def]
    case, worker = a_case(), staff("worker")
    actions.accept(worker, case)
    actions.note(worker, case, "内部：反映人脾气急")
    actions.reply(worker, case, "请留意", audience="parties")
    to = Organisation.objects.get(code="housing")
    actions.transfer(worker, case, to, reason=f"小区内部道路，来电人电话{PHONE}")
    page = _page(desk_of("worker-transport"), case)
    assert PHONE not in page and "脾气急" not in page and "请留意" not in page
    assert PHONE in _page(desk_of("worker-housing"), case)


def test_a_confidential_case_is_closed_to_strangers(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case(is_confidential=True)
    for path in (f"/desk/cases/{case.number}/", f"/desk/cases/{case.number}/known"):
        assert desk_of("worker-housing").get(path).status_code == 403
        assert desk_of("worker").get(path).status_code == 200


def test_the_panel_offers_what_lifecycle_and_authority_permit(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case()

    def offered(username: str) -> set[str]:
        page = _page(desk_of(username), case)
        return {
            verb for verb in verbs.FORMS if f'id="act-{verb}"' in page or f'value="{verb}" data-key' in page
        }

    assert offered("worker") == {
        "accept",
        "reply",
        "note",
        "transfer",
        "return",
        "classify",
        "merge",
        "split",
        "redact",
    }
    assert offered("worker-housing") == set()
    assert offered("supervisor") == offered("worker")
    assert offered("leader") == {"note"}
    assert {"assign", "merge", "note"} <= offered("dispatcher") and "accept" not in offered("dispatcher")
    assert {"say", "withdraw", "note"} <= offered("operator") and "reply" not in offered("operator")
    _send(desk_of("worker"), case, "accept")
    assert "accept" not in offered("worker") and "resolve" in offered("worker")


def test_a_worker_accepts_answers_and_resolves(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case, desk = a_case(), desk_of("worker")
    assert "it is with you now" in _send(desk, case, "accept").content.decode()
    assert "has been sent" in _send(desk, case, "reply", text="明天去修", audience="public").content.decode()
    answer = _send(desk, case, "resolve", text="已换灯头", closure="not_ours")
    assert answer.status_code == 422 and "whose matter it is" in answer.content.decode()
    assert "已换灯头" in answer.content.decode()
    _send(desk, case, "resolve", text="已换灯头", closure="fixed")
    case.refresh_from_db()
    assert (case.state, case.closure) == ("resolved", "fixed")


def test_whoever_comes_second_reads_both_texts_and_can_send_again(a_case, desk_of, staff) -> None:  # type: ignore[no-untyped-def]
    case, desk = a_case(), desk_of("worker")
    actions.accept(staff("worker"), case)
    seen = case.version
    actions.reply(staff("worker"), case, "同事的答复：今天下午去")
    sent = {"verb": "reply", "version": seen, "text": "我的答复：明天上午去", "audience": "parties"}
    answer = desk.post(f"/desk/cases/{case.number}/", sent)
    page = answer.content.decode()
    assert answer.status_code == 409
    news = page[page.index('class="notice warn news"') : page.index("What is asked")]
    assert "同事的答复" in news and "我的答复" in news and "accepted" not in news
    assert page.count("我的答复：明天上午去") == 2 and 'value="parties" selected' in page
    again = desk.post(f"/desk/cases/{case.number}/", sent | {"version": case.version})
    assert again.status_code == 302


def test_what_was_typed_is_shown_even_when_the_act_has_become_impossible(a_case, desk_of, staff) -> None:  # type: ignore[no-untyped-def]
    case = a_case()
    actions.accept(staff("worker"), case)
    seen = case.version
    actions.transfer(staff("worker"), case, Organisation.objects.get(code="housing"), reason="小区内")
    sent = {"verb": "resolve", "version": seen, "text": "灯已经换好", "closure": "fixed"}
    page = desk_of("worker").post(f"/desk/cases/{case.number}/", sent).content.decode()
    assert "灯已经换好" in page


def test_an_answer_with_an_open_field_is_not_sent(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case, desk = a_case(), desk_of("worker")
    _send(desk, case, "accept")
    answer = _send(desk, case, "reply", text="我们将于{上门日期}到现场", audience="public")
    assert answer.status_code == 422 and "{上门日期}" in answer.content.decode()
    assert Case.objects.get().replied_at is None


def test_wordings_are_filled_in_the_language_of_the_requester(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case, desk = a_case(language="zh-hans"), desk_of("worker")
    _send(desk, case, "accept")
    page = _page(desk, case, take="wording:taken_up")
    assert "市城市管理局" in page and "{编号}" not in page and f"{case.number[:4]}-" in page
    assert 'name="text"' in page and "我们将于" in page


def test_a_draft_is_made_of_similar_answers_and_cannot_be_sent_as_it_is(a_case, desk_of, staff) -> None:  # type: ignore[no-untyped-def]
    from datetime import timedelta

    from django.utils import timezone

    from gongzhi.understanding.similar import fill_embeddings

    earlier, desk = a_case("打铁巷门口的路灯坏了好几天，晚上很黑"), desk_of("worker")
    at = timezone.now() - timedelta(hours=1)
    actions.accept(staff("worker"), earlier, at=at)
    actions.resolve(staff("worker"), earlier, "4月9日上午已更换打铁巷灯头，恢复照明。", at=at)
    Act.objects.filter(subject_id=earlier.pk)  # the acts are an hour old, so that they count as settled
    fill_embeddings()
    case = a_case("门口的路灯坏了好几天了，晚上很黑")
    _send(desk, case, "accept")
    help_ = desk.get(f"/desk/cases/{case.number}/known").content.decode()
    assert "4月9日上午已更换打铁巷灯头" in help_ and "Draft from similar answers" in help_
    page = _page(desk, case, take="draft")
    start = page.index("data-answer>") + len("data-answer>")
    draft = page[start : page.index("</textarea>", start)]
    assert "灯头，恢复照明" in draft and "4月9日" not in draft and "打铁巷" not in draft
    assert FIELD.search(draft)
    assert _send(desk, case, "reply", text=draft, audience="public").status_code == 422


def test_the_public_sees_a_photo_only_after_somebody_looked_at_it(a_case, desk_of, client: Client) -> None:  # type: ignore[no-untyped-def]
    case = a_case(photos=(_photo(),))
    file = Attachment.objects.get()
    desk = desk_of("worker")
    assert client.get(f"/attachments/{file.pk}/small").status_code == 404
    assert desk.get(f"/attachments/{file.pk}/small").status_code == 200
    assert desk_of("worker-housing").get(f"/attachments/{file.pk}/small").status_code == 404
    _send(desk, case, "release", file=file.pk)
    assert client.get(f"/attachments/{file.pk}/small").status_code == 200
    act = Act.objects.filter(verb="case.release").get()
    assert act.details["files"] == [file.sha256]
    _send(desk, case, "withhold", file=file.pk)
    assert client.get(f"/attachments/{file.pk}/small").status_code == 404
    other = a_case("另一盏路灯")
    assert _send(desk, other, "release", file=file.pk).status_code == 422


def test_a_photo_of_the_result_comes_with_the_resolution(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case, desk = a_case(), desk_of("worker")
    _send(desk, case, "accept")
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "PNG")
    out.name = "after.png"
    out.seek(0)
    _send(desk, case, "resolve", text="已修好", closure="fixed", photos=out)
    assert Attachment.objects.get().message.text == "已修好"  # type: ignore[union-attr]
    assert Act.objects.get(verb="case.resolve").details["photos"] == [Attachment.objects.get().sha256]


def test_after_two_returns_an_arbiter_decides_with_a_reason_and_that_binds(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case, desk, dispatcher = a_case(), desk_of("worker"), desk_of("dispatcher")
    for _ in range(2):
        _send(desk, case, "return", reason_code="not_ours", text="不归我们管")
        if Case.objects.get().returns < 2:
            assert _send(dispatcher, case, "assign", to="urban").status_code == 200
    refused = _send(dispatcher, case, "assign", to="urban", text="")
    assert refused.status_code == 422 and Case.objects.get().state == "received"
    _send(dispatcher, case, "assign", to="urban", text="权责清单第七条，由城管局负责")
    assert Act.objects.get(verb="case.arbitrate").details["returns"] == 2
    assert _send(desk, case, "return", reason_code="not_ours", text="还是不归我们").status_code == 409
    assert _send(desk, case, "transfer", to="housing", text="给他们").status_code == 409
    assert 'id="act-return"' not in _page(desk, case)


def test_other_matters_of_the_same_people_are_shown_but_not_what_is_kept_from_the_public(
    a_case, desk_of
) -> None:  # type: ignore[no-untyped-def]
    case = a_case("路灯不亮")
    open_one = a_case("小区门口下水道堵了", is_confidential=False)
    secret = a_case("举报某物业乱收费", is_confidential=True)
    Party.objects.update(phone=PHONE)
    Case.objects.filter(pk__in=[open_one.pk, secret.pk]).update(
        organisation=Organisation.objects.get(code="housing")
    )
    page = desk_of("worker").get(f"/desk/cases/{case.number}/known").content.decode()
    assert open_one.number in page and secret.number not in page
    assert secret.number in desk_of("dispatcher").get(f"/desk/cases/{case.number}/known").content.decode()


def test_another_room_adds_a_verb_without_touching_the_page(a_case, desk_of, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(verbs, "FORMS", dict(verbs.FORMS))
    done: list[str] = []

    def perform(actor: Actor, case: Case, sent: verbs.Posted) -> str:
        done.append(sent.text)
        return "Urged."

    verbs.add("urge", "Urge", perform, key="z", template="desk/acts/note.html", may=lambda *_: True)
    case, desk = a_case(), desk_of("worker")
    assert 'id="act-urge"' in _page(desk, case)
    assert "Urged." in _send(desk, case, "urge", text="请尽快").content.decode() and done == ["请尽快"]


def test_the_page_asks_the_database_the_same_few_times_however_long_the_history(
    a_case, desk_of, staff, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    case, desk = a_case(), desk_of("worker")
    actions.accept(staff("worker"), case)
    with django_assert_max_num_queries(13) as asked:
        _page(desk, case)
    counted = len(asked)
    for n in range(6):
        actions.note(staff("supervisor" if n % 2 else "worker"), case, f"备注 {n}")
    with django_assert_max_num_queries(counted):
        _page(desk, case)


def test_html_in_a_matter_and_in_what_is_marked_is_shown_as_text(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case("<script>alert(1)</script> 路灯坏了 <b>很黑</b>")
    page = _page(desk_of("worker"), case)
    assert "<script>alert" not in page and "<b>很黑" not in page and "&lt;b&gt;很黑" in page


def test_unknown_verbs_and_wrong_versions_are_answered_with_a_sentence(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case, desk = a_case(), desk_of("worker")
    assert desk.post(f"/desk/cases/{case.number}/", {"verb": "explode", "version": "x"}).status_code == 422
    assert desk.post(f"/desk/cases/{case.number}/", {"verb": "accept", "version": "x"}).status_code == 409
    assert desk.get("/desk/cases/123/").status_code == 404


def test_a_return_that_comes_too_late_is_not_offered_and_blames_nobody(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case, desk = a_case(), desk_of("worker")
    assert 'id="act-return"' in _page(desk, case)
    long_ago = timezone.now() - timedelta(days=30)
    Case.objects.filter(pk=case.pk).update(opened_at=long_ago, assigned_at=long_ago)
    assert 'id="act-return"' not in _page(desk, case)
    refused = _send(desk, case, "return", reason_code="not_ours", text="不归我们管")
    shown = refused.content.decode()
    assert refused.status_code == 409 and "The time for returning this case is over" in shown
    assert "不归我们管" in shown, "what was typed is kept"
    assert "Somebody else was faster" not in shown, "nobody did anything meanwhile"
