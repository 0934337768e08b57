"""A partner works its tasks with its own system, under an agreement and within it."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from gongzhi.api import keys
from gongzhi.api.models import SenderKey
from gongzhi.cases import actions
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Attachment, Case, Message, Task
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import SYSTEM
from gongzhi.registry.models import Post
from tests.coordination.builders import an_agreement, org

pytestmark = pytest.mark.django_db


class Program:
    """A partner's own system."""

    def __init__(self, username: str | None) -> None:
        post = Post.objects.get(person__username=username) if username else None
        self.headers = {
            "authorization": f"Bearer {keys.make(SYSTEM, f'系统 {username}', post)}",
            "accept-language": "en",
        }
        self.client = Client(raise_request_exception=False)

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/partner/{path}", headers=self.headers)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.client.post(
            f"/api/v1/partner/{path}", body or {}, content_type="application/json", headers=self.headers
        )


@pytest.fixture
def power(db: None) -> Program:
    return Program("worker-power")


@pytest.fixture
def led(submit: Any, staff: Any) -> Task:
    an_agreement(staff)
    receipt = submit(
        "路灯不亮，我的电话13811112222", function_code="lighting", contact=Contact("王五", "13811112222")
    )
    case = Case.objects.get(number=receipt.number)
    actions.assign(staff("dispatcher"), case, org("power"), reason="按协议")
    return Task.objects.get(case=case, organisation=org("power"))


def photo() -> dict[str, str]:
    stream = io.BytesIO()
    Image.new("RGB", (60, 40), (10, 90, 30)).save(stream, "JPEG")
    return {"data": base64.b64encode(stream.getvalue()).decode(), "name": "after.jpg"}


def test_a_matter_is_led_from_list_to_result_with_evidence(power: Program, led: Task) -> None:
    (listed,) = power.get("tasks").json()["tasks"]
    assert (listed["id"], listed["role"], listed["agreement"]["title"]) == (
        led.pk,
        "lead",
        "路灯维护合作协议",
    )
    assert listed["text"].endswith("13811112222") and listed["people"][0]["name"] == "王五"
    taken = power.post(f"tasks/{led.pk}/accept")
    assert (taken.status_code, taken.json()["state"]) == (200, "accepted")
    assert power.post(f"tasks/{led.pk}/accept").status_code == 409
    said = power.post(f"tasks/{led.pk}/messages", {"text": "维修车今天下午到", "audience": "parties"})
    assert [m["by"] for m in said.json()["messages"]] == ["power"]
    done = power.post(f"tasks/{led.pk}/result", {"text": "已更换灯头，恢复照明", "photos": [photo()]})
    assert (done.status_code, done.json()["status"], done.json()["state"]) == (200, "resolved", "done")
    (file,) = done.json()["files"]
    shown = power.get(file["url"].split("/partner/")[1])
    assert shown.status_code == 200 and shown["Content-Type"] == "image/jpeg"
    act = Act.objects.get(verb="case.resolve", subject_id=led.case_id)
    assert (act.actor_kind, act.organisation_id) == ("app", org("power").pk) and len(
        act.details["photos"]
    ) == 1


def test_a_matter_is_given_back_with_a_reason(power: Program, led: Task) -> None:
    wrong = power.post(f"tasks/{led.pk}/return", {"reason_code": "mood", "reason": "x"})
    assert wrong.status_code == 422 and "reason_code" in wrong.json()["errors"]
    back = power.post(f"tasks/{led.pk}/return", {"reason_code": "wrong_function", "reason": "是通信杆"})
    assert (back.status_code, back.json()["state"]) == (200, "returned")
    assert power.post(f"tasks/{led.pk}/result", {"text": "已完成"}).status_code == 403


def test_a_part_is_done_without_seeing_the_people(power: Program, submit: Any, staff: Any) -> None:
    number = submit("井盖响，我叫李四，电话13833334444", contact=Contact("李四", "13833334444")).number
    case = Case.objects.get(number=number)
    actions.accept(staff("worker"), case)
    part = actions.ask_part(staff("worker"), case, org("power"), request="请断电配合")
    told = power.get(f"tasks/{part.pk}").json()
    assert told["request"] == "请断电配合" and told["people"] == [] and "13833334444" not in str(told)
    assert power.post(f"tasks/{part.pk}/accept").json()["state"] == "accepted"
    assert power.post(f"tasks/{part.pk}/messages", {"text": "插话"}).status_code == 403
    done = power.post(f"tasks/{part.pk}/result", {"text": "已断电", "photos": [photo()]})
    assert done.json()["state"] == "done" and len(done.json()["files"]) == 1
    assert Attachment.objects.get(message__organisation=org("power")).case_id == case.pk
    assert Message.objects.get(text="已断电").audience == "internal"


def test_what_is_outside_the_agreement_is_refused_and_recorded(
    power: Program, submit: Any, staff: Any
) -> None:
    an_agreement(staff)
    case = Case.objects.get(number=submit("邻居半夜唱歌", function_code="noise-social").number)
    foreign = Task.objects.filter(case=case).first()
    assert foreign is not None and foreign.organisation_id != org("power").pk
    for verb in ("accept", "result"):
        assert power.post(f"tasks/{foreign.pk}/{verb}", {"text": "x"}).status_code == 403
    assert power.get(f"tasks/{foreign.pk}").status_code == 403
    recorded = Act.objects.filter(verb="partner.refuse_reading", subject_key=case.number)
    assert recorded.count() == 3 and {a.organisation_id for a in recorded} == {org("power").pk}
    assert power.get("tasks/999999999").status_code == 404


@pytest.mark.parametrize("username", [None, "worker"])
def test_only_a_partners_key_opens_it(username: str | None, led: Task) -> None:
    other = Program(username)
    assert other.get("tasks").status_code == 403
    assert other.post(f"tasks/{led.pk}/accept").status_code == 403
    nobody = Client().get("/api/v1/partner/tasks")
    assert nobody.status_code == 401 and nobody["WWW-Authenticate"].startswith("Bearer")


def test_a_key_ends_with_its_post_and_with_its_revocation(power: Program) -> None:
    assert power.get("tasks").status_code == 200
    keys.revoke(SYSTEM, "系统 worker-power")
    assert power.get("tasks").status_code == 401
    assert not SenderKey.objects.filter(revoked_at=None).exists()


def test_a_long_list_comes_in_pages(power: Program, submit: Any, staff: Any) -> None:
    for n in range(3):
        case = Case.objects.get(
            number=submit(f"第{n}盏路灯不亮", function_code="lighting", lat=30.5 + n / 100).number
        )
        if case.organisation_id != org("power").pk:
            actions.assign(staff("dispatcher"), case, org("power"), reason="按协议")
    first = power.get("tasks?limit=2").json()
    second = power.get(f"tasks?limit=2&after={first['next']}").json()
    ids = [t["id"] for t in first["tasks"] + second["tasks"]]
    assert len(ids) == 3 and ids == sorted(ids, reverse=True) and second["next"] is None
