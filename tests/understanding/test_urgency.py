from __future__ import annotations

import time

import pytest

from gongzhi.understanding import urgency


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("楼下配电箱着火了，快来人", "emergency"),
        ("走廊里一股煤气味，像是燃气泄漏", "emergency"),
        ("路灯杆漏电，有人触电了", "emergency"),
        ("老人被困电梯里半小时了", "emergency"),
        ("孩子走失两个小时了", "emergency"),
        ("There is a strong smell of gas in the stairwell", "emergency"),
        ("The power line is down on the pavement", "emergency"),
        ("大树倒了横在路中间", "urgent"),
        ("井盖没了，晚上很危险", "urgent"),
        ("整栋楼停水两天了", "urgent"),
        ("A burst pipe is flooding our street", "urgent"),
        ("路灯不亮", "normal"),
        ("想问一下公积金怎么提取", "normal"),
        ("The bin was not collected", "normal"),
    ],
)
def test_danger_is_heard_in_both_languages(text: str, level: str) -> None:
    assert urgency.of(text).level == level


@pytest.mark.parametrize(
    "text",
    [
        "社区什么时候组织消防演练，火灾演练也行",
        "希望加强火灾预案宣传",
        "幸好没有着火",
        "没有人员触电，只是跳闸",
        "如果着火怎么办",
        "小区发了停水通知",
        "Nobody is injured, just a scratched door",
        "when is the next explosion drill",
    ],
)
def test_what_is_denied_or_practised_is_no_emergency(text: str) -> None:
    assert urgency.of(text).level != "emergency"


def test_a_danger_told_deep_in_a_long_petition_is_urgent_but_no_emergency() -> None:
    petition = "我们小区的物业费问题反映了三年没有答复。" * 12
    assert urgency.of(petition + "去年三栋还发生过火灾。").level == "urgent"
    assert urgency.of("三栋着火了！" + petition).level == "emergency"


def test_the_words_that_alarm_are_named() -> None:
    assert "漏电" in urgency.of("路灯杆漏电").words


def test_a_megabyte_is_read_in_a_moment() -> None:
    start = time.perf_counter()
    urgency.of("没有着火" * 250_000)
    assert time.perf_counter() - start < 0.5
