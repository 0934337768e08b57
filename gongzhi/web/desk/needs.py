"""Needs: who asks for what, what people ask next, what no function fits; nothing for fewer than ten."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.cases.export import csv_lines
from gongzhi.cases.models import Channel
from gongzhi.cases.prepared import PROBLEM, prepared
from gongzhi.errors import NotFound
from gongzhi.registry import authority
from gongzhi.sensing import asked
from gongzhi.sensing.needs import NEXT_WITHIN_DAYS, PARTS_OF_DAY, REPEAT_DAYS, K
from gongzhi.web import sensing_pages
from gongzhi.web.desk import evidence
from gongzhi.web.desk.entering import staff

DAYS = 365
SHOWN = 40
"""So many segments stand on the page; all are in the download."""


@require_safe
def page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The page, or one of its tables as CSV with ``?download=``."""
    authority.require(staff(request), "sensing.see")
    kept = prepared(asked.NEEDS, {"days": DAYS})
    found = kept.value if kept.value and PROBLEM not in kept.value else None
    if "download" in request.GET:
        return _download(found, request.GET["download"])
    context: dict[str, Any] = {
        "kept": kept, "found": found, "k": K, "internal": True, "tab": "needs", "days": DAYS,
        "repeat_days": REPEAT_DAYS, "next_days": NEXT_WITHIN_DAYS,
    }  # fmt: skip
    if found:
        sides = _sides()
        side = request.GET.get("side", "")
        segments = [_segment(s) for s in found["segments"] if side in ("", s["side"])]
        context |= {
            "sides": sides.items(),
            "side": side,
            "segments": segments[:SHOWN],
            "segments_count": len(segments),
            "repeats": [
                r | {"name": _function(r["function"]), "address": _address(r)} for r in found["repeats"]
            ],
            "following": [
                n | {"name": _function(n["function"]), "next": _function(n["then"]), "address": _address(n)}
                for n in found["following"]
            ],
            "uncovered": [_uncovered(u) for u in found["uncovered"]],
        }
    return render(request, "sensing/needs.html", context)


def _sides() -> dict[str, str]:
    return {
        "area": _("by district"),
        "channel": _("by channel"),
        "language": _("by language"),
        "time of day": _("by time of day"),
    }


def _part(side: str, part: str) -> str:
    if side == "area":
        return sensing_pages.area_called(part)
    if side == "channel":
        return str(Channel(part).label) if part in Channel.values else part
    if side == "language":
        return {"zh-hans": _("Chinese"), "en": _("English")}.get(part, part)
    words = (
        _("at night (0–6)"),
        _("in the morning (6–12)"),
        _("in the afternoon (12–18)"),
        _("in the evening (18–24)"),
    )
    return dict(zip(PARTS_OF_DAY, words, strict=True)).get(part, part)


def _function(code: str) -> str:
    return sensing_pages.function_called(code)


def _address(row: dict[str, Any]) -> str:
    return evidence.address(function=row["function"])


def _segment(segment: dict[str, Any]) -> dict[str, Any]:
    area = segment["part"] if segment["side"] == "area" else None
    return segment | {
        "name": _function(segment["function"]),
        "part_name": _part(segment["side"], segment["part"]),
        "percent": round(100 * segment["share"]),
        # Only what a page of cases shows as well may be narrowed there; channel and hour may not.
        "address": evidence.address(function=segment["function"], area=area),
    }


def _uncovered(need: dict[str, Any]) -> dict[str, Any]:
    return need | {
        "where": sensing_pages.area_called(need["place"]) if need["place"] else "",
        "given": [{"name": _function(code), "count": n} for code, n in need["functions"]],
        "shown": need["numbers"][:5],
    }


def _download(found: dict[str, Any] | None, what: str) -> StreamingHttpResponse:
    if found is None:
        raise NotFound(_("There is no such table."))
    sides = _sides()
    rows: list[list[object]]
    if what == "segments":
        head = [
            _("Function"),
            _("Divided"),
            _("Part"),
            _("Matters"),
            _("Share"),
            _("Times as usual"),
            _("People"),
        ]
        rows = [
            [_function(s["function"]), sides[s["side"]], _part(s["side"], s["part"]), s["matters"],
             round(s["share"], 4), round(s["lift"], 3), s["people"]]
            for s in found["segments"]
        ]  # fmt: skip
    elif what == "repeats":
        head = [_("Function"), _("People"), _("Came again"), _("Share")]
        rows = [
            [_function(r["function"]), r["people"], r["again"], round(r["share"], 4)]
            for r in found["repeats"]
        ]
    elif what == "following":
        head = [_("First"), _("Then"), _("People"), _("Share"), _("Times as usual"), _("Days between")]
        rows = [
            [_function(n["function"]), _function(n["then"]), n["people"], round(n["share"], 4), round(n["lift"], 3),
             round(n["median_days"], 1)]
            for n in found["following"]
        ]  # fmt: skip
    elif what == "uncovered":
        head = [_("What people say"), _("Place"), _("Matters"), _("Examples")]
        rows = [[u["title"], u["place"], u["matters"], " ".join(u["numbers"])] for u in found["uncovered"]]
    else:
        raise NotFound(_("There is no such table."))
    response = StreamingHttpResponse(csv_lines(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="needs-{what}.csv"'
    return response
