"""Personal data in free text: finding it and hiding it before anything is public.

Numbers count by what they are made of: resident IDs by GB 11643 (region, birthday, ISO 7064
MOD 11-2), bank cards by Luhn (ISO/IEC 7812), telephones by the national numbering plan; so
amounts, dates and document numbers stay readable. Every search is linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from gongzhi.cases.personal_names import names


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` … `end`-1 of a text that hold personal data of a `kind`."""

    start: int
    end: int
    kind: str


_STAND_IN = {
    "email": "［✉］",
    "phone": "［☎］",
    "id": "［ID］",
    "card": "［ID］",
    "plate": "［车牌］",
    "account": "［ID］",
    "name": "［＊＊］",
    "home": "［＃］",
}

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: 0x20, 0xA0: 0x20, 0x2010: 0x2D, 0x2011: 0x2D, 0x2012: 0x2D, 0x2013: 0x2D,
    0x2014: 0x2D, 0x2212: 0x2D,
}  # fmt: skip
"""Full-width forms and dashes to their ASCII twins, one character for one, so that ranges stay."""
del _HALF_WIDTH[0xFF0C], _HALF_WIDTH[0xFF1A], _HALF_WIDTH[0xFF1B]  # ， ： ； mean something here

_CHINESE_DIGITS = str.maketrans("零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "001234567891123456789")
_SPOKEN = re.compile(r"[零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖]{11,18}")

_RUN = re.compile(r"\d(?:[ .·()-]{0,2}\d)*")
_TOKEN = re.compile(r"\d+")
_REGIONS = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
    ]
)
_MOBILE = re.compile(r"1[3-9]\d{9}$")
_ABROAD = re.compile(r"(?:0086|86)1[3-9]\d{9}$")
_LANDLINE = re.compile(r"(?:86)?(?:0(?:10|2\d)\d{8}|0[3-9]\d{2}\d{7,8})$")
_SAYS_PHONE = re.compile(
    r"(?:电话|手机|座机|固话|号码|联系方式|致电|拨打|tel|phone|mobile|call)[^\d]{0,6}$", re.IGNORECASE
)
_SAYS_ID = re.compile(r"(?:身份证|证件号|公民身份|id\s?(?:card|no|number))[^\d]{0,8}$", re.IGNORECASE)
_SAYS_CARD = re.compile(
    r"(?:卡号|账号|账户|帐号|银行卡|信用卡|储蓄卡|尾号|card|account)[^\d]{0,8}$", re.IGNORECASE
)
_SAYS_ACCOUNT = re.compile(r"(?:q\s?q|企鹅)(?:号|号码|群)?[:：是为 ]{0,3}$", re.IGNORECASE)
_PUBLIC_NUMBER = re.compile(r"(?:400|800)\d{7}$|95\d{3,6}$|123\d{2}$")

_LOCAL_PART = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"
_AT_DOMAIN = re.compile(r"\s?@\s?[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][A-HJ-NP-Za-hj-np-z]"
    r"[ .·•:-]{0,2}(?=[A-Za-z]{0,5}\d)[A-HJ-NP-Za-hj-np-z0-9]{4}"
    r"(?:[A-HJ-NP-Za-hj-np-z0-9]{1,2}|[挂学警港澳试超使领])(?![A-Za-z0-9])"
)
_ACCOUNT = re.compile(
    r"(?:微信|薇信|威信|v信|vx|weixin|wechat|企鹅号|支付宝|alipay|telegram|whatsapp|抖音)"
    r"(?:号码?|账号| ?id| ?number)?(?P<said>\s{0,2}(?:[:：是为]|is\b)?\s{0,2})"
    r"(?P<account>[A-Za-z0-9_][A-Za-z0-9_-]{4,29})",
    re.IGNORECASE,
)
_PASSPORT = re.compile(
    r"(?:护照|通行证|passport)(?:号码?|证号| ?no\.?| ?number)?[:：是为 ]{0,3}([A-Za-z]{1,2}\d{6,9})(?!\d)",
    re.IGNORECASE,
)
_HOME = re.compile(
    r"(?:(?:[A-Za-z]|(?<!\d)\d{1,4}|[一二三四五六七八九十]{1,3})(?:号楼|栋|幢|座|号院|号|弄|#楼?)[ ,，-]?){1,2}"
    r"(?:(?:\d{1,2}|[一二三四五六七八九十甲乙丙丁东西AB])(?:单元|门)[ ,，-]?)?"
    r"(?:\d{1,2}(?:楼|层)[ ,，-]?)?[A-Za-z]?\d{2,4}[A-Za-z]?(?:室|号房|房|号)?"
    r"(?![\d年月日元块米人户个家辆次平万亿多层套栋幢%.])"
    r"|(?:\d{1,2}|[一二三四五六七八九十])单元[ ,，-]?[A-Za-z]?\d{2,4}(?:室|号房|房|号)?(?![\d年月日元人户个家])"
    r"|(?<![\dA-Za-z-])(?!(?:19|20)\d\d-)\d{1,4}-\d{1,2}-(?!19\d\d|20\d\d)\d{3,4}(?:室|房|号)?(?![\d-])"
    r"|(?<![\dA-Za-z第])[A-Za-z]?\d{3,4}(?:室|号房)(?![内外温])"
    r"|(?<![A-Za-z])(?:[Aa]pt|[Aa]partment|[Ff]lat|[Rr]oom|[Uu]nit|[Ss]uite|[Rr]m|APT)\.?[ ]?(?:[Nn]o\.? ?|#)?(?:\d{1,5}[A-Za-z]?|[A-Z]\d{1,4})(?![A-Za-z0-9])"
)
_TRIGGERS = re.compile(
    r"\d|@|[零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖]{11}|微信|薇信|威信|支付宝|抖音|wechat|weixin|alipay|telegram"
    r"|whatsapp|vx|v信",
    re.IGNORECASE,
)


