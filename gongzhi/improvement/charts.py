"""Charts as SVG without a script: readable on paper, on a phone, and by a screen reader through their table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

BAR, BELOW, INK, GRID = "#2e6276", "#b5541c", "#1b1b1b", "#dfe1e2"
ROW, LABEL, WIDE = 26, 190, 640
"""Pixels: height of a bar's row, room for names, width of a chart."""


def bars(title: str, names: Sequence[str], values: Sequence[float], unit: str = "") -> str:
    """Horizontal bars, those below zero to the left in another colour; every bar has its value beside it."""
    if not names:
        return ""
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    room = WIDE - LABEL - 90
    zero = LABEL + 45 + room * -low / span if low < 0 else LABEL + 8
    scale = room / span
    height = ROW * len(names) + 12
    parts = [
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {height}" role="img"'
        f' width="{WIDE}" height="{height}" font-family="Noto Sans CJK SC, Noto Sans, sans-serif" font-size="12">'
        f'<title>{escape(title)}</title><rect width="100%" height="100%" fill="white"/>',
        f'<line x1="{zero:.0f}" y1="2" x2="{zero:.0f}" y2="{height - 4}" stroke="{GRID}"/>',
    ]
    for at, (name, value) in enumerate(zip(names, values, strict=True)):
        y = at * ROW + 6
        x = zero + min(value, 0) * scale
        wide = max(abs(value) * scale, 1)
        end, anchor = (zero + value * scale + 6, "start") if value >= 0 else (x - 6, "end")
        shown = f"{value:,.2f}".rstrip("0").rstrip(".") + unit
        short = name if len(name) <= 28 else name[:27] + "…"
        parts.append(
            f'<text x="{LABEL}" y="{y + 14}" text-anchor="end" fill="{INK}">{escape(short)}</text>'
            f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{ROW - 8}" rx="2"'
            f' fill="{BAR if value >= 0 else BELOW}"><title>{escape(name)}: {escape(shown)}</title></rect>'
            f'<text x="{end:.0f}" y="{y + 14}" text-anchor="{anchor}" fill="{INK}">{escape(shown)}</text>'
        )
    return "".join([*parts, "</svg>"])
