"""A draft says what was answered before, without what belonged to the other matter."""

from __future__ import annotations

import pytest

from gongzhi.cases.reply_wordings import FIELD, NAMES
from gongzhi.registry import snapshot
from gongzhi.understanding.drafting import draft
from gongzhi.understanding.similar import Similar

pytestmark = pytest.mark.django_db


def _said(answer: str, *, number: str = "1", likeness: float = 0.6, function_id: int = 7) -> Similar:
    return Similar(1, number, "路灯不亮", likeness, function_id, 3, answer)


def _text(*similar: Similar, language: str = "zh-hans") -> str:
    found = draft(similar, snapshot.current(), function_id=7, language=language)
    assert found is not None
    return found.text


def test_dates_places_numbers_and_amounts_of_the_other_matter_become_fields() -> None:
    text = _text(_said("4月9日上午已更换打铁巷89号门口3盏灯头，咨询电话0700-8056993。"))
    assert "{日期}已更换{地点}门口{数量}灯头，咨询电话{电话}。" in text
    english = _text(_said("Cleared on 9 April; 12 metres of cable were replaced."), language="en")
    assert "Cleared on {date}; {how much} of cable were replaced." in english


def test_what_a_second_answer_adds_is_added_and_what_it_repeats_is_not() -> None:
    first = _said("已更换灯头，恢复照明。", number="1")
    second = _said("灯头已更换，已恢复照明。今后每月巡查一次线路。", number="2", likeness=0.5)
    found = draft([second, first], snapshot.current(), function_id=7, language="zh-hans")
    assert found is not None and found.sources == ("1", "2")
    assert found.text.count("恢复照明") == 1 and "今后每月巡查一次线路" in found.text


def test_an_answer_about_the_same_function_comes_before_one_that_is_more_alike() -> None:
    other = _said("多收费用已退还。", likeness=0.9, function_id=8)
    assert "已更换灯头" in _text(other, _said("已更换灯头。"))


@pytest.mark.parametrize("answer", ["已修好。", "请拨打0700-8056993。", "已到打铁巷处理。"])
def test_a_draft_always_leaves_something_that_only_a_person_can_fill_in(answer: str) -> None:
    assert any(name not in NAMES for name in FIELD.findall(_text(_said(answer))))


def test_nothing_is_drafted_from_what_is_not_alike_or_in_another_language() -> None:
    view = snapshot.current()
    for similar in ([], [_said("已修好。", likeness=0.2)], [_said("Repaired.")], [_said("")]):
        assert draft(similar, view, function_id=7, language="zh-hans") is None
