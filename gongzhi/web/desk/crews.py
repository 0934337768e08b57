"""The crews of one's organisation: who goes where is suggested, a person accepts, changes or leaves it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from gongzhi.cases import numbers
from gongzhi.cases.actions import bulk
from gongzhi.cases.models import Case, Task
from gongzhi.coordination import crew_work
from gongzhi.coordination.actions import crews
from gongzhi.errors import GongzhiError, Invalid
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Post
from gongzhi.web.desk.entering import path_of, staff
from gongzhi.web.portal.forms import whole_in

PATH = "/desk/crews/"


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The plan for what has no crew yet; posted, send the crews that were chosen."""
    actor = staff(request)
    authority.require(actor, "crew.see", Subject(organisation_id=actor.organisation_id))
    error: GongzhiError | None = None
    if request.method == "POST":
        try:
            return _sent(request, actor)
        except GongzhiError as problem:
            if problem.status >= 500:
                raise
            error = problem
    off = {whole_in(written) for written in request.GET.getlist("off")}
    sheet = crew_work.sheet(actor, timezone.now(), off_duty=off)
    context = {
        "sheet": sheet,
        "crew_of": {force.crew.pk: force for force in sheet.forces},
        "is_some_off": bool(off),
        "now": timezone.now(),
        "error": error,
        "path": PATH,
    }
    return render(request, "desk/crews.html", context, status=error.status if error else 200)


def _sent(request: HttpRequest, actor: Actor) -> HttpResponse:
    form = request.POST
    chosen = _chosen(form)
    for organisation_id in {task.organisation_id for task, _post in chosen.values()}:
        authority.require(actor, "case.entrust", Subject(organisation_id=organisation_id))
    posts = Post.objects.in_bulk([post_id for _task, post_id in chosen.values()])

    def send(case: Case) -> None:
        task, post_id = chosen[case.number]
        post = posts.get(post_id)
        if post is None:
            raise Invalid(_("Choose a crew of the organisation that does it."))
        crews.send(actor, case, task, post)

    outcome = bulk.each([task.case for task, _post in chosen.values()], send)
    if outcome.done:
        told = ngettext("%(n)d task given to a crew.", "%(n)d tasks given to crews.", len(outcome.done))
        messages.success(request, told % {"n": len(outcome.done)})
    for refused in outcome.refused:
        messages.error(request, f"{numbers.spoken(refused.number)}: {refused.why}")
    return HttpResponseRedirect(path_of(form.get("back", "") or PATH))


def _chosen(form: QueryDict) -> dict[str, tuple[Task, int]]:
    """Case number → its task and the post that was chosen for it.

    Raises:
        Invalid: nothing was chosen, or a task that does not exist.
    """
    versions = {whole_in(w.partition(":")[0]): w.partition(":")[2] for w in form.getlist("task")}
    if not versions:
        raise Invalid(fields={"task": _("Choose at least one task.")})
    if len(versions) > bulk.MOST:
        raise Invalid(fields={"task": _("At most %(n)d tasks at once.") % {"n": bulk.MOST}})
    found: dict[str, tuple[Task, int]] = {}
    for task in Task.objects.filter(pk__in=versions).select_related("case").order_by("due_at", "pk"):
        task.case.version = whole_in(versions[task.pk])
        found[task.case.number] = (task, whole_in(form.get(f"crew-{task.pk}", "")))
    if len(found) != len(versions):
        raise Invalid(fields={"task": _("This task does not exist.")})
    return found
