"""Where matters happen: places of the pack, named the many ways people name them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import shapely
from shapely.geometry import LineString, Point, shape
from shapely.geometry.base import BaseGeometry

from gongzhi.registry.packs import Pack

_ROADS = ("street", "avenue")
_DEGREES_PER_M = 1 / 104_000


@dataclass(frozen=True, slots=True)
class Site:
    """One place as somebody names it.

    Attributes:
        zh: as it stands in a Chinese sentence (``望江路米市街口``).
        en: with its preposition (``on Wangjiang Road``).
        en_noun: without it.
        name_zh: the plain name of the place.
        lng, lat: WGS 84; None when the matter is about no point.
        address: what a map search would have filled in.
    """

    zh: str
    en: str
    en_noun: str
    name_zh: str
    lng: float | None
    lat: float | None
    address: str


class Sites:
    """The places of a pack by kind."""

    def __init__(self, pack: Pack, random: Random) -> None:
        self.random = random
        self.by_kind: dict[str, list[dict[str, Any]]] = {}
        for place in pack.places:
            kind = "road" if place["kind"] in _ROADS else place["kind"]
            self.by_kind.setdefault(kind, []).append(place)
        self.by_name = {p["name_zh"]: p for p in pack.places}
        self.shapes = {p["code"]: shape(p["geometry"]) for p in pack.places}
        self.city = next(shape(a["geometry"]) for a in pack.areas if a["level"] == "city")
        shapely.prepare(self.city)
        self.areas = [(a, shape(a["geometry"])) for a in pack.areas if a["level"] in ("district", "street")]
        self._makers: dict[str, Callable[[], Site]] = {
            "street": self._road,
            "crossing": self._crossing,
            "stop": self._stop,
            "estate": self._estate,
            "estate_gate": self._gate,
            "village": self._village,
            "area": self._area,
        }

    def pick(self, kind: str) -> Site:
        """A place of a kind, where a kind without places of its own is a road."""
        made = self._makers.get(kind)
        if made is not None:
            return made()
        return self._point(kind) if kind in self.by_kind else self._road()

    def named(self, name: str) -> Site:
        """A site near the place with this Chinese name; a road if there is none."""
        place = self.by_name.get(name)
        if place is None:
            return self._road()
        if place["kind"] in _ROADS:
            return self._road(place)
        return self._at(place, *self._plain(place))

    def home(self) -> tuple[str, str]:
        """An estate where somebody may live: its name in Chinese and in English."""
        place = self._choose("estate")
        return place["name_zh"], _the(place["name_en"])

    def again(self, site: Site) -> Site:
        """The same place as another person would have tapped it, some tens of metres away."""
        if site.lng is None or site.lat is None:
            return site
        lng, lat = self._near(Point(site.lng, site.lat), 25)
        return replace(site, lng=lng, lat=lat)

    def _choose(self, kind: str) -> dict[str, Any]:
        return self.random.choice(self.by_kind[kind])

    def _near(self, point: BaseGeometry, metres: float) -> tuple[float, float]:
        """A point about so many metres away, within the city."""
        for _ in range(20):
            lng = point.x + self.random.gauss(0, metres * _DEGREES_PER_M)
            lat = point.y + self.random.gauss(0, metres * _DEGREES_PER_M)
            if shapely.contains_xy(self.city, lng, lat):
                return round(lng, 6), round(lat, 6)
        inside = self.city.representative_point()
        return round(inside.x, 6), round(inside.y, 6)

    def _at(self, place: dict[str, Any], zh: str, en: str, noun: str, metres: float = 90) -> Site:
        drawn = self.shapes[place["code"]]
        if isinstance(drawn, LineString):
            point = drawn.interpolate(self.random.random(), normalized=True)
            metres = 8
        else:
            point = drawn.representative_point()
        lng, lat = self._near(point, metres)
        return Site(zh, en, noun, place["name_zh"], lng, lat, zh if self.random.random() < 0.6 else place["name_zh"])  # fmt: skip

    def _alias(self, place: dict[str, Any]) -> str:
        aliases = place["aliases"]
        return str(self.random.choice(aliases)) if aliases and self.random.random() < 0.5 else str(place["name_zh"])  # fmt: skip

    def _plain(self, place: dict[str, Any]) -> tuple[str, str, str]:
        name = place["name_en"]
        return self._alias(place), f"near {_the(name)}", _the(name)

    def _road(self, road: dict[str, Any] | None = None) -> Site:
        r = road or self._choose("road")
        zh, en, number = r["name_zh"], r["name_en"], self.random.randint(1, 260)
        poi = self._choose(self.random.choice(("estate", "market", "school", "mall")))
        forms = [
            (zh, f"on {en}", en),
            (zh, f"on {en}", en),
            (f"{zh}{number}号门口", f"outside {number} {en}", f"the pavement outside {number} {en}"),
            (f"{zh}{number}号附近", f"near {number} {en}", f"{en}"),
            (f"{zh}中段", f"half way along {en}", f"the middle of {en}"),
            (f"{zh}{self.random.choice('东西南北')}头", f"at the end of {en}", f"the end of {en}"),
            (f"{zh}公交站旁边", f"next to the bus stop on {en}", f"the bus stop on {en}"),
            (f"{zh}快到头的地方", f"near the far end of {en}", f"the far end of {en}"),
            (f"{zh}（{self._alias(poi)}那边）", f"on {en} towards {_the(poi['name_en'])}", en),
        ]
        return self._at(r, *self.random.choice(forms))

    def _crossing(self) -> Site:
        r, other = self._choose("road"), self._choose("road")
        zh, en = f"{r['name_zh']}和{other['name_zh']}", f"{r['name_en']} and {other['name_en']}"
        form = self.random.choice(("{}路口", "{}交叉口", "{}十字路口", "{}红绿灯那里"))
        return self._at(r, form.format(zh), f"at the corner of {en}", f"the corner of {en}")

    def _stop(self) -> Site:
        place = self._choose(self.random.choice(("estate", "school", "hospital", "market", "road")))
        zh, en = place["name_zh"], place["name_en"]
        return self._at(place, f"{zh}站", f"at the {en} stop", f"the {en} stop")

    def _estate(self) -> Site:
        e = self._choose("estate")
        zh, en, b, u = self._alias(e), e["name_en"], self.random.randint(1, 28), self.random.randint(1, 4)
        forms = [
            (zh, f"in {_the(en)}", _the(en)),
            (f"{zh}{b}栋", f"in building {b} of {_the(en)}", f"building {b} of {_the(en)}"),
            (f"{zh}{b}号楼", f"in block {b}, {en}", f"block {b} of {_the(en)}"),
            (
                f"{zh}{b}栋{u}单元",
                f"in building {b}, entrance {u}, {en}",
                f"entrance {u} of building {b}, {en}",
            ),  # fmt: skip
            (f"{zh}小区" if not zh.endswith("小区") else zh, f"in {_the(en)}", _the(en)),
            (
                f"{zh}{self.random.choice('一二三')}期",
                f"in {en}, phase {self.random.randint(1, 3)}",
                _the(en),
            ),  # fmt: skip
        ]
        return self._at(e, *self.random.choice(forms))

    def _gate(self) -> Site:
        e = self._choose("estate")
        zh, en = self._alias(e), _the(e["name_en"])
        side, side_en = self.random.choice((("南", "south"), ("北", "north"), ("东", "east"), ("西", "west")))
        forms = [
            (f"{zh}{side}门口", f"at the {side_en} gate of {en}", f"the {side_en} gate of {en}"),
            (f"{zh}门口", f"outside {en}", f"the entrance of {en}"),
            (f"{zh}后面那条路", f"on the road behind {en}", f"the road behind {en}"),
            (f"{zh}对面", f"opposite {en}", f"the street opposite {en}"),
        ]
        return self._at(e, *self.random.choice(forms))

    def _village(self) -> Site:
        v = self._choose("village")
        zh, en, n = v["name_zh"], v["name_en"], self.random.randint(1, 9)
        forms = [
            (zh, f"in {en}", en),
            (f"{zh}{'一二三四五六七八九'[n - 1]}组", f"in group {n} of {en}", f"group {n} of {en}"),
            (f"{zh}村口".replace("村村", "村"), f"at the entrance of {en}", f"the entrance of {en}"),
            (f"{zh}后面", f"behind {en}", f"the land behind {en}"),
        ]
        return self._at(v, *self.random.choice(forms), metres=250)

    def _area(self) -> Site:
        area, drawn = self.random.choice(self.areas)
        west, south, east, north = drawn.bounds
        lng, lat = west, south
        for _ in range(60):
            lng, lat = self.random.uniform(west, east), self.random.uniform(south, north)
            if shapely.contains_xy(drawn, lng, lat):
                break
        else:
            lng, lat = drawn.representative_point().coords[0]
        zh, en = area["name_zh"], area["name_en"].removesuffix(" Street").removesuffix(" Town")
        if area["level"] == "street" and not zh.endswith("镇"):
            zh = self.random.choice((zh, zh.removesuffix("街道"), zh.removesuffix("街道")))
        located = self.random.random() < 0.55
        return Site(zh, f"in {en}", en, zh, round(lng, 6) if located else None, round(lat, 6) if located else None, zh if located else "")  # fmt: skip

    def _point(self, kind: str) -> Site:
        p = self._choose(kind)
        zh, en = self._alias(p), _the(p["name_en"])
        forms = [(zh, f"near {en}", en), (f"{zh}旁边", f"next to {en}", f"the street beside {en}")]
        if kind != "bridge":
            forms += [
                (f"{zh}门口", f"outside {en}", f"the entrance of {en}"),
                (f"{zh}对面", f"opposite {en}", f"the street opposite {en}"),
            ]
        if kind == "park":
            forms += [(f"{zh}里", f"in {en}", en), (f"{zh}湖边", f"by the water in {en}", f"the lakeside in {en}")]  # fmt: skip
        if kind == "bridge":
            forms += [(f"{zh}桥头" if "桥" in zh else zh, f"at the end of {en}", f"the end of {en}")]
        return self._at(p, *self.random.choice(forms))


_WITH_ARTICLE = ("Market", "Hospital", "Station", "Library", "Museum", "Hall", "Centre", "Tunnel", "Underpass", "Pier", "Flats", "Office", "Hub", "Quarter", "Terminus", "Temple", "Tower")  # fmt: skip


def _the(name: str) -> str:
    """An English name with its article where one is spoken."""
    plain = name.startswith(("The ", "No. ")) or "'s" in name
    if name.startswith(("City ", "Experimental", "Central", "Women's", "Flower", "Coach", "Railway", "No. ")):
        return f"the {name}"
    return f"the {name}" if not plain and name.split()[-1] in _WITH_ARTICLE else name
