"""Draws areas.geojson and places.geojson of Linjiang (临江市), an invented city around a river.

The river and a tributary cut the city's outline into four districts. Each district is divided into
streets and towns, each of those into grid cells, as Voronoi cells of points that lie densest where
people live (Lloyd's relaxation, 1982). All lines are then noded once, so that areas nest exactly
without gap or overlap, and bent by one smooth field, so that no border is ruled with a ruler.

Run it again after changing names.yaml: `python cities/linjiang/make_areas.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import yaml
from numpy.typing import NDArray
from shapely.geometry import LineString, Point, Polygon, mapping
from shapely.geometry.base import BaseGeometry

HERE = Path(__file__).parent
CENTRE = np.array([111.40, 30.515])
RADII = np.array([0.185, 0.125])
RIVER = [(111.235, 30.70), (111.27, 30.65), (111.30, 30.60), (111.318, 30.55), (111.345, 30.510), (111.40, 30.498), (111.455, 30.503), (111.495, 30.475), (111.525, 30.425), (111.545, 30.34)]  # fmt: skip
TRIBUTARY = [(111.475, 30.70), (111.455, 30.63), (111.465, 30.57), (111.452, 30.53), (111.455, 30.503), (111.456, 30.485)]  # fmt: skip
RIDGE = [(111.36, 30.525), (111.345, 30.510), (111.318, 30.485), (111.285, 30.465), (111.262, 30.43), (111.225, 30.36)]  # fmt: skip
LONGEST_EDGE = 0.0012
"""Degrees between points of a border, about 120 m."""
PEOPLE = 1_860_000

Points = NDArray[np.float64]


def smooth(line: list[tuple[float, float]], rounds: int = 4) -> LineString:
    """Chaikin's corner cutting (1974); the ends stay."""
    points = np.array(line)
    for _ in range(rounds):
        cut = np.empty((2 * (len(points) - 1), 2))
        cut[0::2] = 0.75 * points[:-1] + 0.25 * points[1:]
        cut[1::2] = 0.25 * points[:-1] + 0.75 * points[1:]
        points = np.vstack([points[:1], cut, points[-1:]])
    return LineString(points)


def outline() -> Polygon:
    angle = np.linspace(0, 2 * math.pi, 240, endpoint=False)
    radius = 1 + 0.05 * np.sin(3 * angle + 0.4) + 0.035 * np.sin(5 * angle) + 0.02 * np.cos(9 * angle)
    ring = CENTRE + RADII * np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None]
    return Polygon(ring)


def bent(points: Points) -> Points:
    """The smooth field that bends every border, some hundred metres at most."""
    x, y = points[:, 0] * 1000, points[:, 1] * 1000
    dx = 0.0009 * np.sin(y / 5.1 + 0.4 * np.sin(x / 9)) + 0.0005 * np.sin(y / 2.3 + x / 3.1)
    dy = 0.0008 * np.sin(x / 5.7 + 0.5 * np.sin(y / 8)) + 0.0005 * np.sin(x / 2.1 - y / 3.7)
    return np.round(points + np.stack([dx, dy], 1), 6)


def redrawn(ring: Points) -> Points:
    """A ring with points at most LONGEST_EDGE apart, bent. A shared edge comes out the same from
    both sides, because its points are counted from the same end."""
    drawn: list[Points] = []
    for a, b in zip(ring[:-1], ring[1:], strict=True):
        first, last = (a, b) if tuple(a) < tuple(b) else (b, a)
        parts = max(1, math.ceil(float(np.hypot(*(last - first))) / LONGEST_EDGE))
        t = np.arange(parts + 1)[:, None] / parts
        edge = first + (last - first) * t
        drawn.append((edge if first is a else edge[::-1])[:-1])
    points = bent(np.vstack(drawn))
    return np.vstack([points, points[:1]])


def seeds(shape: BaseGeometry, number: int, random: np.random.Generator, pull: float) -> Points:
    """`number` points in a shape, evenly spread among samples that lie denser near the centre."""
    west, south, east, north = shape.bounds
    sample = random.uniform((west, south), (east, north), (8_000, 2))
    sample = sample[shapely.contains_xy(shape, sample[:, 0], sample[:, 1])]
    far = np.hypot(*((sample - CENTRE) / RADII).T)
    sample = sample[random.random(len(sample)) < np.exp(-pull * far**2)]
    chosen = sample[random.choice(len(sample), number, replace=False)]
    for _ in range(40):
        nearest = np.argmin(((sample[:, None] - chosen[None]) ** 2).sum(2), axis=1)
        middle = np.array([sample[nearest == i].mean(0) for i in range(number)])
        chosen = sample[np.argmin(((sample[:, None] - middle[None]) ** 2).sum(2), axis=0)]
    return chosen


def divided(shape: BaseGeometry, points: Points) -> list[BaseGeometry]:
    """The Voronoi cells of `points` in `shape`, in the order of the points."""
    cells = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=shape.buffer(0.05))
    ordered = []
    for point in points:
        cell = next(c for c in cells.geoms if c.contains(Point(point)))
        ordered.append(cell.intersection(shape))
    return ordered


