"""What leaders and organisers open in the morning: every claim opens down to its cases, heavy work is kept, queries are few."""

# mypy: disable-error-code="no-untyped-def,func-returns-value,attr-defined"
from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gongzhi.cases import prepared
from gongzhi.cases.evidence import Behind, cases_behind
from gongzhi.cases.models import Case, Figure
from gongzhi.intake.submission import Contact
from gongzhi.registry import snapshot
from gongzhi.sensing import arriving, asked
from tests.conftest import HERE, PASSWORD

pytestmark = pytest.mark.django_db
PAGES = (
    "/desk/sensing/",
    "/desk/sensing/needs/",
    "/desk/sensing/where/",
    "/desk/sensing/where/?level=hexagon",
    "/desk/evidence/?function=lighting",
    "/desk/improvement/",
    "/desk/improvement/mandates/",
    "/desk/improvement/allocation/",
    "/desk/improvement/simulation/?function=lighting",
)
MOST_QUERIES = 12
TEXTS = ("幸福路的路灯不亮，晚上很黑", "幸福路路灯坏了一个星期", "幸福路上的路灯又不亮了，孩子放学看不见路")


@pytest.fixture(autouse=True)
def _no_groups_held():
    arriving.forget()
    yield
    arriving.forget()


@pytest.fixture
def city_in_use(submit) -> list[str]:
    """Matters about a broken lamp over three weeks."""
    numbers = []
    for i in range(24):
        said = f"{TEXTS[i % 3]}，{i}号楼前"
        contact = Contact(phone=f"139{i:08d}")
        number = submit(said, channel=("phone", "web")[i % 2], contact=contact).number
        Case.objects.filter(number=number).update(opened_at=timezone.now() - timedelta(days=1 + i % 21))
        numbers.append(number)
    return numbers


@pytest.fixture
def leader(client: Client) -> Client:
    client.post("/accounts/login/", {"login": "leader", "password": PASSWORD})
    return client


def test_every_page_is_whole_without_scripts_and_costs_few_queries(
    leader: Client, city_in_use: list[str]
) -> None:
    for path in PAGES:
        for language in ("zh-hans", "en"):
            page = leader.get(path, headers={"accept-language": language})
            text = page.content.decode()
            assert page.status_code == 200, path
            assert "style=" not in text and "<h1" in text
        with CaptureQueriesContext(connection) as seen:
            leader.get(path)
        assert len(seen) <= MOST_QUERIES, (path, len(seen), [q["sql"][:90] for q in seen])


def test_an_empty_city_has_empty_pages_and_no_error(leader: Client) -> None:
    for path in PAGES:
        assert leader.get(path).status_code == 200, path


def test_a_new_matter_joins_its_issue_with_the_next_look(
    leader: Client, city_in_use: list[str], submit
) -> None:
    arriving.arrive()
    number = submit(f"{TEXTS[0]}，25号楼前").number
    assert arriving.arrive() == 1 and arriving.arrive() == 0
    issues = Figure.objects.get(pk=arriving.KEY).value["issues"]
    after = next(issue for issue in issues if number in issue["numbers"])
    assert after["size"] >= 3 and after["numbers"][0] == number
    page = leader.get("/desk/sensing/").content.decode()
    assert f"/desk/evidence/?issue={number}" in page
    behind = leader.get(f"/desk/evidence/?issue={number}").content.decode()
    assert behind.count('href="/desk/cases/2') == after["size"]
    public = leader.get(f"/hears/issue/{number}/").content.decode()
    assert public.count('href="/cases/2') == after["size"]


def test_a_matter_that_two_processes_hear_of_counts_once(city_in_use: list[str], submit) -> None:
    arriving.arrive()
    submit(TEXTS[0])
    assert arriving.arrive() == 1
    arriving.forget()
    arriving.arrive()
    assert Figure.objects.get(pk=arriving.KEY).value["matters"] == len(city_in_use) + 1


