"""The register of the cells: what they hold, one entry with its checks, and how all cells stand."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.cases.personal_text import masked
from gongzhi.errors import GongzhiError, Invalid, NotFound
from gongzhi.grid import actions, queries
from gongzhi.grid import cells as cell_areas
from gongzhi.grid.actions import Draft
from gongzhi.grid.models import Entry
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.snapshot import AreaView
from gongzhi.web.desk import grid
from gongzhi.web.desk.entering import staff
from gongzhi.web.desk.joint import page as page_or_deed
from gongzhi.web.portal import forms


@require_http_methods(["GET", "HEAD", "POST"])
def entries(request: HttpRequest) -> HttpResponse:
    """What the own cells, or one that is overseen, hold; overdue first."""
    actor = grid.walker(request)
    area, areas = _areas(actor, request.GET.get("cell", ""))
    kind, words = request.GET.get("kind", ""), request.GET.get("q", "")
    found = queries.register(
        actor,
        [a.id for a in areas],
        kind=kind,
        words=words,
        page=forms.whole_in(request.GET.get("page", "")) or 1,
    )

    def context() -> dict[str, Any]:
        return {
            "area": area,
            "cell": request.GET.get("cell", ""),
            "areas": areas,
            "register": found,
            "kinds": [(value, label, found.counts.get(value, 0)) for value, label in Entry.Kind.choices],
            "kind": kind,
            "words": words,
            "today": actions.today(),
            "walks": authority.may(actor, "grid.walk", cell_areas.own_subject(actor)),
            "choices": _leaves(),
        }

    def do() -> str:
        added = actions.add(actor, draft_in(request))
        messages.success(request, _("Added."))
        return f"/desk/grid/entries/{added.pk}/"

    return _private(page_or_deed(request, "desk/grid/entries.html", context, do))


@require_http_methods(["GET", "HEAD", "POST"])
def entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry: what is known of it, its checks, and the form to check it.

    What is known of a person is shown only after it was asked for by a form, and that is recorded.
    """
    actor = grid.walker(request)
    found = queries.entry_seen(actor, pk)
    verb = request.POST.get("verb", "")
    error: GongzhiError | None = None
    if request.method == "POST" and verb != "show":
        try:
            return HttpResponseRedirect(_do(request, actor, found, verb))
        except GongzhiError as problem:
            error = problem
    is_shown = not found.is_personal
    if found.is_personal and verb in ("show", "change"):
        actions.look(actor, found)
        is_shown = True
    subject = cell_areas.subject_of(found.area_id)
    checks = queries.checks_of(found)
    context = {
        "actor": actor,
        "entry": found,
        "is_shown": is_shown,
        "checks": [(made, made.note if is_shown else masked(made.note)) for made in checks],
        "today": actions.today(),
        "overdue": found.overdue_days(actions.today()),
        "may_check": authority.may(actor, "grid.check", subject),
        "may_keep": authority.may(actor, "grid.keep", subject),
        "choices": _leaves(),
        "key": str(uuid.uuid4()),
        "error": error,
        "typed": request.POST if error else {},
    }
    return _private(render(request, "desk/grid/entry.html", context, status=error.status if error else 200))


@require_safe
def cells(request: HttpRequest) -> HttpResponse:
    """How the checks of the cells below stand, and who walks them."""
    actor = staff(request)
    states = queries.cell_states(actor)
    context = {
        "states": states,
        "overdue": sum(s.overdue for s in states),
        "unwalked": sum(1 for s in states if not s.walkers),
        "today": actions.today(),
    }
    return render(request, "desk/grid/cells.html", context)


def draft_in(request: HttpRequest, known: Entry | None = None) -> Draft:
    """The entry in the form; code, kind and cell of a `known` one stay.

    Raises:
        Invalid: a number or day cannot be read.
    """
    form = request.POST
    every, due = form.get("every_days", "").strip(), form.get("due_on", "").strip()
    wrong: dict[str, str] = {}
    if every and not (every.isdecimal() and len(every) < 6):
        wrong["every_days"] = _("Enter a whole number.")
    day = None
    if due:
        try:
            day = date.fromisoformat(due)
        except ValueError:
            wrong["due_on"] = _("Choose a day.")
    if wrong:
        raise Invalid(fields=wrong)
    area = snapshot.current().area_by_code.get(form.get("area", ""))
    return Draft(
        code=known.code if known else form.get("code", ""),
        kind=known.kind if known else form.get("kind", ""),
        name=form.get("name", ""),
        name_en=form.get("name_en", ""),
        area_id=known.area_id if known else (area.id if area else 0),
        lng=forms.number_in(form.get("lng", "")),
        lat=forms.number_in(form.get("lat", "")),
        address=form.get("address", ""),
        phone=form.get("phone", ""),
        notes=form.get("notes", "").replace("\r\n", "\n"),
        function_code=form.get("function", ""),
        every_days=int(every) if every else None,
        due_on=day,
    )


def _do(request: HttpRequest, actor: Actor, found: Entry, verb: str) -> str:
    if verb in ("fine", "wrong"):
        made = actions.check(actor, found, grid.finding_in(request), is_fine=verb == "fine")
        messages.success(request, grid.recorded(made))
    elif verb == "change":
        actions.change(actor, found, draft_in(request, found))
        messages.success(request, _("Changed."))
    elif verb == "end":
        actions.end(actor, found, request.POST.get("reason", ""))
        messages.success(request, _("Taken off the register; its checks stay."))
        return "/desk/grid/entries/"
    else:
        raise Invalid(_("Choose what to do."))
    return request.path


def _areas(actor: Actor, code: str) -> tuple[AreaView, list[AreaView]]:
    """The area that was asked for, else the one of the post, and all within it.

    Raises:
        NotFound: there is no such area, or the post is for none.
    """
    view = snapshot.current()
    area = view.area_by_code.get(code) if code else view.areas.get(actor.area_id or 0)
    if area is None:
        raise NotFound(_("There is no such cell."))
    authority.require(actor, "grid.see", cell_areas.subject_of(area.id))
    return area, [a for a in sorted(view.areas.values(), key=lambda a: a.code) if area.id in a.ancestors]


def _leaves() -> list[Any]:
    return sorted((f for f in snapshot.current().functions.values() if f.is_leaf), key=lambda f: f.code)


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    return response
