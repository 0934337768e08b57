"""The process map against pm4py, against a naive count, and on logs that are not well."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongzhi.improvement import drawing, exchange_formats, report
from gongzhi.improvement.event_log import read_log
from gongzhi.improvement.process_map import ProcessMap, process_map
from gongzhi.lake.tables import TableInvalid
from tests import oracles

RECEIPT = ("case:concept:name", "concept:name", "time:timestamp")
XES = ("concept:name", "concept:name", "time:timestamp")
PM4PY = """
import sys, json, pandas as pd, pm4py
path, case, activity, time = sys.argv[1:5]
if ".xes" in path:
    log = pm4py.convert_to_dataframe(pm4py.read_xes(path))
    case, time = "case:concept:name", "time:timestamp"
else:
    log = pd.read_csv(path)
    log[time] = pd.to_datetime(log[time], utc=True, format="ISO8601")
log = pm4py.format_dataframe(log, case_id=case, activity_key=activity, timestamp_key=time)
graph, starts, ends = pm4py.discover_dfg(log)
times = pm4py.discover_performance_dfg(log)[0]
print(json.dumps({"edges": [[a, b, n, times[a, b]["mean"], times[a, b]["median"]] for (a, b), n in graph.items()],
    "starts": starts, "ends": ends,
    "variants": [[list(v), n] for v, n in pm4py.get_variants(log).items()]}))
