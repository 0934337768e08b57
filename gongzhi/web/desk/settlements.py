"""Pages of agreements with partners and their monthly statements."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.coordination import agreements, clocks, settlement, statement_paper, what_moves
from gongzhi.coordination.actions import partners as actions
from gongzhi.coordination.models import Agreement, Settlement
from gongzhi.errors import Invalid, NotFound
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Area, Organisation, Role
from gongzhi.web.desk.joint import moment, organisations, page, staff, whole


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """All agreements that one may see, the statements that were issued, and signing and entering."""
    actor = staff(request)

    def context() -> dict[str, Any]:
        rows = [
            a
            for a in Agreement.objects.select_related("partner", "area").order_by("-valid_from", "pk")
            if authority.may(actor, "settlement.see", Subject(organisation_id=a.partner_id))
            or a.organisation_id == actor.organisation_id
        ]
        issued = Settlement.objects.filter(partner__in={a.partner_id for a in rows}).select_related("partner")
        view = snapshot.current()
        ending = request.GET.get("end") or request.POST.get("agreement", "")
        signs = bool({Role.SUPERVISOR, Role.LEADER} & actor.roles)
        mine = [a for a in rows if a.organisation_id == actor.organisation_id and a.ended_at is None]
        to_end = next((a for a in mine if str(a.pk) == ending and request.POST.get("verb") != "enter"), None)
        return {
            "agreements": rows,
            "to_end": to_end if signs else None,
            "open_tasks": what_moves.of_agreement(to_end) if to_end else 0,
            "issued": issued.order_by("-month", "partner__code")[:100],
            "month": clocks.last_month(timezone.now()),
            "may_sign": signs and not agreements.is_partner(actor.organisation_id or 0),
            "mine": mine,
            "partners": [o for o in view.organisations.values() if o.kind != "government"],
            "functions": sorted(view.functions.values(), key=lambda f: f.code),
            "areas": [a for a in view.areas.values() if a.level != "grid"],
        }

    def do() -> str | None:
        form = request.POST
        if form.get("verb") == "sign":
            _sign(actor, form)
        elif form.get("verb") == "end_agreement":
            if form.get("confirm") != "yes":
                raise Invalid(fields={"confirm": _("Confirm that you have seen what will move.")})
            actions.end(actor, _agreement(form), reason=form.get("reason", ""))
        elif form.get("verb") == "enter":
            agreement = _agreement(form)
            actions.enter(
                actor,
                agreement,
                form.get("kind", ""),
                amount_cents=cents(form.get("amount", ""), "amount"),
                month=form.get("month", ""),
                note=form.get("note", ""),
            )
        else:
            raise Invalid(_("Choose what to do."))
        return None

    return page(request, "desk/joint/settlements.html", context, do)


def _agreement(form: QueryDict) -> Agreement:
    found = Agreement.objects.filter(pk=whole(form.get("agreement", ""), "agreement")).first()
    if found is None:
        raise NotFound(_("There is no such agreement."))
    return found


def _sign(actor: Actor, form: QueryDict) -> None:
    area = Area.objects.filter(code=form.get("area", "")).first()
    if area is None:
        raise Invalid(fields={"area": _("There is no such area.")})
    (partner,) = organisations([form.get("partner", "")], "partner")
    terms = actions.Terms(
        functions=form.getlist("functions"),
        working_days=whole(form.get("working_days", ""), "working_days"),
        valid_from=moment(form.get("valid_from", ""), "valid_from").date(),
        valid_until=moment(form.get("valid_until", ""), "valid_until").date(),
        fee_cents=cents(form.get("fee", "") or "0", "fee"),
        penalty_cents=cents(form.get("penalty", "") or "0", "penalty"),
        cost_permille=10 * whole(form.get("cost_percent", "") or "0", "cost_percent"),
        benefit_permille=10 * whole(form.get("benefit_percent", "") or "0", "benefit_percent"),
    )
    actions.sign(actor, partner, form.get("title", ""), area, terms)


def cents(text: str, field: str) -> int:
    """An amount as people write it, in cents: 80 or 80.50.

    Raises:
        Invalid: it is none.
    """
    found = re.fullmatch(r"([0-9]{1,12})(?:\.([0-9]{1,2}))?", text.strip())
    if found is None:
        raise Invalid(fields={field: _("Write an amount such as 80 or 80.50.")})
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


@require_safe
def statement(request: HttpRequest, code: str, month: str) -> HttpResponse:
    """The statement of a partner, computed anew from the acts; as a page, as CSV or as a paper."""
    actor = staff(request)
    partner = Organisation.objects.filter(code=code).first()
    if partner is None:
        raise NotFound(_("There is no such organisation."))
    signs = Agreement.objects.filter(partner=partner, organisation_id=actor.organisation_id or 0).exists()
    if not signs:
        authority.require(actor, "settlement.see", Subject(organisation_id=partner.pk))
    found = settlement.computed(partner.pk, month)
    if request.GET.get("format") == "csv":
        name = f'attachment; filename="{partner.code}-{month}.csv"'
        content = "\ufeff" + settlement.as_csv(found)
        return HttpResponse(
            content, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
        )
    if request.GET.get("format") == "pdf":
        name = f'attachment; filename="{partner.code}-{month}.pdf"'
        paper = statement_paper.as_pdf(partner, month)
        return HttpResponse(paper, content_type="application/pdf", headers={"Content-Disposition": name})
    issued = Settlement.objects.filter(partner=partner, month=month).first()
    digest = settlement.digest(found)
    context = {
        "partner": partner,
        "statement": found,
        "digest": digest,
        "issued": issued,
        "is_same": issued is None or issued.digest == digest,
    }
    return render(request, "desk/joint/statement.html", context)
