"""Allocation: crews, inspectors or money across areas for next week, from the forecast, with a limit of fairness."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.cases.export import csv_lines
from gongzhi.cases.prepared import prepared
from gongzhi.errors import Invalid
from gongzhi.improvement import charts
from gongzhi.improvement.allocation import (
    FAIREST,
    LEAST_UNMET,
    OBJECTIVES,
    Demand,
    Infeasible,
    allocate,
    deviation_of,
)
from gongzhi.registry import queries as registry_queries
from gongzhi.registry import snapshot
from gongzhi.registry.models import Role
from gongzhi.sensing import asked
from gongzhi.web import sensing_pages
from gongzhi.web.desk import evidence
from gongzhi.web.desk.improvement import asking

LEVELS = ("district", "street")
MOST_UNITS = 2000
USUAL_SHARE = 50
"""Percent."""
COVERS = 0.8
"""Of the forecast's interval that the spread of demand is taken from."""


@require_safe
def page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The form with its plan, or the plan as CSV with ``?download=1``."""
    asking.may_see(request)
    level = request.GET.get("level", "") if request.GET.get("level") in LEVELS else "street"
    function = asking.function_in(request)
    kept = prepared(asked.NEXT_WEEK, {"level": level, "function": function})
    week = asking.answer_of(kept)
    context: dict[str, Any] = {
        "kept": kept, "week": week, "level": level, "function": function, "typed": request.GET,
        "functions": asking.functions_shown(), "objectives": _objectives().items(),
        "levels": [("district", _("districts")), ("street", _("streets and towns"))],
    }  # fmt: skip
    if week is None:
        return render(request, "desk/improvement/allocation.html", context)
    today = _today(request, level, week)
    total = sum(today.values())
    expected = sum(a["mean"] for a in week["areas"])
    context |= {
        "areas": [
            {"code": a["area"], "name": sensing_pages.area_called(a["area"]), "today": today[a["area"]]}
            for a in week["areas"]
        ],
        "expected": round(expected),
        "held80": None if week["held80"] is None else round(100 * week["held80"]),
        "units": total or len(week["areas"]),
        "capacity": max(1, math.ceil(expected / max(1, total or len(week["areas"])))),
    }
    context["share"] = _usual_share(week, context["units"], context["capacity"])
    status = 200
    try:
        plan = _plan(request, week, today, context)
    except Invalid as problem:
        context["error"], status = problem, 422
    else:
        if "download" in request.GET:
            return _csv(plan)
        context["plan"] = plan
    return render(request, "desk/improvement/allocation.html", context, status=status)


def _objectives() -> dict[str, str]:
    return {
        LEAST_UNMET: _("as little as possible is left undone in the whole city"),
        FAIREST: _("the worst-served area is served as well as possible"),
    }


def _today(request: HttpRequest, level: str, week: dict[str, Any]) -> dict[str, int]:
    """Units that each area has now: as typed, else the posts of case workers there."""
    view = snapshot.current()
    typed = any(name.startswith("today-") for name in request.GET)
    posts: dict[str, int] = {}
    if not typed:
        for area_id, count in registry_queries.posts_by_area(Role.WORKER).items():
            for above in view.areas[area_id].ancestors if area_id in view.areas else ():
                if view.areas[above].level == level:
                    code = view.areas[above].code
                    posts[code] = posts.get(code, 0) + count
    found = {}
    for row in week["areas"]:
        name = f"today-{row['area']}"
        written = asking.whole(request.GET.get(name, ""), name, least=0, most=MOST_UNITS)
        found[row["area"]] = posts.get(row["area"], 0) if written is None else written
    return found


def _plan(
    request: HttpRequest, week: dict[str, Any], today: dict[str, int], context: dict[str, Any]
) -> dict[str, Any]:
    """The plan for what the form says.

    Raises:
        Invalid: a field is wrong, or the limits cannot all be kept; names the field.
    """
    asked_for = request.GET
    units = asking.whole(asked_for.get("units", ""), "units", least=1, most=MOST_UNITS) or context["units"]
    capacity = (
        asking.whole(asked_for.get("capacity", ""), "capacity", least=1, most=100_000) or context["capacity"]
    )
    share = asking.whole(asked_for.get("share", ""), "share", least=0, most=100)
    if share is None:
        share = _usual_share(week, units, capacity)
    least = asking.whole(asked_for.get("least", ""), "least", least=0, most=MOST_UNITS) or 0
    moves = asking.whole(asked_for.get("moves", ""), "moves", least=0, most=MOST_UNITS)
    objective = asked_for.get("objective", "") or LEAST_UNMET
    if objective not in OBJECTIVES:
        raise Invalid(fields={"objective": _("Choose one from the list.")})
    demands = [
        Demand(
            row["area"],
            row["mean"],
            max(deviation_of(row["low80"], row["high80"], COVERS), math.sqrt(row["mean"]))
            if row["mean"]
            else None,
            today[row["area"]],
        )
        for row in week["areas"]
    ]
    context |= {"units": units, "capacity": capacity, "share": share, "least": least, "moves": moves,
                "objective": objective}  # fmt: skip
    try:
        found = allocate(
            demands,
            units,
            capacity,
            least_share=share / 100,
            least_units=least,
            most_moves=moves,
            objective=objective,
        )
    except Infeasible as problem:
        if problem.needed is not None:
            said = _(
                "%(units)d units cannot keep the limits: these ask for %(needed)d. Lower a limit or add units."
            )
            raise Invalid(fields={"units": said % {"units": units, "needed": problem.needed}}) from None
        raise Invalid(
            fields={"moves": _("The limits cannot all be kept: allow more moves or a smaller share.")}
        ) from None
    except ValueError:
        raise Invalid(
            fields={"units": _("So many units for so many areas cannot be planned; take fewer.")}
        ) from None
    return _shown(found, week)


def _usual_share(week: dict[str, Any], units: int, capacity: int) -> int:
    """The limit of fairness that is offered: half of each area's demand where there is enough for that."""
    needed = sum(math.ceil(USUAL_SHARE / 100 * a["mean"] / capacity) for a in week["areas"])
    return USUAL_SHARE if needed <= units else 0


