"""The pages of working together: who sees them, in both languages, and that they do what they say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from gongzhi.cases import actions
from gongzhi.coordination.actions import incidents
from gongzhi.coordination.actions.incidents import Measures
from gongzhi.coordination.models import Agreement, Directive, Incident, TaskForce, Whistle
from gongzhi.registry.models import Area, Person
from tests.cases.builders import MONDAY, a_case
from tests.coordination.builders import an_agreement, done_by_power, org

pytestmark = pytest.mark.django_db
PAGES = ("together", "directives", "whistles", "task-forces", "incidents", "settlements")


def signed_in(username: str) -> Client:
    client = Client()
    client.force_login(Person.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_for_staff_and_only_for_staff(client: Client, name: str, language: str) -> None:
    path = f"/desk/{name}/"
    assert client.get(path).status_code in (302, 401)
    page = signed_in("leader").get(path, headers={"accept-language": language})
    assert page.status_code == 200 and f'lang="{language}"' in page.content.decode()


def test_a_directive_goes_from_city_to_street_and_back_on_pages() -> None:
    due = (timezone.now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    leader = signed_in("leader")
    form = {
        "title": "汛期排查",
        "text": "请排查。",
        "targets": ["gov-429001"],
        "due_at": due,
        "fields": "已排查（处）：整数\n说明",
    }
    answer = leader.post("/desk/directives/", form)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    directive = Directive.objects.get()
    order = directive.orders.get()
    district = signed_in("supervisor-429001")
    assert "汛期排查" in district.get("/desk/together/").content.decode()
    passed = district.post(
        "/desk/directives/",
        {
            "parent": order.pk,
            "title": "转办",
            "text": "请上报。",
            "targets": ["gov-429001001"],
            "due_at": due,
        },
    )
    assert passed.status_code == 302
    below = Directive.objects.get(parent=order)
    street = signed_in("worker-429001001")
    wrong = street.post(f"/desk/directives/{below.pk}/", {"verb": "report", "f-f1": "许多", "f-f2": "好"})
    assert wrong.status_code == 422
    assert (
        street.post(
            f"/desk/directives/{below.pk}/", {"verb": "report", "f-f1": "12", "f-f2": "好"}
        ).status_code
        == 302
    )
    shown = leader.get(f"/desk/directives/{directive.pk}/").content.decode()
    assert "12" in shown and org("gov-429001001").name_zh in shown
    assert signed_in("worker-429002").get(f"/desk/directives/{directive.pk}/").status_code == 403
    assert (
        leader.post(f"/desk/directives/{directive.pk}/", {"verb": "close", "reason": "完成"}).status_code
        == 302
    )


def test_a_part_is_done_on_its_page_and_nobody_else_sees_it(submit: Any, staff: Any) -> None:
    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(staff("worker"), case, org("power"), request="请查供电线路", at=MONDAY)
    path = f"/desk/parts/{part.pk}/"
    assert signed_in("worker-water").get(path).status_code == 403
    power = signed_in("worker-power")
    page = power.get(path).content.decode()
    assert "请查供电线路" in page and "13812345678" not in page and "wang@example.org" not in page
    assert power.post(path, {"verb": "finish", "text": "好了"}).status_code == 409
    assert power.post(path, {"verb": "accept"}).status_code == 302
    assert power.post(path, {"verb": "finish", "text": "线路正常"}).status_code == 302
    part.refresh_from_db()
    assert (part.state, part.result) == ("done", "线路正常")


def test_the_public_situation_shows_nothing_internal(client: Client, staff: Any) -> None:
    leader = signed_in("leader")
    form = {"title": "暴雨", "area": "429001", "level": "1", "resolve_hours": "6", "report_hours": "4", "functions": ["street-lighting"]}  # fmt: skip
    assert leader.post("/desk/incidents/", form).status_code == 302
    incident = Incident.objects.get()
    path = f"/desk/incidents/{incident.pk}/"
    assert leader.post(path, {"verb": "say", "text": "请勿前往滨江路", "public": "on"}).status_code == 302
    assert leader.post(path, {"verb": "say", "text": "物资只够两天"}).status_code == 302
    report = incident.reports.get(organisation=org("gov-429001001"))
    street = signed_in("worker-429001001")
    assert (
        street.post(
            path, {"verb": "report", "report": report.pk, "text": "已转移", "moved": "12"}
        ).status_code
        == 302
    )
    shown = client.get(f"/incidents/{incident.pk}/").content.decode()
    assert "请勿前往滨江路" in shown and "物资只够两天" not in shown and "已转移" not in shown
    inside = leader.get(path).content.decode()
    assert "物资只够两天" in inside and "12" in inside
    assert leader.post(path, {"verb": "end", "text": "雨停"}).status_code == 302
    assert leader.post(path, {"verb": "review", "text": "泵站需增容"}).status_code == 302
    assert "泵站需增容" in client.get(f"/incidents/{incident.pk}/").content.decode()


def test_a_whistle_is_answered_on_its_page() -> None:
    street = signed_in("worker-429001001")
    form = {
        "text": "路面塌陷",
        "address": "枫林路12号",
        "departments": ["urban", "water"],
        "urgency": "urgent",
    }
    assert street.post("/desk/whistles/", form).status_code == 302
    whistle = Whistle.objects.get()
    path = f"/desk/whistles/{whistle.pk}/"
    assert signed_in("worker").post(path, {"verb": "answer"}).status_code == 302
    assert signed_in("worker-housing").get(path).status_code == 403
    call = whistle.calls.get(organisation=org("urban"))
    assert street.post(path, {"verb": "arrive", "call": call.pk}).status_code == 302
    marks = {f"mark-{c.pk}": "4" for c in whistle.calls.all()}
    assert street.post(path, {"verb": "finish", "text": "已回填", **marks}).status_code == 302
    assert signed_in("worker").post("/desk/whistles/", form).status_code == 403


def test_a_task_force_has_its_page_and_mentions_show_on_the_desk() -> None:
    until = (timezone.now() + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M")
    posts = [Person.objects.get(username=n).posts.get().code for n in ("worker", "worker-water")]
    leader = signed_in("leader")
    form = {"name": "积水专班", "purpose": "完成改造", "posts": posts, "until": until}
    assert leader.post("/desk/task-forces/", form).status_code == 302
    path = f"/desk/task-forces/{TaskForce.objects.get().pk}/"
    assert (
        signed_in("worker").post(path, {"verb": "comment", "text": "请 @worker-water 带泵"}).status_code
        == 302
    )
    water = signed_in("worker-water")
    assert "带泵" in water.get("/desk/together/").content.decode()
    assert "带泵" in water.get(path).content.decode()
    assert (
        "提到了您"
        not in water.get("/desk/together/", headers={"accept-language": "zh-hans"}).content.decode()
    )
    assert signed_in("worker-housing").get(path).status_code == 403
    assert leader.post(path, {"verb": "end", "text": "完成"}).status_code == 302


def test_a_statement_is_read_by_the_partner_and_who_signed(submit: Any, staff: Any) -> None:
    an_agreement(staff)
    done_by_power(submit, staff, when=MONDAY, hours=5)
    path = "/desk/settlements/power/2026-11/"
    for username, status in (
        ("worker-power", 200),
        ("leader", 200),
        ("analyst", 200),
        ("worker", 403),
        ("worker-gas", 403),
    ):
        assert signed_in(username).get(path).status_code == status, username
    assert "80.00" in signed_in("leader").get(path).content.decode()
    table = signed_in("leader").get(path + "?format=csv")
    assert table["Content-Type"].startswith("text/csv") and "80.00" in table.content.decode()


def test_a_partner_outside_its_agreement_is_refused_and_recorded(submit: Any, staff: Any) -> None:
    from gongzhi.ledger.models import Act

    case = a_case(submit, staff)
    for page in ("elsewhere", "cases"):
        assert signed_in("worker-power").get(f"/desk/{page}/{case.number}/").status_code == 403
        assert signed_in("worker-water").get(f"/desk/{page}/{case.number}/").status_code == 200
    assert Act.objects.filter(verb="partner.refuse_reading", subject_key=case.number).exists()


def test_an_incident_on_the_hub_asks_for_a_report(staff: Any) -> None:
    incidents.declare(staff("leader"), "暴雨红色预警", Area.objects.get(code="429001"), 1, Measures(6, 4))
    assert "暴雨红色预警" in signed_in("worker-429001001").get("/desk/together/").content.decode()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_everybody_sees_how_often_matters_change_hands(
    client: Client, submit: Any, staff: Any, language: str
) -> None:
    case = a_case(submit, staff, when=timezone.now())
    actions.return_(staff("worker"), case, reason_code="not_ours", reason="属交通部门")
    page = client.get("/circulation/?days=30", headers={"accept-language": language})
    assert page.status_code == 200
    with translation.override(language):
        assert org("urban").name in page.content.decode()


def test_an_agreement_is_signed_and_a_cost_entered_on_the_page() -> None:
    leader = signed_in("leader")
    form = {
        "verb": "sign", "title": "路灯维护", "partner": "power", "area": "429000", "functions": ["street-lighting"],
        "valid_from": "2026-01-01", "valid_until": "2026-12-31", "working_days": "3", "fee": "80.5", "penalty": "20",
        "cost_percent": "40", "benefit_percent": "25",
    }  # fmt: skip
    assert leader.post("/desk/settlements/", form | {"fee": "八十"}).status_code == 422
    assert leader.post("/desk/settlements/", form).status_code == 302
    agreement = Agreement.objects.get()
    assert (agreement.fee_cents, agreement.penalty_cents, agreement.cost_permille) == (8_050, 2_000, 400)
    entry = {
        "verb": "enter",
        "agreement": agreement.pk,
        "kind": "cost",
        "amount": "100",
        "month": "2026-11",
        "note": "灯具",
    }
    assert leader.post("/desk/settlements/", entry).status_code == 302
    assert "40.00" in leader.get("/desk/settlements/power/2026-11/").content.decode()
    assert signed_in("supervisor-power").post("/desk/settlements/", form).status_code == 403
