"""The lake holds each act exactly once, whatever happens while it is written."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from gongzhi.lake import catalogue, engine, queries, schemas
from gongzhi.lake.store import MANIFEST, Lake, LakeInvalid
from gongzhi.ledger import acts
from gongzhi.ledger.sequencer import sequence

LAMPS = ("路灯不亮，晚上走路很危险", "The street light at the corner is out", "路灯坏了三天没人修")


def _recorded(submit, texts=LAMPS) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.intake.submission import Contact

    for text in texts:
        submit(text, contact=Contact(phone="13800138000"))
    while sequence() is not None:
        pass


def _rows(lake: Lake, table: str, *, masked: bool, what: str = "*") -> list[tuple]:
    files = [str(f) for f in lake.files(table, masked=masked)]
    return duckdb.sql(
        f"SELECT {what} FROM read_parquet({files}, hive_partitioning = false) ORDER BY 1"
    ).fetchall()


def test_every_act_is_in_the_lake_once_and_again_after_new_ones(committed, submit, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.lake.export import export
    from gongzhi.ledger.models import Position

    _recorded(submit)
    first = export(tmp_path)
    again = export(tmp_path)
    _recorded(submit, ["井盖松动，车开过去响"])
    third = export(tmp_path)

    everything = list(Position.objects.order_by("position").values_list("position", flat=True))
    assert first.acts > 0 and again.acts == 0 and third.acts > 0
    assert [row[0] for row in _rows(Lake(tmp_path), "acts", masked=True, what="seq")] == everything
    assert [row[0] for row in _rows(Lake(tmp_path), "acts", masked=False, what="seq")] == everything
    assert len(_rows(Lake(tmp_path), "cases", masked=True, what="id")) == 4


def test_a_crash_before_the_manifest_leaves_the_old_lake_and_the_next_export_completes_it(
    submit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.lake.export import export

    _recorded(submit)
    export(tmp_path)
    before = _rows(Lake(tmp_path), "acts", masked=True)
    _recorded(submit, ["噪音太大", "污水井溢水"])
    # Each of the moments at which a process can die: before each of the renames that matter.
    for moment in ("_placed", "commit"):
        with monkeypatch.context() as patch:
            patch.setattr(Lake, moment, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                export(tmp_path)
        assert _rows(Lake(tmp_path), "acts", masked=True) == before
    done = export(tmp_path)
    listed = {f for m in (True, False) for t in schemas.TABLES for f in Lake(tmp_path).files(t, masked=m)}
    retired = {tmp_path / p for p in Lake(tmp_path).manifest().retired}
    assert done.acts > 0
    assert len(_rows(Lake(tmp_path), "acts", masked=True)) == len(before) + done.acts
    assert set(tmp_path.glob("*masked/**/*.parquet")) == listed | retired, "nothing half-written is left"


def test_what_a_person_wrote_is_only_in_the_unmasked_tables(submit, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.lake.export import export

    _recorded(submit, ["路灯不亮，请打我电话 13912345678"])
    export(tmp_path)
    lake = Lake(tmp_path)
    masked = "".join(map(str, _rows(lake, "cases", masked=True) + _rows(lake, "acts", masked=True)))
    assert "13912345678" not in masked and "13800138000" not in masked
    assert "13912345678" in str(_rows(lake, "cases", masked=False))
    assert "13800138000" not in str(_rows(lake, "cases", masked=False)), "a requester is a pseudonym"
    names = {f.relative_to(tmp_path).parts[0] for f in lake.files("cases", masked=True)}
    assert names == {"masked"}


def test_a_case_that_is_not_public_has_no_text_and_no_place_in_the_masked_table(
    submit, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.cases.models import Case
    from gongzhi.lake.export import export

    _recorded(submit)
    hidden = Case.objects.order_by("pk").first()
    assert hidden is not None
    Case.objects.filter(pk=hidden.pk).update(is_public=False)
    export(tmp_path)
    rows = _rows(Lake(tmp_path), "cases", masked=True, what="id, number, public_text, public_lng")
    assert next(r for r in rows if r[0] == hidden.pk)[1:] == ("", "", None)
    assert all(r[1] for r in rows if r[0] != hidden.pk)


def test_a_changed_case_is_written_anew_and_stands_there_once(submit, staff, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from django.db import transaction

    from gongzhi.cases.models import Case
    from gongzhi.lake.export import export

    _recorded(submit)
    export(tmp_path)
    case = Case.objects.order_by("pk").first()
    assert case is not None
    with transaction.atomic():
        Case.objects.filter(pk=case.pk).update(supporters=7)
        acts.record(staff("worker"), "case.join", "case", case.pk, case.number, {})
    sequence()
    export(tmp_path)
    rows = _rows(Lake(tmp_path), "cases", masked=True, what="id, supporters")
    assert len(rows) == len({r[0] for r in rows}) == 3
    assert dict(rows)[case.pk] == 7


def test_many_small_exports_become_one_file_a_month(
    submit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.lake import store
    from gongzhi.lake.export import export

    monkeypatch.setattr(store, "MOST_PARTS", 2)
    for i in range(4):
        _recorded(submit, [f"路灯不亮 {i}"])
        export(tmp_path)
    lake = Lake(tmp_path)
    assert len(lake.files("acts", masked=True)) <= 2
    seqs = [r[0] for r in _rows(lake, "acts", masked=True, what="seq")]
    assert seqs == list(range(len(seqs))) and len(seqs) >= 4


def test_a_lake_of_another_log_or_ahead_of_the_log_is_refused(submit, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.lake.export import export

    _recorded(submit)
    export(tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(manifest | {"log": "elsewhere.example"}))
    with pytest.raises(LakeInvalid, match=r"elsewhere\.example"):
        export(tmp_path)
    (tmp_path / MANIFEST).write_text(json.dumps(manifest | {"acts_until": 10**9}))
    with pytest.raises(LakeInvalid, match="older than the lake"):
        export(tmp_path)
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(LakeInvalid, match="not a manifest"):
        export(tmp_path)


def test_two_exports_at_once_are_refused(tmp_path: Path) -> None:
    with Lake(tmp_path).writing():
        with pytest.raises(LakeInvalid, match="another export"):
            with Lake(tmp_path).writing():
                pass


def test_every_question_is_answered_also_by_an_empty_lake(submit, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.lake.export import export

    with engine.opened(Lake(tmp_path / "empty"), address="") as nothing:
        assert all(queries.ask(nothing, name).rows == [] for name in queries.QUERIES)
    _recorded(submit)
    export(tmp_path)
    with engine.opened(Lake(tmp_path), address="duckdb") as opened:
        received = queries.ask(opened, "received_by_day")
        load = queries.ask(opened, "organisations_load")
    assert sum(row[3] for row in received.rows) == 3
    assert sum(row[1] for row in load.rows) == 3
    with pytest.raises(engine.EngineInvalid, match="LAKE_ENGINE"):
        with engine.opened(Lake(tmp_path), address="oracle://x"):
            pass


def test_the_catalogue_knows_every_table_and_every_question() -> None:
    known = {d.name: d for d in catalogue.datasets()}
    assert set(queries.QUERIES) <= set(known)
    assert {schemas.dataset(t, masked=m) for t in schemas.TABLES for m in (True, False)} <= set(known)
    assert all(d.owner and d.source and d.lineage and d.refresh and d.title_zh for d in known.values())
    assert known["unmasked/cases"].sensitivity == "personal"
    masked = {c.name for c in schemas.columns("cases", masked=True)}
    assert not masked & {"text", "address", "lng", "lat", "requester"}
