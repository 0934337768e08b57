"""A process map drawn as SVG: layers from top to bottom, every activity connected, readable at 30 nodes.

Layout after Sugiyama, Tagawa and Toda (1981): break cycles, layer by longest path, order by the mean
place of neighbours. All activities are drawn; of the edges, each activity's most frequent way in and
out and then the most frequent ones until `detail` of all steps are shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from gongzhi.improvement.process_map import ProcessMap

START, END = "▶", "■"
WIDTH, HEIGHT, GAP_X, GAP_Y, LINE = 168, 46, 34, 62, 22
"""Pixels: a node, the space between nodes and between layers; characters that fit on a line."""
INK, BAR, LINE_INK = "#1b1b1b", "#e7f2f5", "#5d6f73"


@dataclass(frozen=True, slots=True)
class Step:
    """An edge as drawn; `share` is the part of all steps that is shown once this edge is."""

    origin: str
    to: str
    count: int
    seconds: float | None
    share: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands, in pixels from the top left; a node's place is its centre."""

    places: dict[str, tuple[float, float]]
    steps: list[Step]
    width: float
    height: float


def shown_steps(found: ProcessMap, detail: float = 0.9) -> list[Step]:
    """The edges to draw, most frequent first, with the start and end of cases.

    Raises:
        ValueError: detail is not between 0 and 1.
    """
    if not 0 <= detail <= 1:
        raise ValueError(f"detail is a share between 0 and 1, not {detail}")
    every: list[tuple[str, str, int, float | None]] = [
        (e.origin, e.to, e.count, e.median_seconds) for e in found.edges
    ]
    every += [(START, name, count, None) for name, count in found.starts.items()]
    every += [(name, END, count, None) for name, count in found.ends.items()]
    every.sort(key=lambda e: -e[2])
    total = sum(e[2] for e in every)
    has_in: set[str] = set()
    has_out: set[str] = set()
    steps, passed = [], 0
    for origin, to, count, seconds in every:
        needed = origin != to and (to not in has_in or origin not in has_out)
        if needed or passed < detail * total:
            share = 0.0 if needed else passed / total
            steps.append(Step(origin, to, count, seconds, share))
            if origin != to:
                has_in.add(to)
                has_out.add(origin)
        passed += count
    return steps


def layout(steps: list[Step]) -> Layout:
    """Place the nodes of the steps."""
    names = list(dict.fromkeys(n for s in steps for n in (s.origin, s.to)))
    forward = _without_cycles(steps)
    layer = _layers(names, forward)
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for name in names:
        rows[layer[name]].append(name)
    _order(rows, forward, layer)
    width = max(len(row) for row in rows) * (WIDTH + GAP_X) + 2 * GAP_X
    places = {}
    for depth, row in enumerate(rows):
        left = (width - len(row) * (WIDTH + GAP_X)) / 2
        for at, name in enumerate(row):
            places[name] = (
                left + (at + 0.5) * (WIDTH + GAP_X),
                GAP_Y / 2 + (depth + 0.5) * HEIGHT + depth * GAP_Y,
            )
    return Layout(places, steps, width, len(rows) * (HEIGHT + GAP_Y))


def _without_cycles(steps: list[Step]) -> list[tuple[str, str]]:
    """Edges that can all point down: the widest way from the start to each node, then by count."""
    kept: list[tuple[str, str]] = []
    reached = {START}
    leaving: dict[str, list[Step]] = {}
    for step in steps:
        leaving.setdefault(step.origin, []).append(step)
    open_steps = list(leaving.get(START, ()))
    while open_steps:
        widest = max(open_steps, key=lambda s: s.count)
        open_steps.remove(widest)
        if widest.to not in reached:
            reached.add(widest.to)
            kept.append((widest.origin, widest.to))
            open_steps += leaving.get(widest.to, ())
    below: dict[str, set[str]] = {}
    for origin, to in kept:
        below.setdefault(origin, set()).add(to)
    for step in sorted(steps, key=lambda s: -s.count):
        if step.origin == step.to or _reaches(below, step.to, step.origin):
            continue
        below.setdefault(step.origin, set()).add(step.to)
        kept.append((step.origin, step.to))
    return kept


