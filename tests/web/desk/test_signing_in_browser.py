"""Signing on a phone with a finger, and the pages of reorganising and notices for everybody (axe)."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gongzhi.cases import attachments
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Submission
from gongzhi.ledger.sequencer import sequence
from gongzhi.registry.authority import actor_of
from gongzhi.registry.models import Organisation, Person, Post
from gongzhi.supervision import drawing, inspecting
from gongzhi.supervision.models import Inspection
from tests.conftest import HERE
from tests.web.desk.test_browser import AXE, LANGUAGES, _new_page, _session_of, browser

__all__ = ["browser"]
PHONE = {"viewport": {"width": 390, "height": 844}}


def _drawn() -> Inspection:
    """An inspection that was drawn for the supervisor."""
    actor = actor_of(Person.objects.get(username="supervisor"))
    house = Organisation.objects.get(pk=actor.organisation_id or 0)
    plan = inspecting.plan(
        actor,
        house,
        "餐馆抽查",
        [{"code": "i1", "name_zh": "证照齐全", "name_en": "Licences", "needs_photo": False}],
    )
    mine = Post.objects.get(pk=actor.post_id or 0).code
    inspecting.announce(
        actor,
        plan,
        [drawing.Subject("s1", "老街饭店")],
        [drawing.Inspector(mine)],
        count=1,
        inspectors_each=1,
    )
    for _n in range(inspecting.MARGIN):
        receive(Submission("夜间施工噪音扰民", lng=HERE[0], lat=HERE[1]))
    sequence()
    inspecting.perform_due()
    return Inspection.objects.get()


def test_the_inspected_sign_on_a_phone(browser: Any, live_server: Any, committed: None) -> None:
    inspection = _drawn()
    page = _new_page(browser, live_server.url, **PHONE)
    page.context.add_cookies([_session_of("supervisor", live_server.url)])
    page.goto(f"/supervision/inspections/{inspection.pk}/")
    page.check("input[name=ok-i1][value=yes]")
    page.fill("#signer", "赵店主")
    page.locator("canvas").scroll_into_view_if_needed()
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=8)
    page.mouse.up()
    _shot(page, "signing")
    page.click("text=Record and sign")
    page.wait_for_selector("img[alt=Signature]")
    inspection.refresh_from_db()
    picture = Image.open(io.BytesIO(attachments.path(inspection.signature).read_bytes())).convert("L")
    dark = sum(picture.histogram()[:100])
    assert inspection.signer == "赵店主" and dark > 100, "the line that was drawn is in the picture"
    assert page.faults == []
    page.context.close()
    _for_everybody(browser, live_server.url, inspection)


def _for_everybody(browser: Any, address: str, inspection: Inspection) -> None:
    if not AXE.exists():
        pytest.skip("needs axe-core (npm ci in frontend)")
    Inspection.objects.filter(pk=inspection.pk).update(done_at=None)
    pages = {
        "supervisor": [f"/supervision/inspections/{inspection.pk}/", "/desk/notices/"],
        "administrator": ["/desk/reorganise/", "/desk/reorganise/?gone=urban&into=transport",
                          "/desk/reorganise/?house=urban", "/desk/reorganise/?post=" + inspection.posts[0]],
        "": ["/inspections/", "/api/v1/docs"],
    }  # fmt: skip
    wrong: list[str] = []
    script = AXE.read_text(encoding="utf-8")
    for language in LANGUAGES:
        for username, paths in pages.items():
            page = _new_page(browser, address, language, bypass_csp=True, **PHONE)
            if username:
                page.context.add_cookies([_session_of(username, address)])
            for path in paths:
                assert page.goto(path).status == 200, path
                page.evaluate(script)
                found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
                wrong += [
                    f"{path} ({language}): {v['id']}: {v['nodes'][0]['html'][:160]}"
                    for v in found["violations"]
                ]
                overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                if overflow > 0:
                    wrong.append(f"{path} ({language}): {overflow} px wider than a phone")
                _shot(page, f"{path.replace('/', '-').replace('?', '_')[:40]}{language}")
            page.context.close()
    assert wrong == [], "\n".join(wrong)


def _shot(page: Any, name: str) -> None:
    if os.environ.get("GONGZHI_SCREENSHOTS"):
        page.screenshot(path=Path(os.environ["GONGZHI_SCREENSHOTS"]) / f"{name}.png", full_page=True)
