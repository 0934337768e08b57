"""What an answer by text message means: a level from 1 to 5, "not settled", "no more texts", or just words.

Pure: text in, `Meant` out. Nothing is guessed: a number of floors or days is no rating, and a number
that says something else than the words beside it is none either, so that the person is asked again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gongzhi.cases import numbers


class Kind(StrEnum):
    """What a person wants with an answer."""

    RATING = "rating"
    NOT_SETTLED = "not_settled"
    UNCLEAR = "unclear"
    """Number and words contradict each other, or the number may count something."""
    STOP = "stop"
    START = "start"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Meant:
    """An answer as it was read; `text` is what was said beyond the level, as it was written."""

    kind: Kind
    text: str = ""
    level: int | None = None
    reasons: tuple[str, ...] = ()
    number: str = ""
    """The case's number, when the answer names one."""


_STOP: Final = frozenset(
    "td t 退订 取消订阅 不再接收 td退订 退订td 回复td stop stopall unsubscribe cancel end quit".split()
)
_START: Final = frozenset("订阅 恢复 恢复订阅 重新订阅 dy start subscribe unstop".split())
_DIGITS: Final = {
    ord(c): str(n)
    for row in ("①②③④⑤", "❶❷❸❹❺", "➀➁➂➃➄", "➊➋➌➍➎", "⑴⑵⑶⑷⑸", "⒈⒉⒊⒋⒌")
    for n, c in enumerate(row, 1)
}
_FULL_WIDTH: Final = {0xFF01 + n: 0x21 + n for n in range(94) if chr(0x21 + n).isalnum()} | {0x3000: 0x20}
"""Letters and digits only, so that punctuation stays as it was written."""
_INVISIBLE: Final = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x20E3, 0xFE0E, 0xFE0F])
"""Joiners and what makes an emoji of a digit (keycap 5️⃣)."""

_LEVELS: Final = {
    1: r"(?:非常|很|极|极其|十分|特别|相当|太)不满意|(?:very|extremely|totally) (?:dissatisfied|unsatisfied|unhappy|bad)|terrible",
    2: r"不太满意|不是很满意|不怎么满意|不够满意|不满意|不满|not (?:very |really |at all )?(?:satisfied|happy)|dissatisfied|unsatisfied|unhappy",
    3: r"基本满意|还算满意|一般(?:般)?(?!情况|来说|来讲|都|性)|还行|还可以|basically satisfied|fairly satisfied|neutral|average|so[- ]so",
    5: r"(?:非常|很|极其|十分|特别|相当|太|超级?)满意|very (?:satisfied|happy|good)|excellent|perfect",
    4: r"(?:比较|挺)?满意|satisfied|happy",
}
_SPOKEN: Final = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5,
                  "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}  # fmt: skip
