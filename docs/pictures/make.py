"""Make the pictures of the readme anew from a running demo: `python docs/pictures/make.py http://127.0.0.1:8000`."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1280, 960
MOST_BYTES = 300_000
LOCALES = {"en": "en-GB", "zh": "zh-CN"}


def save(page: Page, name: str) -> None:
    """A picture of what is on the screen; in fewer colours only if it would be too large."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    target = HERE / f"{name}.png"
    for colours in (None, 256, 64):
        (picture.quantize(colours) if colours else picture).save(target, optimize=True)
        if target.stat().st_size < MOST_BYTES:
            print(f"{target}: {target.stat().st_size // 1000} kB")
            return
    raise SystemExit(f"{target} is larger than {MOST_BYTES} bytes")


def a_case(page: Page, address: str, language: str) -> str:
    """A public case with an answer, told in the reader's language, and with a place."""
    page.goto(f"{address}/cases/?state=ended&function=facilities")
    wanted = []
    for link in page.locator("a.text").all():
        text = link.inner_text()
        is_chinese = sum("一" <= c <= "鿿" for c in text) > len(text) / 3
        if is_chinese == (language == "zh"):
            wanted.append((len(text), link.get_attribute("href") or ""))
    if not wanted:
        raise SystemExit("the demo has no ended case in this language on its first page")
    return address + max(wanted)[1]


def main(address: str) -> None:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    flags = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        for language, locale in LOCALES.items():
            context = browser.new_context(locale=locale, viewport={"width": WIDTH, "height": HEIGHT})
            page = context.new_page()
            page.goto(address + "/")
            save(page, f"home-{language}")
            page.goto(a_case(page, address, language))
            page.locator(".leaflet-overlay-pane canvas").first.wait_for(state="attached")
            page.wait_for_timeout(600)
            save(page, f"case-{language}")
            context.close()
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1].rstrip("/"))
