"""No public page has a fault that axe-core can see, in both languages, on a phone and on a desktop, light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.browser import DESKTOP, PHONE, SIZES, City, Resident

At = Callable[..., Resident]

PAGES = (
    "/", "/report/", "/cases/", "/cases/?q=nothing+is+called+so", "/cases/?state=open&function=facilities",
    "/map/", "/board/", "/follow/", "/verify/", "/about/", "/privacy/", "/accessibility/",
    "/accounts/login/", "/no/such/page", "/follow/261100000010/wrong/", "/desk/cases/261100000010/",
)  # fmt: skip


DARK_AT = {"zh-hans": PHONE, "en": DESKTOP}
"""Colours do not depend on the language, so each width is seen in the dark once."""


def _name(path: str) -> str:
    return path.partition("?")[0].strip("/").replace("/", "-") or "home"


def _looked_at(me: Resident, name: str) -> list[str]:
    """Faults of the page that is open, at both widths and in both schemes."""
    found = []
    for size in (PHONE, DESKTOP):
        me.page.set_viewport_size({"width": size[0], "height": size[1]})
        me.settled()
        where = f"{name} {me.language} {SIZES[size]}"
        if me.is_too_wide():
            found.append(f"{where}: wider than the screen")
        me.shot(name)
        found += [f"{where}: {v}" for v in me.violations()]
        if DARK_AT[me.language] == size:
            me.page.emulate_media(color_scheme="dark")
            found += [f"{where} dark: {v}" for v in me.violations(colours_only=True)]
            me.page.emulate_media(color_scheme="light")
    return found


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_no_page_shuts_anybody_out(resident: At, city: City, language: str) -> None:
    me = resident(language, DESKTOP)
    found: list[str] = []
    for path in PAGES:
        me.open(path)
        found += _looked_at(me, _name(path) + ("-narrowed" if "?" in path else ""))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_no_step_of_a_matter_shuts_anybody_out(resident: At, city: City, language: str) -> None:
    number, secret = city.report("解放大道的路灯坏了，我叫王小明，电话13812345678", lng=111.41, lat=30.52)
    ended, secret_of_ended = city.report("菜市场后门垃圾没人收", lng=111.42, lat=30.53)
    city.resolve(ended, "已清运。")
    me = resident(language, DESKTOP)
    found: list[str] = []
    for name, path in {
        "case": f"/cases/{number}/", "case-ended": f"/cases/{ended}/", "join": f"/cases/{number}/join",
        "receipt-page": f"/follow/{number}/{secret}/?new=1", "follow-open": f"/follow/{number}/{secret}/",
        "follow-ended": f"/follow/{ended}/{secret_of_ended}/",
    }.items():  # fmt: skip
        me.open(path)
        for summary in me.page.locator("main details > summary").all():
            summary.click()
        found += _looked_at(me, name)
    page = me.open("/report/")
    page.locator("#text").fill("着火了！解放大道的路灯坏了，在冒烟")
    page.locator("#understood section").wait_for()
    found += _looked_at(me, "report-understood")
    page.locator("#phone").fill("12")
    page.locator("button[value=check]").click()
    found += _looked_at(me, "report-wrong")
    page.locator("#phone").fill("13812345678")
    page.locator("button[value=check]").click()
    page.locator(".public-view").wait_for()
    found += _looked_at(me, "report-check")
    assert not found, "\n".join(found)


def test_a_fault_would_be_seen(resident: At) -> None:
    me = resident("en", DESKTOP)
    me.open("/about/").evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=/static/icon.svg><input>')"
    )
    assert {v.partition(":")[0] for v in me.violations()} >= {"image-alt", "label"}


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_open_menu_shuts_nobody_out(resident: At, language: str) -> None:
    me = resident(language, PHONE)
    me.open("/").locator(".menu-button").click()
    assert not me.violations()
