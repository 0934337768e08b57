"""The pages of supervision as their users work through them."""

from __future__ import annotations

import base64
import io
import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image
from typer.testing import CliRunner

from gongzhi.cases import actions
from gongzhi.cases.actions import Contact
from gongzhi.cases.models import Case, Message, Notice
from gongzhi.cli.main import app
from gongzhi.ledger.models import Act
from gongzhi.ledger.sequencer import sequence
from gongzhi.registry.models import Person, Post
from gongzhi.supervision import inspecting, rates, sampling
from gongzhi.supervision.models import Draw, Exclusion, Inspection, Plan, Rating, Sample, Urging

pytestmark = pytest.mark.django_db
PHONE = "13812345678"


@pytest.fixture
def desk():  # type: ignore[no-untyped-def]
    def _as(username: str) -> Client:
        client = Client(headers={"accept-language": "en"})
        person = Person.objects.get(username=username)
        client.force_login(person, "django.contrib.auth.backends.ModelBackend")
        return client

    return _as


@pytest.fixture
def resolved(submit, staff):  # type: ignore[no-untyped-def]
    receipt = submit(contact=Contact(phone=PHONE))
    case = Case.objects.get(number=receipt.number)
    actions.accept(staff("worker"), case)
    actions.resolve(staff("worker"), case, "灯已换好")
    return case, receipt.secret


def _signed() -> str:
    out = io.BytesIO()
    Image.new("RGB", (300, 120), "white").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


SIGNED = _signed()


def photo() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "JPEG")
    out.seek(0)
    out.name = "door.jpg"
    return out


def drawn(client: Client, staff, submit) -> Draw:  # type: ignore[no-untyped-def]
    """A plan and a draw made on the pages, drawn once the log had come so far."""
    mine = Post.objects.get(pk=staff("supervisor").post_id).code
    made = client.post(
        "/supervision/inspections/",
        {"name": "餐饮抽查", "items": "证照齐全 | Licences\n消防通道 | Exits | 照片"},
    )
    plan = Plan.objects.get()
    assert made.status_code == 302 and plan.checklist[1]["needs_photo"] is True
    where = f"/supervision/inspections/plans/{plan.pk}/"
    form = {"subjects": "老街饭店 | 3\n新街面馆", "inspectors": [mine], "count": "1", "each": "1"}
    assert client.post(where, form | {"count": "9"}).status_code == 422
    assert client.post(where, form | {"inspectors": ["somebody"]}).status_code == 422
    assert client.post(where, form).status_code == 302
    draw = Draw.objects.get()
    assert client.post(where, {"do": "draw", "draw": str(draw.pk)}).status_code == 422, "no seed yet"
    for _n in range(inspecting.MARGIN):
        submit("夜间施工噪音扰民")
    sequence()
    assert client.post(where, {"do": "draw", "draw": str(draw.pk)}).status_code == 302
    draw.refresh_from_db()
    assert draw.result is not None
    return draw


