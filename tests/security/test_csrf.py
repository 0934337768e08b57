"""No form of another site does anything here in the name of somebody who is signed in."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.security.matrix import MATRIX
from tests.security.routes import routes
from tests.security.test_matrix import values
from tests.security.world import World

pytestmark = pytest.mark.django_db
PROGRAMS = ("open311/", "api/", "ledger/", "^ledger/")
"""Nothing there looks at cookies, so nothing can be done in somebody's name."""
BROWSER_ROUTES = [route for route in MATRIX if not route.startswith(PROGRAMS)]


def test_only_addresses_for_programs_ask_for_no_token() -> None:
    exempt = {route for route, pattern in routes().items() if getattr(pattern.callback, "csrf_exempt", False)}
    assert sorted(route for route in exempt if not route.startswith(PROGRAMS)) == []


def test_addresses_for_programs_know_nobody_by_cookie(world: World) -> None:
    number = world.cases["mine"].number
    for path in (f"/api/v1/cases/{number}", f"/open311/v2/requests/{number}.json"):
        assert world.client("worker").get(path).status_code == 404


@pytest.mark.parametrize(
    "how", ["no token", "foreign token", "foreign origin", "null origin", "foreign referer"]
)
def test_a_form_from_elsewhere_is_refused_on_every_page(world: World, how: str) -> None:
    client = world.client("worker", csrf=True)
    token = "".join(secrets.choice("abcdefgh0123") for _ in range(32))
    client.cookies["csrftoken"] = token
    given, wrong = values(world), []
    for route in BROWSER_ROUTES:
        headers: dict[str, Any] = {}
        body = {"verb": "note", "text": "x"}
        if how != "no token":
            body["csrfmiddlewaretoken"] = token if how != "foreign token" else token[::-1] + "z"
        if how in ("foreign origin", "null origin"):
            headers["HTTP_ORIGIN"] = "https://evil.example" if how == "foreign origin" else "null"
        if how == "foreign referer":
            headers |= {"HTTP_REFERER": "https://evil.example/", "secure": True}
        path = MATRIX[route].visits[0].path.format(**given)
        status = client.post(path, body, **headers).status_code
        if status != 403:
            wrong.append(f"{path}: {status}")
    assert not wrong, "\n".join(wrong)


def test_the_same_form_with_its_own_token_is_taken(world: World) -> None:
    client = world.client("worker", csrf=True)
    page = client.get(f"/desk/cases/{world.cases['mine'].number}/")
    token = client.cookies["csrftoken"].value
    assert page.status_code == 200
    body = {
        "verb": "note",
        "text": "记",
        "version": str(world.cases["mine"].version),
        "csrfmiddlewaretoken": token,
    }
    assert client.post(f"/desk/cases/{world.cases['mine'].number}/", body).status_code == 302