def _shown(found: dict[str, Any], week: dict[str, Any]) -> dict[str, Any]:
    by_area = {a["area"]: a for a in week["areas"]}
    rows = [
        row
        | {
            "name": sensing_pages.area_called(row["area"]),
            "low": round(by_area[row["area"]]["low80"]),
            "high": round(by_area[row["area"]]["high80"]),
            "change": row["planned"] - row["today"],
            "address": evidence.address(area=row["area"]),
        }
        for row in found["areas"]
    ]
    rows.sort(key=lambda r: (-r["planned"], -r["expected"]))
    words = {"planned": _("planned"), "today": _("as today"), "even": _("an even split")}
    plans = [
        figures | {"name": words[name], "key": name, "lowest_name": sensing_pages.area_called(figures["lowest_area"]),
                   "lowest_percent": round(100 * figures["lowest_share"])}
        for name in ("planned", "today", "even")
        if (figures := found["plans"].get(name)) and figures["units"]
    ]  # fmt: skip
    moved = [r for r in rows if r["change"]]
    drawn = charts.bars(
        _("More or fewer units than today"), [r["name"] for r in moved], [float(r["change"]) for r in moved]
    )
    return {
        "rows": rows,
        "plans": plans,
        "moves": found["moves"],
        "chart": mark_safe(drawn) if moved else "",  # noqa: S308 - every name in it is escaped
    }


def _csv(plan: dict[str, Any]) -> StreamingHttpResponse:
    head = [_("Area"), _("Code"), _("Expected"), "80 % ≥", "80 % ≤", _("Planned"), _("Units now"), _("An even split"),
            _("Left undone")]  # fmt: skip
    rows = [
        [
            r["name"],
            r["area"],
            r["expected"],
            r["low"],
            r["high"],
            r["planned"],
            r["today"],
            r["even"],
            r["expected_unmet"],
        ]
        for r in plan["rows"]
    ]
    response = StreamingHttpResponse(csv_lines(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="allocation.csv"'
    return response
