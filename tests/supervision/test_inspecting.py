from __future__ import annotations

import copy
import json
from collections import Counter
from hashlib import sha256

import pytest

from gongzhi.errors import Invalid, NotAllowed
from gongzhi.ledger.sequencer import sequence
from gongzhi.registry.models import Organisation, Post
from gongzhi.supervision import drawing, inspecting, recomputing
from gongzhi.supervision.models import Inspection

CHECKLIST = [
    {"code": "licence", "name_zh": "证照齐全"},
    {"code": "fire", "name_zh": "消防通道", "needs_photo": True},
]


def inputs(weights: tuple[str, ...] = ("1", "1", "8"), **changed: object) -> drawing.Inputs:
    subjects = tuple(drawing.Subject(f"s{n}", f"店{n}", w) for n, w in enumerate(weights))
    inspectors = (drawing.Inspector("a", ("s0", "s2")), drawing.Inspector("b"), drawing.Inspector("c"))
    return drawing.Inputs(
        subjects, inspectors, **{"count": 1, "inspectors_each": 2, "tree_size": 9} | changed
    )  # type: ignore[arg-type]


def test_what_weighs_more_is_drawn_more_often_and_in_proportion() -> None:
    drawn = Counter(
        drawing.draw(inputs(), sha256(bytes([n, m])).digest())[0]["subject"]
        for n in range(40)
        for m in range(50)
    )
    assert abs(drawn["s2"] / 2000 - 0.8) < 0.04 and drawn["s0"] > 100


def test_nobody_inspects_where_there_is_a_conflict_and_work_is_shared() -> None:
    for n in range(50):
        result = drawing.draw(inputs(count=3), sha256(bytes([n])).digest())
        assert sorted(r["subject"] for r in result) == ["s0", "s1", "s2"]
        assert all("a" not in r["inspectors"] for r in result if r["subject"] != "s1")


@pytest.mark.parametrize("weights", [("0",), ("-1",), ("NaN",), ("1e99",)])
def test_inputs_that_cannot_be_drawn_from_are_refused(weights: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        drawing.draw(inputs(weights), bytes(32))


@pytest.mark.django_db
def test_a_draw_is_announced_before_its_seed_exists_and_anybody_recomputes_it(staff, submit) -> None:  # type: ignore[no-untyped-def]
    supervisor = staff("supervisor")
    organisation = Organisation.objects.get(pk=supervisor.organisation_id)
    plan = inspecting.plan(supervisor, organisation, "餐饮店抽查", CHECKLIST)
    posts = list(
        Post.objects.filter(organisation=organisation, is_active=True).values_list("code", flat=True)[:4]
    )
    subjects = [drawing.Subject(f"shop-{n}", f"饭店{n}", str(1 + n % 3)) for n in range(10)]
    with pytest.raises(Invalid):
        inspecting.announce(supervisor, plan, subjects, [], count=3)
    announced = inspecting.announce(
        supervisor, plan, subjects, [drawing.Inspector(p) for p in posts], count=3, inspectors_each=1
    )
    sequence()
    assert inspecting.perform(announced) is None, "the log has not come so far"
    for _n in range(inspecting.MARGIN):
        submit("门口路灯坏了，第几天了")
    sequence()
    drawn = inspecting.perform(announced)
    assert drawn is not None and len(drawn.result or []) == 3
    again = inspecting.perform(announced)
    assert again is not None and again.result == drawn.result and Inspection.objects.count() == 3
    document = json.loads(json.dumps(inspecting.published(drawn)))
    assert recomputing.verdict(document)["is_same"]
    for change in (
        lambda d: d["result"].reverse(),
        lambda d: d["inputs"]["subjects"][0].update(weight="9"),
        lambda d: d.update(root="A" * 43 + "="),
    ):
        forged = copy.deepcopy(document)
        change(forged)
        assert not recomputing.verdict(forged)["is_same"]


@pytest.mark.django_db
def test_a_finding_becomes_a_case_and_only_the_drawn_inspector_records_it(staff, submit) -> None:  # type: ignore[no-untyped-def]
    supervisor = staff("supervisor")
    organisation = Organisation.objects.get(pk=supervisor.organisation_id)
    plan = inspecting.plan(supervisor, organisation, "工地抽查", CHECKLIST)
    mine = Post.objects.get(pk=supervisor.post_id).code
    announced = inspecting.announce(
        supervisor,
        plan,
        [drawing.Subject("s", "工地一")],
        [drawing.Inspector(mine)],
        count=1,
        inspectors_each=1,
    )
    for _n in range(inspecting.MARGIN):
        submit("夜间施工噪音扰民")
    sequence()
    assert inspecting.perform_due() == 1
    inspection = announced.inspections.get()
    good = {"licence": {"ok": True}, "fire": {"ok": False, "photo": "ab" * 32, "note": "堵塞"}}
    with pytest.raises(NotAllowed):
        inspecting.record_result(staff("worker"), inspection, good)
    with pytest.raises(Invalid):
        inspecting.record_result(supervisor, inspection, {"licence": {"ok": True}, "fire": {"ok": True}})
    done = inspecting.record_result(
        supervisor, inspection, good, finding="消防通道被建材堵塞", lng=111.36, lat=30.52
    )
    assert done.finding is not None and "消防通道" in done.finding.text
