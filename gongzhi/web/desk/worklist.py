"""The worklist by deadline: tabs with counts, filters that can be kept, one verb on many cases."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from gongzhi.cases import actions, numbers, queries, worklists
from gongzhi.cases.actions import bulk
from gongzhi.cases.lights import Light
from gongzhi.cases.models import Case, SavedFilter
from gongzhi.errors import GongzhiError, Invalid
from gongzhi.registry import snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Organisation
from gongzhi.web.desk import navigation
from gongzhi.web.desk.entering import path_of, staff
from gongzhi.web.portal.forms import whole_in

_NARROWING = ("tab", "q", "function", "area", "light")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The page that a post begins its day with."""
    first = navigation.first_page(staff(request))
    return page(request) if first == navigation.WORKLIST else HttpResponseRedirect(first)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """What waits for the organisation, the next deadline first."""
    return _page(request, staff(request))


def _page(
    request: HttpRequest, actor: Actor, extra: dict[str, object] | None = None, status: int = 200
) -> HttpResponse:
    asked = request.GET
    filters = queries.CaseFilters(
        q=asked.get("q", "").strip()[:100],
        function_code=asked.get("function", ""),
        area_code=asked.get("area", ""),
    )
    tab, light = asked.get("tab", worklists.ALL) or worklists.ALL, asked.get("light", "")
    view = snapshot.current()
    asked_for = {name: asked[name] for name in _NARROWING if asked.get(name)}
    context: dict[str, object] = {
        "list": worklists.worklist(actor, tab, filters, light=light, after=asked.get("after", "")),
        "tab": tab,
        "light": light,
        "lights": list(Light),
        "filters": filters,
        "saved": list(SavedFilter.objects.filter(post_id=actor.post_id or 0).order_by("name")),
        "query": urlencode(asked_for),
        "is_narrowed": bool(set(asked_for) - {"tab"}),
        "is_further": bool(asked.get("after")),
        "groups": [f for f in view.functions.values() if len(f.ancestors) == 1],
        "areas": [a for a in view.areas.values() if a.level in ("district", "street")],
        "organisations": sorted(view.organisations.values(), key=lambda o: o.code),
        "path": navigation.WORKLIST,
    }
    return render(request, "desk/worklist.html", context | (extra or {}), status=status)


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """To the case with a number; whatever is no number is looked for in the worklist."""
    staff(request)
    typed = request.GET.get("q", "").strip()
    number = numbers.parse(typed)
    if number is not None and Case.objects.filter(number=number).exists():
        return HttpResponseRedirect(f"/desk/cases/{number}/")
    return HttpResponseRedirect(f"{navigation.WORKLIST}?{urlencode({'q': typed[:100]})}")


@require_POST
def act_on_many(request: HttpRequest) -> HttpResponse:
    """Accept, send on or note many cases at once, with one reason."""
    actor = staff(request)
    form = request.POST
    try:
        outcome = _on_many(actor, request)
    except GongzhiError as problem:
        if problem.status >= 500:
            raise
        extra = {
            "error": problem,
            "typed": form,
            "chosen": [written.partition(":")[0] for written in form.getlist("case")],
        }
        return _page(request, actor, extra, problem.status)
    if outcome.done:
        told = ngettext("%(n)d case: done.", "%(n)d cases: done.", len(outcome.done))
        messages.success(request, told % {"n": len(outcome.done)})
    for refused in outcome.refused:
        messages.error(request, f"{numbers.spoken(refused.number)}: {refused.why}")
    return HttpResponseRedirect(path_of(form.get("back", "")))


def _on_many(actor: Actor, request: HttpRequest) -> bulk.Outcome:
    form = request.POST
    versions = dict(written.partition(":")[::2] for written in form.getlist("case"))
    if not versions:
        raise Invalid(fields={"case": _("Choose at least one case.")})
    if len(versions) > bulk.MOST:
        raise Invalid(fields={"case": _("At most %(n)d cases at once.") % {"n": bulk.MOST}})
    cases = list(Case.objects.filter(number__in=versions).order_by("due_at", "pk"))
    for case in cases:
        case.version = whole_in(versions[case.number])
    reason = form.get("text", "")
    match form.get("verb"):
        case "accept":
            return bulk.each(cases, lambda case: actions.accept(actor, case))
        case "note":
            return bulk.each(cases, lambda case: actions.note(actor, case, reason))
        case "transfer":
            to = Organisation.objects.filter(code=form.get("to", "")).first()
            if to is None:
                raise Invalid(fields={"to": _("Choose an organisation from the list.")})
            return bulk.each(cases, lambda case: actions.transfer(actor, case, to, reason=reason))
        case _:
            raise Invalid(_("Choose what to do."))


@require_POST
def filters(request: HttpRequest) -> HttpResponse:
    """Keep the list as it is narrowed now under a name, or forget a kept one."""
    actor = staff(request)
    form = request.POST
    query = form.get("query", "")[:500]
    try:
        if form.get("drop", "").isdecimal():
            actions.drop_filter(actor, whole_in(form["drop"]))
        else:
            kept = actions.keep_filter(actor, form.get("name", ""), query)
            messages.success(request, _("Kept as “%(name)s”.") % {"name": kept.name})
    except Invalid as problem:
        for sentence in problem.fields.values():
            messages.error(request, str(sentence))
    return HttpResponseRedirect(path_of(f"{navigation.WORKLIST}?{query}" if query else navigation.WORKLIST))
