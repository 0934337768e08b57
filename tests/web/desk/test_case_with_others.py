"""The case page where time stands still or moves, where others have a part, and where an answer is held back."""

from __future__ import annotations

import pytest
from django.test import Client

from gongzhi.cases import actions
from gongzhi.cases.models import Case, Extension, Party, Task
from gongzhi.registry.models import Organisation
from gongzhi.routing.models import Finding
from gongzhi.supervision.models import AnswerCheck
from gongzhi.web.templatetags.words import verb_name

pytestmark = pytest.mark.django_db


def _page(desk: Client, case: Case) -> str:
    return desk.get(f"/desk/cases/{case.number}/").content.decode()


def _send(desk: Client, case: Case, verb: str, **fields: object):  # type: ignore[no-untyped-def]
    sent = {"verb": verb, "version": Case.objects.get(pk=case.pk).version, **fields}
    return desk.post(f"/desk/cases/{case.number}/", sent, follow=True)


@pytest.fixture
def under_way(a_case, staff):  # type: ignore[no-untyped-def]
    case = a_case()
    actions.accept(staff("worker"), case)
    return case


def test_asking_the_requester_stops_the_clock_for_everybody_to_see(under_way, desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("worker")
    assert "the clock stands still until" in _send(desk, under_way, "ask", text="是哪几盏？").content.decode()
    page = _page(desk, under_way)
    assert "clock stands still until" in page and 'id="act-ask"' not in page
    public = Client(HTTP_ACCEPT_LANGUAGE="en").get(f"/cases/{under_way.number}/").content.decode()
    assert "stands still" in public and "是哪几盏" not in public
    _send(desk, under_way, "resume")
    assert Case.objects.get().paused_until is None


def test_more_time_is_asked_for_by_the_worker_and_decided_by_the_supervisor(under_way, desk_of) -> None:  # type: ignore[no-untyped-def]
    worker, supervisor = desk_of("worker"), desk_of("supervisor")
    assert 'id="act-grant_time"' not in _page(supervisor, under_way)
    refused = _send(worker, under_way, "ask_time", text="等配件", working_days="99")
    assert refused.status_code == 422 and "等配件" in refused.content.decode()
    _send(worker, under_way, "ask_time", text="等配件", working_days="2")
    assert "等配件" in _page(supervisor, under_way) and 'id="act-grant_time"' not in _page(worker, under_way)
    before = Case.objects.get().due_at
    _send(supervisor, under_way, "grant_time")
    assert Case.objects.get().due_at > before
    assert Extension.objects.get().state == "granted"


def test_a_part_is_asked_for_shown_linked_and_cancelled(under_way, desk_of) -> None:  # type: ignore[no-untyped-def]
    worker = desk_of("worker")
    missing = _send(worker, under_way, "ask_part", to="power", text=" ", is_required="1")
    assert missing.status_code == 422
    _send(worker, under_way, "ask_part", to="power", text="请检查配电箱", is_required="1")
    part = Task.objects.get(role=Task.Role.ASSIST)
    page = _page(worker, under_way)
    assert part.is_required and "请检查配电箱" in page and f"/desk/parts/{part.pk}/" not in page
    assert desk_of("worker-power").get(f"/desk/parts/{part.pk}/").status_code == 200
    blocked = _send(worker, under_way, "resolve", text="已修好路灯，恢复照明", closure="fixed")
    assert blocked.status_code == 409
    _send(worker, under_way, "cancel_part", part=part.pk, text="已自行处理")
    part.refresh_from_db()
    assert part.state == "cancelled"


def test_a_case_is_split_and_a_merge_taken_apart(under_way, a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    worker = desk_of("worker")
    _send(worker, under_way, "split", text="楼道里还堆着杂物", reason="另一件事", to="housing")
    new = Case.objects.get(split_from=under_way)
    assert new.organisation is not None and new.organisation.code == "housing"
    other = a_case("同一盏路灯不亮")
    _send(worker, other, "merge", into=under_way.number, text="同一盏灯")
    assert 'id="act-unmerge"' in _page(worker, other)
    _send(worker, other, "unmerge", text="不是同一盏")
    other.refresh_from_db()
    assert other.merged_into_id is None and other.state == "assigned"


def test_a_supervisor_opens_an_ended_case_again(under_way, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    actions.resolve(staff("worker"), under_way, "已更换路灯灯头，恢复照明")
    assert 'id="act-reopen"' not in _page(desk_of("worker"), under_way)
    _send(desk_of("supervisor"), under_way, "reopen", text="还有一盏不亮")
    assert Case.objects.get().state == "under_way"


def test_a_held_answer_says_why_and_leaves_with_a_reason(under_way, desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("worker")
    text = "路灯故障我们会尽快安排人员维修。"
    held = _send(desk, under_way, "reply", text=text, audience="public")
    page = held.content.decode()
    assert held.status_code == 422 and "Name a day" in page and 'name="override_reason"' in page
    _send(desk, under_way, "reply", text=text, audience="public", override_reason="供电公司尚未答复日期")
    assert AnswerCheck.objects.get().override_reason == "供电公司尚未答复日期"


def test_what_was_returned_twice_is_decided_for_good_and_told_to_the_mandates(a_case, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case()
    for code, username in (("urban", "worker"), ("housing", "worker-housing")):
        if case.organisation is None or case.organisation.code != code:
            actions.assign(staff("dispatcher"), case, Organisation.objects.get(code=code))
        actions.return_(staff(username), case, reason_code="not_ours", reason="不归我们")
    _send(desk_of("dispatcher"), case, "assign", to="transport", text="道路照明由其管养")
    case.refresh_from_db()
    assert case.bound_at is not None and Finding.objects.filter(kind="ruling").exists()


def test_an_act_that_is_no_verb_stands_on_every_timeline_in_words(under_way, staff, desk_of) -> None:  # type: ignore[no-untyped-def]
    actions.erase(staff("administrator"), Party.objects.get(case=under_way), reason="本人申请")
    assert "personal data erased" in _page(desk_of("worker"), under_way)
    public = Client(HTTP_ACCEPT_LANGUAGE="en").get(f"/cases/{under_way.number}/").content.decode()
    assert "Personal data erased" in public
    assert verb_name("supervision.follow_up") == "follow up"


def test_each_post_finds_its_pages_in_the_header_or_under_more(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    def linked(username: str) -> set[str]:
        page = desk_of(username).get("/desk/together/").content.decode()
        pages = {"worklist", "together", "sensing", "improvement", "dispatch"}
        return {name for name in pages if f'href="/desk/{name}/"' in page.split("<main")[0]}

    assert linked("worker") == {"worklist", "together"}
    assert linked("supervisor") == {"worklist", "together", "sensing", "improvement"}
    assert linked("dispatcher") == {"dispatch", "worklist", "together", "sensing", "improvement"}
    assert linked("leader") == {"together", "sensing", "improvement"}


def test_the_identity_provider_of_the_city_has_a_button(settings, db) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.environment import IdentityProvider

    assert "/accounts/oidc/city/login/" not in Client().get("/accounts/login/").content.decode()
    settings.IDENTITY_PROVIDER = IdentityProvider("https://id.city.example", "gongzhi", "s", "Linjiang ID")
    page = Client(HTTP_ACCEPT_LANGUAGE="en").get("/accounts/login/?next=/desk/").content.decode()
    assert 'action="/accounts/oidc/city/login/"' in page and "Sign in with Linjiang ID" in page
