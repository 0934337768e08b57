"""Where names of places stand in texts, seen from what ends them (…小区, …路, … Street).

No gazetteer: files come from anywhere. A name reaches back from its ending to the last sign, the last
other ending or a word that cannot be part of it (投诉|丽发新城|小区). All texts are seen in one pass over
arrays of units: Chinese characters, and words or numbers of other scripts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ENDINGS = "省州市县区镇乡村路街道巷桥苑城湾府庄组庭郡居岛洲屯寨弄坊墅"
"""Characters that end the name of an area, a street or an estate."""
ESTABLISHMENTS = "站校院园场厂店楼馆厦"
"""Characters that end the name of an establishment, whose kind also says what a matter is about."""
_REGION_ENDINGS, _REGION_UNITS = "市县区省州", 3
_KINDS = (
    "搅拌幼儿加油停车变电养殖养猪收费公交地铁火车汽车菜市卫生服务垃圾中转回收污水化工物流快递建筑施工办公居民教学拆迁安置住宅"
    "商品自来变电充电检测驾校培训批发农贸夜宵餐饮"
)
"""Pairs of characters before the ending of an establishment that say its kind, not its name."""
_COMMON_WORDS = (
    "小区社区市区城区地区校区城市超市道路马路公路街道农村乡村城镇乡镇公园花园家园学校医院工厂饭店酒店"
)
"""Words that look like endings with a syllable before them, and end a name all the same."""
_SCHOOL, _SIZES = "学", "小中大"
_CANNOT = (
    "疑复除导谈反强烈映诉询议求请问报决给将把在的于对与及为至到从是有无不要让被向往由等了我你们该这那个位住近边旁侧"
    "处就还也都又很吗呢吧啊因此但若如其已未将应并或者去过着说看找称修拆装搬占堵取拔整查管离缔消买卖购售"
)
_NO_PART = (
    "希望盼望渴望期望失望绝望工地当地此地各地本地外地实地占地土地征地楼下楼上楼里门口门前对面隔壁周围里面外面下面上面跑路出路走路"
    "修路思路电路线路道路关注烟道管道渠道报道知道行道通道多家几家一家这家那家两家"
)
"""Words whose last character could stand in a name and does not: wishes, positions, grounds, other roads."""
_DWELLING, _DWELLERS = "居", "民住委"
"""居 ends the name of an estate (颐和居), but not in residents (居民), live (居住), committee (居委)."""
_REACH = 6
"""Most units of a name before its ending."""
ENDINGS_EN = tuple(
    "street st avenue ave road rd lane ln drive dr boulevard blvd park square school bridge place pl court ct"
    " highway way terrace parkway pkwy plaza station alley heights gardens".split()
)


@dataclass(frozen=True, slots=True)
class Names:
    """For each unit what it is part of.

    Attributes:
        name: (n,) number of the name that the unit is in, -1 outside of names.
        place: (n,) whether it is in a name that says where: of more than a region.
        establishment: (n,) whether that is an establishment.
        region: (n,) whether that is a whole district, county or city, which says little about where.
        ending: (n,) whether it is the unit that ends a name, the same for many names.
    """

    name: NDArray[np.int32]
    place: NDArray[np.bool_]
    establishment: NDArray[np.bool_]
    region: NDArray[np.bool_]
    ending: NDArray[np.bool_]


def _codes(characters: str) -> NDArray[np.uint32]:
    return np.array(sorted({ord(c) for c in characters}), np.uint32)


_PURE, _ESTABLISHED, _BARRED, _OF_SIZE, _REGIONS, _DWELLER_CODES = map(
    _codes, (ENDINGS, ESTABLISHMENTS, _CANNOT, _SIZES, _REGION_ENDINGS, _DWELLERS)
)


def _pairs(characters: str) -> NDArray[np.uint32]:
    both = zip(characters[::2], characters[1::2], strict=True)
    return np.unique(np.array([ord(a) << 16 | ord(b) for a, b in both], np.uint32))


_KIND_PAIRS, _COMMON_PAIRS, _NO_PART_PAIRS = _pairs(_KINDS), _pairs(_COMMON_WORDS), _pairs(_NO_PART)


def found(
    first: NDArray[np.uint32],
    written: NDArray[np.uint32],
    is_word: NDArray[np.bool_],
    to_next: NDArray[np.bool_],
    street_word: NDArray[np.bool_],
) -> Names:
    """Names in a row of units.

    Args:
        first: (n,) folded first character of each unit.
        written: (n,) the same as written.
        is_word: (n,) whether the unit is a word or number, not a Chinese character.
        to_next: (n-1,) whether nothing but space lies between a unit and the next one.
        street_word: (n,) whether the unit is one of `ENDINGS_EN`.
    """
    n = len(first)
    before = np.concatenate(([np.uint32(0)], first[:-1]))
    pure = ~is_word & np.isin(first, _PURE)
    school = (first == ord(_SCHOOL)) & np.isin(before, _OF_SIZE)
    established = ~is_word & (np.isin(first, _ESTABLISHED) | school)
    ends = pure | established
    index = np.arange(n, dtype=np.int64)
    with_before = before << np.uint32(16) | first
    no_part = ~is_word & np.isin(with_before, _NO_PART_PAIRS)
    barred = (~is_word & np.isin(first, _BARRED)) | no_part
    apart = np.concatenate(([True], ~to_next))
    run = np.maximum.accumulate(np.where(apart, index, 0))
    after = np.concatenate((first[1:], [np.uint32(0)]))
    ends &= ~no_part & ~((first == ord(_DWELLING)) & np.isin(after, _DWELLER_CODES))
    end = np.flatnonzero(ends)
    # What only says the kind of an establishment (混凝土搅拌站, 幼儿园) is no name of it.
    pair = np.concatenate((np.zeros(2, np.uint32), first[:-2] << np.uint32(16) | first[1:-1]))[:n]
    end = end[~(established & np.isin(pair, _KIND_PAIRS))[end]]
    begin = _begins(end, run, barred | ends)
    # A syllable that could end a name but has none before it belongs to the next (石桥|街, 云庭|小区).
    named = barred | (ends & np.isin(with_before, _COMMON_PAIRS))
    named[end[_long_enough(begin, end, established, is_word)]] = True
    begin = _begins(end, run, named)
    named[end[_long_enough(begin, end, established, is_word)]] = True
    begin = _begins(end, run, named)
    enough = _long_enough(begin, end, established, is_word)
    in_english = _english(first, written, is_word, to_next, street_word)
    begin = np.concatenate((begin[enough], in_english[0]))
    kind = np.concatenate((established[end[enough]], np.zeros(len(in_english[0]), bool)))
    end = np.concatenate((end[enough], in_english[1]))
    order = np.argsort(begin, kind="stable")
    begin, end, kind = begin[order], end[order], kind[order]
    name = np.full(n, -1, np.int32)
    change = np.zeros(n + 1, np.int32)
    # Names do not overlap: each begins after the ending of the one before it.
    np.add.at(change, begin, 1)
    np.add.at(change, end + 1, -1)
    inside = np.cumsum(change[:-1]) > 0
    number = np.cumsum(np.bincount(begin, minlength=n)[:n]) - 1
    name[inside] = number[inside].astype(np.int32)
    establishment, region = np.zeros(n, bool), np.zeros(n, bool)
    if len(end):
        whole = ~is_word[end] & np.isin(first[end], _REGIONS) & (end - begin < _REGION_UNITS)
        establishment[inside] = kind[name[inside]]
        region[inside] = whole[name[inside]]
    return Names(name, inside & ~region, establishment, region, ends | street_word)


def _begins(end: NDArray[np.int64], run: NDArray[np.int64], stops: NDArray[np.bool_]) -> NDArray[np.int64]:
    """First unit of the name that each ending may have: after a sign, a stop, or at its full reach."""
    index = np.arange(len(stops), dtype=np.int64)
    last_stop = np.concatenate(([-1], np.maximum.accumulate(np.where(stops, index, -1))[:-1]))
    begin: NDArray[np.int64] = np.maximum(np.maximum(run[end], last_stop[end] + 1), end - _REACH)
    return begin


def _long_enough(
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    established: NDArray[np.bool_],
    is_word: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """A word or number before the ending (A7县), two characters, or three of an establishment."""
    enough: NDArray[np.bool_] = end - begin >= 2 + established[end]
    enough |= (end - begin == 1) & is_word[begin]
    return enough


def _english(
    first: NDArray[np.uint32],
    written: NDArray[np.uint32],
    is_word: NDArray[np.bool_],
    to_next: NDArray[np.bool_],
    street_word: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last unit of names such as Maple Street, 5th Avenue, Harbor School 3."""
    digit = is_word & (first >= 0x30) & (first <= 0x39)
    proper = is_word & ~street_word & ((written != first) | digit)
    linked = np.concatenate(([False], to_next))  # to the unit before
    with_one = np.zeros(len(first), bool)
    with_one[1:] = street_word[1:] & linked[1:] & proper[:-1]
    end = np.flatnonzero(with_one)
    two = (end >= 2) & linked[end - 1] & proper[np.maximum(end - 2, 0)]
    begin = np.where(two, end - 2, end - 1)
    after = np.minimum(end + 1, len(first) - 1)
    end = np.where((after > end) & linked[after] & digit[after], after, end)
    # "120 Maple Street 5 Oak Street": a number belongs to one name only.
    begin[1:] = np.maximum(begin[1:], end[:-1] + 1)
    return begin, end
