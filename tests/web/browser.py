"""A resident at a real browser in front of a real running city.

The city is the tests' own, cloned from their database before the first browser test and served by
`gongzhi run`: real processes, real commits, a worker that enters acts into the log.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.operations.system import System, start

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = ROOT / "screenshots"
PHONE, DESKTOP = (390, 844), (1280, 900)
SIZES = {PHONE: "phone", DESKTOP: "desktop"}
LOCALES = {"zh-hans": "zh-CN", "en": "en-GB"}
WAIT_MS = 15_000
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """Where Chromium is; the test is skipped, saying so, on a machine without one."""
    named = (os.environ.get("CHROMIUM"), shutil.which("chromium"), shutil.which("chromium-browser"))
    for path in (*named, shutil.which("google-chrome")):
        if path and Path(path).exists():
            return path
    pytest.skip("no Chromium on this machine; install it or name it in CHROMIUM")


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=list(_FLAGS))


@dataclass
class City:
    """The running city, and a way to let its staff act while a resident watches."""

    system: System
    database: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.system.port}"

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Actions and queries of this process work on the running city's database."""
        from django.db import connections

        from gongzhi.cases import serials
        from gongzhi.registry import snapshot

        own = connections["default"]
        connections["default"] = type(own)({**own.settings_dict, "NAME": self.database}, "default")
        snapshot.forget()
        try:
            yield
        finally:
            connections["default"].close()
            connections["default"] = own
            serials.forget()
            snapshot.forget()

    def report(self, text: str, **fields: Any) -> tuple[str, str]:
        """Take a matter in; gives its number and secret."""
        from gongzhi.intake.actions import receive
        from gongzhi.intake.submission import Submission
        from tests.conftest import HERE

        with self.inside():
            receipt = receive(Submission(text, **{"lng": HERE[0], "lat": HERE[1], **fields}))
        return receipt.number, receipt.secret

    def resolve(self, number: str, answer: str) -> None:
        """Let the organisation responsible take the matter up and end it as done."""
        from gongzhi.cases import actions
        from gongzhi.cases.models import Case
        from gongzhi.registry.authority import Actor

        with self.inside():
            case = Case.objects.get(number=number)
            desk = Actor(kind="staff", organisation_id=case.organisation_id, roles=frozenset({"worker"}))
            actions.accept(_at_a_post(desk), case)
            actions.resolve(_at_a_post(desk), Case.objects.get(number=number), answer)


def _at_a_post(desk: Any) -> Any:
    """The actor of somebody who holds a post in the organisation."""
    from gongzhi.registry.authority import actor_of
    from gongzhi.registry.models import Person

    for person in Person.objects.filter(posts__organisation_id=desk.organisation_id).distinct():
        actor = actor_of(person)
        if actor.organisation_id == desk.organisation_id and "worker" in actor.roles:
            return actor
    raise AssertionError("nobody works there")


def start_city(home: Path) -> City:
    """Clone the tests' database and keys, and serve the clone."""
    from django.conf import settings
    from django.db import connection, connections

    name = "browser"
    config = dict(connection.settings_dict)
    connections.close_all()
    server = {"host": config["HOST"], "port": config["PORT"], "user": config["USER"]}
    with psycopg.connect(dbname="postgres", autocommit=True, **server) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f'CREATE DATABASE {name} TEMPLATE "{config["NAME"]}"')
    for folder in ("keys", "models"):
        if (Path(settings.HOME) / folder).exists():
            shutil.copytree(Path(settings.HOME) / folder, home / folder)
    query = urlencode({"host": config["HOST"], "port": config["PORT"]})
    url = f"postgresql://{config['USER']}@/{name}?{query}"
    return City(start(home, DATABASE_URL=url, GONGZHI_WEB_PROCESSES="1", GONGZHI_LOG_LEVEL="WARNING"), name)


@dataclass
class Resident:
    """Somebody at a screen: opens pages of the city, and minds that nothing goes wrong in them."""

    city: City
    context: BrowserContext
    language: str
    page: Page
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page of the city."""
        self.page.goto(path if path.startswith("http") else self.city.url + path)
        return self.page

    def watch(self) -> None:
        """Note dialogs, exceptions, refusals of the content security policy and missing files."""
        page = self.page

        def dialog(box: Any) -> None:
            self.faults.append(f"dialog: {box.message}")
            box.dismiss()

        def said(message: Any) -> None:
            # A page that answers 404 or 422 on purpose is told as an error, too, and so is a question
            # that is no longer asked because the person went on.
            expected = ("the server responded with a status of 4", "htmx:sendAbort", "htmx:afterRequest")
            if message.type == "error" and not any(part in message.text for part in expected):
                self.faults.append(f"{page.url}: {message.text}")

        page.on("dialog", dialog)
        page.on("pageerror", lambda problem: self.faults.append(f"{page.url}: {problem}"))
        page.on("console", said)
        page.on("requestfailed", lambda r: self._failed(r))

    def _failed(self, request: Any) -> None:
        if request.failure and "ERR_ABORTED" not in request.failure:
            self.faults.append(f"{request.url}: {request.failure}")

    def settled(self) -> Page:
        """The page once its map, if it has one, is drawn."""
        if self.page.locator("[data-map]:visible").count():
            self.page.locator(".leaflet-overlay-pane canvas").first.wait_for(state="attached")
        return self.page

    def is_too_wide(self) -> bool:
        """Whether the page scrolls sideways."""
        return bool(
            self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        )

    def shot(self, name: str) -> None:
        """Keep a picture in `screenshots/` when GONGZHI_SCREENSHOTS=1 asks for it; they cost more than the test."""
        if os.environ.get("GONGZHI_SCREENSHOTS") != "1":
            return
        SCREENSHOTS.mkdir(exist_ok=True)
        size = self.page.viewport_size or {"width": 0, "height": 0}
        kind = SIZES.get((size["width"], size["height"]), "other")
        self.page.screenshot(path=SCREENSHOTS / f"{name}-{self.language}-{kind}.png", full_page=True)

    def violations(self, *, colours_only: bool = False) -> list[str]:
        """What axe-core finds on the page (WCAG 2.2 A and AA and best practices)."""
        if not self.page.evaluate("typeof window.axe === 'object'"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        only = ", runOnly: ['color-contrast']" if colours_only else ""
        found = self.page.evaluate(
            f"axe.run(document, {{resultTypes: ['violations']{only}}}).then(r => r.violations)"
        )
        return [
            f"{v['id']}: {node['html'][:160]} ({node.get('failureSummary', '')[:200]})"
            for v in found
            for node in v["nodes"]
        ]
