"""First page of supervisors and leaders: what is late or at risk below them, down to the single case."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gongzhi.cases import worklists, workload
from gongzhi.cases.lights import Light
from gongzhi.cases.workload import Load
from gongzhi.errors import NotFound
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Subject
from gongzhi.web.desk.entering import staff


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Figures of the own organisation and of all below it, the most overdue first."""
    actor = staff(request)
    authority.require(actor, "case.oversee", Subject(organisation_id=actor.organisation_id))
    view = snapshot.current()
    ids = {actor.organisation_id or 0, *actor.subordinate_ids}
    loads = workload.loads(ids)
    key = str(actor.organisation_id)
    urgent = worklists.most_urgent(actor, limit=8)
    context = {
        "loads": loads,
        "total": Load(
            0,
            sum(x.open for x in loads),
            sum(x.to_accept for x in loads),
            sum(x.at_risk for x in loads),
            sum(x.overdue for x in loads),
            sum(x.came_back for x in loads),
        ),
        "flows": workload.flows(ids, key),
        "rises": workload.rises(ids, key),
        "organisations": view.organisations,
        "urgent": urgent,
    }
    return render(request, "desk/oversight.html", context)


@require_safe
def organisation(request: HttpRequest, code: str) -> HttpResponse:
    """Open cases of one organisation below, by light."""
    actor = staff(request)
    view = snapshot.current()
    found = view.organisation_by_code.get(code)
    if found is None:
        raise NotFound()
    light = request.GET.get("light", "")
    page = worklists.of_organisation(actor, found.id, light=light, after=request.GET.get("after", ""))
    loads = workload.loads({found.id})
    context = {
        "organisation": found,
        "page": page,
        "light": light,
        "lights": list(Light),
        "load": loads[0] if loads else Load(found.id, 0, 0, 0, 0, 0),
        "query": f"light={light}" if light else "",
        "path": request.path,
    }
    return render(request, "desk/oversight_organisation.html", context)