def spans(text: str) -> list[Span]:
    """Personal data in `text`, in order and without overlap; of two that overlap the longer one."""
    return list(_spans(text))


@lru_cache(maxsize=32)
def _spans(text: str) -> tuple[Span, ...]:
    """Remembered for a moment: the same text is asked about when it is read and when it is masked."""
    plain = text if text.isascii() else text.translate(_HALF_WIDTH)
    found = [Span(a, b, "name") for a, b in names(plain)]
    if _TRIGGERS.search(plain):
        found += _emails(plain)
        found += _numbers(plain)
        found += _accounts(plain)
        found += (Span(*m.span(), "plate") for m in _PLATE.finditer(plain))
        found += (Span(*m.span(), "home") for m in _HOME.finditer(plain))
    found.sort(key=lambda s: (s.start, -s.end))
    kept: list[Span] = []
    for span in found:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:
            longer = max(kept[-1], span, key=lambda s: s.end - s.start)
            kept[-1] = Span(kept[-1].start, span.end, longer.kind)
    return tuple(kept)


def masked(text: str, extra: tuple[tuple[int, int], ...] = ()) -> str:
    """`text` with personal data, and the `extra` character ranges, replaced by short stand-ins."""
    marks = [*spans(text), *(Span(a, b, "hidden") for a, b in extra if 0 <= a < b <= len(text))]
    if not marks:
        return text
    marks.sort(key=lambda s: (s.start, -s.end))
    pieces, at = [], 0
    for mark in marks:
        if mark.end <= at:
            continue
        start = max(mark.start, at)
        pieces += [text[at:start], _STAND_IN.get(mark.kind, "［…］")]
        at = mark.end
    return "".join([*pieces, text[at:]])


