"""Names for groups of matters, in the words of the people who wrote them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from gongzhi.sensing import features

LONGEST = 40
"""Characters of a title."""
_CUT = re.compile(r"[。！!？?；;\n]|(?<=[a-z])\. ")
_KINDS = re.compile(
    "^(?:住宅|老旧|农贸|本|我|该|某|这个|那个|附近|周边|一个|一家|一所|多个|各|全|整个)*"
    "(?:小区|社区|学校|医院|大学|中学|小学|学院|幼儿园|公园|广场|公寓|花园|家园|车站|街道|马路|公路|道路|铁路|高速路|城市|城区|农村|乡村"
    "|新农村|市场|超市|门店|饭店|酒店|餐馆|工厂|停车场|加油站|搅拌站|地铁站|公交站|变电站|养猪场|工业园|乡镇|村镇|县城|市区|地区|线路|电路|思路)$"
)
"""Kinds of places, which name none."""


def grams_of(title: str) -> set[str]:
    """Pairs of characters (Chinese) and words (others), to compare titles."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    characters = re.findall(r"[\u2e80-\u9fff]", title)
    return set(words) | {a + b for a, b in zip(characters, characters[1:], strict=False)}


def title_of(titles: Sequence[str]) -> str:
    """The title that shares most with the others for its length, cut to its first sentence."""
    short = [_CUT.split(t.strip())[0].strip() for t in titles]
    grams = [grams_of(t) for t in short]
    common = Counter(g for own in grams for g in own)
    count = max(1, len(titles))

    def worth(index: int) -> tuple[float, int]:
        own = grams[index]
        shared = sum(common[g] for g in own) / count
        return (shared / (len(own) + 4), -len(short[index]))

    best = short[max(range(len(short)), key=worth)] or next((t for t in short if t), "")
    return best if len(best) <= LONGEST else best[: LONGEST - 1] + "…"


def place_of(
    titles: Sequence[str],
    areas: Sequence[str],
    names: Sequence[Sequence[tuple[str, bool, bool]]] | None = None,
) -> str:
    """The area most members name, else the most exact place that at least half of the titles contain; or "".

    Args:
        names: `features.names_in` the titles, where that is known.
    """
    named = Counter(a for a in areas if a)
    if named:
        area, times = named.most_common(1)[0]
        if times * 2 >= len(areas):
            return area
    exact: Counter[str] = Counter()
    regions: Counter[str] = Counter()
    for of_title in features.names_in(titles) if names is None else names:
        chain = ""
        for name, follows, is_region in of_title:
            if is_region:
                regions[name] += 1
                chain = ""
            else:
                chain = chain + name if follows and name.isascii() == chain.isascii() else name
                exact.update({n for n in (name, chain) if not _KINDS.match(n)})
    half = len(titles) / 2
    region = next((name for name, times in regions.most_common(1) if times >= half), "")
    often = [(sum(n in t for t in titles), n) for n in exact]
    often = [(times, name) for times, name in often if times >= half]
    if not often:
        return region
    place = max(often, key=lambda c: (c[0] * len(c[1]), c[1]))[1]
    if sum(f"{place}小区" in t for t in titles) >= half:
        place += "小区"
    return place if place.isascii() or place in region else region + place


_GROUPS = (
    "业主|居民|村民|学生|家长|职工|员工|工人|农民工|老人|乘客|商户|教师|老师|患者|司机|市民|租户|退休人员|投资人|消费者|孩子|残疾人"
    "|residents|students|parents|tenants|passengers|workers|drivers|patients|customers|children|seniors|neighbors|neighbours"
)
_PEOPLE = re.compile(_GROUPS)
_TYPICAL = 40


def people_of(texts: Sequence[str]) -> str:
    """Who is affected, in the word that most of the matters use; or ""."""
    found = Counter(word for text in texts[:_TYPICAL] for word in set(_PEOPLE.findall(text.lower())))
    return found.most_common(1)[0][0] if found else ""
