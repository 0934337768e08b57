"""The page of crews: what is suggested, accepting some or all, changing one; also in a browser by keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gongzhi.cases.models import Case, Task
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Submission
from gongzhi.registry.models import Post
from tests.web.desk.test_browser import AXE, _new_page, _session_of, browser

__all__ = ["browser"]

PAGE = "/desk/crews/"


def _lamp(east: float = 0.0, **fields: Any) -> Case:
    sent = Submission("门口的路灯坏了", lng=111.372 + east, lat=30.545, function_code="lighting", **fields)
    return Case.objects.get(number=receive(sent).number)


def _post(username: str) -> int:
    return Post.objects.get(person__username=username).pk


def _task(case: Case) -> int:
    return Task.objects.get(case=case, role="lead", state__in=("open", "accepted")).pk


@pytest.mark.django_db
def test_a_suggestion_says_why_and_is_accepted(desk_of: Any) -> None:
    case = _lamp()
    desk = desk_of("supervisor")
    page = desk.get(PAGE).content.decode()
    assert "0.0 km away" in page and "1 of 6 tasks with this one" in page and "to spare" in page
    task = _task(case)
    (offered,) = set(re.findall(rf'name="task" value="({task}:\d+)" checked', page))
    sent = {"task": offered, f"crew-{task}": _post("crew-lamps-north")}
    assert "1 task given to a crew" in desk.post(PAGE, sent, follow=True).content.decode()
    case.refresh_from_db()
    assert case.post_id == _post("crew-lamps-north")
    assert case.number[4:-1] in desk_of("crew-lamps-north").get("/desk/notices/").content.decode()


@pytest.mark.django_db
def test_a_person_can_send_another_crew_than_suggested_but_none_of_others(desk_of: Any) -> None:
    case = _lamp()
    task, desk = _task(case), desk_of("supervisor")
    for crew, told in (
        ("", "Choose a crew"),
        (_post("worker-housing"), "Choose a crew"),
        ("x", "Choose a crew"),
    ):
        answer = desk.post(PAGE, {"task": f"{task}:{case.version}", f"crew-{task}": crew})
        assert answer.status_code == 422 and told in answer.content.decode()
    assert desk.post(PAGE, {}).status_code == 422
    assert desk.post(PAGE, {"task": "999999:1"}).status_code == 422
    desk.post(PAGE, {"task": f"{task}:{case.version}", f"crew-{task}": _post("crew-lamps-late")})
    case.refresh_from_db()
    assert case.post_id == _post("crew-lamps-late")


@pytest.mark.django_db
def test_nobody_sends_the_crews_of_another_organisation(desk_of: Any) -> None:
    case = _lamp()
    task = _task(case)
    sent = {"task": f"{task}:{case.version}", f"crew-{task}": _post("crew-lamps-late")}
    for username in ("dispatcher", "supervisor-housing", "worker", "operator"):
        assert desk_of(username).post(PAGE, sent).status_code == 403, username
    assert desk_of("worker").get(PAGE).status_code == 403
    assert "has no crews" in desk_of("supervisor-housing").get(PAGE).content.decode()
    case.refresh_from_db()
    assert case.post_id is None


def test_crews_are_sent_with_the_keyboard_alone_and_by_everybody(
    browser: Any, live_server: Any, committed: None
) -> None:
    first, second = _lamp(), _lamp(0.03)
    page = _new_page(browser, live_server.url)
    page.context.add_cookies([_session_of("supervisor", live_server.url)])
    page.goto(PAGE)
    page.wait_for_selector(".crew-pin")
    page.wait_for_load_state()
    for key in ("j", "x", "j", "Tab"):  # not the first one; the second goes to another crew
        page.keyboard.press(key)
    page.keyboard.type("Street light crew 3")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=1 task given to a crew")
    first.refresh_from_db()
    second.refresh_from_db()
    assert {first.post_id, second.post_id} == {None, _post("crew-lamps-late")}
    assert page.faults == []
    page.context.close()
    wrong: list[str] = []
    for language in ("zh-CN", "en"):
        for width in (390, 1280):
            size = {"width": width, "height": 844}
            page = _new_page(browser, live_server.url, language, viewport=size, bypass_csp=True)
            page.context.add_cookies([_session_of("supervisor", live_server.url)])
            page.goto(PAGE)
            page.wait_for_selector(".crew-pin")
            page.evaluate(AXE.read_text(encoding="utf-8"))
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            wrong += [f"{language} {width}: {v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{language} {width}: wider than the screen")
            page.context.close()
    assert wrong == [], "\n".join(wrong)