def _emails(text: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        begin = at - 1 if at and text[at - 1] == " " else at
        before = text[max(0, begin - 64) : begin]
        local = len(before) - len(before.rstrip(_LOCAL_PART))
        domain = _AT_DOMAIN.match(text, begin)
        if local and domain:
            yield Span(begin - local, domain.end(), "email")
        at = text.find("@", at + 1)


def _accounts(text: str) -> Iterator[Span]:
    for match in _ACCOUNT.finditer(text):
        account = match["account"]
        told = match["said"].strip() or any(c.isdigit() or c == "_" for c in account)
        if told:
            yield Span(*match.span("account"), "account")
    for match in _PASSPORT.finditer(text):
        yield Span(*match.span(1), "id")


def _numbers(text: str) -> Iterator[Span]:
    for run in _RUN.finditer(text):
        if run.end() - run.start() >= 5:
            yield from _in_run(text, run.start(), run.end())
    for spoken in _SPOKEN.finditer(text):
        digits = spoken[0].translate(_CHINESE_DIGITS)
        if _MOBILE.match(digits) or _id_like(digits):
            yield Span(*spoken.span(), "phone" if len(digits) == 11 else "id")


_MOST_TOKENS = 6
_MOST_DIGITS = 22
_GROUPED_SIZES = frozenset({7, 8, *range(10, 20)})
"""How many digits a number that is written in groups may have."""


def _in_run(text: str, start: int, end: int) -> Iterator[Span]:
    """Personal numbers in a run of digits that may be grouped by spaces, dashes, dots or brackets."""
    tokens = [m.span() for m in _TOKEN.finditer(text, start, end)]
    if len(tokens) > _MOST_TOKENS and all(b - a == 1 for a, b in tokens[:_MOST_DIGITS]):
        if len(tokens) <= _MOST_DIGITS:  # one digit at a time, to slip past filters
            kind, cut = _kind(text, tokens, 0, len(tokens) - 1)
            if kind:
                yield Span(start, end + cut, kind)
        return
    i = 0
    while i < len(tokens):
        j = _longest_number(text, tokens, i)
        if j is None:
            i += 1
            continue
        last, kind, extra = j
        yield Span(_with_prefix(text, tokens[i][0], kind), tokens[last][1] + extra, kind)
        i = last + 1


def _longest_number(text: str, tokens: list[tuple[int, int]], i: int) -> tuple[int, str, int] | None:
    total, best = 0, None
    for j in range(i, min(len(tokens), i + _MOST_TOKENS)):
        total += tokens[j][1] - tokens[j][0]
        if total > _MOST_DIGITS:
            break
        if total >= 5 and (j == i or total in _GROUPED_SIZES):
            kind, extra = _kind(text, tokens, i, j)
            if kind:
                best = (j, kind, extra)
    return best


def _kind(text: str, tokens: list[tuple[int, int]], i: int, j: int) -> tuple[str, int]:
    """What the tokens `i` … `j` are together, and how many characters follow that belong to it."""
    start, end = tokens[i][0], tokens[j][1]
    sizes = [b - a for a, b in tokens[i : j + 1]]
    digits = "".join(text[a:b] for a, b in tokens[i : j + 1])
    n = len(digits)
    before = text[max(0, start - 16) : start]
    if n == 17 and text[end : end + 1] in ("X", "x"):
        if not text[end + 1 : end + 2].isascii() or not text[end + 1 : end + 2].isalnum():
            if _id_like(digits + "X") or _SAYS_ID.search(before):
                return "id", 1
    if n in (15, 18) and (_id_like(digits) or _SAYS_ID.search(before)):
        return "id", 0
    if _is_phone(digits, sizes, before, text[start:end]):
        return "phone", 0
    if 15 <= n <= 19 and min(sizes[:-1], default=4) >= 4 and _luhn(digits) and "." not in text[start:end]:
        return "card", 0
    if len(set(digits)) > 1 and (len(sizes) == 1 or min(sizes[:-1]) >= 4):
        if 12 <= n <= 22 and _SAYS_CARD.search(before):
            return "card", 0
    if len(sizes) == 1 and 5 <= n <= 12 and _SAYS_ACCOUNT.search(before):
        return "account", 0
    return "", 0


def _is_phone(digits: str, sizes: list[int], before: str, written: str) -> bool:
    n = len(digits)
    if n == 11 and digits[0] == "1":
        return bool(_MOBILE.match(digits)) and _grouped_like_a_mobile(sizes, written)
    if n in (13, 15) and digits[0] in "80":
        return bool(_ABROAD.match(digits)) and len(sizes) <= 5
    if 10 <= n <= 14 and digits[0] in "08":
        return bool(_LANDLINE.match(digits)) and len(sizes) <= 4
    if n == 10 and sizes in ([3, 3, 4], [3, 7]) and digits[0] in "23456789":
        return not _PUBLIC_NUMBER.match(digits) and digits[3] not in "01"
    if n == 11 and sizes == [1, 3, 3, 4] and digits[0] == "1":
        return True
    if before.endswith("+") and 8 <= n <= 15:
        return True
    if n in (7, 8) and len(sizes) <= 2 and min(sizes) >= 3 and digits[0] in "2345678":
        return bool(_SAYS_PHONE.search(before))
    return False


def _grouped_like_a_mobile(sizes: list[int], written: str) -> bool:
    if len(sizes) == 1 or sizes[0] == 3 and min(sizes) >= 3 or all(s == 1 for s in sizes):
        return True
    if sizes == [1, 3, 3, 4]:
        return True
    separators = {c for c in written if not c.isdigit()}
    return sizes in ([4, 4, 3], [7, 4], [5, 6], [6, 5], [4, 3, 4]) and len(separators) == 1


def _with_prefix(text: str, start: int, kind: str) -> int:
    """Take a leading plus or bracket into a telephone number."""
    while kind == "phone" and start > 0 and text[start - 1] in "+(":
        start -= 1
    return start


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_TYPED_WRONG_UNTIL = 2010


def _id_like(number: str) -> bool:
    """Whether a number is built like a resident ID.

    The check digit must fit, except with a birthday that no document number of today would
    carry: then it is an ID with a slip of the finger, and seventeen right digits.
    """
    if number[:2] not in _REGIONS:
        return False
    if len(number) == 15:
        return _is_day(1900 + int(number[6:8]), int(number[8:10]), int(number[10:12]))
    year = int(number[6:10])
    if len(number) != 18 or not 1900 <= year <= date.today().year:
        return False
    if not _is_day(year, int(number[10:12]), int(number[12:14])):
        return False
    rest = sum(w * int(d) for w, d in zip(_WEIGHTS, number, strict=False)) % 11
    return "10X98765432"[rest] == number[17] or year <= _TYPED_WRONG_UNTIL


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _luhn(digits: str) -> bool:
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