def test_an_inspection_goes_from_plan_to_a_signed_checklist_and_a_case(
    desk, staff, submit, settings, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    settings.HOME = tmp_path
    client = desk("supervisor")
    draw = drawn(client, staff, submit)
    inspection = Inspection.objects.get()
    page = f"/supervision/inspections/{inspection.pk}/"
    assert inspection.subject_name in client.get("/supervision/inspections/").content.decode()
    filled = {"ok-i1": "yes", "ok-i2": "no", "note-i2": "堵塞", "finding": "消防通道被堵塞"}
    without_photo = client.post(page, filled)
    assert without_photo.status_code == 422 and "消防通道被堵塞" in without_photo.content.decode()
    assert client.post(page, filled | {"finding": "", "photo-i2": photo()}).status_code == 422
    assert client.post(page, filled | {"photo-i2": photo()}).status_code == 422, "nobody signed"
    filled["signer"] = "赵店主"
    assert (
        client.post(
            page, filled | {"photo-i2": photo(), "signature": "data:image/png;base64,eA=="}
        ).status_code
        == 422
    )
    filled["signature"] = SIGNED
    assert desk("worker").post(page, filled | {"photo-i2": photo()}).status_code == 403
    assert client.post(page, filled | {"photo-i2": photo()}).status_code == 302
    inspection.refresh_from_db()
    assert inspection.finding is not None and inspection.finding.attachments.count() == 1
    assert inspection.answers is not None and len(inspection.answers["i2"]["photo"]) == 64
    assert "Not in order" in client.get(page).content.decode()
    plan_page = client.get(f"/supervision/inspections/plans/{draw.plan_id}/").content.decode()
    assert inspection.finding.number in plan_page
    shown = client.get(page).content.decode()
    files = set(re.findall(rf"{page}([0-9a-f]{{64}})/", shown))
    assert files == {inspection.answers["i2"]["photo"], inspection.signature} and "赵店主" in shown
    for sha256 in files:
        assert client.get(f"{page}{sha256}/file").status_code == 200
        assert Client().get(f"{page}{sha256}/file").status_code in (302, 401, 403)
    assert client.get(f"{page}{'a' * 64}/file").status_code == 404
    public = Client().get("/inspections/", headers={"accept-language": "en"}).content.decode()
    assert (
        "signed by the inspected" in public and "赵店主" not in public and inspection.signature not in public
    )
    act = Act.objects.get(verb="inspection.record", subject_id=inspection.pk)
    assert act.details["signature"] == inspection.signature and "赵" not in str(act.details)


def test_without_a_script_the_typed_name_signs_and_nobody_need_sign(
    desk, staff, submit, settings, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    settings.HOME = tmp_path
    client = desk("supervisor")
    drawn(client, staff, submit)
    inspection = Inspection.objects.get()
    page = f"/supervision/inspections/{inspection.pk}/"
    filled = {"ok-i1": "yes", "ok-i2": "yes", "unsigned_why": "店内无人，电话13812345678"}
    assert client.post(page, filled | {"photo-i2": photo()}).status_code == 302
    inspection.refresh_from_db()
    assert (inspection.signer, inspection.signature) == ("", "")
    assert "店内无人" in inspection.unsigned_why and "13812345678" not in inspection.unsigned_why


def test_a_draw_is_recomputed_from_the_database_and_from_the_published_file(
    desk, staff, submit, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    client = desk("supervisor")
    draw = drawn(client, staff, submit)
    run = CliRunner().invoke
    by_number = run(app, ["inspect", "recompute", str(draw.pk), "--json"])
    assert by_number.exit_code == 0, by_number.output
    published = client.get(f"/inspections/{draw.pk}.json")
    file = tmp_path / "draw.json"
    file.write_bytes(published.content)
    by_file = run(app, ["inspect", "recompute", str(file), "--json"])
    assert by_file.exit_code == 0 and json.loads(by_file.stdout) == json.loads(by_number.stdout)
    assert json.loads(by_file.stdout)["result"] == draw.result
    forged = json.loads(published.content)
    other = {"s1": "s2", "s2": "s1"}[forged["result"][0]["subject"]]
    forged["result"][0]["subject"] = other
    file.write_text(json.dumps(forged))
    refused = run(app, ["inspect", "recompute", str(file)])
    assert refused.exit_code == 1 and other in refused.stderr
    assert run(app, ["inspect", "recompute", "999999"]).exit_code == 2
    file.write_text("{}")
    assert run(app, ["inspect", "recompute", str(file)]).exit_code == 2


def test_leaving_out_goes_from_desk_to_second_person_to_appeal(desk, resolved) -> None:  # type: ignore[no-untyped-def]
    case, secret = resolved
    sequence()
    rates.refresh()
    page, worker, second = "/supervision/exclusions/", desk("worker"), desk("dispatcher")
    asked = {"do": "ask", "number": case.number, "reason_code": "untrue", "reason": "现场无此灯"}
    bare = worker.post(page, asked)
    assert bare.status_code == 422 and "现场无此灯" in bare.content.decode(), "what was typed is kept"
    assert worker.post(page, asked | {"evidence": "照片三张"}).status_code == 302
    held = Exclusion.objects.get()
    assert worker.post(page, {"do": "agree", "id": held.pk}).status_code == 403
    assert "Leave out" in second.get(page).content.decode()
    own = f"/follow/{case.number}/{secret}/appeal/"
    assert Client().get(own).status_code == 404, "nothing is left out yet"
    assert second.post(page, {"do": "agree", "id": held.pk}).status_code == 302
    assert own in Client().get(f"/follow/{case.number}/{secret}/").content.decode()
    assert Client().post(own, {"text": "灯确实坏过"}).status_code == 302
    assert Client().get(f"/follow/{case.number}/wrong/appeal/").status_code == 404
    assert second.post(page, {"do": "lift", "id": held.pk, "reason": "属实"}).status_code == 403
    held.refresh_from_db()
    assert (held.state, held.appeal) == ("appealed", "灯确实坏过")
    assert "灯确实坏过" in second.get(page).content.decode()


def test_drawn_answers_show_the_rules_reasons_and_are_judged(desk, resolved) -> None:  # type: ignore[no-untyped-def]
    case, _secret = resolved
    week = timezone.localdate() - timedelta(days=timezone.localdate().weekday() + 7)
    Message.objects.filter(case=case).update(said_at=timezone.now() - timedelta(days=7))
    client, page = desk("supervisor"), "/supervision/samples/"
    assert desk("operator").post(page, {"do": "draw"}).status_code == 403
    assert client.post(page, {"do": "draw"}).status_code == 302
    assert client.post(page, {"do": "draw"}).status_code == 422, "a week is drawn once"
    sample = Sample.objects.get()
    assert sample.week == week and sampling.draw(week) == 0
    shown = client.get(page).content.decode()
    assert "灯已换好" in shown and "words shared with the question" in shown and "days allowed" in shown
    judged = {"do": "judge", "id": sample.pk, "relevance": "yes", "completeness": "no", "explanation": "no"}
    assert client.post(page, judged).status_code == 422, "every aspect must be judged"
    assert client.post(page, judged | {"timeliness": "yes"}).status_code == 302
    sample.refresh_from_db()
    assert sample.judged == {"relevance": 1, "completeness": 0, "explanation": 0, "timeliness": 1}


def test_an_urging_is_written_by_one_and_answered_by_the_other(desk, submit, staff) -> None:  # type: ignore[no-untyped-def]
    case = Case.objects.get(number=submit().number)
    actions.accept(staff("worker"), case)
    page = "/supervision/urgings/"
    form = {"do": "urge", "number": case.number, "text": "请说明进展"}
    assert desk("operator").post(page, form).status_code == 403
    assert desk("supervisor").post(page, form | {"text": " "}).status_code == 422
    assert desk("supervisor").post(page, form).status_code == 302
    pushed = Urging.objects.get()
    worker = desk("worker")
    assert "请说明进展" in worker.get(page).content.decode()
    answer = {"do": "answer", "id": pushed.pk, "text": "配件周五到货"}
    assert worker.post(page, answer).status_code == 302
    assert worker.post(page, answer).status_code == 409
    pushed.refresh_from_db()
    assert pushed.answer == "配件周五到货" and pushed.answered_at is not None


def test_a_bad_rating_is_on_the_call_back_list_and_on_the_pages_of_the_case(desk, resolved) -> None:  # type: ignore[no-untyped-def]
    case, secret = resolved
    own = f"/follow/{case.number}/{secret}/"
    rated = {"level": "1", "reasons": ["passed_around"], "text": "跑了三趟"}
    assert Client().post(f"{own}rate/", rated).status_code == 302
    client = desk("supervisor")
    assert "Bad ratings to put right <strong>1</strong>" in client.get("/supervision/").content.decode()
    listed = client.get("/supervision/calls/").content.decode()
    assert "跑了三趟" in listed and PHONE in listed and "I was sent from door to door" in listed
    followed = Client(headers={"accept-language": "en"}).get(own).content.decode()
    assert "your rating" in followed and "跑了三趟" in followed and "must be put right by" in followed
    assert f"{own}rate/" not in followed, "it was rated already"
    public = Client(headers={"accept-language": "en"}).get(f"/cases/{case.number}/").content.decode()
    assert "Very dissatisfied" in public and "跑了三趟" not in public
    assert Rating.objects.get().call_back.outcome == ""


def test_what_does_not_arrive_or_drain_rings_on_the_page_and_in_the_metrics(desk, resolved) -> None:  # type: ignore[no-untyped-def]
    from django.db import connection

    case, _secret = resolved
    client = desk("supervisor")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_events")
        cursor.execute("DELETE FROM procrastinate_jobs")
    assert 'id="alarm"' not in client.get("/supervision/").content.decode()
    Notice.objects.create(
        id="00000000-0000-0000-0000-000000000001", case=case, party=case.parties.get(), verb="resolve",
        at=timezone.now(), state="failed", settled_at=timezone.now(),
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, scheduled_at)"
            " VALUES ('clocks', 'x', '{}', 'todo', now() - interval '30 minutes')"
        )
    shown = client.get("/supervision/").content.decode()
    assert "could not be delivered" in shown and "the oldest for 30 minutes" in shown
    assert case.number in shown.partition('id="alarm"')[2].partition("</section>")[0]
    measured = Client().get("/metrics").content.decode()
    assert re.search(r"^gongzhi_notices_failed 1\.0$", measured, re.M)
    (waited,) = re.findall(r"^gongzhi_oldest_job_seconds (\S+)$", measured, re.M)
    assert 1790 < float(waited) < 1900


@pytest.mark.parametrize("page", ["", "urgings/", "calls/", "samples/", "exclusions/", "inspections/"])
def test_only_staff_enter_and_both_languages_are_spoken(page: str, desk) -> None:  # type: ignore[no-untyped-def]
    assert Client().get(f"/supervision/{page}").status_code in (302, 401)
    client = desk("supervisor")
    assert "Quality of answers" in client.get(f"/supervision/{page}").content.decode()
    chinese = client.get(f"/supervision/{page}", headers={"accept-language": "zh-CN"}).content.decode()
    assert "答复质量抽查" in chinese and "Quality of answers" not in chinese
