from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric

from gongzhi.cases.personal_text import masked


@pytest.mark.parametrize(
    "private",
    ["13812345678", "138 1234 5678", "+86 138-1234-5678", "0717-6543210", "wang.li@example.com", "鄂A·12345"],
)  # fmt: skip
def test_contact_data_is_hidden(private: str) -> None:
    assert private not in masked(f"路灯坏了，联系{private}，谢谢")


@given(st.integers(0, 10**13))
def test_a_resident_id_with_a_right_check_digit_is_hidden(n: int) -> None:
    body = f"420102{1950 + n % 60:04d}0101{n % 1000:03d}"
    number = body + ric.calc_check_digit(body + "0")
    assert number not in masked(f"身份证{number}。")


@given(st.integers(10**14, 10**15 - 1))
def test_a_bank_card_is_hidden(n: int) -> None:
    number = f"{n}{luhn.calc_check_digit(str(n))}"
    assert number not in masked(f"卡号 {number} 被扣款")


@pytest.mark.parametrize("text", ["物业费 2400 元，2026年11月23日", "办件 261100000013 还没有办", "12路公交车等了40分钟"])  # fmt: skip
def test_amounts_dates_and_case_numbers_stay_readable(text: str) -> None:
    assert masked(text) == text


def test_names_after_an_introduction_are_hidden() -> None:
    assert "张三丰" not in masked("我叫张三丰，住在望江")
    assert "Mary Smith" not in masked("My name is Mary Smith and the lamp is out")


def test_a_megabyte_is_masked_in_a_moment() -> None:
    start = time.process_time()
    masked("1 " * 250_000 + "a@" * 250_000)
    assert time.process_time() - start < 5