def _reaches(below: dict[str, set[str]], origin: str, target: str) -> bool:
    seen, waiting = {origin}, [origin]
    while waiting:
        node = waiting.pop()
        if node == target:
            return True
        for follower in below.get(node, ()):
            if follower not in seen:
                seen.add(follower)
                waiting.append(follower)
    return False


def _layers(names: list[str], forward: list[tuple[str, str]]) -> dict[str, int]:
    """Longest path from a node without a way in."""
    above: dict[str, list[str]] = {n: [] for n in names}
    for origin, to in forward:
        above[to].append(origin)
    layer: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in layer:
            layer[name] = max((depth(o) + 1 for o in above[name]), default=0)
        return layer[name]

    for name in names:
        depth(name)
    if END in layer:
        layer[END] = max(layer.values())
    return layer


def _order(rows: list[list[str]], forward: list[tuple[str, str]], layer: dict[str, int]) -> None:
    """Sort each row by the mean place of its neighbours, downwards and upwards, a few times."""
    beside: dict[str, list[str]] = {}
    for origin, to in forward:
        beside.setdefault(origin, []).append(to)
        beside.setdefault(to, []).append(origin)
    for sweep in range(6):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            at = {n: (i + 0.5) / len(r) for r in rows for i, n in enumerate(r)}
            mean = {}
            for name in row:
                near = [at[o] for o in beside.get(name, ()) if (layer[o] < layer[name]) == downwards]
                mean[name] = sum(near) / len(near) if near else at[name]
            row.sort(key=mean.__getitem__)


