"""What a phone needs to work without a connection: an empty page, a service worker, and where the queue is sent.

Everything below ``send/`` answers in JSON. Each item carries the key that was made when it was
written down, and the person who wrote it: it is recorded once, and never under another name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from gongzhi.errors import Conflict, GongzhiError, Invalid, NotFound
from gongzhi.grid import actions, cells, queries
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.web import failures
from gongzhi.web.desk.entering import staff
from gongzhi.web.desk.grid import check_in, finding_in, recorded, taken_in, walker


def _as_problem(request: HttpRequest, error: GongzhiError, status: int) -> HttpResponse:
    return failures.problem(error, status)


failures.RENDERERS["/desk/grid/send/"] = _as_problem


@require_safe
def shell(request: HttpRequest) -> HttpResponse:
    """The page that is shown without a connection; it holds nothing of anybody, the browser fills it in."""
    actor = walker(request)
    context = {"functions": queries.usual_functions(actor), "photos_max": settings.PHOTOS_MAX}
    return render(request, "desk/grid/shell.html", context)


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker; served from here, so that it is in charge of this desk and of nothing else."""
    staff(request)
    try:
        script = (Path(settings.PACKAGE_DIR) / "web/static/build/grid-worker.js").read_bytes()
    except OSError as problem:
        raise NotFound() from problem
    response = HttpResponse(script, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def me(request: HttpRequest) -> JsonResponse:
    """Who is signed in on this phone now, and the token for the forms that follow."""
    return _answer({"person": walker(request).person_id, "csrf": get_token(request)})


@require_POST
def report(request: HttpRequest) -> JsonResponse:
    """Take in one report of the queue."""
    actor = _writer(request)
    receipt = actions.report(actor, finding_in(request))
    said = taken_in(receipt)
    return _answer({"said": said, "number": receipt.number, "url": f"/desk/cases/{receipt.number}/"})


@require_POST
def check(request: HttpRequest) -> JsonResponse:
    """Record one check of the queue."""
    actor = _writer(request)
    verb = request.POST.get("verb", "")
    if verb not in ("fine", "wrong"):
        raise Invalid(fields={"verb": _("Choose what to do.")})
    made = check_in(request, actor, is_fine=verb == "fine")
    number = made.case.number if made.case else ""
    return _answer(
        {"said": recorded(made), "number": number, "url": f"/desk/cases/{number}/" if number else ""}
    )


def _writer(request: HttpRequest) -> Actor:
    """Whoever is signed in, if that is who wrote the item down.

    Raises:
        NotAllowed: whoever is signed in walks no cell.
        Conflict: somebody else is signed in on this phone now.
    """
    actor = walker(request)
    authority.require(actor, "grid.walk", cells.own_subject(actor))
    if request.POST.get("person") != str(actor.person_id):
        raise Conflict(_("This was written down by somebody else, who has to sign in to send it."))
    return actor


def _answer(body: dict[str, Any]) -> JsonResponse:
    response = JsonResponse(body)
    response["Cache-Control"] = "no-store"
    return response
