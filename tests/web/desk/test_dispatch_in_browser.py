"""The dispatcher's desk in a real browser: with the keyboard alone, with a real drag, without scripts."""

from __future__ import annotations

from typing import Any

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Submission
from gongzhi.registry.authority import actor_of
from gongzhi.registry.models import Person
from gongzhi.routing.models import Finding
from tests.conftest import HERE
from tests.web.desk.test_browser import AXE, _new_page, _session_of, browser

__all__ = ["browser"]


def _unclear(text: str, east: float = 0.0) -> str:
    number = receive(Submission(text, lng=HERE[0] + east, lat=HERE[1])).number
    assert Case.objects.get(number=number).state == "received", text
    return number


def _returned_lamp() -> str:
    """A lamp that the organisation responsible sent back."""
    number = receive(Submission("门口的路灯坏了", lng=HERE[0], lat=HERE[1], function_code="lighting")).number
    case = Case.objects.get(number=number)
    worker = actor_of(Person.objects.get(username="worker"))
    actions.return_(worker, case, reason_code="not_ours", reason="小区内的灯")
    return number


def _at_the_desk(browser: Any, address: str, language: str = "en", **options: Any) -> Any:
    page = _new_page(browser, address, language, **options)
    page.context.add_cookies([_session_of("dispatcher", address)])
    page.goto("/desk/dispatch/")
    if options.get("java_script_enabled", True):
        page.wait_for_selector(".waiting-pin")
        page.wait_for_load_state()
    return page


def _holder(number: str) -> str:
    case = Case.objects.select_related("organisation").get(number=number)
    return case.organisation.code if case.organisation and case.state == "assigned" else ""


def test_a_dispatcher_works_with_the_keyboard_a_drag_or_plain_forms(
    browser: Any, live_server: Any, committed: None
) -> None:
    lamp = _returned_lamp()
    first, second = _unclear("嗯嗯那个事情你们看看吧"), _unclear("嗯嗯那个事情你们看看吧啊", 0.02)
    _with_the_keyboard(browser, live_server.url, lamp, first, second)
    _with_a_drag(browser, live_server.url)
    _without_scripts(browser, live_server.url)
    _for_everybody(browser, live_server.url)


def _with_the_keyboard(browser: Any, address: str, lamp: str, first: str, second: str) -> None:
    page = _at_the_desk(browser, address)
    keys = page.keyboard

    # The lamp goes to somebody without a mandate: found by its name, said why.
    keys.press("j")
    keys.press("a")
    keys.type("housing")
    keys.press("Enter")
    page.wait_for_selector("#decision-box[open] .notice.warn")
    assert page.evaluate("document.activeElement.id") == "decision-text"
    keys.type("小区内的灯由物业维护")
    keys.press("Control+Enter")
    page.wait_for_selector("text=assigned to Housing and Construction Bureau")
    assert _holder(lamp) == "housing" and Finding.objects.get(kind="against").times == 1

    # A suggestion by its number; Escape decides nothing.
    keys.press("j")
    keys.press("1")
    page.wait_for_selector("#decision-box[open]")
    keys.press("Escape")
    page.wait_for_selector("#decision-box", state="hidden")
    assert _holder(first) == ""

    # Both of the others at once: selected with x, the organisation reached with the arrows.
    page.goto("/desk/dispatch/")
    page.wait_for_selector(".waiting-pin")
    for key in ("j", "x", "j", "x", "a"):
        keys.press(key)
    keys.type("traffic")
    keys.press("ArrowDown")
    assert page.evaluate("document.activeElement.value") == "traffic"
    keys.press("Enter")
    page.wait_for_selector("#decision-box[open] >> text=Assign 2 cases")
    keys.press("Enter")
    page.wait_for_selector("text=2 cases assigned to Traffic Police")
    assert {_holder(first), _holder(second)} == {"traffic"}
    assert "Nothing waits for a decision" in page.content()
    assert page.faults == []
    page.context.close()


def _with_a_drag(browser: Any, address: str) -> None:
    number, other = _unclear("嗯嗯那个事情你们看看吧"), _unclear("嗯嗯那个事情你们看看吧啊", 0.03)
    page = _at_the_desk(browser, address, viewport={"width": 1280, "height": 1100})
    row = page.locator(f"[data-row][data-number='{number}']")
    target = page.locator("[data-target][value=urban]")
    page.fill("#target-find", "city management")  # so that nothing has to be scrolled while dragging
    row.locator(".meta").first.drag_to(target)
    page.wait_for_selector("#decision-box[open] >> text=To City Management Bureau")
    page.locator("#decision-box [data-send]").click()
    page.wait_for_selector("text=assigned to City Management Bureau")
    assert _holder(number) == "urban"

    # The pin on the map is the same matter; its row and it are marked together.
    pin = page.locator(f".waiting-pin[data-number='{other}']")
    page.locator(f"[data-row][data-number='{other}'] a.title").focus()
    assert "at" in (pin.get_attribute("class") or "").split()
    page.fill("#target-find", "water res")
    pin.drag_to(page.locator("[data-target][value=water]"))
    page.wait_for_selector("#decision-box[open] >> text=To Water Resources Bureau")
    page.locator("#decision-box [data-close]").click()
    page.wait_for_selector("#decision-box", state="hidden")
    assert _holder(other) == ""
    assert page.faults == []
    page.context.close()


def _without_scripts(browser: Any, address: str) -> None:
    number = Case.objects.get(state="received").number
    page = _at_the_desk(browser, address, java_script_enabled=False)
    page.check(f"input[value^='{number}']")
    page.click("[data-target][value=water]")
    assert "To Water Resources Bureau" in page.inner_text("#decision h1")
    page.click("[data-send]")
    assert "assigned to Water Resources Bureau" in page.content()
    assert _holder(number) == "water"
    page.context.close()


def _for_everybody(browser: Any, address: str) -> None:
    """axe finds nothing and nothing is too wide, on the desk and in its box, on a phone and a desktop."""
    numbers = [
        _unclear("嗯嗯那个事情你们看看吧"),
        _returned_lamp(),
        _unclear("嗯嗯那个事情你们看看吧啊", 0.01),
    ]
    wrong: list[str] = []
    for language in ("zh-CN", "en"):
        for width in (390, 1280):
            size = {"width": width, "height": 844}
            page = _at_the_desk(browser, address, language, viewport=size, bypass_csp=True)

            def look(name: str, page: Any = page, where: str = f"{language} {width}") -> None:
                page.evaluate(AXE.read_text(encoding="utf-8"))
                found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
                wrong.extend(f"{name} {where}: {v['id']}: {v['nodes'][0]['html'][:160]}" for v in found)
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    wrong.append(f"{name} {where}: wider than the screen")

            page.locator("a.title").first.focus()
            look("desk")
            page.locator(f"[data-row][data-number='{numbers[1]}'] a.title").focus()
            page.locator("[data-target][value=housing]").click()
            page.wait_for_selector("#decision-box[open] .notice.warn")
            look("box")
            chosen = "&".join(f"case={number}" for number in numbers)
            page.goto(f"/desk/dispatch/merge?{chosen}")
            look("merge")
            page.goto(f"/desk/dispatch/decide?{chosen}&to=urban")
            look("decide")
            page.goto("/desk/dispatch/?q=zzz")
            look("empty")
            page.context.close()
    assert wrong == [], "\n".join(wrong)