"""


def written(folder: Path, rows: str, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text("case,what,when,who\n" + rows, encoding="utf-8")
    return path


def of(path: Path, resource: str | None = "who") -> ProcessMap:
    return process_map(read_log(path, "case", "what", "when", resource))


def counts(found: ProcessMap) -> dict[tuple[str, str], int]:
    return {(e.origin, e.to): e.count for e in found.edges}


@pytest.mark.parametrize(
    ("name", "columns"),
    [("receipt_wabo_coselog.csv.gz", RECEIPT), ("roadtraffic100traces.xes.gz", XES)],
)
def test_edges_times_variants_starts_and_ends_equal_pm4py(
    name: str, columns: tuple[str, str, str], tmp_path: Path
) -> None:
    path = oracles.data(f"process_logs/{name}")
    readable = tmp_path / name.removesuffix(".gz")
    readable.write_bytes(gzip.decompress(path.read_bytes()))
    theirs = oracles.ask(PM4PY, readable, *columns)
    ours = process_map(read_log(path, *columns), top=10_000)
    assert counts(ours) == {(a, b): n for a, b, n, _, _ in theirs["edges"]}
    times = {(e.origin, e.to): (e.mean_seconds, e.median_seconds) for e in ours.edges}
    for a, b, _, mean, median in theirs["edges"]:
        assert times[a, b] == pytest.approx((mean, median), abs=0.002)
    assert ours.starts == theirs["starts"] and ours.ends == theirs["ends"]
    assert ours.variants_count == len(theirs["variants"])
    assert {v.activities: v.count for v in ours.variants} == {tuple(v): n for v, n in theirs["variants"]}


events = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from("abcd"), st.integers(0, 6)), min_size=1, max_size=40
)


@given(events)
@settings(deadline=None, max_examples=40)
def test_edges_variants_and_rework_equal_a_count_by_hand(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int]]
) -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    lines = "".join(f"k{c},{a},{(begin + timedelta(hours=t)).isoformat()},w\n" for c, a, t in rows)
    found = of(written(tmp_path_factory.mktemp("log"), lines))
    cases: dict[int, list[tuple[int, str]]] = {}
    for c, a, t in rows:
        cases.setdefault(c, []).append((t, a))
    ways = [[a for _, a in sorted(e, key=lambda e: e[0])] for e in cases.values()]
    assert counts(found) == Counter(p for way in ways for p in zip(way, way[1:], strict=False))
    assert found.variants_count == len({tuple(way) for way in ways})
    assert found.rework_cases == sum(len(set(way)) < len(way) for way in ways)


def test_equal_times_keep_the_order_of_the_file(tmp_path: Path) -> None:
    rows = "".join(f"1,{a},2026-03-01 08:00:00,w\n" for a in "cab")
    assert counts(of(written(tmp_path, rows))) == {("c", "a"): 1, ("a", "b"): 1}


def test_events_out_of_order_are_sorted_and_counted(tmp_path: Path) -> None:
    found = of(written(tmp_path, "1,b,2026-03-02 08:00,w\n1,a,2026-03-01 08:00,w\n"))
    assert counts(found) == {("a", "b"): 1}
    assert found.out_of_order == 1


def test_zones_are_compared_as_instants(tmp_path: Path) -> None:
    found = of(written(tmp_path, "1,b,2026-03-01T10:00:00+08:00,w\n1,a,2026-03-01T01:00:00Z,w\n"))
    assert found.edges[0].origin == "a" and found.edges[0].mean_seconds == 3600


def test_loops_waiting_working_and_handovers_are_told(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "case,what,begun,when,who\n"
        "1,check,2026-03-01 08:00,2026-03-01 09:00,A\n"
        "1,repair,2026-03-01 11:00,2026-03-01 12:00,B\n"
        "1,check,2026-03-01 12:30,2026-03-01 13:00,A\n"
        "1,check,2026-03-01 13:00,2026-03-01 14:00,A\n",
        encoding="utf-8",
    )
    found = process_map(read_log(path, "case", "what", "when", "who", "begun"))
    assert [(w.path, w.count, w.hours) for w in found.loops] == [
        (("check", "repair", "check"), 1, 4.0),
        (("check", "check"), 1, 1.0),
    ]
    repair = next(a for a in found.activities if a.name == "repair")
    assert (repair.waiting_seconds, repair.working_seconds) == (7200, 3600)
    assert {(e.origin, e.to): e.count for e in found.handovers or []} == {("A", "B"): 1, ("B", "A"): 1}
    assert found.bottlenecks[0].total_hours == 3.0


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("1,a,2026-03-01 08:00,w\n,b,2026-03-01 09:00,w\n", "row 3, column 'case': the cell is empty"),
        ("1,a,2026-03-01 08:00,w\n1,,2026-03-01 09:00,w\n", "row 3, column 'what'"),
        ("1,a,2026-03-01 08:00,w\n1,b,soon,w\n", "row 3, column 'when'"),
        ("1,a,2026-03-01T08:00:00Z,w\n1,b,2026-03-01T09:00:00Z,w\n1,c,2026-03-01T09:00:00,w\n", "row 4"),
        ("", "no rows"),
    ],
)
def test_a_fault_is_named_by_row_and_column(tmp_path: Path, rows: str, words: str) -> None:
    with pytest.raises(TableInvalid, match=words):
        of(written(tmp_path, rows))


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid, match="no column ident; it has case, what, when, who"):
        read_log(written(tmp_path, "1,a,2026-03-01,w\n"), "ident", "what", "when")


def test_one_case_with_a_hundred_thousand_events_is_one_variant(tmp_path: Path) -> None:
    rows = "".join(f"1,{'ab'[i % 2]},2026-03-01 08:00:00,w\n" for i in range(100_000))
    found = of(written(tmp_path, rows))
    assert found.variants_count == 1 and counts(found) == {("a", "b"): 50_000, ("b", "a"): 49_999}


def thirty(folder: Path) -> ProcessMap:
    rows = [
        f"{c},step {(s * (1 + c % 3)) % 30} 办理,2026-03-{1 + s // 24:02d} {s % 24:02d}:00:00,w\n"
        for c in range(20)
        for s in range(40)
    ]
    return of(written(folder, "".join(rows)))


def test_the_drawing_shows_every_activity_apart_from_the_others(tmp_path: Path) -> None:
    found = thirty(tmp_path)
    assert len(found.activities) == 30
    drawn = drawing.layout(drawing.shown_steps(found, 0.6))
    boxes = list(drawn.places.values())
    assert {a.name for a in found.activities} <= set(drawn.places)
    for i, (x, y) in enumerate(boxes):
        assert 0 < x < drawn.width and 0 < y < drawn.height
        for a, b in boxes[i + 1 :]:
            assert abs(x - a) >= drawing.WIDTH or abs(y - b) >= drawing.HEIGHT
    assert ElementTree.fromstring(drawing.svg(found)).tag.endswith("svg")


def test_every_flow_of_the_bpmn_joins_two_nodes_that_exist(tmp_path: Path) -> None:
    document = ElementTree.fromstring(exchange_formats.bpmn(thirty(tmp_path)))
    known = {e.get("id") for e in document.iter()}
    flows = [e for e in document.iter() if e.tag.endswith("sequenceFlow")]
    assert len(flows) > 30
    assert all(e.get("sourceRef") in known and e.get("targetRef") in known for e in flows)
    drawn = {e.get("bpmnElement") for e in document.iter() if e.tag.endswith(("BPMNEdge", "BPMNShape"))}
    assert {e.get("id") for e in flows} <= drawn


def test_pm4py_reads_what_is_handed_on(tmp_path: Path) -> None:
    path = written(tmp_path, "1,a,2026-03-01 08:00,w\n1,b,2026-03-01 09:00,w\n2,a,2026-03-02 08:00,w\n")
    log = read_log(path, "case", "what", "when", "who")
    (tmp_path / "out.xes").write_text("\n".join(exchange_formats.xes(log)), encoding="utf-8")
    (tmp_path / "out.bpmn").write_text(exchange_formats.bpmn(process_map(log), 1.0), encoding="utf-8")
    script = (
        "import sys, json, pm4py\nlog = pm4py.convert_to_dataframe(pm4py.read_xes(sys.argv[1]))\n"
        "model = pm4py.read_bpmn(sys.argv[2])\n"
        "print(json.dumps([len(log), sorted(n.name for n in model.get_nodes() if n.name in ('a', 'b'))]))"
    )
    assert oracles.ask(script, tmp_path / "out.xes", tmp_path / "out.bpmn") == [3, ["a", "b"]]


def test_a_log_written_as_xes_has_the_same_map(tmp_path: Path) -> None:
    path = written(tmp_path, "1,a,2026-03-01 08:00,w\n2,<b>,2026-03-01 08:00,w\n1,c,2026-03-01 08:00,w\n")
    log = read_log(path, "case", "what", "when", "who")
    copy = tmp_path / "log.xes"
    copy.write_text("\n".join(exchange_formats.xes(log)), encoding="utf-8")
    again = read_log(copy, "concept:name", "concept:name", "time:timestamp", "org:resource")
    assert counts(process_map(again)) == counts(process_map(log)) == {("a", "c"): 1}
    assert process_map(again).starts == process_map(log).starts == {"a": 1, "<b>": 1}


def test_the_report_stands_alone_and_escapes_names(tmp_path: Path) -> None:
    found = of(written(tmp_path, "1,<script>x,2026-03-01 08:00,w\n1,b,2026-03-01 09:00,w\n"))
    page = report.html(found, "log")
    assert "<script>x" not in page and "http://" not in page.replace("http://www.w3.org/2000/svg", "")
