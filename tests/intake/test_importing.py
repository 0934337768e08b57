"""Bringing whole files in: counted, repeated, interrupted, learned from."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from django.db import connection

from gongzhi.cases.models import Case, Message, Task
from gongzhi.errors import NotAllowed, Unavailable
from gongzhi.intake.importing import running
from gongzhi.intake.importing.running import Outcome, Request, bring_in
from gongzhi.ledger import sequencer, verification
from gongzhi.ledger.models import Act
from gongzhi.registry.authority import ANONYMOUS, SYSTEM
from gongzhi.registry.models import Area, City, Function, Mandate, Organisation
from gongzhi.routing.reasons import explain

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"

HEADER = ["id", "text", "opened", "closed", "department", "category", "reply"]
GOOD = [
    ["a1", "路灯坏了好几天，晚上很黑", "2024-05-06 09:00:00", "2024-05-08 10:00:00", "灯光所", "照明", "已更换灯泡。"],
    ["a2", "下水道堵塞，污水外溢", "2024-05-06 10:00:00", "", "排水所", "排水", ""],
    ["a3", "路灯又坏了，电话13812345678", "2024-05-07 09:00:00", "", "灯光所", "照明", ""],
]  # fmt: skip


def a_file(folder: Path, rows: list[list[str]], name: str = "history.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.imported, outcome.rejected, outcome.skipped


def bring(path: Path, **fields: object) -> Outcome:
    return bring_in(Request(path, "generic", **fields), SYSTEM)  # type: ignore[arg-type]


def test_a_history_becomes_cases_with_what_happened_afterwards(tmp_path: Path) -> None:
    outcome = bring(a_file(tmp_path, GOOD), learn=True)
    assert counts(outcome) == (3, 0, 0)
    case = Case.objects.get(source_id="a1")
    assert (case.state, case.closure, case.function.name_zh) == ("closed", "fixed", "照明")
    assert case.organisation.name_zh == "灯光所"
    verbs = Act.objects.filter(subject_kind="case", subject_id=case.pk).order_by("pk")
    assert [a.verb for a in verbs] == ["case.open", "case.resolve", "case.close"]
    assert verbs[1].recorded_at == case.resolved_at and verbs[1].details["imported_at"]
    assert Message.objects.get(case=case).public_text == "已更换灯泡。"
    assert Task.objects.get(case=case).state == "done"
    assert case.version == 3


def test_the_ledger_holds_what_was_brought_in(tmp_path: Path) -> None:
    bring(a_file(tmp_path, GOOD), learn=True)
    sequencer.sequence()
    verdict = verification._verify()  # noqa: SLF001 – the test's transaction is already open
    assert verdict.is_sound and verdict.checked >= 4


def test_personal_data_in_a_history_is_not_public(tmp_path: Path) -> None:
    bring(a_file(tmp_path, GOOD))
    case = Case.objects.get(source_id="a3")
    assert "13812345678" in case.text and "13812345678" not in case.public_text


def test_the_same_file_again_imports_nothing(tmp_path: Path) -> None:
    path = a_file(tmp_path, GOOD)
    assert counts(bring(path)) == (3, 0, 0)
    before = Act.objects.count()
    assert counts(bring(path)) == (0, 0, 3)
    assert (Case.objects.filter(source_id__startswith="a").count(), Act.objects.count()) == (3, before)


def test_a_later_export_brings_only_what_is_new(tmp_path: Path) -> None:
    bring(a_file(tmp_path, GOOD[:2]))
    assert counts(bring(a_file(tmp_path, GOOD, "later.csv"))) == (1, 0, 2)


def test_a_row_that_stands_twice_is_taken_once(tmp_path: Path) -> None:
    outcome = bring(a_file(tmp_path, [*GOOD, GOOD[0]]))
    assert counts(outcome) == (3, 0, 1) and outcome.notes["twice_in_the_file"] == 1


def test_bad_rows_are_written_with_their_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    bad = [["b1", "", "2024-05-06", "", "", "", ""], ["b2", "some text", "soon", "", "", "", ""]]
    outcome = bring(a_file(tmp_path, [GOOD[0], *bad, GOOD[1]]))
    assert counts(outcome) == (2, 2, 0)
    with Path(outcome.rejected_file).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert outcome.rejected_file == str(tmp_path / "history.rejected.csv")
    assert [(r["id"], r["row"]) for r in rows] == [("b1", "2"), ("b2", "3")]
    assert rows[0]["reason"] == "it has no text" and "no date" in rows[1]["reason"]


def test_the_list_of_rejected_rows_goes_elsewhere_when_the_folder_is_not_writable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "history.rejected.csv").mkdir()
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    outcome = bring(a_file(tmp_path, [GOOD[0], ["b", "", "", "", "", "", ""]]))
    assert Path(outcome.rejected_file).resolve() == here / "history.rejected.csv"


def test_an_interrupted_import_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK_ROWS", 10)
    rows = [[f"c{i}", f"路灯坏了，第{i}盏", "2024-05-06 09:00:00", "", "", "", ""] for i in range(35)]
    rows[4][1] = ""
    path = a_file(tmp_path, rows)

    def stop_at_twenty(outcome: Outcome, share: float) -> None:
        assert 0 <= share <= 1
        if outcome.imported >= 19:
            raise KeyboardInterrupt

    first = bring_in(Request(path, "generic"), SYSTEM, stop_at_twenty)
    assert first.interrupted and counts(first) == (19, 1, 0)
    second = bring(path)
    assert counts(second) == (34, 1, 0) and second.rows_this_time == 15
    assert Case.objects.filter(source_id__startswith="c").count() == 34
    with Path(second.rejected_file or first.rejected_file).open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1
    assert counts(bring(path)) == (0, 1, 34)


def test_a_fault_in_a_chunk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running._Run, "_count", lambda *_: 1 / 0)  # noqa: SLF001
    before = Case.objects.count(), Act.objects.count()
    with pytest.raises(ZeroDivisionError):
        bring(a_file(tmp_path, GOOD))
    assert (Case.objects.count(), Act.objects.count()) == before


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    before = Case.objects.count(), Act.objects.count(), Organisation.objects.count()
    bad = ["b", "", "", "", "", "", ""]
    outcome = bring(a_file(tmp_path, [*GOOD, bad]), dry_run=True, learn=True)
    assert counts(outcome) == (3, 1, 0) and not outcome.rejected_file
    assert (Case.objects.count(), Act.objects.count(), Organisation.objects.count()) == before


def test_a_limit_stops_early(tmp_path: Path) -> None:
    assert counts(bring(a_file(tmp_path, GOOD), limit=2)) == (2, 0, 0)


def test_a_place_outside_the_city_is_left_out_of_the_case(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("id,text,lat,lng\n1,路灯坏了好几天,30.52,111.36\n2,路灯坏了好几天,48.1,11.5\n")
    outcome = bring(path)
    assert counts(outcome) == (2, 0, 0) and outcome.notes["place_outside_the_city"] == 1
    assert Case.objects.get(source_id="1").area is not None
    assert Case.objects.get(source_id="2").lat is None


def test_only_those_permitted_may_import(tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        bring_in(Request(a_file(tmp_path, GOOD), "generic"), ANONYMOUS)


def test_two_imports_of_one_file_at_once_are_refused(tmp_path: Path) -> None:
    import hashlib

    import psycopg

    key = int.from_bytes(hashlib.sha256(b"history.csv").digest()[:8], "big", signed=True)
    with psycopg.connect(connection.connection.info.dsn) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        with pytest.raises(Unavailable):
            bring(a_file(tmp_path, GOOD))


def test_nothing_that_was_brought_in_counts_against_a_rate_limit(tmp_path: Path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.RATE_LIMITS = True
    rows = [[f"r{i}", "路灯坏了好几天", "2024-05-06", "", "", "", str(i)] for i in range(60)]
    assert counts(bring(a_file(tmp_path, rows))) == (60, 0, 0)


def test_formulas_and_markup_come_in_as_the_text_they_are(tmp_path: Path) -> None:
    said = '=HYPERLINK("http://x") <script>alert(1)</script>'
    bring(a_file(tmp_path, [["f", said, "2024-05-06", "", "", "", ""]]))
    assert Case.objects.get(source_id="f").text == said


def test_a_history_that_nobody_was_responsible_for_by_mandate_explains_itself(tmp_path: Path) -> None:
    from gongzhi.registry import snapshot

    rows = [[f"h{i}", "路灯坏了", "2024-05-06", "", "甲所" if i else "乙所", "照明", ""] for i in range(8)]
    bring(a_file(tmp_path, rows), learn=True)
    case = Case.objects.get(source_id="h0")
    assert case.route["rule"] == "history" and case.organisation.name_zh == "乙所"
    sentence = explain(case.route, snapshot.current())
    assert "乙所" in sentence and "甲所" in sentence


def without_a_city() -> None:
    from gongzhi.registry import snapshot

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for model in (Mandate, Function, Organisation, Area, City):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
        cursor.execute("SET session_replication_role = origin")
    snapshot.forget()


def test_without_a_city_and_without_learning_the_way_out_is_told(tmp_path: Path) -> None:
    without_a_city()
    with pytest.raises(Unavailable, match="--learn"):
        bring(a_file(tmp_path, GOOD))


@pytest.mark.parametrize(
    ("folder", "name", "least"), [("311_baltimore", "baltimore311", 7000), ("311_nyc_2018_one_day", "nyc311", 4736)]
)  # fmt: skip
def test_a_real_export_alone_describes_a_running_city(
    folder: str, name: str, least: int, tmp_path: Path
) -> None:
    path = DATA / folder / "dev.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    without_a_city()
    outcome = bring_in(Request(path, name, learn=True, rejected=tmp_path / "r.csv"), SYSTEM)
    assert outcome.imported + outcome.rejected + outcome.skipped == least
    assert outcome.imported > 0.99 * least
    assert City.objects.get().timezone == "America/New_York"
    held = Case.objects.exclude(organisation=None)
    assert held.count() == Case.objects.count() and Mandate.objects.count() > 100
    by_mandate = held.filter(route__rule__in=["mandate", "overlap"]).count()
    assert by_mandate > 0.85 * outcome.imported
    assert counts(bring_in(Request(path, name, learn=True), SYSTEM)) == (0, 0, least)


@pytest.mark.parametrize("name", ["rawtext.dev", "replies2816.dev", "tokens9210.dev"])
def test_real_chinese_messages_come_in_by_guessing(name: str, tmp_path: Path) -> None:
    path = DATA / "zh_messages" / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    outcome = bring(path, limit=300, rejected=tmp_path / "r.csv")
    assert outcome.imported > 280
    assert set(outcome.words) >= {"text", "id"}


def test_a_gzipped_file_and_json_counts_for_programs(tmp_path: Path) -> None:
    path = a_file(tmp_path, GOOD)
    packed = tmp_path / "history.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    document = json.loads(json.dumps(bring(packed).as_json()))
    assert (document["imported"], document["rejected"], document["skipped"]) == (3, 0, 0)
    assert document["rows_per_second"] > 0
