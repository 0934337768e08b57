"""How good an answer is, by rules that show their reasons: relevance, completeness, explanation, timeliness.

Every aspect is a number from 0 to 1 with the findings that made it. Nothing is learned from labels;
`evaluation` compares with people's judgements.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Final

_SPACE = re.compile(r"[\W_]+")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_WORD = re.compile(r"[a-z]{3,}")
_COURTESY = re.compile(
    r"(尊敬的|亲爱的)?(市民|网友|居民|用户)[^，。！]{0,20}?[您你]好[！!，,。：:]*|[您你]好[！!，,。：:]*|感谢[您你]?(对我们|对我[区市县局]|的)?[^。！]{0,30}[。！]"
    r"|[您你]的(留言|来信|诉求|问题)(已|我们已)?收悉[。，]?|现(将有关情况)?(回复|答复)如下[:：]?|特此(回复|答复)[。]?|dear [a-z ]+,|thank you[^.]*\.",
    re.I,
)
_DATE = re.compile(
    r"\d{4}\s*年|\d{1,2}\s*月(\d{1,2}\s*日|[上中下]旬|份|底|初|前)|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}-\d{2}-\d{2}|\d+\s*个?(工作日|小时|天|日|周|星期)(以?内|之内)"
    r"|[本下这]周|[本下]个?月|今[天日]|明[天日]|后天|当[天日]|年底|月底|today|tomorrow|next (week|month)|within \d+|by \w+ \d+|\d{1,2} (january|february|march|april|may|june|july|august|september|october|november|december)",
    re.I,
)
_PROMISE = re.compile(
    r"(将|会|正在|抓紧|争取|计划|拟)[^。；]{0,25}?(尽快|尽早|早日|及时|抓紧|适时|逐步|择机|陆续)|(尽快|尽早|早日)[^。；]{0,25}?(处理|解决|安排|完成|修复|整改|落实|办理|启动|实施|回复)"
    r"|\b(as soon as possible|soon|shortly|in due course|in the near future)\b",
    re.I,
)
_DONE = re.compile(
    r"已(经)?(于|在|完成|修复|处理|解决|整改|安排|清理|拆除|办理|恢复|督促|责令|要求)|has been|have been|was (fixed|repaired|done)|completed",
    re.I,
)
_CAUSE = re.compile(
    r"因为|由于|原因|因此|所以|鉴于|导致|系因|是因|经(调查|核实|核查|查|现场|了解|向)|情况(属实|说明|如下)|because|due to|since|reason|found that",
    re.I,
)
_BASIS = re.compile(
    r"《[^》]{4,60}》|第[一二三四五六七八九十百\d]+条|[〔﹝\[（(]20\d\d[〕﹞\]）)]\d*号?|根据|依据|按照|规定|标准|政策|文件|section \d+|regulation|under the (act|law)|by-?law",
    re.I,
)
_POINTS = re.compile(
    r"[一二三四五六七八九]是|[（(][一二三四五六七八九\d]+[）)]|[一二三四五六七八九]、|\b\d[、.．]\s?|首先|其次|第[一二三四五]，|关于[^，。]{2,30}(问题|事项)|针对[^，。]{2,30}(问题|诉求)"
)
_NEXT = re.compile(
    r"下一步|接下来|后续|届时|计划|将(会|于|在|对|由|组织|加强|继续)|建议[您你]|请[您你]|可(以|到|向|拨打|登录|前往)|next step|you can|please",
    re.I,
)
_CONTACT = re.compile(
    r"(电话|联系|咨询|热线|拨打)[^。]{0,20}\d{3,}|\d{3,4}-\d{7,8}|\b1[23]\d{3}\b|phone|call us", re.I
)
_ELSEWHERE = re.compile(
    r"(已|予以|现)?(转|交|移交|转交|转送|批转)[^。]{0,15}(处理|办理|核实|调查|部门|单位)|请[^。]{0,12}耐心等待|noted|forwarded",
    re.I,
)
_STOP: Final = frozenset(
    "的了是在我有和不就人都一个上也很到说要去你会着没看好这那们请您为以及其与对于被把从向将已经可以进行情况问题部门单位我们希望领导处理解决反映相关有关工作市民网友居民回复答复谢谢感谢"
)
ASPECTS: Final = ("relevance", "completeness", "explanation", "timeliness")


@dataclass(frozen=True, slots=True)
class Aspect:
    """One aspect of an answer: 0 to 1, and the findings that made it (codes with numbers)."""

    score: float
    found: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scores:
    """What the rules say of an answer."""

    relevance: Aspect
    completeness: Aspect
    explanation: Aspect
    timeliness: Aspect
    substance_characters: int
    has_promise_without_date: bool

    def as_json(self) -> dict[str, object]:
        found: dict[str, object] = {
            name: {"score": round(getattr(self, name).score, 3), **getattr(self, name).found}
            for name in ASPECTS
        }
        return found | {"characters": self.substance_characters}


def substance(answer: str) -> str:
    """The answer without greetings and thanks."""
    return _COURTESY.sub("", answer).strip()


def terms(text: str) -> set[str]:
    """What a text is about: pairs of Chinese characters and English words, without those that are everywhere."""
    found: set[str] = set()
    for run in _SPACE.split(text.lower()):
        if not _HAN.search(run):
            found |= set(_WORD.findall(run))
            continue
        found |= {
            run[i : i + 2] for i in range(len(run) - 1) if not (run[i] in _STOP and run[i + 1] in _STOP)
        }
    return found


IRRELEVANT_BELOW: Final = 0.08
"""An answer of some length that shares less with the question does not fit it."""
JUDGED_FROM_CHARACTERS: Final = 30
"""Shorter answers ("repaired today") say too little to be told apart by their words."""


def does_not_fit(question: str, answer: str, *, below: float = IRRELEVANT_BELOW) -> bool:
    """Whether an answer is about something else (已读乱回)."""
    body = substance(answer)
    if len(body) < JUDGED_FROM_CHARACTERS or len(question) < JUDGED_FROM_CHARACTERS // 2:
        return False
    if bool(_HAN.search(question)) != bool(_HAN.search(body)):
        return False
    return relevance(question, answer).score < below


def relevance(question: str, answer: str) -> Aspect:
    """By how much the answer speaks of what was asked: shared terms against what chance would give."""
    asked, said = terms(question), terms(substance(answer))
    if not asked or not said:
        return Aspect(0.0 if asked else 1.0, {"shared": 0})
    shared = len(asked & said)
    cosine = shared / math.sqrt(len(asked) * len(said))
    return Aspect(min(1.0, cosine / 0.25), {"shared": shared, "asked": len(asked)})


def score(
    question: str, answer: str, *, days: float | None = None, limit_days: float | None = None
) -> Scores:
    """Score an answer to a question.

    Args:
        days, limit_days: how long it took, and how long it might take; None where not known.
    """
    body = substance(answer)
    size = len(body)
    about = relevance(question, answer)
    causes, bases = len(_CAUSE.findall(body)), len(_BASIS.findall(body))
    points, done = len(_POINTS.findall(body)), len(_DONE.findall(body))
    following, contact = len(_NEXT.findall(body)), bool(_CONTACT.search(body))
    dates = len(_DATE.findall(body))
    elsewhere = bool(_ELSEWHERE.search(body)) and size < 160
    length = min(1.0, math.log1p(size / 40) / math.log1p(25))
    explanation = 0.8 * length + 0.1 * min(1, causes / 2) + 0.1 * min(1, bases / 2) - 0.1 * elsewhere
    complete = (
        0.7 * length + 0.1 * about.score + 0.05 * min(1, points / 2) + 0.05 * min(1, done)
        + 0.05 * min(1, following) + 0.025 * contact + 0.025 * min(1, dates) - 0.1 * elsewhere
    )  # fmt: skip
    if days is None:
        in_time = Aspect(1.0)
    else:
        limit = limit_days or 15.0
        in_time = Aspect(max(0.0, min(1.0, 2 - days / limit)), {"days": round(days, 1), "limit": limit})
    return Scores(
        relevance=about,
        completeness=Aspect(_held(complete), {"points": points, "done": done, "next": following}),
        explanation=Aspect(
            _held(explanation), {"causes": causes, "bases": bases, "passed_on": int(elsewhere)}
        ),
        timeliness=in_time,
        substance_characters=size,
        has_promise_without_date=promises_without_date(body),
    )


def promises_without_date(text: str) -> bool:
    """Whether something is promised "as soon as possible" and no sentence of it, nor the next, has a date."""
    sentences = re.split(r"[。！!；;\n]|(?<=[a-z])\.\s", text)
    for n, sentence in enumerate(sentences):
        if _PROMISE.search(sentence) and not _DATE.search(sentence + " ".join(sentences[n + 1 : n + 2])):
            return True
    return False


def _held(value: float) -> float:
    return max(0.0, min(1.0, value))