_GREETING: Final = r"(?:你好|您好|hello|hi)?[\s,，!！。.(（“\"]*"
_BEFORE: Final = re.compile(
    _GREETING
    + r"(?:(?:i am|i'm|we are|i was)\s+|(?:我|我们|本人|群众)?(?:选|评|打|回复|回答|答复|答|给)?(?:[:：]\s*)?"
    r"(?:表示|感到|觉得|总体|整体|还是)?)",
    re.I,
)
_WORD: Final = re.compile(
    r"(?:(?:我|我们)?对[^,，。.!！?？]{1,14}?)?(?:表示|感到|觉得|还是)?(?:"
    + "|".join(f"(?P<l{level}>{words})" for level, words in _LEVELS.items()).replace(" ", r"\s+")
    + ")",
    re.I,
)
_NO_RATING: Final = re.compile(r"\s*(?:吗|嘛|么|度|[?？]|的(?:话|答复|结果|时候))|[a-z]", re.I)
"""After a word of satisfaction: it was a question, or talk about satisfaction."""
_DIGIT: Final = re.compile(
    r"(?:(?P<digit>[1-5])(?!\d|[.,:/~—–，：-]\s*\d)|(?P<spoken>[一二三四五](?=[分星级]|\s*$)|(?:one|two|three|four|five)\b))"
    r"(?:\s*(?:(?:分|星|级)(?!钟)|stars?\b|points?\b))?", re.I
)  # fmt: skip
_MEASURE: Final = re.compile(
    r"\s*(?:个|天|日|号|楼|栋|幢|单元|层|室|户|年|月|周|星期|点|小时|分钟|次|遍|人|位|台|盏|条|根|处|块|米|元|万|千|百|路|期|组|区|村|岁|"
    r"(?:day|week|month|hour|time|floor)s?\b|people\b)|[a-z%°]",
    re.I,
)
_COUNTS: Final = re.compile(
    r"\s+(?!(?:still|not|no|nobody|none|never|thanks?|thx|ok|good|great|bad|slow|very|because|but|the|it|i|they|you|"
    r"(?:dis|un)?satisfied|(?:un)?happy|excellent|perfect|terrible)\b)[a-z]",
    re.I,
)
"""“2 lamps are out” may be a number of things; only what nobody counts may follow a level."""
_UNSETTLED: Final = re.compile(
    _GREETING
    + r"(?:还是|仍然|仍|根本|并)?(?:未解决|没有?解决|没有?修好|没有?弄好|没有?处理好|还没修好|还没解决|还没弄好|not (?:settled|solved|fixed|resolved)|unsolved|unresolved|still (?:broken|not))",
    re.I,
)
_NUMBER: Final = re.compile(r"(?<!\d)\d{4}[ \-–—－]?\d{7,9}?[ \-–—－]?\d(?!\d)")
_EDGE: Final = " \t\r\n,，。.:：;；、!！~～-–—_"
_REASONS: Final = {
    True: {
        "not_solved": r"没修|没有修|没解决|没有解决|没处理|还在|还是|仍然?|又坏|没好|没用|not fixed|still|broken again",
        "slow": r"太慢|慢|拖|等了|太久|slow|too long|late",
        "attitude": r"态度|凶|不耐烦|rude",
        "not_explained": r"没解释|没说明|没人告诉|没有说明|没通知|not explain|no explanation",
        "passed_around": r"推诿|踢皮球|互相推|推来推去|passed (?:a)?round",
    },
    False: {
        "fast": r"(?<!不)(?:很快|及时|迅速|速度快|当天)|\bfast\b|\bquick",
        "attitude": r"态度(?:很|非常|也)?好|热情|耐心|friendly|polite",
    },
}


def read(words: str) -> Meant:
    """Read an answer; never fails."""
    plain = words.translate(_DIGITS | _FULL_WIDTH | _INVISIBLE).strip()
    command = plain.strip(_EDGE + "\"'“”‘’()[]【】").casefold()
    if command in _STOP:
        return Meant(Kind.STOP)
    if command in _START:
        return Meant(Kind.START)
    number, rest = _named(plain)
    if _UNSETTLED.match(rest):
        return Meant(Kind.NOT_SETTLED, rest.strip(), number=number)
    level, text = _level(rest)
    if level == 0:
        return Meant(Kind.UNCLEAR, plain, number=number)
    if level is None:
        return Meant(Kind.WORDS, rest.strip(), number=number)
    return Meant(Kind.RATING, text, level, _reasons(level, text), number)


def _named(plain: str) -> tuple[str, str]:
    """The case's number in an answer and what else it says."""
    for found in _NUMBER.finditer(plain):
        number = numbers.parse(found[0])
        if number is not None:
            rest = f"{plain[: found.start()].strip(_EDGE)} {plain[found.end() :].strip(_EDGE)}"
            return number, rest.strip()
    return "", plain


def _level(plain: str) -> tuple[int | None, str]:
    """The level at the beginning and what follows it; 0 where the number can be read in two ways."""
    start = _BEFORE.match(plain)
    at = start.end() if start else 0
    digit = _DIGIT.match(plain, at)
    said = None
    if digit is not None and _COUNTS.match(plain, digit.end()):
        return (None if _MEASURE.match(plain, digit.end()) else 0), plain
    if digit is not None and not _MEASURE.match(plain, digit.end()):
        said = int(digit["digit"]) if digit["digit"] else _SPOKEN[digit["spoken"].casefold()]
        after = re.compile(r"[\s,，。.:：、!！;；（）()-]*").match(plain, digit.end())
        at = after.end() if after else digit.end()
    word = _WORD.match(plain, at)
    if word is None or _NO_RATING.match(plain, word.end()):
        return (None, "") if said is None else (said, plain[at:].strip(_EDGE))
    meant = next(level for level in _LEVELS if word[f"l{level}"])
    if said is not None and (said - 3) * (meant - 3) < 0:
        return 0, plain
    return said or meant, plain[word.end() :].strip(_EDGE)


def _reasons(level: int, text: str) -> tuple[str, ...]:
    kinds = _REASONS[level <= 2]
    return tuple(name for name, pattern in kinds.items() if re.search(pattern, text, re.I))
