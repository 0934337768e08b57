"""What the pages of supervision share: who enters, one row by its id, a form and its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from gongzhi.errors import GongzhiError, NotFound, SignInNeeded
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.web.accounts import actor_of

SHOWN = 50


def staff(request: HttpRequest) -> Actor:
    """The member of staff who asks.

    Raises:
        SignInNeeded: nobody is signed in.
        NotAllowed: whoever is signed in holds no post.
    """
    actor = actor_of(request)
    if actor.kind == "anonymous":
        raise SignInNeeded(_("Please sign in first."))
    authority.require(actor, "supervision.see")
    return actor


def one(kind: Any, pk: str) -> Any:
    """The row with this id as it came with a form.

    Raises:
        NotFound: there is none.
    """
    found = kind.objects.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) < 19 else None
    if found is None:
        raise NotFound(_("This was not found"))
    return found


def page(
    request: HttpRequest,
    template: str,
    context: Callable[[], dict[str, Any]],
    do: Callable[[], tuple[str, str]],
) -> HttpResponse:
    """Show a page, or do what was posted and go on; an error stands on the page with what was typed.

    Args:
        do: does it; gives the sentence that says so and the address to go to ("" for this page).
    """
    error: GongzhiError | None = None
    if request.method == "POST":
        try:
            said, address = do()
            messages.success(request, said)
            return HttpResponseRedirect(address or request.path)
        except GongzhiError as problem:
            if problem.status >= 500:
                raise
            error = problem
    typed = request.POST if error else {}
    shown = {**context(), "error": error, "typed": typed, "typed_do": typed.get("do", "")}
    return render(request, template, shown, status=error.status if error else 200)


def is_wide(actor: Actor) -> bool:
    """Whether the actor looks at all organisations, not only the own one and those below."""
    return bool({"dispatcher", "analyst"} & actor.roles)


def held_by(actor: Actor) -> list[int]:
    """The own organisation and those below it."""
    return [actor.organisation_id or 0, *actor.subordinate_ids]
