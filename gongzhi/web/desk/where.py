"""The grid map: figures per grid cell, street, district or hexagon, month by month."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.cases.export import csv_lines
from gongzhi.cases.prepared import PROBLEM, Prepared, prepared
from gongzhi.errors import Invalid, NotFound
from gongzhi.registry import authority, snapshot
from gongzhi.sensing import asked
from gongzhi.sensing.grid import RECENT_DAYS
from gongzhi.web import sensing_pages
from gongzhi.web.desk import evidence
from gongzhi.web.desk.entering import staff

SHOWN = 60
"""So many cells stand in the table, the hot ones and those with most matters first; all are in the download."""


@require_safe
def page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The map with its slider and table, or the table as CSV with ``?download=1``."""
    authority.require(staff(request), "sensing.see")
    level, function = _asked(request)
    kept = _kept(level, function)
    found = kept.value if kept.value and PROBLEM not in kept.value else None
    if "download" in request.GET:
        return _csv(found)
    view = snapshot.current()
    context: dict[str, Any] = {
        "kept": kept, "found": found, "internal": True, "tab": "where", "level": level, "function": function,
        "levels": _levels().items(), "recent_days": RECENT_DAYS,
        "groups": [f for f in view.functions.values() if len(f.ancestors) == 1],
    }  # fmt: skip
    if found:
        cells = [_cell(c, found["until"], function) for c in found["cells"]]
        month = request.GET.get("month", "")
        chosen = month if month in found["months"] else found["months"][-1]
        at = found["months"].index(chosen)
        by_month = sorted(cells, key=lambda c: -c["by_month"][at])
        context |= {
            "cells": cells[:SHOWN],
            "cells_count": len(cells),
            "hot": [c for c in cells if c["is_hot"]],
            "open": sum(c["open"] or 0 for c in cells),
            "month": chosen,
            "month_total": sum(c["by_month"][at] for c in cells),
            "month_top": by_month[:3] if by_month and by_month[0]["by_month"][at] else [],
            "knows_people": any(c.get("people") for c in cells),
            "map": {
                "kind": "grid",
                "outlines": f"/desk/sensing/where/{level}.geojson?function={function}",
                "months": found["months"],
                "chosen": at,
                "cells": {
                    c["cell"]: {
                        "name": c["name"], "by_month": c["by_month"], "hot": c["is_hot"], "address": c["address"],
                    }
                    for c in cells
                },
                "words": {
                    "matters": _("matters"), "in_all": _("in all"), "most": _("most:"), "hot": _("more than usual"),
                },
            },
        }  # fmt: skip
    return render(request, "sensing/where.html", context)


@require_safe
def outlines(request: HttpRequest, level: str) -> HttpResponse:
    """The outlines of the cells that have figures, as GeoJSON."""
    authority.require(staff(request), "sensing.see")
    if level not in asked.LEVELS:
        raise NotFound(_("There is no such map."))
    found = _kept(level, _function(request)).value
    codes = [c["cell"] for c in (found or {}).get("cells", [])]
    features = [
        {"type": "Feature", "properties": {"cell": code}, "geometry": geometry}
        for code, geometry in asked.outlines(level, codes).items()
    ]
    answer = JsonResponse({"type": "FeatureCollection", "features": features})
    answer["Content-Type"] = "application/geo+json"
    answer["Cache-Control"] = "private, max-age=300"
    return answer


def _asked(request: HttpRequest) -> tuple[str, str]:
    level = request.GET.get("level", asked.STREET)
    return (level if level in asked.LEVELS else asked.STREET), _function(request)


def _function(request: HttpRequest) -> str:
    code = request.GET.get("function", "")
    if code and code not in snapshot.current().function_by_code:
        raise Invalid(fields={"function": _("There is no such function.")})
    return code


def _kept(level: str, function: str) -> Prepared:
    return prepared(asked.GRID, {"level": level, "function": function})


def _levels() -> dict[str, str]:
    return {
        asked.DISTRICT: _("districts"),
        asked.STREET: _("streets and towns"),
        asked.CELL: _("grid cells"),
        asked.HEXAGON: _("hexagons"),
    }


def _cell(cell: dict[str, Any], until: str, function: str) -> dict[str, Any]:
    is_area = cell["place"] is None
    since = date.fromisoformat(until) - timedelta(days=RECENT_DAYS - 1)
    return cell | {
        "name": sensing_pages.area_called(cell["cell"]) if is_area else _hexagon(cell),
        "top_name": sensing_pages.function_called(cell["top"][0]) if cell["top"] else "",
        "change": cell["recent"] - cell["before"],
        "trend": sensing_pages.sparkline(cell["by_month"]),
        "address": evidence.address(
            area=cell["cell"], function=function or None, since=str(since), until=until
        ) if is_area else "",
    }  # fmt: skip


def _hexagon(cell: dict[str, Any]) -> str:
    lng, lat = cell["place"]
    return _("around %(lat)s N, %(lng)s E") % {"lat": f"{lat:.3f}", "lng": f"{lng:.3f}"}


def _csv(found: dict[str, Any] | None) -> StreamingHttpResponse:
    if found is None:
        raise NotFound(_("There is no such table."))
    head = [_("Area"), _("Code"), *found["months"], _("Last 28 days"), _("28 days before"), _("Expected"),
            _("More than usual"), _("Open"), _("People"), _("Places"), _("Organisations")]  # fmt: skip
    rows = [
        [sensing_pages.area_called(c["cell"]) if c["place"] is None else _hexagon(c), c["cell"], *c["by_month"],
         c["recent"], c["before"], c["expected"], c["is_hot"], c["open"], c.get("people"), c.get("places"),
         c.get("organisations")]
        for c in found["cells"]
    ]  # fmt: skip
    response = StreamingHttpResponse(csv_lines(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="where.csv"'
    return response