def ordered_from_centre(points: Points) -> Points:
    """Inner streets come first in the list of names, towns last."""
    return points[np.argsort(np.hypot(*((points - CENTRE) / RADII).T))]


def noded(cells: list[BaseGeometry]) -> list[Polygon]:
    """The same cells with exactly shared borders: all lines noded, faces given back to cells."""
    lines = shapely.unary_union([c.boundary for c in cells])
    lines = shapely.unary_union(shapely.set_precision(lines, 1e-6))
    faces = list(shapely.polygonize([lines]).geoms)
    tree = shapely.STRtree(cells)
    owner: list[list[BaseGeometry]] = [[] for _ in cells]
    for face in faces:
        owner[int(tree.nearest(face.representative_point()))].append(face)
    whole: list[BaseGeometry] = [shapely.union_all(mine) for mine in owner]
    for n, shape in enumerate(whole):
        parts = sorted(getattr(shape, "geoms", [shape]), key=lambda part: part.area)
        whole[n] = parts.pop()
        for crumb in parts:
            shared = [crumb.intersection(other).length if m != n else 0.0 for m, other in enumerate(whole)]
            heir = int(np.argmax(shared))
            whole[heir] = shapely.union_all([whole[heir], crumb])
    if any(shape.geom_type != "Polygon" for shape in whole):
        raise SystemExit("a cell falls apart; choose another seed")
    return [Polygon(redrawn(np.array(shape.exterior.coords))) for shape in whole]


def districts(names: list[dict[str, Any]]) -> list[BaseGeometry]:
    city = outline()
    cuts = [smooth(RIVER), smooth(TRIBUTARY), smooth(RIDGE)]
    faces = list(shapely.polygonize([shapely.unary_union([city.boundary, *cuts])]).geoms)
    faces = [f for f in faces if city.buffer(1e-6).contains(f)]
    return [next(f for f in faces if f.contains(Point(d["inside"]))) for d in names]


