"""Pages of task forces: forming one, and its page with members, cases and comments."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases import queries
from gongzhi.coordination.actions import task_forces as actions
from gongzhi.coordination.models import Mention, TaskForce
from gongzhi.errors import Invalid, NotFound
from gongzhi.registry import authority
from gongzhi.registry.authority import Subject
from gongzhi.registry.models import Post, Role
from gongzhi.web.desk.joint import moment, page, staff


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The task forces that one belongs to, and forming one."""
    actor = staff(request)

    def context() -> dict[str, Any]:
        mine = TaskForce.objects.filter(members__post=actor.post_id or 0, members__left_at=None)
        return {
            "forces": mine.select_related("organisation").order_by("-formed_at")[:50],
            "posts": _posts(),
            "may_form": bool({Role.SUPERVISOR, Role.LEADER} & actor.roles),
        }

    def do() -> str:
        form = request.POST
        numbers = form.get("cases", "").replace("，", ",").split(",")
        force = actions.form(
            actor,
            form.get("name", ""),
            form.get("purpose", ""),
            _chosen(form.getlist("posts")),
            until=moment(form.get("until", ""), "until"),
            cases=[queries.case_by_number(n) for n in numbers if n.strip()],
        )
        return f"/desk/task-forces/{force.pk}/"

    return page(request, "desk/joint/task_forces.html", context, do)


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of a task force, for its members."""
    actor = staff(request)
    force = TaskForce.objects.filter(pk=pk).select_related("organisation", "post").first()
    if force is None:
        raise NotFound(_("There is no such task force."))
    actions.check_member(actor, force)
    for mention in Mention.objects.filter(comment__task_force=force, post=actor.post_id or 0, seen_at=None):
        actions.seen(actor, mention)

    def context() -> dict[str, Any]:
        return {
            "force": force,
            "members": force.members.filter(left_at=None).select_related(
                "post__person", "post__organisation"
            ),
            "comments": force.comments.select_related("post__organisation").order_by("-said_at")[:200],
            "cases": force.cases.order_by("due_at"),
            "posts": _posts(),
            "leads": authority.may(actor, "task_force.lead", Subject(organisation_id=force.organisation_id)),
        }

    def do() -> str | None:
        form = request.POST
        verb = form.get("verb")
        if verb == "comment":
            actions.comment(actor, force, form.get("text", ""))
        elif verb == "add":
            for post in _chosen(form.getlist("posts")):
                actions.add_member(actor, force, post)
        elif verb == "end":
            actions.end(actor, force, form.get("text", ""))
        else:
            raise Invalid(_("Choose what to do."))
        return None

    return page(request, "desk/joint/task_force.html", context, do)


def _posts() -> list[Post]:
    rows = Post.objects.filter(is_active=True, person__isnull=False, organisation__is_active=True)
    return list(rows.select_related("person", "organisation").order_by("organisation__code", "pk"))


def _chosen(codes: list[str]) -> list[Post]:
    found = list(Post.objects.filter(code__in=codes))
    if len(found) != len(set(codes)):
        raise Invalid(fields={"posts": _("Choose people from the list.")})
    return found
