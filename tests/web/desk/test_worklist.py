"""The worklist: what waits, how it is narrowed, and one act on many cases."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.test import Client
from django.utils import timezone

from gongzhi.cases import actions, queries, worklists
from gongzhi.cases.models import Case, Message, SavedFilter
from gongzhi.registry.models import Person, Post

pytestmark = pytest.mark.django_db


def _counts(actor) -> dict[str, int]:  # type: ignore[no-untyped-def]
    listed = worklists.worklist(actor, "all", queries.CaseFilters())
    return {tab.code: tab.count for tab in listed.tabs}


def _numbers(page: str) -> list[str]:
    return re.findall(r'href="/desk/cases/(\d+)/" class="title"', page)


def test_every_tab_says_how_many_wait_in_it(a_case, staff) -> None:  # type: ignore[no-untyped-def]
    worker = staff("worker")
    late, answered, fresh = a_case("路灯不亮一"), a_case("路灯不亮二"), a_case("路灯不亮三")
    Case.objects.filter(pk=late.pk).update(due_at=timezone.now() - timedelta(hours=1))
    actions.accept(worker, answered)
    actions.reply(worker, answered, "明天去修")
    assert fresh.state == "assigned"
    assert _counts(worker) == {
        "all": 3, "to_accept": 2, "under_way": 1, "overdue": 1, "today": 0, "unanswered": 0,
        "came_back": 0, "mine": 1,
    }  # fmt: skip


def test_a_worker_sees_the_cases_of_the_own_organisation_only(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case()
    assert _numbers(desk_of("worker").get("/desk/").content.decode()) == [case.number]
    assert _numbers(desk_of("worker-housing").get("/desk/").content.decode()) == []


def test_the_list_is_narrowed_by_light_words_and_area(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    old, new = a_case("南门路灯不亮"), a_case("北门路灯不亮")
    now = timezone.now()
    Case.objects.filter(pk=old.pk).update(opened_at=now - timedelta(days=9), due_at=now + timedelta(days=1))
    desk = desk_of("worker")
    for query, expected in (
        ("light=red", [old]), ("light=green", [new]), ("light=amber", []), ("light=late", []),
        ("q=北门", [new]), (f"q={old.number}", [old]), ("tab=overdue", []),
    ):  # fmt: skip
        page = desk.get(f"/desk/worklist/?{query}").content.decode()
        assert _numbers(page) == [case.number for case in expected], query


def test_unknown_tabs_lights_and_cursors_are_refused_with_a_sentence(desk_of) -> None:  # type: ignore[no-untyped-def]
    for query in ("tab=nothing", "light=blue", "after=xx", "function=none"):
        assert desk_of("worker").get(f"/desk/worklist/?{query}").status_code == 422


def test_every_case_is_on_exactly_one_page(a_case, staff) -> None:  # type: ignore[no-untyped-def]
    wanted = {a_case(f"路灯不亮 {n}").pk for n in range(7)}
    Case.objects.update(due_at=timezone.now() + timedelta(days=2))  # the number decides among equals
    seen: list[int] = []
    after = ""
    while True:
        page = worklists.worklist(staff("worker"), "all", queries.CaseFilters(), after=after, limit=3).page
        seen += [case.pk for case in page.rows]
        after = page.next_cursor
        if not after:
            break
    assert len(seen) == 7 and set(seen) == wanted


def test_a_page_asks_the_database_the_same_few_times_for_any_number_of_cases(
    a_case, desk_of, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("worker")
    for more in (1, 12):
        for n in range(more):
            a_case(f"路灯不亮 {n}")
        with django_assert_max_num_queries(12) as asked:
            desk.get("/desk/worklist/")
        counted = len(asked)
    with django_assert_max_num_queries(counted):
        desk.get("/desk/worklist/")


def test_a_list_is_kept_under_a_name_for_the_post_and_forgotten_again(desk_of) -> None:  # type: ignore[no-untyped-def]
    desk = desk_of("worker")
    desk.post("/desk/worklist/filters", {"name": "南门", "query": "tab=all&q=南门"})
    page = desk.get("/desk/worklist/").content.decode()
    assert "南门" in page and "q=南门" in unquote(page)
    assert "南门" not in desk_of("worker-housing").get("/desk/worklist/").content.decode()
    kept = SavedFilter.objects.get()
    desk_of("worker-housing").post("/desk/worklist/filters", {"drop": kept.pk})
    assert SavedFilter.objects.count() == 1
    desk.post("/desk/worklist/filters", {"drop": kept.pk})
    assert SavedFilter.objects.count() == 0


def test_many_are_accepted_at_once_and_what_somebody_changed_meanwhile_is_told(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    first, stale = a_case("路灯不亮一"), a_case("路灯不亮二")
    Case.objects.filter(pk=stale.pk).update(version=5)
    sent = {"verb": "accept", "case": [f"{first.number}:1", f"{stale.number}:1"], "back": "/desk/worklist/"}
    page = desk_of("worker").post("/desk/worklist/act", sent, follow=True).content.decode()
    assert "1 case: done." in page and "was changed while you were working" in page
    assert set(Case.objects.values_list("number", "state")) == {
        (first.number, "under_way"), (stale.number, "assigned"),
    }  # fmt: skip


def test_a_transfer_of_many_needs_one_reason_and_keeps_what_was_chosen(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    cases = [a_case("路灯不亮一"), a_case("路灯不亮二")]
    desk = desk_of("worker")
    chosen = [f"{case.number}:1" for case in cases]
    sent = {"verb": "transfer", "case": chosen, "to": "housing", "text": ""}
    refused = desk.post("/desk/worklist/act", sent)
    page = refused.content.decode()
    assert refused.status_code == 422 and page.count(" checked") == 2
    assert Case.objects.filter(organisation__code="urban").count() == 2
    desk.post("/desk/worklist/act", sent | {"text": "属于小区内部道路"})
    assert Case.objects.filter(organisation__code="housing", transfers=1).count() == 2


def test_a_note_on_many_stays_in_the_house(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    cases = [a_case("路灯不亮一"), a_case("路灯不亮二")]
    sent = {"verb": "note", "case": [f"{c.number}:1" for c in cases], "text": "等材料"}
    desk_of("worker").post("/desk/worklist/act", sent)
    assert list(Message.objects.values_list("text", "audience").distinct()) == [("等材料", "internal")]


def test_nobody_is_sent_elsewhere_after_an_act(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    sent = {"verb": "accept", "case": f"{a_case().number}:1", "back": "https://elsewhere.example/desk/"}
    assert desk_of("worker").post("/desk/worklist/act", sent)["Location"] == "/desk/"


def test_a_number_in_the_search_field_leads_to_its_case(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    number = a_case().number
    written = f"{number[:4]}-{number[4:-1]}-{number[-1]}"
    assert desk_of("worker").get("/desk/cases/", {"q": written})["Location"] == f"/desk/cases/{number}/"
    assert desk_of("worker").get("/desk/cases/", {"q": "路灯"})["Location"].startswith("/desk/worklist/?q=")


def test_somebody_with_two_posts_chooses_in_which_to_act(a_case, desk_of) -> None:  # type: ignore[no-untyped-def]
    case = a_case()
    second = Post.objects.get(person__username="worker-housing")
    first = Post.objects.get(person__username="worker")
    second.person = Person.objects.get(username="worker")
    second.save()
    desk = desk_of("worker")
    assert _numbers(desk.get("/desk/").content.decode()) == [case.number]
    assert desk.post("/desk/post", {"post": second.pk}).status_code == 302
    page = desk.get("/desk/").content.decode()
    assert _numbers(page) == [] and first.name_en in page
    stranger = Post.objects.get(person__username="supervisor")
    assert desk.post("/desk/post", {"post": stranger.pk}).status_code == 403


def test_residents_and_people_without_a_post_stay_outside(client: Client, desk_of) -> None:  # type: ignore[no-untyped-def]
    assert client.get("/desk/").status_code == 302
    Person.objects.create_user("resident", "x" * 12)
    assert desk_of("resident").get("/desk/").status_code == 403