def areas(names: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The features of areas.geojson, from the city down to the cells."""
    random = np.random.default_rng(7)
    pieces: list[BaseGeometry] = []
    place_of: list[tuple[int, int]] = []
    for d, shape in enumerate(districts(names)):
        streets = divided(shape, ordered_from_centre(seeds(shape, 6, random, 1.5)))
        cells = int(names[d]["cells"])
        share = [cells // 6 + (1 if s < cells % 6 else 0) for s in range(6)]
        for s, street in enumerate(streets):
            if street.geom_type != "Polygon":
                raise SystemExit(f"street {d}/{s} falls apart; choose another seed")
            pieces += divided(street, ordered_from_centre(seeds(street, share[s], random, 1.0)))
            place_of += [(d, s)] * share[s]
    polygons = noded(pieces)
    features: list[dict[str, Any]] = []
    density = [math.exp(-2.2 * math.hypot(*((np.array(p.centroid.coords[0]) - CENTRE) / RADII)) ** 2) * p.area for p in polygons]  # fmt: skip
    people = [int(round(PEOPLE * w / sum(density), -1)) for w in density]

    def feature(code: str, parent: str | None, level: str, kind: str, zh: str, en: str, shape: BaseGeometry, inhabitants: int) -> None:  # fmt: skip
        features.append({
            "type": "Feature",
            "properties": {"code": code, "parent": parent, "level": level, "kind": kind, "name_zh": zh, "name_en": en, "population": inhabitants},
            "geometry": json.loads(json.dumps(mapping(shape))),
        })  # fmt: skip

    whole: list[BaseGeometry] = []
    for d, district in enumerate(names):
        parts: list[BaseGeometry] = []
        total = 0
        for s, (zh, en) in enumerate(district["streets"]):
            town = zh.endswith("镇")
            code = f"{district['code']}{(101 if town else 1) + s:03d}"
            name_zh, name_en = (zh, f"{en} Town") if town else (f"{zh}街道", f"{en} Street")
            mine = [n for n, place in enumerate(place_of) if place == (d, s)]
            shape = shapely.coverage_union_all([polygons[n] for n in mine])
            for g, n in enumerate(mine, 1):
                feature(f"{code}{g:03d}", code, "grid", "rural" if town else "urban", f"{name_zh}第{g}网格", f"{en} grid {g}", polygons[n], people[n])  # fmt: skip
            inhabitants = sum(people[n] for n in mine)
            feature(code, district["code"], "street", "town" if town else "street", name_zh, name_en, shape, inhabitants)  # fmt: skip
            parts.append(shape)
            total += inhabitants
        union = shapely.coverage_union_all(parts)
        feature(district["code"], "429000", "district", "district", district["zh"], district["en"], union, total)  # fmt: skip
        whole.append(union)
    feature("429000", None, "city", "city", "临江市", "Linjiang", shapely.coverage_union_all(whole), sum(people))  # fmt: skip
    rank = {"city": 0, "district": 1, "street": 2, "grid": 3}
    return sorted(features, key=lambda f: (rank[f["properties"]["level"]], f["properties"]["code"]))


def road(way: list[Points]) -> LineString:
    """A road through points, rounded and bent like the borders."""
    line = smooth([tuple(p) for p in way], 3)
    return LineString(redrawn_line(np.array(line.coords)))


def redrawn_line(points: Points) -> Points:
    kept = [points[0]]
    for point in points[1:]:
        if float(np.hypot(*(point - kept[-1]))) > LONGEST_EDGE or point is points[-1]:
            kept.append(point)
    return bent(np.array(kept))


def places(names: dict[str, Any], features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The features of places.geojson: rivers, named streets and points of interest."""
    random = np.random.default_rng(11)
    shapes = {f["properties"]["code"]: shapely.geometry.shape(f["geometry"]) for f in features}
    level = {f["properties"]["code"]: f["properties"]["level"] for f in features}
    kind_of = {f["properties"]["code"]: f["properties"]["kind"] for f in features}
    cells_of: dict[str, list[str]] = {}
    for f in features:
        if level[f["properties"]["code"]] == "grid":
            cells_of.setdefault(f["properties"]["parent"], []).append(f["properties"]["code"])
    city = shapes["429000"]
    found: list[dict[str, Any]] = []

    def add(code: str, kind: str, name: list[str], shape: BaseGeometry) -> None:
        found.append({
            "type": "Feature",
            "properties": {"code": code, "kind": kind, "name_zh": name[0], "name_en": name[1], "aliases": name[2:]},
            "geometry": json.loads(json.dumps(mapping(shapely.set_precision(shape, 1e-6)))),
        })  # fmt: skip

    centroid: Callable[[str], Points] = lambda code: np.array(shapes[code].centroid.coords[0])  # noqa: E731
    for n, (name, line) in enumerate(zip(names["waters"], (RIVER, TRIBUTARY), strict=True), 1):
        course = LineString(redrawn_line(np.array(smooth(line).coords)))
        add(f"water-{n}", "river", name, course.intersection(city))
    streets = sorted(cells_of)
    middle = np.array([centroid(code) for code in streets])
    for n, name in enumerate(names["avenues"]):
        here = int(np.argsort(np.hypot(*(middle - CENTRE).T))[n])
        away = middle[here] + (middle - middle[here])
        order = np.argsort(np.hypot(*(away - middle[here]).T))
        way = [middle[order[2 if n % 2 else 1]], middle[here], middle[order[4 if n % 2 else 3]]]
        add(f"road-a{n + 1:02d}", "avenue", name, road(way).intersection(city))
    for n, name in enumerate(names["streets"]):
        cells = cells_of[streets[n % len(streets)]]
        first = n // len(streets)
        start = centroid(cells[first % len(cells)])
        others = sorted(cells, key=lambda c: float(np.hypot(*(centroid(c) - start))))[1:4]
        turn = centroid(others[first % 2]) + random.normal(0, 0.0012, 2)
        way = [start + random.normal(0, 0.0015, 2), (start + turn) / 2, turn]
        add(f"road-s{n + 1:03d}", "street", name, road(way))
    rural = sorted(c for c in shapes if level[c] == "grid" and kind_of[c] == "rural")
    urban = sorted(c for c in shapes if level[c] == "grid" and kind_of[c] == "urban")
    river = smooth(RIVER).intersection(city)
    number = 0
    for kind, rows in names["points"].items():
        for name in rows:
            number += 1
            if kind == "bridge":
                point = river.interpolate(0.2 + 0.1 * (number % 6), normalized=True)
                point = Point(bent(np.array(point.coords))[0])
            else:
                point = inside(shapes, named_area(name[0], features, kind) or (rural if kind == "village" else urban), random)  # fmt: skip
            add(f"poi-{number:03d}", kind, name, point)
    return found


def named_area(name: str, features: list[dict[str, Any]], kind: str) -> list[str]:
    """The cells of the street or district that a name begins with, none if it names none."""
    for level in ("street", "district"):
        for f in features:
            p = f["properties"]
            stem = p["name_zh"].removesuffix("街道").removesuffix("镇")[:2]
            if p["level"] == level and stem in name:
                below = {g["properties"]["code"] for g in features if g["properties"]["code"].startswith(p["code"]) and g["properties"]["level"] == "grid"}  # fmt: skip
                return sorted(below)
    return []


def inside(shapes: dict[str, BaseGeometry], cells: list[str], random: np.random.Generator) -> Point:
    shape = shapes[cells[int(random.integers(len(cells)))]]
    west, south, east, north = shape.bounds
    while True:
        point = Point(random.uniform((west, south), (east, north)))
        if shape.buffer(-0.0008).contains(point):
            return point


def write(path: Path, features: list[dict[str, Any]]) -> None:
    """One feature a line, so that a fault can be named by its line."""
    lines = ",\n".join(json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in features)
    path.write_text(f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    names = yaml.safe_load((HERE / "names.yaml").read_text(encoding="utf-8"))
    drawn = areas(names["districts"])
    write(HERE / "areas.geojson", drawn)
    write(HERE / "places.geojson", places(names, drawn))
