"""A number's way at real screens: machine, phone, counter, display, matter, slip; and nobody shut out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from playwright.sync_api import Page, expect

from gongzhi.intake.counters import calling, setting_up, tickets
from gongzhi.intake.counters.models import Counter, Hall, Source
from gongzhi.registry.authority import ANONYMOUS, actor_of
from gongzhi.registry.models import Organisation, Person
from tests.conftest import PASSWORD
from tests.web.browser import DESKTOP, PHONE, SIZES, WAIT_MS, City, Resident

At = Callable[..., Resident]
_codes = count(1)


class Scene:
    """A hall with three counters of which the second is served by somebody else."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.code = f"hall-{next(_codes)}"
        named = setting_up.Named
        with city.inside():
            supervisor = actor_of(Person.objects.get(username="supervisor-hotline"))
            hotline = Organisation.objects.get(code="hotline")
            hall = setting_up.make_hall(supervisor, self.code, named("石门大厅", "Shimen Hall"), hotline)
            queues = [
                setting_up.add_queue(supervisor, hall, letter, named(zh, en))
                for letter, zh, en in (("A", "社保医保", "Insurance"), ("B", "水电气", "Water and power"))
            ]
            counters = [
                setting_up.add_counter(supervisor, hall, named(f"{n}号窗口", f"Counter {n}"), queues)
                for n in (1, 2, 3)
            ]
            other = actor_of(Person.objects.get(username="operator-2"))
            mine = calling.counter_of(other)
            if mine is not None:
                calling.close_counter(other, mine)
            calling.open_counter(other, counters[1])

    def link(self, kind: str) -> str:
        with self.city.inside():
            administrator = actor_of(Person.objects.get(username="administrator"))
            hall = Hall.objects.get(code=self.code)
            _screen, secret = setting_up.make_screen(administrator, hall, kind, kind)
        return f"/halls/screens/{secret}/"

    def waiting(self, people: int) -> str:
        """So many take numbers; gives the secret of the last, who has one from home."""
        with self.city.inside():
            queue = Hall.objects.get(code=self.code).queues.get(letter="A")
            for n in range(people):
                tickets.take(ANONYMOUS, queue, source=Source.KIOSK, priority="age" if n == 1 else "")
            _ticket, secret = tickets.take(ANONYMOUS, queue, source=Source.PHONE)
        return secret

    def close(self) -> None:
        with self.city.inside():
            for counter in Counter.objects.filter(hall__code=self.code, post__isnull=False):
                if counter.post is not None and counter.post.person is not None:
                    actor = actor_of(counter.post.person, counter.post)
                    present = calling.present(counter)
                    if present is not None:
                        calling.finish(actor, present)
                    calling.close_counter(actor, counter)


@pytest.fixture
def scene(city: City) -> Iterator[Scene]:
    built = Scene(city)
    yield built
    built.close()


def _device(one: Resident, link: str) -> Page:
    page = one.open(link)
    page.locator("main button.primary").click()
    return page


def _sign_in(one: Resident, username: str) -> None:
    page = one.open("/accounts/login/")
    page.locator("#id_login").fill(username)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("#id_password").press("Enter")
    page.wait_for_url("**/desk/**")


def test_a_number_on_its_way_from_the_machine_to_the_slip(resident: At, scene: Scene) -> None:
    machine = _device(resident("zh-hans", DESKTOP, has_scripts=False), scene.link("kiosk"))
    display = _device(resident("zh-hans", DESKTOP), scene.link("display"))
    expect(display.locator(".now")).to_contain_text("暂无叫号")

    machine.get_by_label("70岁及以上").check()
    machine.get_by_role("button", name="社保医保").click()
    expect(machine.get_by_role("heading", name="A001")).to_be_visible()
    expect(machine.locator("main")).to_contain_text("您享受优先叫号")
    secret = machine.url.split("/")[-2]

    phone = resident("zh-hans", PHONE)
    page = phone.open(f"/tickets/{secret}/")
    expect(page.locator(".turn")).to_contain_text("前面还有0个号")
    expect(display.locator(".board-side")).to_contain_text("A 社保医保")

    desk = resident("zh-hans", DESKTOP)
    _sign_in(desk, "operator")
    clerk = desk.open("/desk/counter/")
    clerk.locator("li", has_text="1号窗口").filter(has_text="石门大厅").get_by_role("button").last.click()
    expect(clerk.get_by_role("heading", name="1号窗口")).to_be_visible()
    clerk.keyboard.press("n")
    expect(clerk.locator(".ticket-number")).to_have_text("A001")
    expect(display.locator(".called")).to_contain_text("A001")
    expect(display.locator(".called")).to_contain_text("1号窗口")
    expect(display.locator("#called-now")).to_contain_text("A001")
    expect(page.locator(".turn")).to_contain_text("轮到您了：请到1号窗口", timeout=WAIT_MS)

    clerk.keyboard.press("i")
    clerk.locator("#text").fill("枫林路的路灯坏了三天")
    clerk.locator("#text").press("Control+Enter")
    expect(clerk.locator(".slip")).to_contain_text("接下来")
    expect(clerk.locator(".slip svg")).to_be_visible()
    clerk.keyboard.press("c")
    expect(clerk.locator(".ticket-number")).to_have_text("A001")
    clerk.keyboard.press("f")
    expect(clerk.get_by_role("heading", name="窗口空闲")).to_be_visible()
    expect(page.locator("main")).to_contain_text("已办结，感谢您的到来。", timeout=WAIT_MS)


