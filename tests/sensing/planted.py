"""Streams of matters with groups planted in them, in Chinese and English, for tests and the bench."""

from __future__ import annotations

import random

from gongzhi.sensing.hot_issues import DAY

NAMES = "丽发龙湖恒大金地阳光翠竹锦绣望江朝阳和平兴隆福安新华建设桂花梅园松柏白云青山碧水东方南湖西溪北苑紫荆"
ENDS = ("小区", "花园", "路", "中学", "村", "家园")
TROUBLES = (
    ("搅拌站噪音扰民", "附近的混凝土搅拌站昼夜施工，噪音和粉尘让人睡不着"),
    ("车位捆绑销售", "开发商强迫业主买房必须同时购买车位，否则不给签合同"),
    ("餐馆油烟直排", "楼下餐馆的油烟直接排到居民窗口，味道刺鼻不敢开窗"),
    ("自来水发黄停水", "自来水又黄又臭，还经常不通知就停水，没法做饭"),
    ("路灯长期不亮", "晚上一片漆黑，路灯坏了半年没有人修，老人摔跤"),
    ("公交车班次太少", "等公交车要四十分钟，上下班高峰根本挤不上去"),
    ("幼儿园学位不足", "配套幼儿园迟迟不开园，孩子没有学位可上"),
    ("集中供暖不热", "暖气片冰凉，室内温度不到十四度，供热公司推诿"),
    ("电梯频繁故障", "电梯三天两头坏，老人小孩被困，物业不维修"),
    ("违章搭建严重", "顶楼住户私自违章搭建房屋，城管来了也没有拆"),
)
OPENINGS = ("尊敬的领导您好，", "请问相关部门，", "本人是附近居民，", "再次反映：", "我们多次投诉无果，", "")
CLOSINGS = ("希望政府尽快解决。", "请给老百姓一个答复！", "盼回复，谢谢领导。", "恳请有关部门重视。", "")
PLACES_EN = ("Maple", "Harbor", "Lincoln", "Cedar", "Union", "Franklin", "Chestnut", "Liberty", "Juniper")
KINDS_EN = ("Street", "Avenue", "Park", "School", "Square")
TROUBLES_EN = (
    ("water main leaking", "water keeps bubbling up through the pavement and floods the basement"),
    ("street lights out", "every lamp on the block is dark and people trip on the kerb at night"),
    ("rats in the alley", "rats run between the bins all day and nobody has put out bait"),
    ("loud construction at night", "drilling and concrete trucks until three in the morning"),
    ("bus never comes", "waited an hour for the bus again and two passed completely full"),
)


def chinese(rng: random.Random, size: int, groups: int, group_size: int) -> list[tuple[str, str, int, int]]:
    """(title, text, moment, group) in order of time; group -1 is a matter that stands alone."""
    found = []
    for group in range(groups):
        place = "".join(rng.sample(NAMES, 2)) + rng.choice(ENDS)
        short, long = TROUBLES[group % len(TROUBLES)]
        begin = rng.randrange(300)
        found += [_one(rng, place, short, long, begin + rng.randrange(20), group) for _ in range(group_size)]
    while len(found) < size:
        place = "".join(rng.sample(NAMES, 3)) + rng.choice(ENDS)
        short, long = rng.choice(TROUBLES)
        found.append(_one(rng, place, short, long, rng.randrange(320), -1))
    return sorted(found, key=lambda f: f[2])


def _one(
    rng: random.Random, place: str, short: str, long: str, day: int, group: int
) -> tuple[str, str, int, int]:
    title = rng.choice((f"{place}{short}", f"投诉{place}{short}的问题", f"请管管{place}的{short}"))
    detail = "".join(rng.sample(long.split("，"), rng.randint(1, len(long.split("，")))))
    text = rng.choice(OPENINGS) + f"{place}{detail}，{rng.randrange(2, 60)}户受影响，" + rng.choice(CLOSINGS)
    return title, text, day * DAY + rng.randrange(DAY), group


def english(rng: random.Random, size: int, groups: int, group_size: int) -> list[tuple[str, str, int, int]]:
    """The same in English."""
    found = []
    for group in range(groups):
        place = f"{rng.choice(PLACES_EN)} {rng.choice(KINDS_EN)} {group}"
        short, long = TROUBLES_EN[group % len(TROUBLES_EN)]
        day = rng.randrange(300)
        for _ in range(group_size):
            moment = (day + rng.randrange(20)) * DAY + rng.randrange(DAY)
            words = " ".join(rng.sample(long.split(" "), 6))
            found.append((f"{short} on {place}", f"{words} near {place}, please help", moment, group))
    while len(found) < size:
        place = f"{rng.choice(PLACES_EN)} {rng.choice(KINDS_EN)} {rng.randrange(100, 99999)}"
        short, long = rng.choice(TROUBLES_EN)
        found.append(
            (f"{short} {place}", " ".join(rng.sample(long.split(" "), 6)), rng.randrange(320) * DAY, -1)
        )
    return sorted(found, key=lambda f: f[2])
