"""What no rule could decide: the queue, who might be responsible, and deciding with a reason."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from gongzhi.cases import queries, rules, worklists, workload
from gongzhi.cases.models import Case
from gongzhi.errors import GongzhiError
from gongzhi.registry import snapshot
from gongzhi.registry.authority import Actor
from gongzhi.routing import suggestions
from gongzhi.web.desk import verbs
from gongzhi.web.desk.entering import path_of, staff
from gongzhi.web.portal.forms import whole_in


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The queue of a dispatcher, the next deadline first."""
    return _page(request, staff(request))


def _page(
    request: HttpRequest, actor: Actor, extra: dict[str, object] | None = None, status: int = 200
) -> HttpResponse:
    view = snapshot.current()
    tab = request.GET.get("tab", "") or worklists.ALL
    waiting = worklists.undecided(actor, tab, after=request.GET.get("after", ""))
    loads = workload.loads(view.organisations)
    on = timezone.now().date()
    context: dict[str, object] = {
        "list": waiting,
        "tab": tab,
        "rows": [
            (case, suggestions.suggested(case.reading, case.function_id, case.area_id, view, on))
            for case in waiting.page.rows
        ],
        "needs_reason_from": rules.RETURNS_BEFORE_ARBITRATION,
        "loads": loads,
        "load_of": {load.organisation_id: load for load in loads},
        "choices": verbs.choices(),
        "path": "/desk/dispatch/",
    }
    return render(request, "desk/dispatch.html", context | (extra or {}), status=status)


@require_POST
def assign(request: HttpRequest) -> HttpResponse:
    """Decide who does it, from the queue; the same verb as on the case page."""
    actor = staff(request)
    form = request.POST
    case: Case = queries.case_by_number(form.get("number", ""))
    case.version = whole_in(form.get("version", ""))
    try:
        told = verbs.FORMS["assign"].perform(actor, case, verbs.Posted(form))
    except GongzhiError as problem:
        if problem.status >= 500:
            raise
        extra: dict[str, object] = {"error": problem, "typed": form, "failed": case.number}
        return _page(request, actor, extra, problem.status)
    messages.success(request, str(told))
    return HttpResponseRedirect(path_of(form.get("back", "") or "/desk/dispatch/"))
