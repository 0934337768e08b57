"""The desks in a real browser: with the keyboard alone, without scripts, and for everybody (axe)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from gongzhi.cases.models import Case
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Submission
from gongzhi.registry.models import Person
from tests.conftest import HERE, PASSWORD

ROOT = Path(__file__).parents[3]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
BUILT = ROOT / "gongzhi" / "web" / "static" / "build" / "desk.js"
LANGUAGES = ("zh-CN", "en")


@pytest.fixture(scope="module")
def browser(chromium: Any) -> Any:
    """The browser of all tests at the screen: two Playwrights cannot run in one process."""
    if not BUILT.exists():
        pytest.skip("needs the built front end (make frontend)")
    return chromium


def _new_page(browser: Any, address: str, language: str = "en", **options: Any) -> Any:
    context = browser.new_context(locale=language, base_url=address, **options)
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.faults = []
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.on(
        "console", lambda m: page.faults.append(m.text) if m.type == "error" and "CSP" in m.text else None
    )
    return page


def _session_of(username: str, address: str) -> Any:
    """The cookie of somebody who has signed in: the form itself was tried already."""
    client = Client()
    person = Person.objects.get(username=username)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}


def _lamp(text: str = "门口的路灯坏了好几天，晚上很黑", **fields: Any) -> str:
    return receive(
        Submission(text, lng=HERE[0], lat=HERE[1], **({"function_code": "lighting"} | fields))
    ).number


def _type(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def _see(page: Any, selector: str) -> None:
    """Wait for it and for the scripts of its page: a key pressed before they run does nothing."""
    page.wait_for_selector(selector)
    page.wait_for_load_state()


def test_the_desks_are_worked_with_the_keyboard_without_scripts_and_by_everybody(
    browser: Any, live_server: Any, committed: None
) -> None:
    number = _lamp()
    page = _new_page(browser, live_server.url)
    page.goto("/accounts/login/")
    page.keyboard.type("worker")  # the first field has the focus
    _type(page, "Tab")
    page.keyboard.type(PASSWORD)
    _type(page, "Enter")
    _see(page, "[data-row]")
    _type(page, "j", "Enter")
    page.wait_for_url(f"**/desk/cases/{number}/")
    _type(page, "a")
    _see(page, "text=it is with you now")
    _type(page, "r")
    page.keyboard.type("明天上午派人去换灯头。")
    _type(page, "Control+Enter")
    _see(page, "text=Your answer has been sent")
    _type(page, "e")
    page.wait_for_function("document.activeElement.id === 'closure'")
    _type(page, "Tab")
    page.wait_for_function("document.activeElement.id === 'resolve-text'")
    page.keyboard.type("已更换灯头，恢复照明。")
    _type(page, "Control+Enter")
    _see(page, "text=Resolved; the requester")
    assert Case.objects.get().state == "resolved"
    _type(page, "u")
    _see(page, "text=Nothing is waiting for you")
    _type(page, "?")
    _see(page, "dialog[open]")
    _type(page, "Escape")
    assert page.faults == []

    # letters typed into a field are text, and single keys can be switched off
    other = _lamp("南门路灯不亮")
    page.goto(f"/desk/cases/{other}/")
    _type(page, "n")
    page.keyboard.type("at an area")
    assert page.input_value("#note-text") == "at an area"
    page.evaluate("localStorage.setItem('desk.keys-off', '1')")
    page.goto(f"/desk/cases/{other}/")
    _type(page, "a")
    page.wait_for_timeout(300)
    assert Case.objects.get(number=other).state == "assigned"
    assert page.input_value("#note-text") == "at an area", "what was typed survives leaving the page"
    page.context.close()

    _without_scripts(browser, live_server.url, other)
    _call_in_under_a_minute(browser, live_server.url)
    _everybody_can_use_every_page(browser, live_server.url, other)


def _without_scripts(browser: Any, address: str, number: str) -> None:
    page = _new_page(browser, address, java_script_enabled=False)
    page.context.add_cookies([_session_of("worker", address)])
    page.goto(f"/desk/cases/{number}/")
    page.click("button[value=accept]")
    page.goto(f"/desk/cases/{number}/?known=1")
    page.click("text=A visit on site")
    text = page.input_value("#reply-text")
    assert "{" in text
    page.fill("#reply-text", text.replace("{上门日期和时间}", "11月30日上午"))
    page.click("text=Send the answer")
    assert "has been sent" in page.content()
    page.context.close()


def _call_in_under_a_minute(browser: Any, address: str) -> None:
    page = _new_page(browser, address)
    page.context.add_cookies([_session_of("operator", address)])
    page.goto("/desk/")
    page.wait_for_function("document.activeElement.id === 'phone'")
    page.keyboard.type("13812345678")
    _type(page, "Tab")
    page.keyboard.type("王女士")
    _type(page, "Tab")
    page.keyboard.type("小区里物业不修电梯，老人上不了楼")
    _see(page, "#understood .understood")
    _type(page, "Control+Enter")
    _see(page, ".receipt-number")
    assert Case.objects.filter(channel="phone").count() == 1
    _type(page, "i")
    _see(page, "#phone")
    page.keyboard.type("13812345678")
    _see(page, "#caller .caller")
    assert page.input_value("#name") == "王女士"
    assert page.faults == []
    page.context.close()


def _everybody_can_use_every_page(browser: Any, address: str, number: str) -> None:
    """axe finds nothing, and nothing is wider than a phone, on every page of the desks in both languages."""
    if not AXE.exists():
        pytest.skip("needs axe-core (npm ci in frontend)")
    _lamp("嗯嗯那个事情你们看看吧", function_code="")
    pages = {
        "": ["/accounts/login/"],
        "worker": ["/desk/", f"/desk/cases/{number}/?known=1", "/desk/worklist/?q=zzz", "/desk/wordings/",
                   "/accounts/2fa/", "/accounts/logout/"],
        "worker-housing": [f"/desk/cases/{number}/"],
        "operator": ["/desk/intake/?phone=13812345678"],
        "dispatcher": ["/desk/dispatch/"],
        "supervisor": ["/desk/oversight/", "/desk/oversight/urban/"],
        "leader": ["/desk/oversight/"],
    }  # fmt: skip
    wrong: list[str] = []
    script = AXE.read_text(encoding="utf-8")
    for language in LANGUAGES:
        for username, paths in pages.items():
            size = {"viewport": {"width": 390, "height": 844}}
            page = _new_page(browser, address, language, bypass_csp=True, **size)
            if username:
                page.context.add_cookies([_session_of(username, address)])
            for path in paths:
                page.goto(path)
                if "known" in path or "intake" in path:
                    page.wait_for_load_state("networkidle")
                page.evaluate(script)
                found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
                wrong += [
                    f"{path} ({language}): {v['id']}: {v['nodes'][0]['html'][:160]}"
                    for v in found["violations"]
                ]
                overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                if overflow > 0:
                    wrong.append(f"{path} ({language}): {overflow} px wider than a phone")
                if os.environ.get("GONGZHI_SCREENSHOTS"):
                    name = f"{username or 'nobody'}{path.split('?')[0].replace('/', '-')}{language}.png"
                    page.screenshot(path=Path(os.environ["GONGZHI_SCREENSHOTS"]) / name, full_page=True)
            page.context.close()
    assert wrong == [], "\n".join(wrong)
