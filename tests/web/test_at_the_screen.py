"""What residents do, done in a real browser."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable

from PIL import Image
from playwright.sync_api import expect

from tests.web.browser import DESKTOP, PHONE, City, Resident

At = Callable[..., Resident]
LAMP = "解放大道门口的路灯坏了三天，晚上特别黑。我叫王小明，电话13812345678，住3栋2单元501室。"


def _photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), "teal").save(out, "JPEG")
    return out.getvalue()


def test_a_matter_is_reported_in_chinese_on_a_phone(resident: At) -> None:
    me = resident("zh-hans", PHONE)
    page = me.open("/")
    page.get_by_role("textbox", name="您的诉求").fill("解放大道的路灯坏了")
    page.get_by_role("button", name="继续").click()
    page.get_by_label("您遇到了什么问题，需要办什么事？").fill(LAMP)
    expect(page.locator("#understood")).to_contain_text("路灯不亮")
    expect(page.locator("#understood")).to_contain_text("市城市管理局")
    expect(page.locator("#understood")).to_contain_text("个工作日内办结")
    offered = page.locator("#understood [data-fill]")
    expect(page.locator("#understood [data-place]")).to_contain_text(["解放大道"])
    expect(offered).to_have_text("用 13812345678 联系我")
    offered.click()
    expect(page.get_by_label("联系电话")).to_have_value("13812345678")
    expect(offered).to_have_count(0)
    page.get_by_label("在哪里？").press_sequentially("解放")
    page.locator("#place-suggestions [data-place]", has_text="解放大道").first.click()
    expect(page.locator("#understood [data-place]")).to_have_count(0)
    expect(page.locator("#place-told")).to_have_text("已在地图上标出位置。")
    assert float(page.locator("#lat").input_value()) > 30
    page.locator("#photos").set_input_files({"name": "灯.jpg", "mimeType": "image/jpeg", "buffer": _photo()})
    expect(page.locator("#photos-chosen img")).to_have_count(1)
    assert not me.is_too_wide()
    me.shot("report")
    page.get_by_role("button", name="提交前先核对").click()
    public = page.locator(".public-view")
    expect(public).not_to_contain_text("13812345678")
    expect(public).to_contain_text("电话")
    page.get_by_text("隐去更多内容").click()
    page.get_by_label("晚上特别黑。", exact=False).first.check()
    page.get_by_role("button", name="重新查看公开内容").click()
    expect(page.locator(".public-view")).not_to_contain_text("特别黑")
    me.shot("check")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_role("heading", name="已收到，谢谢您！")).to_be_visible()
    number = page.locator(".receipt-number").inner_text()
    assert re.fullmatch(r"\d{4}-\d{7}-\d", number)
    expect(page.get_by_role("img", name="专属链接二维码")).to_be_visible()
    assert not me.is_too_wide()
    me.shot("receipt")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载回执").first.click()
    receipt = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert receipt["number"] == number.replace("-", "")
    me.open(f"/cases/{receipt['number']}/")
    body = page.locator("main").inner_text()
    assert "13812345678" not in body and "特别黑" not in body and "王小明" not in body


def test_a_matter_is_reported_in_english_without_javascript(resident: At) -> None:
    me = resident("en", DESKTOP, has_scripts=False)
    page = me.open("/report/")
    page.get_by_label("What is wrong, or what do you need?").fill(
        "The street lamp is broken and it is dark. Write to jane.doe@example.org. Do not tell my landlord."
    )
    page.get_by_label("Where is it?").fill("Jiefang Avenue")
    page.get_by_label("Telephone").fill("13912345678")
    page.get_by_role("button", name="Check before sending").click()
    expect(page.locator(".public-view")).not_to_contain_text("jane.doe")
    expect(page.get_by_role("radio", name="Jiefang Avenue").first).to_be_checked()
    page.get_by_text("Hide more", exact=True).click()
    page.get_by_label("Do not tell my landlord.").check()
    page.get_by_role("button", name="Show the public view again").click()
    expect(page.locator(".public-view")).not_to_contain_text("landlord")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Received. Thank you!")).to_be_visible()
    number = page.locator(".receipt-number").inner_text()
    page.get_by_label("Your words").fill("It is the third lamp from the corner.")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".timeline")).to_contain_text("third lamp from the corner")
    page.get_by_role("link", name="Find my case").first.click()
    page.get_by_label("Case number").fill(number)
    page.get_by_label("Telephone").fill("139-1234-5678")
    page.get_by_role("button", name="Find", exact=True).click()
    expect(page.locator("h1")).to_have_text(number)
    page.get_by_text("Withdraw my matter").first.click()
    page.get_by_role("button", name="Withdraw my matter").click()
    expect(page.locator("main")).to_contain_text("Your matter has been withdrawn.")


def test_a_receipt_is_verified_in_the_readers_own_browser(city: City, resident: At) -> None:
    number, secret = city.report("河边步道的栏杆断了一截，孩子经过很危险")
    me = resident("zh-hans", PHONE)
    _wait_until_in_the_log(city)
    for visit in ("first", "second"):
        page = me.open(f"/follow/{number}/{secret}/")
        with page.expect_download() as download:
            page.get_by_role("link", name="下载回执").first.click()
        me.open("/verify/")
        page.locator("#receipt-file").set_input_files(download.value.path())
        expect(page.locator("#receipt")).to_have_value(re.compile("gongzhi-receipt/1"))
        page.get_by_role("button", name="核验").click()
        expect(page.locator("#browser-verdict")).to_have_class("notice good")
        expect(page.locator("#browser-checks li.ok")).to_have_count(4)
        me.shot(f"verify-{visit}")
        if visit == "first":
            city.report("菜市场后门的垃圾三天没人收")
            _wait_until_in_the_log(city)
    forged = json.loads(page.locator("#receipt").input_value())
    forged["act"]["recorded_at"] = "2020-01-01T00:00:00Z"
    page.locator("#receipt").fill(json.dumps(forged))
    page.get_by_role("button", name="核验").click()
    expect(page.locator("#browser-verdict")).to_have_class("notice bad")


def _wait_until_in_the_log(city: City) -> None:
    import time

    from django.db import connection

    with city.inside():
        for _ in range(200):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM ledger_pending")
                if cursor.fetchone()[0] == 0:
                    return
            time.sleep(0.1)
    raise AssertionError("the worker does not enter acts into the log")


def test_what_was_typed_survives_a_change_of_language(resident: At) -> None:
    me = resident("en", PHONE)
    page = me.open("/report/")
    page.locator("#text").fill("The bench by the river is broken")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="反映问题")).to_be_visible()
    expect(page.locator("#text")).to_have_value("The bench by the river is broken")


def test_somebody_else_joins_while_writing(city: City, resident: At) -> None:
    number, _ = city.report("枫林街道口的窨井盖不见了，晚上会掉下去人")
    me = resident("zh-hans", PHONE)
    page = me.open("/report/?lng=111.36&lat=30.52")
    page.locator("#lat").evaluate("(e) => { e.value = '30.52' }")
    page.locator("#lng").evaluate("(e) => { e.value = '111.36' }")
    page.locator("#text").fill("枫林街道口窨井盖不见了，很危险")
    page.locator("#understood .alike a.button", has_text="我也遇到").first.click()
    expect(page.locator("blockquote")).to_contain_text("窨井盖不见了")
    page.get_by_label("联系电话（选填）").fill("13712345678")
    page.get_by_role("button", name="我也遇到").click()
    expect(page.get_by_role("heading", name="附议成功，谢谢您！")).to_be_visible()
    assert page.url.startswith(f"{city.url}/follow/{number}/")
    me.open(f"/cases/{number}/")
    expect(page.locator(".facts")).to_contain_text("附议人数")


def test_a_closure_is_contested(city: City, resident: At) -> None:
    number, secret = city.report("南湖小区门口的路灯坏了，晚上很黑")
    city.resolve(number, "路灯已修复，请您查看。")
    me = resident("zh-hans", PHONE)
    page = me.open(f"/follow/{number}/{secret}/")
    expect(page.locator(".timeline")).to_contain_text("路灯已修复")
    page.get_by_role("button", name="问题没有解决").click()
    expect(page.locator(".notice.bad")).to_be_visible()
    page.get_by_label("您想说的话").fill("昨晚还是不亮，请再来看看。")
    me.shot("contest")
    page.get_by_role("button", name="问题没有解决").click()
    expect(page.locator("main")).to_contain_text("已恢复办理")
    expect(page.locator(".facts")).to_contain_text("办理中")


def test_the_map_opens_what_stands_behind_a_number(city: City, resident: At) -> None:
    for n in range(3):
        city.report(f"江边公园第{n + 1}号长椅坏了，木条断了", lng=111.4005, lat=30.5105)
    me = resident("en", DESKTOP)
    page = me.open("/map/?q=长椅")
    expect(page.locator(".chips")).to_contain_text("长椅")
    bubble = page.locator(".bubble", has_text="3")
    for _ in range(8):
        bubble.first.click()
        page.wait_for_timeout(300)
        if page.locator(".here li").count():
            break
    expect(page.locator(".here li")).to_have_count(3)
    me.shot("map")


def test_the_menu_of_a_phone_opens_and_leads_on(resident: At) -> None:
    for has_scripts in (True, False):
        page = resident("en", PHONE, has_scripts=has_scripts).open("/")
        expect(page.get_by_role("link", name="Board")).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        page.get_by_role("link", name="Board").click()
        expect(page.locator("h1")).to_have_text("Who does what, and in time?")
