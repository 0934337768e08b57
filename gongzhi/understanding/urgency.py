"""How urgent a text sounds, and the words that say so.

Words in both languages, each for a danger; a word that is denied (没有着火, "nobody is injured")
or only asked or drilled about (消防演练, "fire drill") does not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NORMAL, URGENT, EMERGENCY = "normal", "urgent", "emergency"
RANK = {NORMAL: 0, URGENT: 1, EMERGENCY: 2}

_EMERGENCY = re.compile(
    r"着火|起火|失火|火灾|冒(?:黑|浓)烟|爆炸|(?:煤气|燃气|天然气|液化气|管道气?)(?:管道?)?(?:泄漏|泄露|漏气|漏了|在漏|味)"
    r"|漏(?:煤|燃|天然)气|漏电|触电|电线(?:掉|断|垂)(?:落|下|在|了)|坍塌|垮塌|倒塌|塌方|山体滑坡|有人(?:溺水|落水|被困|晕倒|昏迷|跳楼|轻生)"
    r"|溺水|落水|被困|电梯困人|困在电梯|晕倒|昏迷|不省人事|救命|轻生|跳楼|自杀|持刀|砍人|打死人|中毒|大出血|命悬一线|(?:孩子|小孩|儿童|老人)(?:走失|走丢|失踪|丢了|不见了)"
    r"|\b(?:on fire|caught fire|is burning|smell(?:s|ing)? (?:of )?gas|gas (?:leak\w*|smell)|leaking gas|explo(?:sion|ded?)|electrocut\w*"
    r"|live wire|(?:power|electric\w*) (?:line|wire|cable)s? (?:is |are |has |have )?(?:down|fallen|hanging)|collaps(?:ed|ing)"
    r"|drown(?:ing|ed)|unconscious|not breathing|trapped|bleeding|suicid\w*|stabb\w*|missing child|child (?:is )?missing|landslide|help me)\b",
    re.IGNORECASE,
)
_URGENT = re.compile(
    r"爆管|水管(?:爆|破)裂?|井盖(?:丢失|不见|没了|缺失|没有了|被偷|破损|塌)|没有?井盖|断电|停电|停水|没水|倒(?:在|了)(?:路|马路)|(?:大树|树|电线杆|灯杆)(?:倒|断|快倒)"
    r"|积水(?:很深|太深|到|没过|严重)|内涝|被淹|塌陷|有个?(?:大坑|深坑)|路面(?:塌|下沉)|墙(?:快|要|开裂|裂)|摔伤|砸(?:到|伤)|掉(?:下来|落)|危险|安全隐患|随时(?:会|可能)"
    r"|污水(?:倒灌|外溢|横流)|红绿灯(?:不亮|坏)|信号灯(?:不亮|坏)|食物中毒|晕|发烧"
    r"|\b(?:burst (?:pipe|main)|missing manhole|open manhole|manhole (?:cover )?(?:is )?(?:missing|gone|open)|power (?:cut|outage|is out)"
    r"|no (?:water|power|electricity|heating)|flood(?:ed|ing|s)?|(?:fallen|falling) (?:tree|branch|pole)|tree (?:is )?(?:down|fallen)"
    r"|sink ?hole|dangerous|danger|hazard\w*|injur\w*|about to fall|could fall|traffic lights? (?:is |are )?(?:out|off|not working|dead)"
    r"|sewage|urgent(?:ly)?)\b",
    re.IGNORECASE,
)
_DENIED_BEFORE = re.compile(
    r"(?:没有?|未|并未|无|不会|不再|不存在|不是|防止|避免|预防|以免|防|如果|万一|怕|担心|no|not|nobody (?:is|was)|no one (?:is|was)|never|without|isn't|wasn't"
    r"|prevent(?:ing)?|avoid(?:ing)?|in case of|if there (?:is|was) an?|afraid of)\s?(?:发生|出现|造成|人员|人|什么|a|any|an|been)?\s?$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"^(?:演练|演习|预案|宣传|知识|培训|解除|已(?:经)?(?:扑灭|排除|解决|修好|恢复)|报警器|险|事故(?:赔偿|处理|责任)|通知|公告|计划|预告| ?(?:drill|alarm|insurance|station|hydrant|brigade|notice))",
    re.IGNORECASE,
)
_MOST_CHARACTERS = 3_000
_LONG, _OPENING = 200, 100
"""A call for help is short, or says so at once; a long petition tells of dangers that are past."""
_LOOK_BACK, _LOOK_AHEAD = 16, 12


@dataclass(frozen=True, slots=True)
class Urgency:
    """How urgent a text sounds (`normal`, `urgent`, `emergency`) and the words that say so."""

    level: str
    words: tuple[str, ...] = ()


def of(text: str) -> Urgency:
    """Read the urgency of a text (its first 3,000 characters)."""
    text = text[:_MOST_CHARACTERS]
    for level, pattern in ((EMERGENCY, _EMERGENCY), (URGENT, _URGENT)):
        words = dict.fromkeys(m[0] for m in pattern.finditer(_heard(text, level)) if not _denied(text, m))
        if words:
            return Urgency(level, tuple(words)[:3])
    if len(text) > _LONG:
        words = dict.fromkeys(m[0] for m in _EMERGENCY.finditer(text) if not _denied(text, m))
        if words:
            return Urgency(URGENT, tuple(words)[:3])
    return Urgency(NORMAL)


def _heard(text: str, level: str) -> str:
    """The part of a text in which words of a level count."""
    return text[:_OPENING] if level == EMERGENCY and len(text) > _LONG else text


def _denied(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
    after = text[match.end() : match.end() + _LOOK_AHEAD]
    return bool(_DENIED_BEFORE.search(before) or _DENIED_AFTER.match(after))
