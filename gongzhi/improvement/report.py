"""A process map as one HTML file that needs nothing else: drawing with a slider, tables, a text summary."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from gongzhi.improvement.drawing import duration, svg
from gongzhi.improvement.process_map import ProcessMap

STYLE = (
    "body{font:16px/1.5 system-ui,'Noto Sans CJK SC',sans-serif;margin:2rem auto;max-width:76rem;"
    "padding:0 1rem;color:#1b1b1b}table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;"
    "font-weight:600}td,th{border-bottom:1px solid #ccc;padding:.25rem .75rem .25rem 0;text-align:left}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}.map{overflow:auto;border:1px solid #ccc;max-height:85vh}"
)
WORDS = {"from", "to", "path", "activity", "activities", "class", "group", "area", "organisation", "function"}
SCRIPT = (
    "const s=document.getElementById('detail'),o=document.getElementById('shown');"
    "s.oninput=()=>{o.textContent=s.value+' %';document.querySelectorAll('.step').forEach(e=>"
    "{e.style.display=+e.dataset.share<=s.value/100?'':'none'})};s.oninput();"
)


def html(found: ProcessMap, title: str) -> str:
    """The report. Without JavaScript the drawing shows every step and the tables stay."""
    loops = [(" → ".join(w.path), f"{w.count}", f"{w.cases}", f"{w.hours:,.1f}") for w in found.loops]
    sections = [
        table(
            "Where the hours go (between two completions)",
            ("from", "to", "count", "median", "mean", "hours"),
            [
                (
                    e.origin,
                    e.to,
                    f"{e.count}",
                    duration(e.median_seconds),
                    duration(e.mean_seconds),
                    f"{e.total_hours:,.1f}",
                )
                for e in found.bottlenecks
            ],
        ),
        table("Work that comes again", ("path", "count", "cases", "hours"), loops),
        table(
            "Ways a case ran",
            ("activities", "cases", "median duration"),
            [(" → ".join(v.activities), f"{v.count}", duration(v.median_seconds)) for v in found.variants],
        ),
        table(
            "Activities",
            ("activity", "count", "cases", "again in the same case"),
            [(a.name, f"{a.count}", f"{a.cases}", f"{a.repeated}") for a in found.activities],
        ),
    ]
    if found.handovers is not None:
        sections.insert(
            2,
            table(
                "Handovers",
                ("from", "to", "count", "median", "hours"),
                [
                    (e.origin, e.to, f"{e.count}", duration(e.median_seconds), f"{e.total_hours:,.1f}")
                    for e in found.handovers[:20]
                ],
            ),
        )
    summary = (
        f"{found.cases:,} cases with {found.events:,} events ran in {found.variants_count:,} different ways; "
        f"half of them took less than {duration(found.median_case_seconds)}. "
        f"In {found.rework_cases:,} cases some work came again."
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1><p>{summary}</p>"
        '<p><label>Steps shown: <input id="detail" type="range" min="0" max="100" value="80"> '
        '<output id="shown">all</output></label></p>'
        f'<div class="map" tabindex="0" aria-label="process map">{svg(found, 1.0)}</div>'
        f"{''.join(sections)}<script>{SCRIPT}</script></body></html>"
    )


def table(caption: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table with its caption; columns that hold words stand left, numbers right."""
    if not rows:
        return f"<p>{escape(caption)}: none.</p>"
    numeric = {i for i, head in enumerate(heads) if head not in WORDS}
    body = "".join(
        "<tr>"
        + "".join(f"<td{' class=n' if i in numeric else ''}>{escape(c)}</td>" for i, c in enumerate(row))
        + "</tr>"
        for row in rows
    )
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
