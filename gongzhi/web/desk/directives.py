"""Pages of directives: what one's organisation ordered and was ordered, and how it stands at all levels."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.coordination import forms
from gongzhi.coordination.actions import directives as actions
from gongzhi.coordination.models import Directive, Order
from gongzhi.coordination.rollup import roll_up
from gongzhi.errors import Invalid, NotAllowed, NotFound
from gongzhi.registry import queries, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Role
from gongzhi.web.desk.joint import moment, organisations, page, staff

_KINDS = {"number": "number", "数字": "number", "integer": "integer", "整数": "integer", "text": "string",
          "文字": "string", "yes/no": "boolean", "是否": "boolean"}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Issue a directive; see those that were issued and received."""
    actor = staff(request)
    mine = actor.organisation_id or 0
    view = snapshot.current()

    def context() -> dict[str, Any]:
        below = queries.organisations_below(mine)
        return {
            "issued": Directive.objects.filter(issuer=mine).order_by("-issued_at")[:50],
            "orders": Order.objects.filter(organisation=mine)
            .select_related("directive__issuer")
            .order_by("-due_at")[:50],
            "below": sorted((o for o in view.organisations.values() if o.id in below), key=lambda o: o.code),
            "may_issue": bool({Role.SUPERVISOR, Role.LEADER} & actor.roles),
            "parent": _parent(request, actor),
        }

    def do() -> str:
        form = request.POST
        parent = _parent(request, actor)
        directive = actions.issue(
            actor,
            form.get("title", ""),
            form.get("text", ""),
            organisations(form.getlist("targets"), "targets"),
            due_at=moment(form.get("due_at", ""), "due_at"),
            form=_written_form(form.get("fields", "")) if parent is None or form.get("fields") else None,
            parent=parent,
        )
        return f"/desk/directives/{directive.pk}/"

    return page(request, "desk/joint/directives.html", context, do)


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One directive: its text, what was reported at every level, and one's own report."""
    actor = staff(request)
    directive = Directive.objects.filter(pk=pk).select_related("issuer", "parent__directive").first()
    if directive is None:
        raise NotFound(_("There is no such directive."))
    order = directive.orders.filter(organisation=actor.organisation_id or 0).first()
    is_above = actor.organisation_id == directive.issuer_id or directive.issuer_id in actor.subordinate_ids
    if order is None and not is_above:
        raise NotAllowed(_("This directive does not concern your organisation."))

    def context() -> dict[str, Any]:
        now = timezone.now()
        asked = forms.fields(directive.form)
        return {
            "directive": directive,
            "order": order,
            "fields": asked,
            "totals": [(f.title, found.totals[f.name]) for f in asked if f.name in found.totals]
            if (found := roll_up(directive, now))
            else [],
            "found": found,
            "is_above": is_above,
            "is_mine": actor.organisation_id == directive.issuer_id,
        }

    def do() -> str | None:
        verb = request.POST.get("verb")
        if verb == "close":
            actions.close(actor, directive, reason=request.POST.get("reason", ""))
        elif order is None:
            raise NotAllowed()
        elif verb == "acknowledge":
            actions.acknowledge(actor, order)
        elif verb == "report":
            typed = {k.removeprefix("f-"): str(v) for k, v in request.POST.items() if k.startswith("f-")}
            actions.report(actor, order, forms.read_answer(directive.form, typed))
        else:
            raise Invalid(_("Choose what to do."))
        return None

    return page(request, "desk/joint/directive.html", context, do)


def _parent(request: HttpRequest, actor: Actor) -> Order | None:
    given = request.POST.get("parent") or request.GET.get("parent") or ""
    if not given.isdecimal():
        return None
    rows = Order.objects.filter(pk=int(given[:18]), organisation=actor.organisation_id or 0)
    return rows.select_related("directive").first()


def _written_form(text: str) -> dict[str, Any]:
    """A form from lines such as ``已排查（处）: 整数``; without a kind a field is a text."""
    properties: dict[str, Any] = {}
    for line in text.splitlines():
        title, _colon, kind = line.replace("：", ":").rpartition(":")
        if not title:
            title, kind = kind, "text"
        if not title.strip():
            continue
        known = _KINDS.get(kind.strip().lower())
        if known is None:
            sentence = _("Write the kind of “%(line)s” as text, number, integer or yes/no.")
            raise Invalid(fields={"fields": sentence % {"line": line.strip()}})
        properties[f"f{len(properties) + 1}"] = {"type": known, "title": title.strip()[:100]}
    if not properties:
        return {}
    return {"type": "object", "properties": properties, "required": list(properties)}