def test_what_is_confidential_is_counted_and_not_listed(leader: Client, city_in_use: list[str]) -> None:
    Case.objects.filter(number__in=city_in_use[:4]).update(is_public=False)
    lighting = snapshot.current().function_by_code["lighting"].id
    Case.objects.filter(number__in=city_in_use).update(function_id=lighting)
    found = cases_behind(Behind(functions=(lighting,)))
    assert (found.total, found.confidential, len(found.cases)) == (24, 4, 20)
    text = leader.get("/desk/evidence/?function=lighting").content.decode()
    assert not any(number in text for number in city_in_use[:4])


def test_cases_are_found_by_the_steps_they_took(leader: Client, city_in_use: list[str], staff) -> None:
    from gongzhi.cases import actions

    case = Case.objects.get(number=city_in_use[0])
    actions.accept(staff("worker"), case)
    actions.resolve(staff("worker"), Case.objects.get(pk=case.pk), "已更换灯泡，路灯恢复照明。")
    found = cases_behind(Behind(steps=("accept", "resolve")))
    assert [c.pk for c in found.cases] == [case.pk]
    assert cases_behind(Behind(steps=("resolve", "accept"))).total == 0
    page = leader.get("/desk/improvement/").content.decode()
    assert "/desk/evidence/?step=" in page and "data-share" in page


@pytest.mark.parametrize(
    "query", ["", "?function=nothing", "?step=accept", "?step=accept&step=fly", "?from=yesterday", "?area=x"]
)
def test_a_wrong_question_is_told_what_to_write(leader: Client, query: str) -> None:
    assert leader.get(f"/desk/evidence/{query}").status_code == 422


