"""Pages for the administrator: merging organisations, ending posts, moving people; shown before done."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.coordination import what_moves
from gongzhi.coordination.actions import reorganising as actions
from gongzhi.errors import Invalid, NotFound
from gongzhi.registry import authority
from gongzhi.registry.models import Organisation, Post
from gongzhi.web.desk.joint import organisations, page, staff


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Choose what to reorganise; see what will move; confirm with a reason."""
    actor = staff(request)
    authority.require(actor, "registry.reorganise")
    chosen = request.POST if request.method == "POST" else request.GET

    def context() -> dict[str, Any]:
        every = Organisation.objects.filter(is_active=True).order_by("code")
        found: dict[str, Any] = {"every": every, "chosen": chosen}
        gone = every.filter(code=chosen.get("gone", "")).first()
        into = every.filter(code=chosen.get("into", "")).first()
        post = _post(chosen.get("post", ""))
        house = every.filter(code=chosen.get("house", "")).first()
        if gone is not None and into is not None:
            found |= {"gone": gone, "into": into, "moves": what_moves.of_organisation(gone)}
        elif post is not None:
            found |= {"post": post, "moves_of_post": what_moves.of_post(post)}
            found["to"] = every.filter(code=chosen.get("to", "")).first()
        elif house is not None:
            rows = Post.objects.filter(organisation=house, is_active=True)
            found |= {"house": house, "posts": rows.select_related("person").order_by("code")}
        return found

    def do() -> str:
        form = request.POST
        if form.get("confirm") != "yes":
            raise Invalid(fields={"confirm": _("Confirm that you have seen what will move.")})
        reason = form.get("reason", "")
        if form.get("verb") == "merge":
            (gone,) = organisations([form.get("gone", "")], "gone")
            (into,) = organisations([form.get("into", "")], "into")
            moved = actions.merge_organisations(actor, gone, into, reason=reason)
            messages.success(
                request,
                _(
                    "Merged: %(cases)d cases, %(parts)d parts, %(mandates)d mandates and %(posts)d posts moved."
                )
                % moved,
            )
            return request.path
        post = _post(form.get("post", ""))
        if post is None:
            raise NotFound(_("There is no such post."))
        if form.get("verb") == "move":
            (to,) = organisations([form.get("to", "")], "to")
            if post.person is None:
                raise Invalid(fields={"post": _("Nobody holds this post.")})
            actions.move_person(actor, post.person, post, to, reason=reason)
            messages.success(request, _("The person has a post there now; the old one has ended."))
        elif form.get("verb") == "end":
            actions.end_post(actor, post, reason=reason)
            messages.success(request, _("The post has ended."))
        else:
            raise Invalid(_("Choose what to do."))
        return f"{request.path}?house={post.organisation.code}"

    return page(request, "desk/reorganising.html", context, do)


def _post(code: str) -> Post | None:
    rows = Post.objects.filter(code=code, is_active=True).select_related("organisation", "person")
    return rows.first() if code else None
