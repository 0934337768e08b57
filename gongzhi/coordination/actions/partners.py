"""Agreements with partners: signing, ending, entering costs and benefits, and issuing statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases.models import Case
from gongzhi.cases.texts import checked_text
from gongzhi.coordination import settlement
from gongzhi.coordination.actions._core import active, own_organisation, post_of, record, require
from gongzhi.coordination.agreements import covers, is_partner
from gongzhi.coordination.models import Agreement, Entry, Settlement
from gongzhi.errors import Invalid, NotAllowed, NotFound, WrongState
from gongzhi.ledger import acts
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Area, Organisation


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed; money in cents, shares in thousandths."""

    functions: Sequence[str]
    working_days: int
    valid_from: date
    valid_until: date
    target_permille: int = 950
    fee_cents: int = 0
    penalty_cents: int = 0
    cost_permille: int = 0
    benefit_permille: int = 0


def sign(
    actor: Actor, partner: Organisation, title: str, area: Area, terms: Terms, *, at: datetime | None = None
) -> Agreement:
    """Sign an agreement for the actor's organisation; the act holds all terms.

    Raises:
        Invalid: the other side is no partner, a function is unknown, dates or shares do not fit, or
            another agreement of the partner covers the same function at the same time.
        NotAllowed: the actor is no supervisor or leader.
    """
    title = checked_text(title, field_name="title")[:200]
    signer = own_organisation(actor)
    require(actor, "agreement.sign", signer, own=True)
    if is_partner(signer):
        raise NotAllowed(_("Agreements are signed by a public body."))
    if not is_partner(active(partner, "partner").pk):
        raise Invalid(fields={"partner": _("%(name)s is no partner.") % {"name": partner.name}})
    _check(terms)
    leaves = settlement.leaves(terms.functions)
    with transaction.atomic():
        Organisation.objects.select_for_update().get(pk=partner.pk)
        for other in Agreement.objects.filter(
            partner=partner,
            ended_at=None,
            valid_from__lte=terms.valid_until,
            valid_until__gte=terms.valid_from,
        ):
            if set(settlement.leaves(other.functions)) & set(leaves) and _meet(other.area, area):
                sentence = _("“%(title)s” covers some of these functions here already.")
                raise Invalid(fields={"functions": sentence % {"title": other.title}})
        agreement = Agreement.objects.create(
            partner=partner,
            organisation_id=signer,
            title=title,
            area=area,
            functions=list(terms.functions),
            working_days=terms.working_days,
            target_permille=terms.target_permille,
            fee_cents=terms.fee_cents,
            penalty_cents=terms.penalty_cents,
            cost_permille=terms.cost_permille,
            benefit_permille=terms.benefit_permille,
            valid_from=terms.valid_from,
            valid_until=terms.valid_until,
        )
        details = {
            "partner": partner.pk,
            "title": title,
            "functions": leaves,
            "areas": settlement.areas_within(area.code),
            "working_days": terms.working_days,
            "target_permille": terms.target_permille,
            "fee_cents": terms.fee_cents,
            "penalty_cents": terms.penalty_cents,
            "cost_permille": terms.cost_permille,
            "benefit_permille": terms.benefit_permille,
            "valid_from": terms.valid_from.isoformat(),
            "valid_until": terms.valid_until.isoformat(),
        }
        record(actor, "agreement.sign", agreement.pk, details, at=at)
    return agreement


def end(actor: Actor, agreement: Agreement, *, reason: str, at: datetime | None = None) -> Agreement:
    """End an agreement before its term.

    Raises:
        Invalid: no reason.
        WrongState: it has ended.
    """
    reason = checked_text(reason, field_name="reason")
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(agreement)
        require(actor, "agreement.end", locked.organisation_id, own=True)
        if locked.ended_at is not None:
            raise WrongState(_("This agreement has ended."))
        locked.ended_at = now
        locked.save(update_fields=["ended_at"])
        record(actor, "agreement.end", locked.pk, {"partner": locked.partner_id}, reason=reason, at=now)
    return locked