def test_the_display_reads_out_in_both_languages_what_is_newly_called(resident: At, scene: Scene) -> None:
    one = resident("zh-hans", DESKTOP)
    one.page.add_init_script(
        "window.said = []; speechSynthesis.speak = u => window.said.push([u.lang, u.text]);"
    )
    display = _device(one, scene.link("display"))
    display.get_by_role("button", name="语音播报").click()
    with scene.city.inside():
        hall = Hall.objects.get(code=scene.code)
        tickets.take(ANONYMOUS, hall.queues.get(letter="B"), source=Source.KIOSK, language="en")
        other = actor_of(Person.objects.get(username="operator-2"))
        counter = calling.counter_of(other)
        assert counter is not None
        calling.call_next(other, counter)
    expect(display.locator(".called")).to_contain_text("B001")
    display.wait_for_function("window.said.length >= 2")
    assert display.evaluate("window.said") == [
        ["zh-CN", "请B 0 0 1到2号窗口"],
        ["en-GB", "Number B 0 0 1, please go to Counter 2"],
    ]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_no_page_of_a_hall_shuts_anybody_out(resident: At, scene: Scene, language: str) -> None:
    secret = scene.waiting(5)
    kiosk, display = (resident(language, DESKTOP) for _ in range(2))
    clerk, head, phone = (resident(language, DESKTOP) for _ in range(3))
    _device(kiosk, scene.link("kiosk"))
    _device(display, scene.link("display"))
    _sign_in(clerk, "operator")
    _sign_in(head, "administrator")
    found: list[str] = []
    looks: list[tuple[str, Resident, str]] = [
        ("kiosk", kiosk, f"/halls/{scene.code}/kiosk/"),
        ("display", display, f"/halls/{scene.code}/display/"),
        ("counter-choose", clerk, "/desk/counter/"),
        ("halls-desk", head, "/desk/halls/"),
        ("hall-desk", head, f"/desk/halls/{scene.code}/"),
        ("halls", phone, "/halls/"),
        ("hall", phone, f"/halls/{scene.code}/"),
        ("ticket", phone, f"/tickets/{secret}/"),
    ]
    for name, one, path in looks:
        one.open(path)
        found += _looked_at(one, name)
    kiosk.open(f"/halls/{scene.code}/kiosk/").locator(".queues button").first.click()
    kiosk.page.locator(".qr").wait_for()
    found += _looked_at(kiosk, "kiosk-paper")
    page = clerk.open("/desk/counter/")
    page.locator(
        f"li:has-text('{'石门大厅' if language == 'zh-hans' else 'Shimen Hall'}') button"
    ).last.click()
    page.locator(".call-next").wait_for()
    found += _looked_at(clerk, "counter-free")
    page.locator(".call-next").click()
    page.locator(".ticket-number").wait_for()
    for summary in page.locator("main details > summary").all():
        summary.click()
    found += _looked_at(clerk, "counter-called")
    page.locator("a[href^='/desk/intake/?ticket']").click()
    found += _looked_at(clerk, "counter-intake")
    assert not found, "\n".join(found)


def _looked_at(one: Resident, name: str) -> list[str]:
    """Faults of the open page at both widths, and its colours in the dark."""
    found = []
    for size in (PHONE, DESKTOP):
        one.page.set_viewport_size({"width": size[0], "height": size[1]})
        where = f"{name} {one.language} {SIZES[size]}"
        if one.is_too_wide():
            found.append(f"{where}: wider than the screen")
        one.shot(f"hall-{name}")
        found += [f"{where}: {v}" for v in one.violations()]
    one.page.emulate_media(color_scheme="dark")
    found += [f"{name} dark: {v}" for v in one.violations(colours_only=True)]
    one.page.emulate_media(color_scheme="light")
    return found
