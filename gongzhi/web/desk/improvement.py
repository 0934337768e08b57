"""Improvement on the desk: how cases really run, what is wrong with the mandates, what a tariff would do."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.cases.lifecycle import Verb
from gongzhi.errors import Invalid, SignInNeeded
from gongzhi.improvement import charts, comparison, drawing, exchange_formats
from gongzhi.improvement.acts_log import read_acts
from gongzhi.improvement.documents import DocumentInvalid
from gongzhi.improvement.mandates import queries
from gongzhi.improvement.process_map import ProcessMap, process_map
from gongzhi.improvement.tariffs import reading, report, simulation, units
from gongzhi.improvement.tariffs import usage as usages
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.web.accounts import actor_of

PERIODS = (30, 90, 365)
LARGEST_UPLOAD = 30 * 1024 * 1024
"""Bytes of a file of readings; larger ones belong on the command line."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
EXAMPLE = """\
tariff: 1
name: 阶梯水价 / Rising blocks
currency: CNY
unit: m3
period: monthly
classes:
  home:
    fixed: 5
    tiers:
    - {from: 0, to: 15, price: 2.60}
    - {from: 15, to: 25, price: 3.45}
    - {from: 25, price: 5.55}
"""


def _staff(request: HttpRequest) -> Actor:
    actor = actor_of(request)
    if actor.kind == "anonymous":
        raise SignInNeeded(_("Please sign in first."))
    authority.require(actor, "case.see_worklist")
    return actor


def _verb(word: str) -> str:
    return str(Verb(word).label) if word in Verb.values else word


def _chosen(request: HttpRequest) -> dict[str, Any]:
    """What the page is narrowed to, as the address says; what it does not understand is left out."""
    days = request.GET.get("days", "")
    detail = request.GET.get("detail", "")
    return {
        "days": int(days) if days.isdecimal() and len(days) < 6 and 0 < int(days) <= 3660 else PERIODS[-1],
        "detail": int(detail) if detail.isdecimal() and len(detail) < 4 and int(detail) <= 100 else 80,
        "function": request.GET.get("function", ""),
        "area": request.GET.get("area", ""),
        "since": request.GET.get("since", ""),
    }


@require_safe
def process(request: HttpRequest) -> HttpResponse:
    """The process map from the acts, with a slider for detail, tables and downloads."""
    _staff(request)
    chosen = _chosen(request)
    registry = snapshot.current()
    context: dict[str, Any] = {
        "chosen": chosen,
        "periods": PERIODS,
        "functions": sorted(registry.functions.values(), key=lambda f: f.ancestors),
        "areas": [a for a in registry.areas.values() if a.level in ("district", "street")],
    }
    until = timezone.now()
    try:
        log = read_acts(
            until - timedelta(days=chosen["days"]), until, chosen["function"], chosen["area"],
            get_language() or "zh", _verb,
        )  # fmt: skip
    except ValueError:
        return render(request, "desk/improvement/process.html", context)
    found = process_map(log)
    detail = chosen["detail"] / 100
    kind = request.GET.get("as", "")
    if kind:
        return _download(found, detail, kind)
    context |= {
        "found": found,
        "drawing": mark_safe(drawing.svg(found, detail)),  # noqa: S308 - every name in it is escaped
        "summary": {
            "median": drawing.duration(found.median_case_seconds),
            "share": round(100 * found.rework_cases / found.cases),
        },
        "bottlenecks": [_timed(e) for e in found.bottlenecks],
        "handovers": [_timed(e) for e in (found.handovers or [])[:15]],
        "loops": [{**asdict(w), "path": " → ".join(w.path)} for w in found.loops],
    }
    if chosen["since"]:
        try:
            beside = comparison.compare(log, comparison.by_period(log, chosen["since"]))
        except ValueError:
            context["not_compared"] = True
        else:
            context["beside"] = beside
    return render(request, "desk/improvement/process.html", context)


def _timed(edge: Any) -> dict[str, Any]:
    return {**asdict(edge), "median": drawing.duration(edge.median_seconds)}