def enter(
    actor: Actor,
    agreement: Agreement,
    kind: str,
    *,
    amount_cents: int,
    month: str,
    note: str,
    at: datetime | None = None,
) -> Entry:
    """Enter a cost or a benefit of a month, to be shared as agreed.

    Raises:
        Invalid: an unknown kind, no amount, a month that is not written 2026-11, or no note.
        WrongState: the month is settled.
    """
    note = checked_text(note, field_name="note")[:300]
    now = at or timezone.now()
    settlement.bounds(month)
    if kind not in Entry.Kind.values:
        raise Invalid(
            fields={"kind": _("Choose one of: %(values)s.") % {"values": ", ".join(Entry.Kind.values)}}
        )
    if not 0 < amount_cents < 10**15:
        raise Invalid(fields={"amount_cents": _("Enter an amount above nothing.")})
    with transaction.atomic():
        locked = _locked(agreement)
        require(actor, "agreement.enter", locked.organisation_id, own=True)
        if Settlement.objects.filter(partner_id=locked.partner_id, month=month).exists():
            raise WrongState(_("This month is settled; enter it in the next one."))
        entry = Entry.objects.create(
            agreement=locked,
            kind=kind,
            amount_cents=amount_cents,
            month=month,
            note=note,
            post_id=post_of(actor),
            entered_at=now,
        )
        details = {"partner": locked.partner_id, "kind": kind, "amount_cents": amount_cents, "month": month}
        record(actor, "agreement.enter", locked.pk, details, reason=note, at=now)
    return entry


def issue_statement(
    actor: Actor, partner: Organisation, month: str, *, at: datetime | None = None
) -> Settlement:
    """Issue the statement of a month that is over; the act holds its digest.

    Issuing it again gives the one that was issued.

    Raises:
        Invalid: the month is not over, or not written 2026-11.
    """
    authority.require(actor, "settlement.issue")
    now = at or timezone.now()
    until = settlement.bounds(month)[1]
    if now < until:
        raise Invalid(fields={"month": _("This month is not over yet.")})
    with transaction.atomic():
        Organisation.objects.select_for_update().get(pk=partner.pk)
        earlier = Settlement.objects.filter(partner=partner, month=month).first()
        if earlier is not None:
            return earlier
        statement = settlement.computed(partner.pk, month)
        issued = Settlement.objects.create(
            partner=partner,
            month=month,
            statement=statement,
            digest=settlement.digest(statement),
            issued_at=now,
        )
        details = {"partner": partner.pk, "month": month, "digest": issued.digest, "total_cents": statement["total_cents"]}  # fmt: skip
        record(actor, "settlement.issue", issued.pk, details, at=now)
    return issued


def check_reading(actor: Actor, case: Case) -> None:
    """Pass silently, or refuse and record that a partner looked at a case outside its agreements.

    Others than partners are not concerned. The refusal is recorded in a transaction of its own, so
    that it stays whatever the caller does next.

    Raises:
        NotAllowed: no agreement of the partner covers the case, and it has no part in it.
    """
    if actor.organisation_id is None or not is_partner(actor.organisation_id):
        return
    if covers(actor.organisation_id, case):
        return
    with transaction.atomic():
        acts.record(
            actor,
            "partner.refuse_reading",
            "partner",
            actor.organisation_id,
            case.number,
            {"case": case.number, "why": "outside_agreement"},
        )
    raise NotAllowed(
        _("This case is outside your agreement with the city; that you asked for it was recorded.")
    )


def _check(terms: Terms) -> None:
    wrong: dict[str, str] = {}
    known = snapshot.current().function_by_code
    unknown = [code for code in terms.functions if code not in known]
    if not terms.functions or unknown:
        wrong["functions"] = _("There is no such function.")
    if terms.valid_until < terms.valid_from:
        wrong["valid_until"] = _("The end lies before the beginning.")
    if not 1 <= terms.working_days <= 365:
        wrong["working_days"] = _("From 1 to 365 working days.")
    for name in ("target_permille", "cost_permille", "benefit_permille"):
        if not 0 <= getattr(terms, name) <= 1000:
            wrong[name] = _("A share lies between nothing and all.")
    for name in ("fee_cents", "penalty_cents"):
        if not 0 <= getattr(terms, name) < 2**31:
            wrong[name] = _("Enter an amount that is not negative.")
    if wrong:
        raise Invalid(fields=wrong)


def _meet(one: Area, other: Area) -> bool:
    return one.pk in other.ancestors or other.pk in one.ancestors


def _locked(agreement: Agreement) -> Agreement:
    locked = Agreement.objects.select_for_update().filter(pk=agreement.pk).first()
    if locked is None:
        raise NotFound(_("There is no such agreement."))
    return locked
