"""A draft answer from the answers that were given to similar matters (答复拟稿).

What belongs to the other matter, such as dates, amounts, telephone numbers and places, becomes a
field in braces. A draft always keeps at least one field, so that `cases.reply_wordings` refuses to
send it before a person has worked on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from gongzhi.cases.reply_wordings import FIELD, NAMES
from gongzhi.registry.snapshot import Snapshot
from gongzhi.understanding import places
from gongzhi.understanding.similar import Similar

LEAST_LIKENESS = 0.3
MOST_EXTRA_SENTENCES = 2
_SAME = 0.45
"""From this share of common character pairs on two sentences say the same."""

_SENTENCE = re.compile(r"[^。！？!?\n]+?(?:[。！？!?]+|\.(?=\s|$)|\n|$)")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(
    r"(?:\d{4}\s*年)?\s*\d{1,2}\s*月\s*\d{1,2}\s*[日号]|\d{4}-\d{1,2}-\d{1,2}|\d{4}\s*年\s*\d{1,2}\s*月"
    r"|本?周[一二三四五六日天]|今天|昨天|明天|今[日晚]|昨[日晚]|上午|下午|当[日天]"
    rf"|\b\d{{1,2}}\s+(?:{_MONTHS})(?:\s+\d{{4}})?\b|\b(?:{_MONTHS})\s+\d{{1,2}}\b"
    r"|\b(?:today|yesterday|tomorrow|this (?:morning|afternoon|week)|last week)\b",
    re.I,
)
_TELEPHONE = re.compile(r"［☎］|(?<!\d)\d{3,4}-\d{7,8}(?!\d)|(?<!\d)1\d{10}(?!\d)")
_AMOUNT = re.compile(r"\d+(?:\.\d+)?\s*(?:元|万元|米|公里|平方米|盏|个|处|人|户|吨|yuan|metres|km)")


_HOUSE_NUMBER = re.compile(r"(\{[^{}]+\})\s*\d+\s*(?:号楼?|栋|幢|弄)")
_TWICE = re.compile(r"(\{[^{}]+\})(?:[\s,，、]*\1)+")


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft and the numbers of the cases whose answers it was made of."""

    text: str
    sources: tuple[str, ...]


def draft(
    similar: Sequence[Similar], registry: Snapshot, *, function_id: int | None, language: str
) -> Draft | None:
    """A draft in `language` from the best of `similar`; None when no answer is alike enough.

    Answers about the same function come first; a sentence of a further answer is added when it
    says something that the first one does not.
    """
    chinese = language.startswith("zh")
    usable = [
        s for s in similar if s.answer and s.likeness >= LEAST_LIKENESS and _is_chinese(s.answer) == chinese
    ]
    usable.sort(key=lambda s: (s.function_id != function_id, -s.likeness))
    same = [s for s in usable if s.function_id == function_id]
    usable = same or usable[:1]
    if not usable:
        return None
    with translation.override(language):
        said = [_without_particulars(x, registry) for x in _sentences(usable[0].answer)]
        sources = [usable[0].number]
        extra = 0
        for other in usable[1:]:
            for sentence in (_without_particulars(x, registry) for x in _sentences(other.answer)):
                if extra >= MOST_EXTRA_SENTENCES or any(_alike(sentence, x) >= _SAME for x in said):
                    continue
                said.append(sentence)
                extra += 1
                if other.number not in sources:
                    sources.append(other.number)
        opening = _("Thank you for telling us about “{function}” ({number}).")
        text = ("" if chinese else " ").join([opening, *said])
        if all(name in NAMES for name in FIELD.findall(text)):  # the system could fill all of them
            text += ("" if chinese else " ") + _("{what was done here, when and by whom}")
    return Draft(text, tuple(sources))


def _sentences(text: str) -> list[str]:
    return [m.group().strip() for m in _SENTENCE.finditer(text) if m.group().strip()]


def _without_particulars(sentence: str, registry: Snapshot) -> str:
    """`sentence` with a field for whatever belongs to the other matter only."""
    for found in reversed(places.named(sentence, registry)):
        sentence = sentence[: found.start] + _("{place}") + sentence[found.end :]
    sentence = _HOUSE_NUMBER.sub(r"\1", sentence)
    for pattern, field in (
        (_DATE, _("{date}")),
        (_TELEPHONE, _("{telephone}")),
        (_AMOUNT, _("{how much}")),
    ):
        sentence = pattern.sub(field, sentence)
    return _TWICE.sub(r"\1", sentence)


def _is_chinese(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return sum("\u4e00" <= c <= "\u9fff" for c in letters) * 2 > len(letters)


def _alike(a: str, b: str) -> float:
    first, second = _pairs(a), _pairs(b)
    return len(first & second) / max(1, min(len(first), len(second)))


def _pairs(text: str) -> set[str]:
    plain = "".join(c for c in text.lower() if c.isalnum())
    return {plain[i : i + 2] for i in range(len(plain) - 1)}
