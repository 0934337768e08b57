"""Mandates: the faults that the demo city has on purpose are found, and a changed table is replayed."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.improvement.documents import DocumentInvalid
from gongzhi.improvement.mandates import changes, past, queries, replay
from gongzhi.improvement.mandates.findings import Finding
from gongzhi.improvement.mandates.past import NOBODY, Past
from gongzhi.improvement.mandates.queries import Situation
from gongzhi.improvement.mandates.table import Table, of_pack
from gongzhi.registry.models import Organisation
from tests.conftest import PACK, PASSWORD

OVERLAPS = {
    "noise-construction",
    "cooking-fumes",
    "underpass-flood",
    "illegal-building",
    "drowning-risk",
    "speed-bumps",
}
GAPS = {"light-pollution", "bikes-shared", "abandoned-vehicles", "wildlife"}


@pytest.fixture(scope="module")
def situation() -> Situation:
    registry, words = of_pack(PACK)
    return Situation(Table(registry, date(2026, 6, 1)), past.nothing(), words)


def of_kind(situation: Situation, kind: str) -> dict[str, Finding]:
    functions = situation.table.registry.functions
    return {functions[f.functions[0]].code: f for f in queries.check(situation) if f.kind == kind}


def happened(situation: Situation, rows: list[tuple[str, str, str, list[str]]], hours: float = 10.0) -> Past:
    """Cases as (function, routed as, area, organisations in order)."""
    registry = situation.table.registry
    f, o, a = registry.function_by_code, registry.organisation_by_code, registry.area_by_code
    n = len(rows)
    moves = np.array([len(r[3]) - 1 for r in rows], np.int64)
    return Past(
        function=np.array([f[r[0]].id for r in rows]),
        routed=np.array([f[r[1]].id for r in rows]),
        read=np.array([f[r[1]].id for r in rows]),
        tied=np.full(n, NOBODY),
        area=np.array([a[r[2]].id for r in rows]),
        organisation=np.array([o[r[3][-1]].id for r in rows]),
        moves=moves,
        lost_hours=np.where(moves > 0, hours, 0.0),
        paths={i: [o[c].id for c in r[3]] for i, r in enumerate(rows) if len(r[3]) > 1},
    )


def test_the_overlaps_and_gaps_of_the_demo_city_are_found_and_no_others(situation: Situation) -> None:
    assert set(of_kind(situation, "overlap")) == OVERLAPS
    gaps = of_kind(situation, "gap")
    assert set(gaps) == GAPS | {"shop-overflow"}
    town = gaps["shop-overflow"]
    assert [situation.table.registry.areas[a].code for a in town.areas] == ["429004106"]
    assert town.changes == [
        {
            "add": {
                "organisation": "gov-429004106",
                "function": "shop-overflow",
                "area": "429004106",
                "role": "lead",
            }
        }
    ]


def test_every_proposal_mends_what_it_was_made_for(situation: Situation) -> None:
    for finding in queries.check(situation):
        if finding.kind in ("overlap", "gap"):
            changed = changes.apply_proposals(situation.table, finding.changes)
            left = queries.check(Situation(changed.table, situation.past, {}))
            assert not any(f.kind == finding.kind and f.functions == finding.functions for f in left)


def test_an_overlap_is_given_to_whoever_does_the_work(situation: Situation) -> None:
    rows = [("noise-construction", "noise-construction", "429001", ["housing", "urban"])] * 5
    found = of_kind(Situation(situation.table, happened(situation, rows), {}), "overlap")[
        "noise-construction"
    ]
    assert found.cases == 5 and found.evidence["moved"] == 5 and found.evidence["keeps"] == "urban"


def test_functions_read_as_each_other_and_cases_sent_to_and_fro_are_named(situation: Situation) -> None:
    rows = [
        *[("lighting", "lighting", "429001", ["urban"])] * 20,
        *[("tactile-paving", "lighting", "429001", ["urban"])] * 10,
        *[("dust", "dust", "429001", ["housing", "environment", "housing"])] * 3,
    ]
    seen = Situation(situation.table, happened(situation, rows), {})
    duplicate = of_kind(seen, "duplicate")["lighting"]
    assert duplicate.evidence["confused"] == 10
    assert duplicate.changes == [{"merge": {"function": "tactile-paving", "into": "lighting"}}]
    bounced = of_kind(seen, "ping_pong")["dust"]
    assert bounced.cases == 3 and bounced.evidence["moves"] == 6


def test_noise_is_scattered_over_many_organisations(situation: Situation) -> None:
    assert "noise" in of_kind(situation, "scattered")


def test_a_changed_table_saves_what_wrong_turns_cost(situation: Situation, tmp_path: Path) -> None:
    rows = [
        *[("noise-construction", "noise-construction", "429001", ["housing", "urban"])] * 4,
        *[("noise-construction", "noise-construction", "429001", ["housing"])] * 2,
    ]
    seen = Situation(situation.table, happened(situation, rows), {})
    path = tmp_path / "changes.yaml"
    path.write_text(
        'changes:\n- end: {organisation: housing, function: noise-construction, area: "429000"}\n'
    )
    found = queries.what_if(seen, path)
    # Four went to housing first though urban had them in the end; then all six go to urban at once.
    assert (found["transfers_before"], found["transfers_after"]) == (4.0, 0.0)
    assert found["hours_saved"] == 40.0 and found["overlaps_after"] == found["overlaps_before"] - 1
    load = {r["organisation"]: (r["cases_before"], r["cases_after"]) for r in found["load"]}
    assert load == {"urban": (4, 6), "housing": (2, 0)}


def test_equal_tables_differ_by_nothing(situation: Situation) -> None:
    rows = [("dust", "dust", "429001", ["housing", "urban"]), ("lighting", "lighting", "429002", ["urban"])]
    found = replay.what_if(situation.table, changes.Changed(situation.table, {}), happened(situation, rows))
    assert found["transfers_saved"] == found["hours_saved"] == 0 and found["sent_elsewhere"] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("changes:\n- end: {organisation: urban, function: lift-new}\n", "line 2: there is no such mandate"),
        ("changes:\n- add: {organisation: nobody, function: dust}\n", "line 2: no organisation 'nobody'"),
        ("changes:\n- add: {organisation: urban}\n", "line 2: add: function is missing"),
        ("changes:\n- give: {a: b}\n", "line 2: expected one of add, end, move, merge"),
        ("- add: {organisation: urban, function: dust, role: boss}\n", "line 1: no role 'boss'"),
        ("nothing: here\n", "expected changes"),
    ],
)
def test_a_wrong_change_is_named_by_its_line(
    situation: Situation, tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "changes.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentInvalid, match=words):
        changes.apply(situation.table, path)


def test_a_hundred_thousand_cases_take_seconds(situation: Situation) -> None:
    rng = np.random.default_rng(1)
    registry = situation.table.registry
    leaves = [f.id for f in situation.table.leaves()]
    areas = [a.id for a in registry.areas.values() if a.level == "grid"]
    n = 100_000
    function = rng.choice(leaves, n)
    area = rng.choice(areas, n)
    organisation = situation.table.routes(function, area)
    moves = (rng.random(n) < 0.1).astype(np.int64)
    none = np.full(n, NOBODY)
    many = Past(function, function, function, none, area, organisation, moves, moves * 5.0)
    begin = time.perf_counter()
    queries.check(Situation(Table(registry, situation.table.on), many, situation.words))
    replay.what_if(situation.table, changes.Changed(situation.table, {}), many)
    assert time.perf_counter() - begin < 20


@pytest.mark.django_db
def test_what_happened_is_read_from_cases_and_acts(submit, staff) -> None:  # type: ignore[no-untyped-def]
    case = Case.objects.get(
        pk=submit("工地夜间施工噪声很大，吵得睡不着", function_code="noise-construction").case_id
    )
    first, other = case.organisation, Organisation.objects.get(code="urban")
    actions.transfer(staff("dispatcher"), case, other, reason="由城管处理")
    seen = queries.of_city()
    row = len(seen.past) - 1
    assert seen.past.paths[row] == [first.pk, other.pk] and seen.past.moves[row] == 1
    found = of_kind(seen, "overlap")["noise-construction"]
    assert found.evidence["moved"] == 1


@pytest.mark.django_db
def test_the_pages_of_improvement_are_for_staff_and_show_their_findings(client: Client, submit) -> None:  # type: ignore[no-untyped-def]
    pages = ["/desk/improvement/", "/desk/improvement/mandates/", "/desk/improvement/tariffs/"]
    assert all(client.get(p).status_code == 302 for p in pages)
    submit()
    client.post("/accounts/login/", {"login": "leader", "password": PASSWORD})
    for language in ("zh-hans", "en"):
        shown = [client.get(p, headers={"accept-language": language}).content.decode() for p in pages]
        assert "<svg" in shown[0] and "shop-overflow" in shown[1] and "elasticity" in shown[2]
    assert client.get("/desk/improvement/?as=bpmn")["Content-Type"] == "application/xml"
    tried = client.get("/desk/improvement/mandates/?try=0", headers={"accept-language": "en"})
    assert "Transfers saved" in tried.content.decode()
    wrong = client.post(
        "/desk/improvement/mandates/", {"changes": "- add: {organisation: x, function: dust}"}
    )
    assert wrong.status_code == 422 and "line 1" in wrong.content.decode()