def test_mandates_are_checked_once_until_log_or_registry_move(
    leader: Client, city_in_use: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    check = prepared.QUESTIONS["improvement.mandates"]
    monkeypatch.setitem(
        prepared.QUESTIONS,
        "improvement.mandates",
        lambda a: made.append(1) or check(a),
    )
    for _ in range(3):
        leader.get("/desk/improvement/mandates/")
    assert len(made) == 1
    from gongzhi.registry.models import City

    City.objects.update(revision=99)
    snapshot.forget()
    leader.get("/desk/improvement/mandates/")
    assert len(made) == 2


def test_what_is_out_of_date_is_shown_while_a_job_makes_it_anew(city_in_use: list[str], submit) -> None:
    first = prepared.prepared(asked.GRID, {"level": "street", "function": ""})
    submit("门口的路灯坏了")
    Figure.objects.filter(key__startswith=asked.GRID).update(at=timezone.now() - timedelta(minutes=6))
    old = prepared.prepared(asked.GRID, {"level": "street", "function": ""})
    assert old.value == first.value and old.is_under_way
    again = prepared.prepared(asked.GRID, {"level": "street", "function": ""})
    assert again.is_under_way, "asked for once, waited for by both"
    prepared.make(asked.GRID, {"level": "street", "function": ""})
    assert not prepared.prepared(asked.GRID, {"level": "street", "function": ""}).is_under_way


def test_a_large_city_never_waits_for_a_figure(
    leader: Client, city_in_use: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared, "is_large", lambda: True)
    page = leader.get("/desk/sensing/needs/", headers={"accept-language": "en"}).content.decode()
    assert "The figures are being made" in page and 'hx-trigger="every 3s"' in page
    prepared.make(asked.NEEDS, {"days": 365})
    page = leader.get("/desk/sensing/needs/", headers={"accept-language": "en"}).content.decode()
    assert "24 matters of the last 365 days" in page


def test_needs_show_nothing_for_fewer_than_ten(leader: Client, city_in_use: list[str]) -> None:
    found = prepared.prepared(asked.NEEDS, {"days": 365}).value
    assert found["segments"], "twelve came by telephone and twelve through the website"
    assert all(s["matters"] >= 10 for s in found["segments"])
    assert all(u["matters"] >= 10 for u in found["uncovered"])
    numbers = Case.objects.filter(is_public=True).values_list("number", flat=True)[:18]
    Case.objects.exclude(number__in=list(numbers)).delete()
    prepared.make(asked.NEEDS, {"days": 364})
    fewer = prepared.prepared(asked.NEEDS, {"days": 364}).value
    assert not [s for s in fewer["segments"] if s["side"] == "channel"], "nine and nine"


def test_a_change_chosen_in_the_form_is_replayed_and_names_the_cases_that_move(
    leader: Client, city_in_use: list[str]
) -> None:
    lighting = snapshot.current().function_by_code["lighting"]
    Case.objects.filter(number__in=city_in_use).update(function_id=lighting.id)
    holder = Case.objects.filter(number=city_in_use[0]).values_list("organisation__code", flat=True)[0]
    change = {"kind": "move", "function": "lighting", "from": holder, "to": "water", "area": "429000"}
    page = leader.post("/desk/improvement/mandates/", change, headers={"accept-language": "en"})
    text = page.content.decode()
    assert page.status_code == 200, text[:500]
    assert "would first have gone elsewhere" in text and "cases that would go elsewhere" in text
    wrong = leader.post("/desk/improvement/mandates/", {"kind": "move", "function": "lighting"})
    assert wrong.status_code == 422 and 'name="function"' in wrong.content.decode()
    assert leader.post("/desk/improvement/mandates/", {"kind": "abolish"}).status_code == 422


def test_a_plan_keeps_the_limit_of_fairness_or_says_what_it_would_need(
    leader: Client, city_in_use: list[str]
) -> None:
    page = leader.get(
        "/desk/improvement/allocation/?level=street&units=6&capacity=2&share=50&objective=fairest"
    )
    assert page.status_code == 200
    table = leader.get("/desk/improvement/allocation/?units=6&capacity=2&download=1")
    lines = b"".join(table.streaming_content).decode().strip().splitlines()
    assert sum(int(line.split(",")[5]) for line in lines[1:]) == 6
    few = leader.get(
        "/desk/improvement/allocation/?units=1&capacity=1&share=100", headers={"accept-language": "en"}
    )
    assert few.status_code == 422 and re.search(
        r"1 units cannot keep the limits: these ask for \d+", few.content.decode()
    )
    assert leader.get("/desk/improvement/allocation/?units=many").status_code == 422


def test_a_simulation_shows_its_check_beside_it_and_says_why_it_cannot(
    leader: Client, city_in_use: list[str], staff
) -> None:
    from gongzhi.cases import actions

    few = leader.get("/desk/improvement/simulation/?function=dust", headers={"accept-language": "en"})
    assert "too few cases" in few.content.decode()
    lighting = snapshot.current().function_by_code["lighting"]
    Case.objects.filter(number__in=city_in_use).update(function_id=lighting.id)
    for number in city_in_use:
        actions.accept(staff("worker"), Case.objects.get(number=number))
    page = leader.get(
        "/desk/improvement/simulation/?function=lighting&staff=2", headers={"accept-language": "en"}
    )
    text = page.content.decode()
    assert "Can it be believed?" in text and "As things are" in text, text[-3000:]
    assert leader.get("/desk/improvement/simulation/?function=lighting&staff=0").status_code == 422
    assert leader.get("/desk/improvement/simulation/?function=lighting&without=fly").status_code == 422


def test_maps_and_logs_can_be_taken_away(leader: Client, city_in_use: list[str]) -> None:
    for kind, sign in (("svg", "<svg"), ("bpmn", "bpmn"), ("xes", "</trace></log>"), ("csv", "from,to")):
        answer = leader.get(f"/desk/improvement/?as={kind}")
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200 and sign in body.decode(), kind
    outlines = leader.get("/desk/sensing/where/street.geojson").json()
    assert outlines["features"] and outlines["features"][0]["geometry"]["type"] in ("Polygon", "MultiPolygon")
    assert leader.get("/desk/sensing/where/planet.geojson").status_code == 404


def test_two_areas_and_two_periods_stand_beside_each_other(leader: Client, city_in_use: list[str]) -> None:
    area = snapshot.current().area_at(*HERE)
    assert area is not None
    page = leader.get(
        "/desk/improvement/?other=429001&area=429001", headers={"accept-language": "en"}
    ).content.decode()
    assert "Half took less than" in page
    page = leader.get(
        "/desk/improvement/?days=10&earlier=1", headers={"accept-language": "en"}
    ).content.decode()
    assert "last 10 days" in page
