"""Halls for whoever runs them: how today goes, and queues, counters and screens to set up."""

from __future__ import annotations

from datetime import time
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import messages
from django.db.models import Manager, Model
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.errors import Invalid, NotFound
from gongzhi.intake.counters import permissions, queries, setting_up
from gongzhi.intake.counters.models import Hall, Queue, Screen
from gongzhi.intake.counters.setting_up import Named
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Function, Organisation
from gongzhi.web.desk import verbs
from gongzhi.web.desk.entering import staff
from gongzhi.web.desk.joint import organisations, page, whole
from gongzhi.web.portal.forms import whole_in

Thing = TypeVar("Thing", bound=Model)


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """The halls that one oversees, and describing a new one."""
    actor = staff(request)

    def context() -> dict[str, Any]:
        halls = Hall.objects.select_related("organisation").order_by("code")
        return {
            "halls": [h for h in halls if permissions.may(actor, "hall.oversee", h)],
            "organisations": _own(actor),
        }

    def do() -> str:
        form = request.POST
        (organisation,) = organisations([form.get("organisation", "")], "organisation")
        hall = setting_up.make_hall(
            actor,
            form.get("code", "").strip(),
            Named(form.get("name_zh", ""), form.get("name_en", "")),
            organisation,
            address=form.get("address", ""),
            opens_at=_hour(form.get("opens_at", ""), "opens_at"),
            closes_at=_hour(form.get("closes_at", ""), "closes_at"),
        )
        return f"/desk/halls/{hall.code}/"

    return page(request, "desk/counters/halls.html", context, do)


def _own(actor: Actor) -> list[Organisation]:
    """For which organisations one may set up halls."""
    active = Organisation.objects.filter(is_active=True, kind="government").order_by("code")
    return [o for o in active if authority.may(actor, "hall.set_up", authority.Subject(organisation_id=o.pk))]


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, code: str) -> HttpResponse:
    """How one hall does today, and what it consists of."""
    actor = staff(request)
    hall = Hall.objects.filter(code=code).select_related("organisation").first()
    if hall is None:
        raise NotFound()
    permissions.require(actor, "hall.oversee", hall)

    def context() -> dict[str, Any]:
        return {
            "hall": hall,
            "today": queries.today(actor, hall, timezone.now()),
            "outlook": queries.outlook(hall),
            "queues": hall.queues.select_related("function").order_by("letter"),
            "all_counters": hall.counters.prefetch_related("queues").order_by("pk"),
            "screens": hall.screens.order_by("revoked_at", "pk"),
            "kinds": Screen.Kind.choices,
            "choices": verbs.choices(),
            "may_set_up": permissions.may(actor, "hall.set_up", hall),
            "may_make_screens": permissions.may(actor, "screen.make", hall),
        }

    def do() -> None:
        _set_up(request, actor, hall)

    return page(request, "desk/counters/hall.html", context, do)


def _set_up(request: HttpRequest, actor: Actor, hall: Hall) -> None:
    form = request.POST
    name = Named(form.get("name_zh", ""), form.get("name_en", ""))
    is_active = form.get("is_active") == "on"
    function = Function.objects.filter(code=form.get("function") or "-", is_active=True).first()
    match form.get("verb"):
        case "hall":
            setting_up.change_hall(
                actor,
                hall,
                name,
                address=form.get("address", ""),
                opens_at=_hour(form.get("opens_at", ""), "opens_at"),
                closes_at=_hour(form.get("closes_at", ""), "closes_at"),
                is_active=is_active,
            )
        case "change_queue":
            setting_up.change_queue(
                actor,
                _of(hall.queues, form.get("queue", "")),
                name,
                usual_minutes=whole(form.get("usual_minutes", ""), "usual_minutes"),
                function=function,
                is_active=is_active,
            )
        case "change_counter":
            counter = _of(hall.counters, form.get("counter", ""))
            setting_up.change_counter(actor, counter, name, _chosen(hall, form), is_active=is_active)
        case "queue":
            minutes = whole(form.get("usual_minutes", ""), "usual_minutes")
            setting_up.add_queue(
                actor, hall, form.get("letter", ""), name, function=function, usual_minutes=minutes
            )
        case "counter":
            setting_up.add_counter(actor, hall, name, _chosen(hall, form))
        case "screen":
            _screen, secret = setting_up.make_screen(actor, hall, form.get("kind", ""), form.get("name", ""))
            link = f"{settings.PUBLIC_URL}/halls/screens/{secret}/"
            messages.success(request, _("Open this link once on the device: %(link)s") % {"link": link})
        case "revoke":
            setting_up.revoke_screen(actor, _of(hall.screens, form.get("screen", "")))
        case _:
            raise Invalid(_("Choose what to do."))


def _chosen(hall: Hall, form: QueryDict) -> list[Queue]:
    return list(hall.queues.filter(pk__in=[whole_in(pk) for pk in form.getlist("queues")]))


def _of(things: Manager[Thing], pk: str) -> Thing:
    found = things.filter(pk=whole_in(pk)).first()
    if found is None:
        raise NotFound()
    return found


def _hour(text: str, field: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as problem:
        raise Invalid(fields={field: _("Enter a time such as 08:30.")}) from problem
