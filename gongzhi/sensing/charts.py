"""Charts as SVG for a report in one file: counts over time with a band, marks on single periods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 860, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 34
INK, BAND_OUTER, BAND_INNER, LINE, MARK = "#3d4551", "#d6e6ea", "#a9cbd3", "#0b5563", "#b3261e"


def time_chart(
    title: str,
    periods: Sequence[str],
    history: NDArray[np.float64],
    mean: NDArray[np.float64],
    bands: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    marks: Sequence[int] = (),
) -> str:
    """History, then what is expected with its bands, widest first; all arrays lie along `periods`, NaN for nothing."""
    everything = [history, mean, *(b for band in bands for b in band)]
    finite = np.concatenate([a[np.isfinite(a)] for a in everything])
    top = nice_top(float(finite.max()) if finite.size else 1.0)
    count = max(2, len(periods))

    def x(i: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * i / (count - 1)

    def y(v: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * v / top

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" '
        'style="width:100%;height:auto;font:12px system-ui,sans-serif">'
    ]
    for step in range(5):
        value = top * step / 4
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#e3e6ea"/>'
            f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="{INK}">{value:g}</text>'
        )
    for i in sorted({0, count // 3, 2 * count // 3, len(periods) - 1}):
        anchor = "start" if i == 0 else "end" if i == len(periods) - 1 else "middle"
        parts.append(
            f'<text x="{x(i):.1f}" y="{HEIGHT - 12}" text-anchor="{anchor}" fill="{INK}">{escape(periods[i])}</text>'
        )
    for (low, high), colour in zip(bands, (BAND_OUTER, BAND_INNER), strict=False):
        at = np.flatnonzero(np.isfinite(low)).tolist()
        if at:
            upper = " ".join(f"{x(i):.1f},{y(high[i]):.1f}" for i in at)
            lower = " ".join(f"{x(i):.1f},{y(low[i]):.1f}" for i in at[::-1])
            parts.append(f'<polygon points="{upper} {lower}" fill="{colour}"/>')
    for values, colour, dash in ((history, INK, ""), (mean, LINE, ' stroke-dasharray="5 3"')):
        for run in _runs(values):
            points = " ".join(f"{x(i):.1f},{y(values[i]):.1f}" for i in run)
            if len(run) == 1:
                parts.append(
                    f'<circle cx="{x(run[0]):.1f}" cy="{y(values[run[0]]):.1f}" r="2.5" fill="{colour}"/>'
                )
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'
            )
    for i in marks:
        parts.append(
            f'<circle cx="{x(i):.1f}" cy="{y(history[i]):.1f}" r="5" fill="none" stroke="{MARK}" stroke-width="2"/>'
        )
    return "".join(parts) + "</svg>"


def nice_top(value: float) -> float:
    """The next round number, so that the axis has readable steps."""
    if value <= 0:
        return 1.0
    size: float = 10.0 ** math.floor(math.log10(value))
    return next(m * size for m in (1, 2, 4, 5, 8, 10) if m * size >= value * 0.999)


def _runs(values: NDArray[np.float64]) -> list[list[int]]:
    """Indices of stretches without NaN."""
    at = np.flatnonzero(np.isfinite(values))
    if at.size == 0:
        return []
    return [part.tolist() for part in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)]
