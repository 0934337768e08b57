"""Simulation: a function's process played again with other staff, deadlines or steps, beside what really happened."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.cases.export import csv_lines
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.prepared import prepared
from gongzhi.errors import Invalid, NotFound
from gongzhi.improvement import asked
from gongzhi.web import sensing_pages
from gongzhi.web.desk import evidence
from gongzhi.web.desk.improvement import asking

MOST_STAFF = 5000
LONGEST_HOURS = 24 * 365
DRIFT_PERCENT = 10
"""From so much change between the learned and the judged part on, the page warns."""
FIGURES = ("mean_hours", "median_hours", "ninetieth_hours", "waiting_for_staff_hours")


@require_safe
def page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The form with the result, or the result as CSV with ``?download=1``."""
    asking.may_see(request)
    chosen = {
        "days": asking.days_in(request),
        "function": asking.function_in(request),
        "area": asking.area_in(request),
    }
    process = asking.answer_of(prepared(asked.PROCESS, chosen | {"language": asking.language()}))
    words = asking.verbs()
    steps = [{"verb": a["name"], "name": words.get(a["name"], a["name"]), "count": a["count"]}
             for a in (process or {}).get("activities", [])]  # fmt: skip
    context: dict[str, Any] = {
        "chosen": chosen, "typed": request.GET, "periods": asking.PERIODS, "functions": asking.functions_shown(),
        "areas": asking.areas_shown(), "steps": sorted(steps, key=lambda s: -s["count"]),
        "without": request.GET.getlist("without"),
    }  # fmt: skip
    status = 200
    try:
        change = _change(request)
    except Invalid as problem:
        context["error"], status = problem, 422
    else:
        if chosen["function"]:
            context |= _result(chosen, change)
    if "download" in request.GET:
        return _csv(context.get("figures"))
    return render(request, "desk/improvement/simulation.html", context, status=status)


def _change(request: HttpRequest) -> dict[str, Any]:
    """What is done differently.

    Raises:
        Invalid: a number or a step is wrong; names the field.
    """
    form = request.GET
    step, factor_step = form.get("step", ""), form.get("work_step", "")
    without = form.getlist("without")
    for name, verbs in (("step", [step]), ("work_step", [factor_step]), ("without", without)):
        if any(v and v not in Verb.values for v in verbs):
            raise Invalid(fields={name: _("Choose one from the list.")})
    hours = asking.whole(form.get("hours", ""), "hours", least=0, most=LONGEST_HOURS)
    percent = asking.whole(form.get("percent", ""), "percent", least=1, most=1000)
    if hours is not None and not step:
        raise Invalid(fields={"step": _("Say which step the limit is for.")})
    if percent is not None and not factor_step:
        raise Invalid(fields={"work_step": _("Say which step takes more or less work.")})
    return {
        "staff": asking.whole(form.get("staff", ""), "staff", least=1, most=MOST_STAFF),
        "deadlines": {step: float(hours)} if step and hours is not None else {},
        "without": sorted(set(filter(None, without))),
        "work": {factor_step: percent / 100} if factor_step and percent is not None else {},
    }


def _result(chosen: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    kept = prepared(asked.SIMULATION, chosen | change)
    found = asking.answer_of(kept)
    if found is None:
        return {"kept": kept, "problem": asking.problem_of(kept)}
    check = found["validation"]
    words = {
        "mean_hours": _("Mean time"),
        "median_hours": _("Half are done within"),
        "ninetieth_hours": _("Nine of ten are done within"),
        "waiting_for_staff_hours": _("Waiting for staff"),
    }
    figures = [
        {
            "name": words[name],
            "before": found["before"][name],
            "after": found["after"][name],
            "check": check.get(name),
            "scale": max(1e-9, found["before"][name]["high"], found["after"][name]["high"]),
        }
        for name in FIGURES
    ]
    difference = found["difference_in_mean_hours"]
    return {
        "kept": kept,
        "found": found,
        "figures": figures,
        "changes_something": bool(
            change["staff"] or change["deadlines"] or change["without"] or change["work"]
        ),
        "difference": difference,
        "is_sure": difference["low"] > 0 or difference["high"] < 0,
        "held": sum(bool(f["check"] and f["check"]["within"]) for f in figures),
        "checked": sum(f["check"] is not None for f in figures),
        "drift": abs(check["drift_percent"] or 0.0),
        "is_quicker": (check["drift_percent"] or 0.0) < 0,
        "drifts": check["drift_percent"] is not None and abs(check["drift_percent"]) >= DRIFT_PERCENT,
        "name": sensing_pages.function_called(chosen["function"]),
        "address": evidence.address(function=chosen["function"], area=chosen["area"]),
    }


def _csv(figures: list[dict[str, Any]] | None) -> StreamingHttpResponse:
    if not figures:
        raise NotFound(_("There is no such table."))
    head = [_("Figure"), _("Now"), "5 %", "95 %", _("Then"), "5 %", "95 %", _("Really, in the part not learned from"),
            _("Foretold for it"), "5 %", "95 %"]  # fmt: skip
    rows = []
    for f in figures:
        check = f["check"] or {}
        rows.append(
            [f["name"], *(f["before"][k] for k in ("mean", "low", "high")), *(f["after"][k] for k in ("mean", "low", "high")),
             *(check.get(k) for k in ("actual", "mean", "low", "high"))]
        )  # fmt: skip
    response = StreamingHttpResponse(csv_lines(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="simulation.csv"'
    return response
