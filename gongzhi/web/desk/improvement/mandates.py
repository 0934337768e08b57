"""Mandates: what is wrong with them, with the cases that show it, and what a change would save."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases.export import csv_lines
from gongzhi.cases.prepared import prepared
from gongzhi.errors import Invalid, NotFound
from gongzhi.improvement import asked, charts
from gongzhi.improvement.mandates.changes import FIELDS
from gongzhi.registry import snapshot
from gongzhi.web.desk import evidence
from gongzhi.web.desk.improvement import asking

DAYS = 365
LONGEST = 20_000
"""Characters of typed changes."""
_KNOWN = {
    "organisation": "organisation", "from": "organisation", "to": "organisation", "function": "function",
    "into": "function", "area": "area",
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The findings; a proposal with ``?try=``, chosen or typed changes by POST; the findings as CSV with ``?download=1``."""
    asking.may_see(request)
    kept = prepared(asked.MANDATES, {"days": DAYS})
    found = asking.answer_of(kept) or {"cases": 0, "findings": []}
    kinds = _kinds()
    rows = [_row(i, finding, kinds) for i, finding in enumerate(found["findings"])]
    if "download" in request.GET:
        return _csv(rows)
    only = request.GET.get("kind", "")
    context: dict[str, Any] = {
        "kept": kept,
        "rows": [r for r in rows if only in ("", r["kind"])],
        "all": len(rows),
        "only": only,
        "cases": found["cases"],
        "kinds": [(k, label, sum(r["kind"] == k for r in rows)) for k, label in kinds.items()],
        "hours": round(
            sum(r["evidence"]["hours_lost"] for r in rows if r["kind"] in ("overlap", "ping_pong"))
        ),
        "functions": asking.functions_shown(),
        "organisations": sorted(snapshot.current().organisations.values(), key=lambda o: o.code),
        "areas": asking.areas_shown("city", "district", "street"),
        "change_kinds": _change_kinds().items(),
        "form": {},
        "typed": "",
    }
    status = 200
    try:
        question = _question(request, rows, context)
    except Invalid as problem:
        context["error"], status, question = problem, 422, None
    if question is not None:
        context |= _result(question)
        status = 422 if context.get("problem") else 200
    return render(request, "desk/improvement/mandates.html", context, status=status)


def _kinds() -> dict[str, str]:
    return {
        "overlap": _("Overlap"),
        "gap": _("Gap"),
        "duplicate": _("Near-duplicates"),
        "ping_pong": _("Sent to and fro"),
        "scattered": _("Scattered"),
    }


def _change_kinds() -> dict[str, str]:
    return {
        "move": _("move a function from one organisation to another"),
        "add": _("give an organisation a mandate"),
        "end": _("end a mandate"),
        "merge": _("make two functions one"),
    }


def _row(number: int, finding: dict[str, Any], kinds: dict[str, str]) -> dict[str, Any]:
    language = "name_zh" if asking.language() == "zh" else "name"
    kind = finding["kind"]
    functions = [f["code"] for f in finding["functions"] if f["code"]]
    areas = [a["code"] for a in finding["areas"] if a["code"]]
    return finding | {
        "number": number,
        "label": kinds[kind],
        "function_names": [f[language] for f in finding["functions"]],
        "area_names": [a[language] for a in finding["areas"]],
        "organisation_names": [o[language] for o in finding["organisations"]],
        "steps": _steps(finding["proposed_changes"]),
        "address": evidence.address(function=functions, area=areas),
        "moved_address": evidence.address(function=functions, area=areas, moved="1")
        if finding["evidence"].get("moved") else "",
    }  # fmt: skip


def _steps(changes: list[dict[str, dict[str, str]]]) -> list[str]:
    """Changes as they stand in a file of changes."""
    return [
        f"- {kind}: {{{', '.join(f'{k}: {v}' for k, v in said.items())}}}"
        for change in changes
        for kind, said in change.items()
    ]


def _question(
    request: HttpRequest, rows: list[dict[str, Any]], context: dict[str, Any]
) -> dict[str, Any] | None:
    """What is to be replayed, None for nothing; what was chosen or typed stays in the forms.

    Raises:
        Invalid: a field is missing or names nothing; says which.
    """
    if request.method != "POST":
        tried = request.GET.get("try", "")
        if not (tried.isascii() and tried.isdecimal() and len(tried) < 6):
            return None
        if int(tried) >= len(rows) or not rows[int(tried)]["proposed_changes"]:
            raise NotFound(_("There is no such proposal any more."))
        context["tried"] = rows[int(tried)]
        return {"days": DAYS, "changes": rows[int(tried)]["proposed_changes"]}
    form = request.POST
    if "kind" not in form:
        context["typed"] = form.get("changes", "")[:LONGEST]
        return {"days": DAYS, "written": context["typed"]}
    context["form"], context["form_from"] = form, form.get("from", "")
    return {"days": DAYS, "changes": [_change(form)]}


def _change(form: Any) -> dict[str, dict[str, str]]:
    kind = form.get("kind", "")
    if kind not in FIELDS:
        raise Invalid(fields={"kind": _("Choose what to change.")})
    view = snapshot.current()
    needed, allowed = FIELDS[kind]
    said: dict[str, str] = {}
    for name in (*needed, *allowed):
        value = form.get(name, "")
        if not value and name in allowed:
            continue
        if name == "role":
            if value not in ("lead", "assist"):
                raise Invalid(fields={name: _("Choose lead or assist.")})
        elif value not in getattr(view, f"{_KNOWN[name]}_by_code"):
            raise Invalid(fields={name: _("Choose one from the list.")})
        said[name] = value
    return {kind: said}


def _result(question: dict[str, Any]) -> dict[str, Any]:
    kept = prepared(asked.WHAT_IF, question)
    result = asking.answer_of(kept)
    if result is None:
        return {"result_kept": kept, "problem": asking.problem_of(kept)}
    name = "name_zh" if asking.language() == "zh" else "name"
    load = [r | {"called": r[name]} for r in result["load"] if r["cases_before"] != r["cases_after"]]
    view = snapshot.current()

    def called(code: str) -> str:
        organisation = view.organisation_by_code.get(code)
        if organisation is None:
            return "–"
        return organisation.name_zh if name == "name_zh" else organisation.name_en

    values = [float(r["cases_after"] - r["cases_before"]) for r in load]
    drawn = charts.bars(_("Change of cases by organisation"), [r["called"] for r in load], values)
    return {
        "result_kept": kept,
        "result": result,
        "load": load,
        "chart": mark_safe(drawn),  # noqa: S308 - every name in it is escaped
        "going": [
            g | {"from_name": called(g["from"]), "to_name": called(g["to"])}
            for g in result["going_elsewhere"]
        ],
    }


def _csv(rows: list[dict[str, Any]]) -> StreamingHttpResponse:
    head = [_("Kind"), _("Functions"), _("Areas"), _("Organisations"), _("Cases"), _("Changed hands"),
            _("Hours lost"), _("Proposal")]  # fmt: skip
    lines = [
        [r["label"], " / ".join(r["function_names"]), " / ".join(r["area_names"]), " / ".join(r["organisation_names"]),
         r["cases"], r["evidence"].get("moved"), r["evidence"].get("hours_lost"), " ".join(r["steps"])]
        for r in rows
    ]  # fmt: skip
    response = StreamingHttpResponse(csv_lines(head, lines), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="mandates.csv"'
    return response
