"""Maps, dates and the translation of rows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gongzhi.intake.importing import guessing, maps
from gongzhi.intake.importing.maps import MapInvalid
from gongzhi.intake.importing.times import read_time
from gongzhi.intake.importing.translating import Known, Matter, RowUnusable, Translator

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = Known({}, {}, {})
COLUMNS = ("id", "text", "opened", "closed", "status", "lat", "lng", "reply")


def translator(**changes: object) -> Translator:
    document = {
        "source": "test", "text": "text", "id": "id", "opened": "opened", "closed": "closed",
        "status": "status", "statuses": {"done": "fixed", "double": "duplicate"}, "lat": "lat",
        "lng": "lng", "resolution": "reply", "time_zone": "America/New_York",
        "opened_is_required": True,
    } | changes  # fmt: skip
    return Translator(maps.bind(document, COLUMNS), NOW)


def row(**values: str) -> list[str]:
    defaults = {"id": "1", "text": "a broken lamp", "opened": "2024-05-01 10:00:00"}
    return [(defaults | values).get(name, "") for name in COLUMNS]


def matter(**values: str) -> Matter:
    return translator().matter(row(**values), NOTHING)


@pytest.mark.parametrize("name", maps.BUILT_IN)
def test_the_maps_that_come_with_gongzhi_obey_their_schema(name: str) -> None:
    assert maps.read_map(name)["source"] == name


def test_every_fault_of_a_map_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("source: x\ntext: t\nlangauge: en\nstatuses:\n  done: finished\ntime_zone: Mars/Base\n")
    with pytest.raises(MapInvalid) as problem:
        maps.read_map(str(path))
    said = str(problem.value)
    assert "m.yaml:5: statuses.done" in said and "langauge" in said
    path.write_text("source: x\ntext: t\ntime_zone: Mars/Base\n")
    with pytest.raises(MapInvalid, match=r"m.yaml:3: .*Mars/Base"):
        maps.read_map(str(path))


@pytest.mark.parametrize("text", ["", "- a\n", "source: [x\n", "source: x\n", "a: &a [*a]\n"])
def test_a_map_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(MapInvalid):
        maps.read_map(str(path))


def test_a_file_without_the_columns_of_the_map_is_refused_with_those_it_has() -> None:
    with pytest.raises(MapInvalid, match="a, b"):
        maps.bind(maps.read_map("nyc311"), ["a", "b"])


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        ("2018-10-21T00:59:00", "America/New_York", "2018-10-21T04:59:00"),
        ("2018-10-21T00:59:00Z", "America/New_York", "2018-10-21T00:59:00"),
        ("10/21/2018 12:05:00 AM", "America/New_York", "2018-10-21T04:05:00"),
        ("10/21/2018 01:05:00 PM", "UTC", "2018-10-21T13:05:00"),
        ("21.10.2018 13:05", "UTC", "2018-10-21T13:05:00"),
        ("2018/6/14 17:32:20", "Asia/Shanghai", "2018-06-14T09:32:20"),
        ("2018年6月14日 17时32分", "Asia/Shanghai", "2018-06-14T09:32:00"),
        ("2012-03-14 23:17:08.23", "UTC", "2012-03-14T23:17:08.230000"),
        ("2012-03-14T23:17:08+0800", "UTC", "2012-03-14T15:17:08"),
        ("20180614", "Asia/Shanghai", "2018-06-13T16:00:00"),
        ("2021-03-14 02:30:00", "America/New_York", "2021-03-14T07:30:00"),
        ("2021-11-07 01:30:00", "America/New_York", "2021-11-07T05:30:00"),
    ],
)
def test_a_date_is_read_as_people_write_it(written: str, zone: str, expected: str) -> None:
    assert read_time(written, zone) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize("written", ["soon", "2018-13-01", "31/31/2018", "0001-01-01", "9999-12-31T23:59:59-12:00", "12345"])  # fmt: skip
def test_what_is_no_date_gives_none(written: str) -> None:
    assert read_time(written, "UTC") is None


def test_the_day_may_stand_first() -> None:
    assert read_time("3/4/2020", "UTC", day_first=True) == datetime(2020, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"text": " "}, "no text"),
        ({"text": "x" * 10_001}, "longer"),
        ({"opened": ""}, "when it was opened"),
        ({"opened": "yesterday"}, "is no date"),
        ({"opened": "2031-01-01"}, "in the future"),
        ({"status": "done", "closed": "2024-04-30 09:00:00"}, "closed before it was opened"),
        ({"status": "done", "closed": "2031-01-01"}, "closed in the future"),
        ({"lat": "north", "lng": "1"}, "latitude"),
        ({"lat": "inf", "lng": "1"}, "must be numbers"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(values: dict[str, str], reason: str) -> None:
    with pytest.raises(RowUnusable, match=reason):
        matter(**values)


def test_midnight_of_the_same_day_means_that_only_the_day_is_known() -> None:
    history = matter(status="done", closed="2024-05-01 00:00:00").history
    assert history.closed_at == history.resolved_at == datetime(2024, 5, 1, 14, tzinfo=UTC)


def test_what_happened_afterwards_comes_with_the_matter() -> None:
    history = matter(status="Done", closed="2024-05-03 10:00:00", reply="Lamp replaced.").history
    assert (history.closure, history.resolution) == ("fixed", "Lamp replaced.")
    double = matter(status="double", closed="2024-05-03 10:00:00", reply="see 7").history
    assert (double.closure, double.resolved_at, double.resolution) == ("duplicate", None, "")


def test_an_unknown_status_is_told_by_the_closing_time_and_noted() -> None:
    found = matter(status="zzz", closed="2024-05-03 10:00:00")
    assert (found.history.closure, found.notes) == ("fixed", ("unknown_status",))
    assert matter(status="zzz").history.closure == ""


@pytest.mark.parametrize(
    ("lat", "lng", "point", "note"),
    [
        ("40.1", "-74.2", (-74.2, 40.1), ()),
        ("0", "0.0", (None, None), ("no_place",)),
        ("-122.4", "37.7", (-122.4, 37.7), ("swapped",)),
        ("500", "999", (None, None), ("impossible_place",)),
        ("", "-74.2", (None, None), ()),
    ],
)
def test_a_place_is_used_put_right_or_left_out(lat: str, lng: str, point: object, note: object) -> None:
    found = matter(lat=lat, lng=lng)
    assert ((found.submission.lng, found.submission.lat), found.notes) == (point, note)


def test_a_row_without_an_id_is_known_by_its_content() -> None:
    assert matter(id="").submission.source_id == matter(id="").submission.source_id
    assert matter(id="").submission.source_id != matter(id="", reply="x").submission.source_id


def test_columns_are_guessed_by_name_in_either_language() -> None:
    columns = ("留言编号", "留言时间", "标题", "内容", "一级标签", "经度", "纬度")
    rows = [[str(i), f"2020/1/{i} 10:00:00", "路灯", "路灯坏了好几天没有人来修", "城管", "111.3", "30.5"] for i in range(1, 20)]  # fmt: skip
    document = guessing.guess(columns, rows)
    assert (document["id"], document["opened"], document["text"]) == (
        "留言编号",
        "留言时间",
        ["标题", "内容"],
    )
    assert (document["function"], document["lng"], document["language"]) == ("一级标签", "经度", "zh-hans")


def test_columns_without_telling_names_are_guessed_by_content() -> None:
    rows = [[str(i), f"A long and quite different sentence number {i}", f"2020-01-{i:02d}"] for i in range(1, 29)]  # fmt: skip
    document = guessing.guess(("a", "b", "c"), rows)
    assert (document["text"], document["opened"]) == (["b"], "c")


def test_a_file_of_a_known_kind_gets_its_own_map() -> None:
    columns = ("Unique Key", "Created Date", "Closed Date", "Agency", "Complaint Type", "Descriptor", "Due Date", "Status", "Latitude", "Longitude", "Resolution Action Updated Date")  # fmt: skip
    assert guessing.guess(columns, [])["source"] == "nyc311"


def test_a_file_without_any_text_is_refused() -> None:
    with pytest.raises(MapInvalid, match="reads like a text"):
        guessing.guess(("a", "b"), [["1", "2"]] * 10)


def test_day_first_is_found_out_where_the_dates_show_it() -> None:
    rows = [["1", "the lamp in our street is broken", f"{d}/4/2020"] for d in range(1, 28)]
    assert guessing.guess(("id", "text", "date"), rows)["day_first"] is True
