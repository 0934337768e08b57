"""Planted groups are found, chains and copies do not make blobs, and a new matter joins at once."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score
from typer.testing import CliRunner

from gongzhi.cli.main import app
from gongzhi.sensing import features, naming
from gongzhi.sensing.hot_issues import DAY, Matters, group_matters, hot_issues, issues_of
from gongzhi.sensing.joining import Stream
from tests.sensing import planted, told


def of(rows: list[tuple[str, str, int, int]]) -> Matters:
    return Matters(
        [str(i) for i in range(len(rows))],
        [[r[0] for r in rows], [r[1] for r in rows]],
        np.array([r[2] for r in rows], np.int64),
    )


def agreement(truth: list[int], found: list[int]) -> float:
    """Adjusted Rand index, each matter that stands alone being a group of its own."""
    alone = [t if t >= 0 else -1 - i for i, t in enumerate(truth)]
    single = [f if f >= 0 else -1 - i for i, f in enumerate(found)]
    return float(adjusted_rand_score(alone, single))


@pytest.mark.parametrize("language", [planted.chinese, planted.english])
def test_planted_groups_are_found_among_matters_of_the_same_kinds(language) -> None:  # type: ignore[no-untyped-def]
    rows = language(random.Random(3), 1500, 20, 25)
    grouping = group_matters(of(rows))
    assert agreement([r[3] for r in rows], grouping.group.tolist()) > 0.97


def test_the_hottest_issue_is_the_one_with_most_members_and_votes() -> None:
    rows = planted.chinese(random.Random(5), 300, 6, 8)
    matters = of(rows)
    votes = np.array([50.0 if r[3] == 4 else 0.0 for r in rows])
    first = hot_issues(Matters(matters.ids, matters.columns, matters.moments, votes), 1)[0]
    assert {rows[i][3] for i in first.rows.tolist()} == {4}
    assert first.place and first.place in first.title


def test_the_same_thing_in_the_same_place_is_found_in_other_words() -> None:
    rng = random.Random(0)
    rows = [
        (title, text, (40 * number + rng.randrange(30)) * DAY, number)
        for number, (_name, told_by) in enumerate(told.GROUPS.items())
        for title, text in told_by
    ]
    rows += [(title, text, rng.randrange(240) * DAY, -1) for title, text in told.ALONE]
    group = group_matters(of(rows)).group
    together = [
        (rows[i][3], rows[j][3]) for i in range(len(rows)) for j in range(i) if group[i] == group[j] >= 0
    ]
    right = [a == b >= 0 for a, b in together]
    wanted = sum(len(told_by) * (len(told_by) - 1) // 2 for told_by in told.GROUPS.values())
    assert sum(right) / len(right) > 0.9
    assert sum(right) / wanted > 0.7


def test_equal_words_about_different_places_are_different_issues() -> None:
    places = ("金桂苑小区", "东湖花园", "南山村", "平安路", "青龙社区", "白马镇", "石桥街", "云庭小区")
    rows = [(f"{place}路灯不亮", f"{place}的路灯坏了，晚上出门看不见路。", 0, -1) for place in places]
    assert (group_matters(of(rows)).group == -1).all()


def test_words_of_position_and_of_wishing_are_no_part_of_a_name() -> None:
    found = features.names_in(
        ["希望丽发路修好", "楼下餐馆油烟大", "居民离望江路远", "绿地海外滩小区", "\n烟道坏了"]
    )
    assert [[name for name, _, _ in names] for names in found] == [
        ["丽发路"],
        [],
        ["望江路"],
        ["绿地海外滩小区"],
        [],
    ]


def test_only_the_hottest_are_named_and_all_are_ranked() -> None:
    matters = of(planted.chinese(random.Random(5), 300, 6, 8))
    grouping = group_matters(matters)
    every = issues_of(matters, grouping)
    assert [i.rows.tolist() for i in issues_of(matters, grouping, 3)] == [i.rows.tolist() for i in every[:3]]
    assert [i.title for i in issues_of(matters, grouping, 3)] == [i.title for i in every[:3]]


def test_a_chain_of_neighbours_is_not_one_issue() -> None:
    words = [f"{chr(0x4E00 + 40 * i)}{chr(0x4E01 + 40 * i)}{chr(0x4E02 + 40 * i)}" for i in range(40)]
    texts = ["，".join(words[i : i + 4]) for i in range(36)]
    matters = Matters([str(i) for i in range(36)], [texts], np.zeros(36, np.int64))
    grouping = group_matters(matters)
    assert np.bincount(grouping.group[grouping.group >= 0]).max(initial=0) <= 8


def test_long_petitions_with_the_same_phrases_about_different_things_stay_apart() -> None:
    rng = random.Random(8)
    phrases = (
        "尊敬的领导您好我们是普通老百姓多年来反映问题没有得到解决恳请政府在百忙之中关注民生给予答复万分感谢"
    )
    rows = planted.chinese(rng, 400, 8, 10)
    long = [(t, phrases + "。" + x + "。" + phrases * 6, m, g) for t, x, m, g in rows]
    grouping = group_matters(of(long))
    assert np.bincount(grouping.group[grouping.group >= 0]).max() <= 15
    assert agreement([r[3] for r in rows], grouping.group.tolist()) > 0.85


def test_a_text_pasted_a_hundred_times_is_one_issue_that_does_not_outweigh_forty_people() -> None:
    rows = planted.chinese(random.Random(2), 300, 1, 40)
    pasted = ("要求补发工资", "某某公司拖欠一线工人工资十个月，" * 60, 5 * DAY, 99)
    found = hot_issues(of(rows + [pasted] * 100), 2)
    sizes = [len(i.rows) for i in found]
    assert 100 in sizes and sizes[0] < 100


def test_the_same_complaint_a_year_later_is_another_issue() -> None:
    rows = planted.chinese(random.Random(4), 10, 1, 10)
    later = [(t, x, m + 365 * DAY, g) for t, x, m, g in rows]
    grouping = group_matters(of(rows + later))
    assert len(set(grouping.group[:10].tolist()) & set(grouping.group[10:].tolist())) == 0


def test_empty_and_identical_texts_are_taken_as_they_are() -> None:
    matters = Matters(["a", "b", "c", "d"], [["", "", "路灯不亮", "路灯不亮"]], np.zeros(4, np.int64))
    grouping = group_matters(matters)
    assert grouping.group[2] == grouping.group[3] >= 0


def test_a_new_matter_joins_its_group_within_fifty_milliseconds() -> None:
    rows = planted.chinese(random.Random(6), 3000, 30, 30)
    held = set(range(0, len(rows), 10))
    history = [r for i, r in enumerate(rows) if i not in held]
    matters = of(history)
    grouping = group_matters(matters)
    stream = Stream(matters, grouping)
    of_group: dict[int, int] = {}
    for planted_group in range(30):
        members = [grouping.group[i] for i, r in enumerate(history) if r[3] == planted_group]
        of_group[planted_group] = max(set(members), key=members.count)
    right, total, slowest = 0, 0, []
    for index in sorted(held):
        title, text, moment, group = rows[index]
        begin = time.thread_time()
        joined = stream.join([title, text], moment)
        slowest.append(time.thread_time() - begin)
        total += group >= 0
        right += group >= 0 and joined == of_group[group]
    assert right / total > 0.9
    assert sorted(slowest)[int(0.95 * len(slowest))] < 0.05


def test_two_new_matters_about_one_new_thing_make_a_group() -> None:
    matters = of(planted.chinese(random.Random(6), 300, 3, 20))
    stream = Stream(matters, group_matters(matters))
    first = stream.join(["梧桐大厦玻璃坠落", "梧桐大厦外墙玻璃昨晚坠落，砸坏两辆车"], 100 * DAY)
    second = stream.join(["梧桐大厦玻璃又坠落", "梧桐大厦外墙玻璃坠落，差点砸到行人"], 101 * DAY)
    assert first == second and stream.size_of(first) == 2


def test_a_place_is_named_when_half_of_the_titles_name_it() -> None:
    titles = ["投诉丽发新城小区搅拌站噪音", "丽发新城小区噪音太大", "搅拌站扰民"]
    assert naming.place_of(titles, []) == "丽发新城小区"
    assert naming.place_of(titles, ["东区", "东区", ""]) == "东区"


def test_the_command_gives_ids_and_names_the_row_of_a_bad_time(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    rows = planted.chinese(random.Random(1), 60, 2, 10)
    stamps = [str(np.datetime64("2026-01-01") + np.timedelta64(r[2], "us")) for r in rows]
    lines = [f"k{i},{r[0]},{s}" for i, (r, s) in enumerate(zip(rows, stamps, strict=True))]
    file.write_text("id,title,time\n" + "\n".join(lines), encoding="gb18030")
    arguments = ["hot-issues", str(file), "--text", "title", "--time", "time", "--id", "id", "--json"]
    done = CliRunner().invoke(app, arguments)
    issue = json.loads(done.stdout)["issues"][0]
    assert set(issue) >= {"title", "place", "start", "end", "heat", "members"}
    assert len(issue["members"]) >= 5 and all(m.startswith("k") for m in issue["members"])
    file.write_text("id,title,time\nk1,路灯,yesterday\n", encoding="utf-8")
    failed = CliRunner().invoke(app, arguments)
    assert failed.exit_code == 2 and "row 2, column 'time'" in failed.output
