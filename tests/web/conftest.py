"""One running city and one browser for all tests at the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections
from playwright.sync_api import Browser, sync_playwright

from tests.web.browser import DESKTOP, LOCALES, WAIT_MS, City, Resident, launch, start_city


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        # While Playwright runs, Django keeps connections apart from those of the rest of the session.
        connections.close_all()
        browser.close()


@pytest.fixture(scope="session")
def running_city(
    django_db_setup: None, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    home: Path = tmp_path_factory.mktemp("city") / "home"
    home.mkdir()
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        city = start_city(home)
    yield city
    assert city.system.stop() == 0, city.system.log.read_text()[-2000:]


@pytest.fixture
def city(running_city: City, db: None) -> City:
    """The running city, whose staff may act from within the test."""
    return running_city


@pytest.fixture
def resident(city: City, chromium: Browser) -> Iterator[Callable[..., Resident]]:
    """Residents at a screen; whatever went wrong in their pages fails the test at its end."""
    seated: list[Resident] = []

    def _resident(
        language: str = "zh-hans",
        size: tuple[int, int] = DESKTOP,
        *,
        has_scripts: bool = True,
        scheme: str = "light",
    ) -> Resident:
        context = chromium.new_context(
            locale=LOCALES[language],
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=has_scripts,
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        context.set_default_timeout(WAIT_MS)
        one = Resident(city, context, language, context.new_page())
        one.watch()
        seated.append(one)
        return one

    yield _resident
    faults = [fault for one in seated for fault in one.faults]
    for one in seated:
        one.context.close()
    assert not faults, faults