def duration(seconds: float) -> str:
    """A duration in the unit that a person would use."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def svg(
    found: ProcessMap,
    detail: float = 0.9,
    lasting: Callable[[float], str] | None = None,
    shown: float = 1.0,
) -> str:
    """The map as one SVG element with a title and a text for each node and edge.

    Args:
        lasting: how seconds are written, else as `duration` does.
        shown: steps beyond this share are there but hidden, so that a slider can show them.
    """
    lasting = lasting or duration
    drawn = layout(shown_steps(found, detail))
    most = max((s.count for s in drawn.steps), default=1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawn.width:.0f} {drawn.height:.0f}" '
        f'width="{drawn.width:.0f}" height="{drawn.height:.0f}" role="img" '
        'font-family="Noto Sans CJK SC, Noto Sans, sans-serif" font-size="11">',
        f"<title>{found.cases} cases, {found.events} events, {len(found.activities)} activities</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="{LINE_INK}"/></marker></defs>',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    labels: list[str] = []
    taken: list[tuple[float, float]] = []
    for step in sorted(drawn.steps, key=lambda s: s.count):
        path, (x, y) = _curve(drawn.places[step.origin], drawn.places[step.to], step.origin == step.to)
        thick = 1 + 5 * (step.count / most) ** 0.5
        time = "" if step.seconds is None else f" · {lasting(step.seconds)}"
        parts.append(
            f'<g class="step" data-share="{step.share:.4f}"{_hidden(step, shown)}><title>{escape(step.origin)} → {escape(step.to)}: '
            f'{step.count}{time}</title><path d="{path}" fill="none" stroke="{LINE_INK}" '
            f'stroke-opacity="{0.35 + 0.55 * step.count / most:.2f}" stroke-width="{thick:.1f}" '
            'marker-end="url(#tip)"/></g>'
        )
        boxes = [p for n, p in drawn.places.items() if n not in (START, END)]
        while any(abs(x - a) < 66 and abs(y - b) < 12 for a, b in taken) or any(
            abs(x - a) < WIDTH / 2 + 24 and abs(y - b) < HEIGHT / 2 + 8 for a, b in boxes
        ):
            y += 6
        taken.append((x, y))
        labels.append(
            f'<text class="step" data-share="{step.share:.4f}"{_hidden(step, shown)} x="{x:.0f}" y="{y:.0f}" text-anchor="middle" '
            f'font-size="10" fill="{INK}" paint-order="stroke" stroke="white" stroke-width="3">'
            f"{step.count}{escape(time)}</text>"
        )
    parts += _nodes(found, drawn) + labels
    return "\n".join([*parts, "</svg>"])


def _hidden(step: Step, shown: float) -> str:
    return ' visibility="hidden"' if step.share > shown else ""


def _nodes(found: ProcessMap, drawn: Layout) -> list[str]:
    counts = {a.name: a.count for a in found.activities}
    most = max(counts.values(), default=1)
    parts = []
    for name, (x, y) in drawn.places.items():
        if name in (START, END):
            parts.append(
                f'<circle cx="{x:.0f}" cy="{y:.0f}" r="16" fill="white" stroke="{INK}" stroke-width="2"/>'
                f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle" fill="{INK}">{name}</text>'
            )
            continue
        full = WIDTH * counts[name] / most
        left, top = x - WIDTH / 2, y - HEIGHT / 2
        lines = _wrapped(name)
        words = "".join(
            f'<tspan x="{x:.0f}" dy="{0 if i == 0 else 13}">{escape(line)}</tspan>'
            for i, line in enumerate([*lines, f"{counts[name]}"])
        )
        parts.append(
            f"<g><title>{escape(name)}: {counts[name]}</title>"
            f'<rect x="{left:.0f}" y="{top:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="white" '
            f'stroke="{INK}"/><rect x="{left + 1:.0f}" y="{top + 1:.0f}" width="{max(full - 2, 0):.0f}" '
            f'height="{HEIGHT - 2}" rx="5" fill="{BAR}"/>'
            f'<text x="{x:.0f}" y="{y - (6 if len(lines) > 1 else 1):.0f}" text-anchor="middle" '
            f'fill="{INK}">{words}</text></g>'
        )
    return parts


def _wrapped(name: str) -> list[str]:
    """A name on at most two lines, broken between words; a Chinese character takes two letters' room."""
    lines, line, room = [], "", 0.0
    for piece in re.findall(r"[^\s\u2e80-\U0003ffff]{1,24}\s*|[\u2e80-\U0003ffff]\s*|\s+", name):
        size = sum(2 if ord(c) > 0x2E80 else 1 for c in piece)
        if line and room + size > LINE + 5:
            lines.append(line.strip())
            line, room = "", 0.0
        line, room = line + piece, room + size
    lines.append(line.strip())
    return lines if len(lines) < 3 else [lines[0], lines[1][:-1] + "…"]


def _curve(a: tuple[float, float], b: tuple[float, float], loop: bool) -> tuple[str, tuple[float, float]]:
    """The path of an edge and the place of its label; edges that lead back swing to the right."""
    (ax, ay), (bx, by) = a, b
    if loop:
        x = ax + WIDTH / 2
        return (
            f"M{x:.0f} {ay - 10:.0f}C{x + 34:.0f} {ay - 18:.0f} {x + 34:.0f} {ay + 18:.0f} {x:.0f} {ay + 10:.0f}",
            (
                x + 18,
                ay - 14,
            ),
        )
    if by > ay:
        y1, y2 = ay + HEIGHT / 2, by - HEIGHT / 2
        bend = (y2 - y1) / 2
        path = f"M{ax:.0f} {y1:.0f}C{ax:.0f} {y1 + bend:.0f} {bx:.0f} {y2 - bend:.0f} {bx:.0f} {y2:.0f}"
        return path, ((ax + bx) / 2, (y1 + y2) / 2)
    x1, x2 = ax + WIDTH / 2, bx + WIDTH / 2
    out = max(x1, x2) + 26 + min(60.0, 0.12 * abs(ay - by))
    path = f"M{x1:.0f} {ay:.0f}C{out:.0f} {ay:.0f} {out:.0f} {by:.0f} {x2:.0f} {by:.0f}"
    return path, ((x1 + x2) / 2 * 0.25 + out * 0.75, (ay + by) / 2)
