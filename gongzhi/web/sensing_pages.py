"""What the sensing pages of portal and desk share: figures in the reader's language, for charts, tables, downloads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from gongzhi.cases.export import csv_lines
from gongzhi.registry import snapshot
from gongzhi.registry.snapshot import Snapshot
from gongzhi.sensing.morning import NONE, Morning

DOWNLOADS = ("forecast", "areas", "issues", "alerts")


def context_of(found: Morning, request: HttpRequest, *, internal: bool) -> dict[str, Any]:
    """What the templates show; alerts only inside the house."""
    view = snapshot.current()
    document = found.document
    forecast = document["forecast"]
    layout = "desk/layout.html" if internal else "base.html"
    context: dict[str, Any] = {"at": found.at, "internal": internal, "layout": layout}
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
    context["issues"] = [_issue(view, i) for i in document["issues"]]
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
        head = [
            pgettext("what people talk about", "Issue"),
            _("Place"),
            _("Matters"),
            _("Heat"),
            _("Examples"),
        ]
        rows = [
            [i["title"], i["place"], i["size"], i["heat"], " ".join(i["numbers"])] for i in document["issues"]
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


def _issue(view: Snapshot, issue: dict[str, Any]) -> dict[str, Any]:
    return issue | {
        "start": datetime.fromtimestamp(issue["start"], UTC),
        "end": datetime.fromtimestamp(issue["end"], UTC),
        "where": _area(view, issue["place"] or issue["area"]) if issue["place"] or issue["area"] else "",
    }


def _alert(view: Snapshot, alert: dict[str, Any]) -> dict[str, Any]:
    return alert | {"name": _label(view, alert), "times": round(alert["times"] or 0, 1)}
