"""The tariff workbench: what would each customer pay under a tariff? Nothing that is sent is kept."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.improvement import charts
from gongzhi.improvement.tariffs import reading, report, simulation, units
from gongzhi.improvement.tariffs import usage as usages
from gongzhi.web.desk.improvement import asking

LARGEST_UPLOAD = 30 * 1024 * 1024
"""Bytes of a file of readings; larger ones belong on the command line."""
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


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The tariff workbench: readings and tariffs go in, bills and comparisons come out; nothing is kept."""
    asking.may_see(request)
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
