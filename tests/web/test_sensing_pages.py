"""The sensing pages: whole without scripts, in both languages, and alerts stay inside the house."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from gongzhi.cases.models import Case, Figure
from gongzhi.sensing.morning import KEY, morning
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
TEXTS = ("幸福路的路灯不亮，晚上很黑", "幸福路路灯坏了一个星期", "幸福路上的路灯又不亮了，孩子放学看不见路")


@pytest.fixture
def heard(submit) -> None:  # type: ignore[no-untyped-def]
    """Matters of the last weeks, some about the same thing."""
    for i, text in enumerate(TEXTS * 4):
        number = submit(f"{text}，{i}号楼前 13812345678").number
        Case.objects.filter(number=number).update(opened_at=timezone.now() - timedelta(days=1 + i * 3))


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_everybody_sees_issues_forecast_and_places_but_no_alerts_and_no_personal_data(
    client: Client, heard: None, language: str
) -> None:
    page = client.get("/hears/", headers={"accept-language": language})
    text = page.content.decode()
    assert page.status_code == 200 and text.count("<table") == 3
    assert 'id="alerts"' not in text and "13812345678" not in text
    assert "路灯" in text and "forecast-data" in text and "style=" not in text
    assert client.get("/hears/?download=alerts").status_code == 404
    table = b"".join(client.get("/hears/?download=forecast").streaming_content).decode()
    assert len(table.splitlines()) > 14


def test_staff_see_alerts_others_are_asked_to_sign_in(client: Client, heard: None) -> None:
    assert client.get("/desk/sensing/").status_code == 302
    client.post("/accounts/login/", {"login": "leader", "password": PASSWORD})
    page = client.get("/desk/sensing/")
    assert page.status_code == 200 and 'id="alerts"' in page.content.decode()
    chosen = client.get("/desk/sensing/?series=nothing&download=areas")
    assert chosen.status_code == 200


def test_an_empty_city_has_empty_pages(client: Client) -> None:
    page = client.get("/hears/", headers={"accept-language": "en"})
    assert page.status_code == 200 and page.content.decode().count('class="empty"') == 3


def test_figures_are_made_once_and_say_when(client: Client, heard: None) -> None:
    first = morning()
    assert morning().at == first.at
    Figure.objects.filter(pk=KEY).update(at=timezone.now() - timedelta(hours=3))
    assert morning().at > first.at
    total = first.document["forecast"]["series"][0]
    assert total["label"] == [] and sum(v or 0 for v in total["recent"]) == 12
