"""Pages of emergencies: for staff to lead and report, and for everybody to know how things stand."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.coordination.actions import incidents as actions
from gongzhi.coordination.actions.incidents import Measures
from gongzhi.coordination.models import Incident, SituationReport
from gongzhi.errors import Invalid, NotFound
from gongzhi.registry import authority
from gongzhi.registry.authority import Subject
from gongzhi.registry.models import Area, Function, Role
from gongzhi.web.desk.joint import page, staff, whole


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Incidents, and declaring one."""
    actor = staff(request)

    def context() -> dict[str, Any]:
        return {
            "incidents": Incident.objects.select_related("area", "organisation").order_by("-began_at")[:50],
            "areas": Area.objects.exclude(level="grid").order_by("code"),
            "functions": Function.objects.filter(is_active=True, is_leaf=False).order_by("code"),
            "levels": Incident.Level.choices,
            "may_declare": bool({Role.SUPERVISOR, Role.LEADER} & actor.roles),
        }

    def do() -> str:
        form = request.POST
        area = Area.objects.filter(code=form.get("area", "")).first()
        if area is None:
            raise Invalid(fields={"area": _("There is no such area.")})
        measures = Measures(
            resolve_hours=whole(form.get("resolve_hours", ""), "resolve_hours"),
            report_hours=whole(form.get("report_hours", ""), "report_hours"),
            functions=tuple(form.getlist("functions")),
        )
        level = whole(form.get("level", ""), "level")
        incident = actions.declare(actor, form.get("title", ""), area, level, measures)
        return f"/desk/incidents/{incident.pk}/"

    return page(request, "desk/joint/incidents.html", context, do)


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One incident: situation, reports of all levels, own report, end and review."""
    actor = staff(request)
    authority.require(actor, "incident.see")
    incident = _incident(pk)

    def context() -> dict[str, Any]:
        reports = list(
            incident.reports.select_related("organisation").order_by("-period", "organisation__code")
        )
        return {
            "incident": incident,
            "entries": incident.entries.select_related("post").order_by("-at"),
            "reports": reports,
            "mine": next(
                (r for r in reports if r.organisation_id == actor.organisation_id and r.reported_at is None),
                None,
            ),
            "totals": _totals(reports),
            "hastened": incident.affected.count(),
            "leads": authority.may(actor, "incident.lead", Subject(organisation_id=incident.organisation_id)),
        }

    def do() -> str | None:
        form = request.POST
        verb, text = form.get("verb"), form.get("text", "")
        if verb == "say":
            actions.say(actor, incident, text, is_public=form.get("public") == "on")
        elif verb == "report":
            waiting = incident.reports.filter(pk=whole(form.get("report", ""), "report")).first()
            if waiting is None:
                raise NotFound(_("There is no such report."))
            figures = {n: whole(form[n], n) for n in ("moved", "hurt", "flooded") if form.get(n, "").strip()}
            actions.report(actor, waiting, text, figures=figures)
        elif verb == "end":
            actions.end(actor, incident, reason=text)
        elif verb == "review":
            actions.review(actor, incident, text)
        else:
            raise Invalid(_("Choose what to do."))
        return None

    return page(request, "desk/joint/incident.html", context, do)


@require_safe
def public(request: HttpRequest, pk: int) -> HttpResponse:
    """How an emergency stands, for everybody; nothing internal is on it."""
    incident = _incident(pk)
    context = {
        "incident": incident,
        "entries": incident.entries.filter(is_public=True).order_by("-at"),
        "now": timezone.now(),
    }
    return render(request, "desk/joint/situation.html", context)


def _incident(pk: int) -> Incident:
    incident = Incident.objects.filter(pk=pk).select_related("area", "organisation").first()
    if incident is None:
        raise NotFound(_("There is no such incident."))
    return incident


def _totals(reports: list[SituationReport]) -> dict[str, int]:
    """The figures of the newest period that somebody reported."""
    periods = [r.period for r in reports if r.reported_at is not None]
    total: dict[str, int] = {}
    for report in reports:
        if periods and report.period == max(periods):
            for name, value in report.figures.items():
                total[name] = total.get(name, 0) + int(value)
    return total
