"""The dispatcher's desk: what waits, on a list and a map; deciding who does it, one or many; merging.

Every way to decide (a suggestion, a drag, the keyboard, a form) leads to the same page that says what
will happen, and only from there it is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.cases import actions, numbers, queries, worklists, workload
from gongzhi.cases.actions import bulk
from gongzhi.cases.models import Case
from gongzhi.coordination import decisions
from gongzhi.coordination.actions import dispatching
from gongzhi.coordination.waiting import waiting
from gongzhi.errors import GongzhiError, Invalid
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Function, Organisation
from gongzhi.web.desk import verbs
from gongzhi.web.desk.entering import path_of, staff
from gongzhi.web.portal.forms import whole_in

PATH = "/desk/dispatch/"
_NARROWING = ("q", "function", "area", "urgency")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, the oldest first, beside a map and the organisations."""
    actor = staff(request)
    asked = request.GET
    view = snapshot.current()
    tab = asked.get("tab", "") or worklists.ALL
    order = asked.get("order", "") or "oldest"
    filters = queries.CaseFilters(
        q=asked.get("q", "").strip()[:100],
        function_code=asked.get("function", ""),
        area_code=asked.get("area", ""),
    )
    found = worklists.undecided(
        actor,
        tab,
        filters,
        urgency=asked.get("urgency", ""),
        order=order,
        after=asked.get("after", ""),
    )
    loads = {load.organisation_id: load for load in workload.loads(view.organisations)}
    context = {
        "list": found,
        "tab": tab,
        "order": order,
        "filters": filters,
        "is_narrowed": any(asked.get(name) for name in _NARROWING),
        "is_further": bool(asked.get("after")),
        "rows": waiting(found.page.rows, timezone.now()),
        "returned_for": dict(verbs.return_reasons()),
        "sure_from": float(view.city.config.get("thresholds", {}).get("confidence", 0.5)),
        "targets": [(o, loads.get(o.id)) for o in sorted(view.organisations.values(), key=lambda o: o.id)],
        "groups": [f for f in view.functions.values() if len(f.ancestors) == 1],
        "areas": [a for a in view.areas.values() if a.level in ("district", "street")],
        "urgencies": Function.Urgency.choices,
        "path": PATH,
    }
    return render(request, "desk/dispatch.html", context)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen to be decided: the cases as they were seen, for whom, and what they are about."""

    cases: list[Case]
    to: Organisation
    function: Function | None

    def plans(self) -> list[decisions.Decision]:
        """What would happen to each case now."""
        now = timezone.now()
        function_id = self.function.pk if self.function else None
        return [decisions.decision(case, self.to.pk, function_id, now) for case in self.cases]

    def guessed(self) -> Chosen:
        """With what the cases would be about if the organisation is right, where that is one thing."""
        now = timezone.now()
        likely = {decisions.likely_function_id(case, self.to.pk, now) for case in self.cases}
        only = likely.pop() if len(likely) == 1 else None
        return replace(self, function=Function.objects.get(pk=only)) if only else self


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest) -> HttpResponse:
    """Say what will happen if the chosen cases go to the chosen organisation; posted, do it."""
    actor = staff(request)
    authority.require(actor, "case.see_unassigned")
    form = request.POST if request.method == "POST" else request.GET
    back = path_of(form.get("back", "") or PATH)
    try:
        chosen = Chosen(
            _cases_in(form),
            verbs.organisation_in(form),
            verbs.function_in(form) if form.get("function") else None,
        )
    except Invalid as problem:
        return _not_chosen(request, problem, back)
    error: GongzhiError | None = None
    if request.method != "POST" and chosen.function is None:
        chosen = chosen.guessed()
    if request.method == "POST":
        try:
            return _done(request, actor, chosen, back)
        except GongzhiError as problem:
            if problem.status >= 500:
                raise
            error = problem
    plans = chosen.plans()
    context: dict[str, Any] = {
        "plans": plans,
        "to": chosen.to,
        "function": chosen.function,
        "choices": verbs.choices(),
        "load": next(iter(workload.loads([chosen.to.pk])), None),
        "needs_reason": any(plan.needs_reason for plan in plans),
        "is_unknown": any(plan.fit == decisions.Fit.UNKNOWN for plan in plans),
        "error": error,
        "typed": form,
        "back": back,
    }
    return render(request, "desk/dispatch/decide.html", context, status=error.status if error else 200)


def _done(request: HttpRequest, actor: Actor, chosen: Chosen, back: str) -> HttpResponse:
    reason = request.POST.get("text", "")
    outcome = bulk.each(
        chosen.cases,
        lambda case: dispatching.decide(actor, case, chosen.to, function=chosen.function, reason=reason),
    )
    if outcome.done:
        told = ngettext(
            "%(numbers)s: assigned to %(name)s.",
            "%(n)d cases assigned to %(name)s: %(numbers)s.",
            len(outcome.done),
        )
        spoken = ", ".join(numbers.spoken(number) for number in outcome.done)
        messages.success(request, told % {"n": len(outcome.done), "name": chosen.to.name, "numbers": spoken})
    return _refused(request, outcome, back)


@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: HttpRequest) -> HttpResponse:
    """Work the chosen cases as one: choose which goes on, and say why they are the same."""
    actor = staff(request)
    authority.require(actor, "case.see_unassigned")
    form = request.POST if request.method == "POST" else request.GET
    back = path_of(form.get("back", "") or PATH)
    try:
        cases = sorted(_cases_in(form), key=lambda case: (case.opened_at, case.pk))
        if len(cases) < 2:
            raise Invalid(fields={"case": _("Choose at least two cases that are the same matter.")})
    except Invalid as problem:
        return _not_chosen(request, problem, back)
    error: GongzhiError | None = None
    if request.method == "POST":
        try:
            into = next((case for case in cases if case.number == form.get("into")), None)
            if into is None:
                raise Invalid(fields={"into": _("Choose the case that goes on.")})
            outcome = bulk.each(
                [case for case in cases if case.pk != into.pk],
                lambda case: _merged(actor, case, into, form.get("text", "")),
            )
        except GongzhiError as problem:
            if problem.status >= 500:
                raise
            error = problem
        else:
            if outcome.done:
                told = _("Merged into %(number)s; everybody concerned now follows that case.")
                messages.success(request, told % {"number": numbers.spoken(into.number)})
            return _refused(request, outcome, back)
    context = {"cases": cases, "error": error, "typed": form, "back": back}
    return render(request, "desk/dispatch/merge.html", context, status=error.status if error else 200)


def _merged(actor: Actor, case: Case, into: Case, reason: str) -> None:
    into.refresh_from_db()
    actions.merge(actor, case, into, reason=reason)


def _cases_in(form: QueryDict) -> list[Case]:
    """The chosen cases, each as ``number:version``, in the version that was seen.

    Raises:
        Invalid: none, too many, or one that does not exist.
    """
    versions = dict(written.partition(":")[::2] for written in form.getlist("case"))
    if not versions:
        raise Invalid(fields={"case": _("Choose at least one case.")})
    if len(versions) > bulk.MOST:
        raise Invalid(fields={"case": _("At most %(n)d cases at once.") % {"n": bulk.MOST}})
    cases = list(Case.objects.filter(number__in=versions).order_by("opened_at", "pk"))
    if len(cases) != len(versions):
        raise Invalid(_("There is no case with this number. Please check the digits."))
    for case in cases:
        if versions[case.number]:
            case.version = whole_in(versions[case.number])
    return cases


def _not_chosen(request: HttpRequest, problem: Invalid, back: str) -> HttpResponse:
    """Back to the desk with the sentence that says what has to be chosen first."""
    for sentence in problem.fields.values() or [problem.message]:
        messages.error(request, str(sentence))
    return HttpResponseRedirect(back)


def _refused(request: HttpRequest, outcome: bulk.Outcome, back: str) -> HttpResponse:
    for refused in outcome.refused:
        messages.error(request, f"{numbers.spoken(refused.number)}: {refused.why}")
    return HttpResponseRedirect(back)