def _download(found: ProcessMap, detail: float, kind: str) -> HttpResponse:
    if kind == "svg":
        answer = HttpResponse(drawing.svg(found, detail), content_type="image/svg+xml")
    elif kind == "bpmn":
        answer = HttpResponse(exchange_formats.bpmn(found, detail), content_type="application/xml")
    elif kind == "csv":
        answer = HttpResponse(content_type="text/csv; charset=utf-8")
        answer.write("\ufeff")
        rows = csv.writer(answer)
        rows.writerow(["from", "to", "count", "median_seconds", "mean_seconds", "total_hours"])
        for e in found.edges:
            names = [f"'{n}" if n.startswith(FORMULA_STARTS) else n for n in (e.origin, e.to)]
            rows.writerow([*names, e.count, e.median_seconds, e.mean_seconds, e.total_hours])
    else:
        raise Invalid(fields={"as": _("Choose svg, bpmn or csv.")})
    answer["Content-Disposition"] = f'attachment; filename="process-map.{kind}"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def mandates(request: HttpRequest) -> HttpResponse:
    """Findings about the mandates; trying a proposal or typed changes on the cases of the last year."""
    _staff(request)
    situation = queries.of_city(_chosen(request)["days"])
    found = queries.check(situation)
    rows = [queries.as_json(situation, f) for f in found]
    context: dict[str, Any] = {
        "rows": [{**r, "number": i, "steps": _steps(r["proposed_changes"])} for i, r in enumerate(rows)],
        "cases": len(situation.past),
        "kinds": [(k, sum(r["kind"] == k for r in rows)) for k in dict.fromkeys(r["kind"] for r in rows)],
        "typed": "",
    }
    status = 200
    tried = request.GET.get("try", "")
    if request.method == "POST":
        context["typed"] = request.POST.get("changes", "")
        try:
            context["result"] = queries.what_if_written(situation, context["typed"])
        except DocumentInvalid as problem:
            context["error"], status = str(problem), 422
    elif tried.isdecimal() and len(tried) < 6 and int(tried) < len(found) and found[int(tried)].changes:
        context["tried"] = context["rows"][int(tried)]
        try:
            context["result"] = queries.what_if_proposed(situation, found[int(tried)])
        except DocumentInvalid as problem:
            context["error"], status = str(problem), 422
    if "result" in context:
        load = [r for r in context["result"]["load"] if r["cases_before"] != r["cases_after"]]
        chinese = (get_language() or "zh").startswith("zh")
        names = [r["name_zh"] if chinese else r["name"] for r in load]
        values = [float(r["cases_after"] - r["cases_before"]) for r in load]
        context["load"] = load
        context["chart"] = mark_safe(charts.bars(_("Change of cases by organisation"), names, values))  # noqa: S308
    return render(request, "desk/improvement/mandates.html", context, status=status)


def _steps(changes: list[dict[str, dict[str, str]]]) -> list[str]:
    """Changes as they stand in a file of changes."""
    return [
        f"- {kind}: {{{', '.join(f'{k}: {v}' for k, v in said.items())}}}"
        for change in changes
        for kind, said in change.items()
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def tariffs(request: HttpRequest) -> HttpResponse:
    """The tariff workbench: readings and tariffs go in, bills and comparisons come out; nothing is kept."""
    _staff(request)
    context: dict[str, Any] = {
        "first": EXAMPLE, "second": "", "elasticity": "", "unit": "", "assume": "", "units": list(units.LITRES),
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "desk/improvement/tariffs.html", context)
    context |= {
        name: request.POST.get(name, "") for name in ("first", "second", "elasticity", "unit", "assume")
    }
    try:
        found = _simulated(request.FILES.get("usage"), context)
    except (ValueError, OSError, OverflowError) as problem:
        context["error"] = str(problem)
        return render(request, "desk/improvement/tariffs.html", context, status=422)
    if request.POST.get("download"):
        answer = HttpResponse(report.html(found, _("Tariff workbench")))
        answer["Content-Disposition"] = 'attachment; filename="tariffs.html"'
        return answer
    context |= {"found": found, "changes": _shown(found)}
    return render(request, "desk/improvement/tariffs.html", context)


def _simulated(upload: UploadedFile[Any] | None, typed: dict[str, Any]) -> dict[str, Any]:
    if upload is None or upload.size is None:
        raise ValueError(_("Choose a file with one row for each bill."))
    if upload.size > LARGEST_UPLOAD:
        raise ValueError(_("This file is too large for a page; use the command line."))
    elasticity = float(typed["elasticity"]) if typed["elasticity"].strip() else None
    if elasticity is not None and not -5 <= elasticity <= 0:
        raise ValueError(_("The elasticity lies between -5 and 0, such as -0.3."))
    assumed = dict(
        pair
        for line in typed["assume"].splitlines()
        if len(pair := [p.strip() for p in line.split("=", 1)]) == 2
    )
    name = (upload.name or "").lower()
    ending = next((e for e in (".csv.gz", ".parquet") if name.endswith(e)), ".csv")
    with tempfile.TemporaryDirectory(prefix="gongzhi-") as folder:
        path = Path(folder) / f"usage{ending}"
        with path.open("wb") as file:
            for part in upload.chunks():
                file.write(part)
        read = []
        for place in ("first", "second"):
            if typed[place].strip():
                target = Path(folder) / f"tariff-{place}.yaml"
                target.write_text(typed[place], encoding="utf-8")
                read.append(reading.load(target))
        if not read:
            raise ValueError(_("Describe at least one tariff."))
        numbers, words = (set[str]().union(*(t.needs()[i] for t in read)) for i in (0, 1))
        try:
            data = usages.read(path, {}, typed["unit"] or None, numbers, words)
            found = simulation.simulate(data, read, simulation.Question(assumed), elasticity)
        except ValueError as problem:
            raise ValueError(str(problem).replace(f"{folder}/", "")) from problem
    found["usage"]["file"] = upload.name
    return found


def _shown(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Comparisons with a chart for each way of grouping."""
    captions = {
        "class": _("By class of customer"),
        "volume_decile_in_class": _("From the smallest to the largest users of each class"),
        "season": _("By season"),
    }
    return [
        {
            **change,
            "charts": [
                {
                    "caption": captions[kind],
                    "groups": groups,
                    "svg": mark_safe(  # noqa: S308 - every name in it is escaped
                        charts.bars(
                            captions[kind],
                            [g["group"] for g in groups],
                            [g["change_percent"] or 0.0 for g in groups],
                            " %",
                        )
                    ),
                }
                for kind, groups in change["groups"].items()
            ],
        }
        for change in found["comparisons"]
    ]
