"""The grid worker's desk in a real browser: what is written down without a connection arrives exactly once."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from gongzhi.cases.models import Attachment, Case
from gongzhi.grid.actions import Draft, entry_of, today
from gongzhi.grid.models import Check, Entry
from gongzhi.registry.models import Area, Person
from tests.conftest import HERE
from tests.security.world import picture

ROOT = Path(__file__).parents[3]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
BUILT = ROOT / "gongzhi" / "web" / "static" / "build" / "grid-worker.js"
WAITING = "#waiting [data-state=waiting]"
SENT = "#waiting [data-state=sent]"


@pytest.fixture(scope="module")
def browser(chromium: Any) -> Any:
    if not BUILT.exists():
        pytest.skip("needs the built front end (make frontend)")
    return chromium


def _entries() -> Entry:
    """Something of every kind in the walked cell; the lamp, which is due, is given back."""
    area = Area.objects.get(code="429001001007")
    for n, kind in enumerate(Entry.Kind.values):
        entry_of(
            Draft(
                f"t-{n}", kind, "欧阳建国" if kind == "person" else f"一号{kind}", area.pk, name_en="Ouyang Jianguo" if kind == "person" else f"First {kind}",
                lng=HERE[0], lat=HERE[1], every_days=14, due_on=today() - timedelta(days=n),
            ),
            today(),
        ).save()  # fmt: skip
    return Entry.objects.get(kind="thing")


def _cookie(username: str, address: str) -> Any:
    client = Client()
    person = Person.objects.get(username=username)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}


def _phone(
    browser: Any, address: str, username: str = "gridworker", language: str = "en", **options: Any
) -> Any:
    context = browser.new_context(
        locale=language, base_url=address, viewport={"width": 390, "height": 844}, permissions=["geolocation"],
        geolocation={"longitude": HERE[0], "latitude": HERE[1]}, **options,
    )  # fmt: skip
    context.add_cookies([_cookie(username, address)])
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.faults = []
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.on("console", lambda m: page.faults.append(m.text) if "Content Security" in m.text else None)
    return page


def _ready(page: Any) -> None:
    """The page is open and the phone has what it needs without a connection."""
    page.goto("/desk/grid/")
    page.wait_for_selector("html[data-ready-offline]", state="attached")


def _report(page: Any, text: str, colour: int) -> None:
    page.set_input_files("#photos", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture(colour)})
    page.locator("[data-place-told]", has_text="where you are").wait_for()
    page.fill("#text", text)
    page.click("#grid-report button.primary")


def test_what_is_written_down_without_a_connection_arrives_exactly_once(
    browser: Any, live_server: Any, committed: None
) -> None:
    lamp = _entries()
    page = _phone(browser, live_server.url)
    _ready(page)
    page.context.set_offline(True)
    _report(page, "路边井盖松动", 40)
    page.wait_for_selector(f"{WAITING} >> nth=0")
    page.reload()  # the service worker answers
    page.wait_for_selector(f"{WAITING} >> nth=0")
    assert "Ouyang" not in page.content() and "欧阳" not in page.content()
    _report(page, "垃圾桶满了没人收", 80)
    page.click(f"li[data-entry='{lamp.pk}'] button[value=fine]")
    page.wait_for_selector(f"{WAITING} >> nth=2")
    _shot(page, "offline")
    assert not page.locator(f"li[data-entry='{lamp.pk}']").is_visible()
    assert Case.objects.count() == 0 and Check.objects.count() == 0

    lost: list[str] = []

    def lose_the_first_answer(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().text())  # the city has it, the phone never learns
        route.abort("connectionreset")

    page.route("**/desk/grid/send/report", lose_the_first_answer)
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    for _ in range(20):
        if lost:
            break
        page.wait_for_timeout(200)
    assert lost and '"number"' in lost[0] and Case.objects.count() == 1
    page.goto("/desk/grid/")
    page.wait_for_selector(f"{SENT} >> nth=2")
    assert sorted(Case.objects.values_list("text", flat=True)) == ["垃圾桶满了没人收", "路边井盖松动"]
    assert Attachment.objects.filter(case__isnull=False).values("case").distinct().count() == 2
    assert Attachment.objects.count() == 2
    made = Check.objects.get()
    assert made.is_fine and made.entry_id == lamp.pk and made.at <= made.recorded_at
    assert "Everything has been sent" in page.inner_text("#waiting h2")
    _shot(page, "sent")
    assert page.faults == []
    page.context.close()


def test_a_queue_belongs_to_who_wrote_it_and_waits_for_the_next_sign_in(
    browser: Any, live_server: Any, committed: None
) -> None:
    _entries()
    page = _phone(browser, live_server.url)
    context = page.context
    _ready(page)
    context.clear_cookies(name="sessionid")  # the session has ended meanwhile
    _report(page, "人行道地砖翘起", 40)
    page.wait_for_selector("#waiting [data-signed-out]:not([hidden])")
    page.wait_for_selector(f"{WAITING} >> nth=0")
    assert Case.objects.count() == 0

    context.add_cookies([_cookie("gridworker-429001001003", live_server.url)])
    page.goto("/desk/grid/")  # somebody else, on the same phone
    page.wait_for_load_state("networkidle")
    assert "人行道" not in page.content() and not page.locator("#waiting").is_visible()
    assert Case.objects.count() == 0

    context.add_cookies([_cookie("gridworker", live_server.url)])
    page.goto("/desk/grid/")
    page.wait_for_selector(f"{SENT} >> nth=0")
    assert Case.objects.get().text == "人行道地砖翘起"
    context.close()


def test_what_the_city_refuses_is_kept_and_can_be_corrected(
    browser: Any, live_server: Any, committed: None
) -> None:
    _entries()
    page = _phone(browser, live_server.url)
    _ready(page)
    page.context.set_geolocation({"longitude": 10.0, "latitude": 50.0})  # outside the city
    _report(page, "路灯不亮", 40)
    page.wait_for_selector("#waiting [data-state=refused] .wrong")
    assert "outside" in page.inner_text("#waiting [data-state=refused] .wrong") and Case.objects.count() == 0
    page.reload()
    page.wait_for_selector("#waiting [data-state=refused]")
    page.click("#waiting >> text=Correct it")
    assert page.input_value("#text") == "路灯不亮"
    page.evaluate(
        f"""() => {{ document.querySelector('#lat').value = '{HERE[1]}';
        document.querySelector('#lng').value = '{HERE[0]}';
        document.querySelector('#lat').dispatchEvent(new Event('change', {{bubbles: true}})); }}"""
    )
    page.click("#grid-report button.primary")
    page.wait_for_selector(f"{SENT} >> nth=0")
    case = Case.objects.get()
    assert case.text == "路灯不亮" and Attachment.objects.filter(case=case).count() == 1
    page.context.close()


def test_signing_out_warns_while_something_waits(browser: Any, live_server: Any, committed: None) -> None:
    _entries()
    page = _phone(browser, live_server.url)
    _ready(page)
    page.route("**/desk/grid/send/**", lambda route: route.abort())
    _report(page, "树枝断落", 40)
    page.wait_for_selector(f"{WAITING} >> nth=0")
    asked: list[str] = []

    def stay(box: Any) -> None:
        asked.append(box.message)
        box.dismiss()

    page.once("dialog", stay)
    page.click(".me summary")
    page.click(".me form[data-sign-out] button")
    page.wait_for_timeout(300)
    assert asked and "(1)" in asked[0] and page.url.endswith("/desk/grid/")
    page.once("dialog", lambda box: box.accept())
    page.click(".me form[data-sign-out] button")
    page.wait_for_url("**/")
    page.context.close()


def test_without_scripts_a_check_and_a_report_are_forms(
    browser: Any, live_server: Any, committed: None
) -> None:
    lamp = _entries()
    page = _phone(browser, live_server.url, java_script_enabled=False)
    page.goto("/desk/grid/")
    stop = page.locator(f"li[data-entry='{lamp.pk}']")
    stop.locator("summary").click()
    stop.locator("textarea").fill("灯罩碎了")
    stop.locator("button[value=wrong]").click()
    assert "what is wrong is case" in page.inner_text(".told")
    page.fill("#text", "路面有坑")
    page.click("#grid-report button.primary")
    assert "Taken in as case" in page.inner_text(".told")
    assert Case.objects.count() == 2 and Check.objects.get().case is not None
    page.context.close()


def test_the_desk_shuts_nobody_out(browser: Any, live_server: Any, committed: None) -> None:
    if not AXE.exists():
        pytest.skip("needs axe-core (npm ci in frontend)")
    lamp = _entries()
    person = Entry.objects.get(kind="person")
    wrong: list[str] = []
    pages = {
        "gridworker": ["/desk/grid/", "/desk/grid/shell", "/desk/grid/entries/", "/desk/grid/entries/?q=zzz",
                       f"/desk/grid/entries/{lamp.pk}/", f"/desk/grid/entries/{person.pk}/"],
        "supervisor-429001001": ["/desk/grid/cells/", "/desk/grid/entries/?cell=429001001007"],
    }  # fmt: skip
    for language in ("zh-CN", "en"):
        for username, paths in pages.items():
            page = _phone(
                browser, live_server.url, username, language, bypass_csp=True, service_workers="block"
            )
            for path in paths:
                page.goto(path)
                page.wait_for_load_state("networkidle")
                page.evaluate(AXE.read_text(encoding="utf-8"))
                found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
                wrong += [f"{path} ({language}): {v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]
                if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
                    wrong.append(f"{path} ({language}): wider than a phone")
                _shot(page, f"{username}{path.split('?')[0].replace('/', '-')}{language}")
            page.context.close()
    assert wrong == [], "\n".join(wrong)


def _shot(page: Any, name: str) -> None:
    if os.environ.get("GONGZHI_SCREENSHOTS"):
        page.screenshot(path=Path(os.environ["GONGZHI_SCREENSHOTS"]) / f"grid-{name}.png", full_page=True)
