"""What the cells of the demo hold: an invented register around every post of a grid worker.

The neighbouring cells of the same street get entries as well, so that an overview shows cells that
somebody walks beside cells that nobody walks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from shapely.geometry import Point, shape

from gongzhi.cases import rules
from gongzhi.demo import people
from gongzhi.grid.actions import Draft, Finding, check, entry_of, today, write_many
from gongzhi.grid.models import Entry
from gongzhi.registry import snapshot
from gongzhi.registry.authority import SYSTEM, actor_of
from gongzhi.registry.models import Area, Post, Role


@dataclass(frozen=True, slots=True)
class _Sort:
    """One sort of entry: kind, names, days between checks, function of its faults, note."""

    kind: str
    zh: str
    en: str
    every_days: int
    function: str = ""
    note: str = ""


_SORTS = (
    _Sort("person", "", "", 14, note="独居老人，每两周上门一次"),
    _Sort("person", "", "", 7, note="肢体残疾，行动不便，每周联系"),
    _Sort("person", "", "", 30, note="外来务工人员子女，暑期需关注安全"),
    _Sort("person", "", "", 14, note="术后居家休养，家属白天不在"),
    _Sort("place", "{n}号院", "Courtyard {n}", 14),
    _Sort("place", "沿河步道{n}段", "Riverside walk, section {n}", 7),
    _Sort("place", "口袋公园{n}", "Pocket park {n}", 7),
    _Sort("place", "背街小巷{n}", "Back lane {n}", 14),
    _Sort("thing", "路灯L{n}", "Street lamp L{n}", 30, "lighting"),
    _Sort("thing", "窨井盖J{n}", "Manhole cover J{n}", 30, "manhole"),
    _Sort("thing", "消火栓X{n}", "Fire hydrant X{n}", 30),
    _Sort("thing", "健身器材S{n}", "Exercise equipment S{n}", 14),
    _Sort("thing", "电动车充电棚C{n}", "E-bike charging shed C{n}", 7),
    _Sort("event", "雨污管网改造{n}标段", "Sewer works, lot {n}", 3),
    _Sort("event", "早市{n}（每日五时至八时）", "Morning market {n} (5 to 8 every day)", 3),
    _Sort("organisation", "老街饭店{n}", "Old Street Restaurant {n}", 30),
    _Sort("organisation", "便民超市{n}", "Corner shop {n}", 30),
    _Sort("organisation", "晨光托育点{n}", "Morning Light Nursery {n}", 14),
)
_ROUNDS = 2
"""How often the list of sorts is gone through in one cell."""


def fill(now: datetime, seed: int) -> int:
    """Fill the cells around grid workers' posts and let them check; how many matters that brought in."""
    posts = list(
        Post.objects.filter(
            roles__contains=[Role.GRID], is_active=True, area__isnull=False, person__isnull=False
        )
        .select_related("area", "person")
        .order_by("code")
    )
    random = Random(seed)
    streets = {post.area.parent_id for post in posts if post.area is not None}
    areas = Area.objects.filter(parent_id__in=streets, geometry__isnull=False).order_by("code")
    entries = [entry for area in areas for entry in _entries(area, random, now)]
    if entries:
        write_many(SYSTEM, entries)
    return sum(_checked(post, random, now) for post in posts)


def _entries(area: Area, random: Random, now: datetime) -> list[Entry]:
    outline = shape(area.geometry)
    functions = snapshot.current().function_by_code
    day = today(now)
    found = []
    for number, sort in enumerate(_SORTS * _ROUNDS, 1):
        point = _point_in(outline, random)
        names: dict[str, Any] = {"n": random.randint(1, 99)}
        code = f"{area.code[-6:]}-{number:03d}"
        who = people.speaker(random) if sort.kind == "person" else None
        draft = Draft(
            code=code,
            kind=sort.kind,
            name=who.full if who else sort.zh.format(**names),
            name_en=who.full_en if who else sort.en.format(**names),
            area_id=area.pk,
            lng=point[0],
            lat=point[1],
            address=f"{random.randint(1, 60)}号{random.randint(1, 6)}单元{random.randint(101, 1802)}室"
            if who
            else "",
            phone=who.phone if who else "",
            notes=sort.note,
            function_code=sort.function if sort.function in functions else "",
            every_days=sort.every_days,
            due_on=day + timedelta(days=random.randint(-3, sort.every_days)),
        )
        found.append(entry_of(draft, day))
    return found


def _checked(post: Post, random: Random, now: datetime) -> int:
    """Some checks of the last days, through the same action that the desk uses; one found something."""
    if post.person is None:
        return 0
    found = 0
    actor = actor_of(post.person, post)
    entries = list(Entry.objects.filter(area_id=post.area_id or 0, due_on__gt=today(now)).order_by("code"))
    zone = rules.calendar().zone
    for number, entry in enumerate(random.sample(entries, min(12, len(entries)))):
        day = today(now) - timedelta(days=1 + number // 3)
        at = datetime.combine(day, time(9, 5 + number * 4), zone)
        key = f"demo-{entry.code}-{day:%y%m%d}"
        found_wrong = number == 4 and not entry.is_personal
        text = "有破损，需要维修" if found_wrong else ""
        check(actor, entry, Finding(key, text, at=at), is_fine=not found_wrong, now=now)
        found += found_wrong
    return found


def _point_in(outline: Any, random: Random) -> tuple[float, float]:
    west, south, east, north = outline.bounds
    while True:
        point = Point(random.uniform(west, east), random.uniform(south, north))
        if outline.contains(point):
            return round(point.x, 6), round(point.y, 6)
