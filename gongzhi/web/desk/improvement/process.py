"""How cases run: the process map from the acts, where hours go, two periods or areas beside each other."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from gongzhi.cases.export import csv_lines
from gongzhi.cases.kept import is_large
from gongzhi.cases.prepared import Prepared, prepared
from gongzhi.errors import Invalid
from gongzhi.improvement import asked, comparison, drawing, exchange_formats
from gongzhi.improvement.process_map import Edge, ProcessMap
from gongzhi.improvement.what_if import MOST_EVENTS
from gongzhi.web import sensing_pages
from gongzhi.web.desk import evidence
from gongzhi.web.desk.improvement import asking

SHOWN = 15
KINDS = ("svg", "bpmn", "xes", "csv")


@require_safe
def page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The page; the map alone with ``?as=`` one of `KINDS`."""
    asking.may_see(request)
    chosen = _chosen(request)
    kept = prepared(asked.PROCESS, _question(chosen))
    found = _map(kept)
    kind = request.GET.get("as", "")
    if kind:
        return _download(found, chosen, kind)
    context: dict[str, Any] = {
        "kept": kept,
        "chosen": chosen,
        "periods": asking.PERIODS,
        "functions": asking.functions_shown(),
        "areas": asking.areas_shown(),
    }
    if found is None:
        return render(request, "desk/improvement/process.html", context)
    words = asking.verbs()
    plain = {label: verb for verb, label in words.items()}
    context |= {
        "found": found,
        # Every step is drawn; those beyond the detail asked for are hidden, so that the slider can show them.
        "drawing": mark_safe(drawing.svg(found, 1.0, asking.duration, chosen["detail"] / 100)),  # noqa: S308 - every name in it is escaped
        "summary": {
            "median": asking.duration(found.median_case_seconds),
            "share": round(100 * found.rework_cases / found.cases),
        },
        "bottlenecks": [_timed(e, chosen, plain) for e in found.bottlenecks],
        "worst": _timed(found.bottlenecks[0], chosen, plain) if found.bottlenecks else None,
        "handovers": [_timed(e, chosen) for e in (found.handovers or [])[:SHOWN]],
        "loops": [
            {
                **asdict(w),
                "path": " → ".join(w.path),
                "address": _address(chosen, [plain.get(p, p) for p in w.path]),
            }
            for w in found.loops
        ],
    }
    context |= _beside(request, chosen, found)
    return render(request, "desk/improvement/process.html", context)


def _chosen(request: HttpRequest) -> dict[str, Any]:
    detail = asking.whole(request.GET.get("detail", ""), "detail", least=0, most=100)
    return {
        "days": asking.days_in(request),
        "detail": 80 if detail is None else detail,
        "function": asking.function_in(request),
        "area": asking.area_in(request),
        "other": asking.area_in(request, "other"),
        "earlier": request.GET.get("earlier", "") == "1",
    }


def _question(chosen: dict[str, Any], **changed: Any) -> dict[str, Any]:
    fields = {k: chosen[k] for k in ("days", "function", "area")} | {"language": asking.language()}
    return fields | changed


def _map(kept: Prepared) -> ProcessMap | None:
    document = asking.answer_of(kept)
    return None if document is None else asked.as_map(document, asking.verbs())


def _beside(request: HttpRequest, chosen: dict[str, Any], found: ProcessMap) -> dict[str, Any]:
    """The same map for another area or for as many days before."""
    if not chosen["other"] and not chosen["earlier"]:
        return {}
    if chosen["other"]:
        kept = prepared(asked.PROCESS, _question(chosen, area=chosen["other"]))
        names = [_area(chosen["area"]), _area(chosen["other"])]
    else:
        kept = prepared(asked.PROCESS, _question(chosen, before=chosen["days"]))
        names = [_("last %(n)d days") % {"n": chosen["days"]}, _("%(n)d days before") % {"n": chosen["days"]}]
    other = _map(kept)
    if other is None:
        return {"not_compared": not kept.is_under_way, "waiting": kept.is_under_way}
    pair = (other, found) if chosen["earlier"] and not chosen["other"] else (found, other)
    if chosen["earlier"] and not chosen["other"]:
        names.reverse()
    beside = comparison.beside(names[0], pair[0], names[1], pair[1])
    return {
        "beside": beside,
        "medians": [asking.duration(m.median_case_seconds) for m in pair],
        "reworks": [round(100 * m.rework_cases / m.cases) for m in pair],
    }


def _area(code: str) -> str:
    return sensing_pages.area_called(code) if code else _("The whole city")


def _timed(edge: Edge, chosen: dict[str, Any], plain: dict[str, str] | None = None) -> dict[str, Any]:
    address = ""
    if plain is not None:
        address = _address(chosen, [plain.get(edge.origin, edge.origin), plain.get(edge.to, edge.to)])
    return {**asdict(edge), "median": asking.duration(edge.median_seconds), "address": address}


def _address(chosen: dict[str, Any], steps: list[str]) -> str:
    return evidence.address(function=chosen["function"], area=chosen["area"], step=steps)


def _download(
    found: ProcessMap | None, chosen: dict[str, Any], kind: str
) -> HttpResponse | StreamingHttpResponse:
    detail = chosen["detail"] / 100
    answer: HttpResponse | StreamingHttpResponse
    if kind not in KINDS:
        raise Invalid(fields={"as": _("Choose svg, bpmn, xes or csv.")})
    if found is None:
        raise Invalid(_("There is no map of this period yet."))
    if kind == "svg":
        answer = HttpResponse(drawing.svg(found, detail, asking.duration), content_type="image/svg+xml")
    elif kind == "bpmn":
        answer = HttpResponse(exchange_formats.bpmn(found, detail), content_type="application/xml")
    elif kind == "xes":
        if found.events > MOST_EVENTS or is_large():
            raise Invalid(_("This is too much for a page: take a shorter period, a function or an area."))
        lines = (f"{line}\n" for line in exchange_formats.xes(asked.log_of(_question(chosen))))
        answer = StreamingHttpResponse(lines, content_type="application/xml")
    else:
        head = ["from", "to", "count", "median_seconds", "mean_seconds", "total_hours"]
        rows = [
            [e.origin, e.to, e.count, e.median_seconds, e.mean_seconds, e.total_hours] for e in found.edges
        ]
        answer = StreamingHttpResponse(csv_lines(head, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="process-map.{kind}"'
    return answer
