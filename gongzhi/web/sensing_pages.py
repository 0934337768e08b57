"""What the sensing pages of portal and desk share: figures in the reader's language, for charts, tables, downloads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gongzhi.cases.export import csv_lines
from gongzhi.cases.models import Figure
from gongzhi.errors import NotFound
from gongzhi.registry import snapshot
from gongzhi.registry.snapshot import Snapshot
from gongzhi.sensing import arriving
from gongzhi.sensing.areas import NONE
from gongzhi.sensing.morning import Morning

DOWNLOADS = ("forecast", "areas", "issues", "alerts")
WEEK_S = 7 * 86_400


def context_of(found: Morning, request: HttpRequest, *, internal: bool) -> dict[str, Any]:
    """What the templates show; alerts only inside the house."""
    view = snapshot.current()
    document = found.document
    forecast = document["forecast"]
    layout = "desk/layout.html" if internal else "base.html"
    context: dict[str, Any] = {
        "at": found.at, "issues_at": found.issues_at, "internal": internal, "layout": layout, "tab": "hears",
        "days_heard": document.get("days"), "matters_heard": document.get("matters"),
    }  # fmt: skip
    if forecast:
        series = [_series(view, s) for s in forecast["series"]]
        chosen = next((s for s in series if s["key"] == request.GET.get("series")), series[0])
        context |= {
            "series": series,
            "chosen": chosen,
            "rows": [
                {"day": p, **{k: f[k] for k in ("mean", "low80", "high80", "low95", "high95")}}
                for p, f in zip(forecast["periods"], chosen["forecast"], strict=True)
            ],
            "expected": round(sum(f["mean"] for f in chosen["forecast"])),
            "past": sum(v or 0 for v in chosen["recent"][-len(forecast["periods"]) :]),
            "days": len(forecast["periods"]),
            "chart": _chart(forecast, chosen),
        }
    if document["areas"]:
        context |= _areas(view, document["areas"])
    most = max((i["heat"] for i in document["issues"]), default=1.0)
    context["issues"] = [_issue(view, i, found.issues_at, most) for i in document["issues"]]
    context["glance"] = _glance(context)
    if internal:
        context["alerts"] = [_alert(view, a) for a in document["alerts"]]
        context["watched"] = document.get("watched")
    return context


def download(found: Morning, what: str, *, internal: bool) -> StreamingHttpResponse | None:
    """A table as CSV; None when there is no such table for this reader."""
    view = snapshot.current()
    document = found.document
    rows: list[list[object]] = []
    if what == "forecast" and document["forecast"]:
        head = [_("Series"), _("Day"), _("Expected"), "80 % ≥", "80 % ≤", "95 % ≥", "95 % ≤"]
        for s in document["forecast"]["series"]:
            rows += [
                [_label(view, s), f["period"], f["mean"], f["low80"], f["high80"], f["low95"], f["high95"]]
                for f in s["forecast"]
            ]
    elif what == "areas" and document["areas"]:
        head = [_("Area"), *document["areas"]["months"], _("Open")]
        rows = [[_area(view, c["area"]), *c["by_month"], c["open"]] for c in document["areas"]["cells"]]
    elif what == "issues":
        head = [_("What people say"), _("Place"), _("Matters"), _("Heat"), _("Examples")]
        rows = [
            [i["title"], _where(view, i), i["size"], i["heat"], " ".join(i["numbers"])]
            for i in document["issues"]
        ]
    elif what == "alerts" and internal:
        head = [_("Series"), _("Day"), _("Matters"), _("Expected"), _("Chance")]
        rows = [
            [_label(view, a), a["at"], a["count"], a["expected"], a["chance"]] for a in document["alerts"]
        ]
    else:
        return None
    response = StreamingHttpResponse(csv_lines(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{what}.csv"'
    return response


def issue_with(number: str) -> dict[str, Any]:
    """The hot issue that a matter belongs to.

    Raises:
        NotFound: none of today's issues has it.
    """
    kept = Figure.objects.filter(pk=arriving.KEY).values_list("value", flat=True).first()
    for issue in (kept or {}).get("issues", []):
        if number in issue["numbers"]:
            return dict(issue)
    raise NotFound(_("This is no longer one of the hot issues."))


def _chinese() -> bool:
    return (get_language() or "zh").startswith("zh")


def _area(view: Snapshot, code: str) -> str:
    area = view.area_by_code.get(code)
    if area is None:
        return _("place unknown") if code in ("", NONE) else code
    return area.name_zh if _chinese() else area.name_en


def _label(view: Snapshot, entry: dict[str, Any]) -> str:
    """The words of a series: a group of functions, a district, or both."""
    words = []
    for code in entry["label"]:
        function = view.function_by_code.get(code)
        if function is not None:
            words.append(function.name_zh if _chinese() else function.name_en)
        else:
            words.append(_area(view, code) if code != NONE else _("not classified"))
    return " · ".join(words) or _("The whole city")


def _series(view: Snapshot, entry: dict[str, Any]) -> dict[str, Any]:
    test = entry["backtest"] or {}
    return entry | {
        "name": _label(view, entry),
        "key": ":".join([*entry["by"], *entry["label"]]),
        "error_percent": None if test.get("relative_mae") is None else round(100 * test["relative_mae"]),
        "held80": round(100 * test.get("coverage80", 0)),
        "held95": round(100 * test.get("coverage95", 0)),
    }


def _chart(forecast: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "forecast",
        "past": forecast["past"],
        "recent": chosen["recent"],
        "periods": forecast["periods"],
        "forecast": chosen["forecast"],
        "words": {
            "counted": _("received"), "expected": _("expected"), "within": _("8 of 10 days lie within"),
            "within95": _("19 of 20 days lie within"),
        },
    }  # fmt: skip


def _areas(view: Snapshot, areas: dict[str, Any]) -> dict[str, Any]:
    cells = [c | {"name": _area(view, c["area"])} for c in areas["cells"]]
    return {
        "cells": cells,
        "until": areas["until"],
        "map": {
            "kind": "map",
            "months": areas["months"],
            "cells": [{"name": c["name"], "by_month": c["by_month"]} for c in cells],
            "words": {"matters": _("matters")},
        },
    }


def _where(view: Snapshot, issue: dict[str, Any]) -> str:
    place = issue["place"] or issue["area"]
    return _area(view, place) if place else ""


def _issue(view: Snapshot, issue: dict[str, Any], now: datetime, most: float) -> dict[str, Any]:
    ages = [now.timestamp() - m for m in issue["moments"]]
    return issue | {
        "start": datetime.fromtimestamp(issue["start"], UTC),
        "end": datetime.fromtimestamp(issue["end"], UTC),
        "where": _where(view, issue),
        "number": issue["numbers"][0],
        "examples": issue["numbers"][:3],
        "this_week": sum(age < WEEK_S for age in ages),
        "week_before": sum(WEEK_S <= age < 2 * WEEK_S for age in ages),
        "share": round(100 * issue["heat"] / most),
    }


def _glance(context: dict[str, Any]) -> dict[str, Any]:
    """What the page says in a few words: the hottest issue, where more than usual, how much will come."""
    cells, issues = context.get("cells", []), context["issues"]
    hot = [c["name"] for c in cells if c["is_hot"]]
    expected, past = context.get("expected"), context.get("past")
    return {
        "hottest": issues[0] if issues else None,
        "rising": sum(i["this_week"] > i["week_before"] for i in issues),
        "hot": hot[:3],
        "more_hot": max(0, len(hot) - 3),
        "change": round(100 * (expected - past) / past) if past and expected is not None else None,
    }


def _alert(view: Snapshot, alert: dict[str, Any]) -> dict[str, Any]:
    """An alert in words, and what the cases behind it have in common."""
    codes = [c for c in alert["label"] if c != NONE]
    return alert | {
        "name": _label(view, alert),
        "times": round(alert["times"] or 0, 1),
        "functions": [c for c in codes if c in view.function_by_code],
        "places": [c for c in codes if c in view.area_by_code],
        "from": alert["start"][:10],
        "until": alert["end"][:10],
    }


def area_called(code: str) -> str:
    """Name of an area in the reader's language."""
    return _area(snapshot.current(), code)


def function_called(code: str) -> str:
    """Name of a function in the reader's language."""
    function = snapshot.current().function_by_code.get(code)
    if function is None:
        return _("not classified") if code in ("", NONE) else code
    return function.name_zh if _chinese() else function.name_en


def sparkline(values: list[int]) -> SafeString:
    """A small line of the last months; its words stand beside it, so that readers of words miss nothing."""
    wide, high = 96.0, 20.0
    most = max(1, *values)
    step = wide / max(1, len(values) - 1)
    points = " ".join(f"{i * step:.1f},{high - 2 - v / most * (high - 4):.1f}" for i, v in enumerate(values))
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" aria-hidden="true">'
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>',
        int(wide), int(high), int(wide), int(high), points,
    )  # fmt: skip
