"""Leaving unreasonable demands out of the rates (剔除): reason, evidence, a second person, appeal, acts."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases.actions._core import checked_text, choices, subject_of
from gongzhi.cases.models import Case
from gongzhi.cases.personal_text import masked
from gongzhi.errors import Invalid, NotAllowed, WrongState
from gongzhi.ledger import acts
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.supervision import settings
from gongzhi.supervision.models import Exclusion, RateFact

REASONS = ("unlawful", "untrue", "settled_in_law", "abusive", "repeated_after_answer")
_LEAST_ALLOWED = 1


def ask(
    actor: Actor, case: Case, *, reason_code: str, reason: str, evidence: str, at: datetime | None = None
) -> Exclusion:
    """Ask that a case be left out of the rates.

    Raises:
        NotAllowed: the actor's organisation does not hold it.
        Invalid: no reason or evidence.
        WrongState: it was asked before.
    """
    choices(REASONS, reason_code, "reason_code")
    reason = checked_text(reason, field_name="reason")
    evidence = checked_text(evidence, field_name="evidence")
    moment = at or timezone.now()
    authority.require(actor, "supervision.ask_exclusion", subject_of(case))
    if actor.post_id is None:
        raise NotAllowed(_("Only a named person in a post can ask for this."))
    with transaction.atomic():
        if Exclusion.objects.filter(case=case).exists():
            raise WrongState(_("This was asked for this matter already."))
        found = Exclusion.objects.create(
            case=case, reason_code=reason_code, reason=reason, evidence=evidence, asked_by_id=actor.post_id,
            asked_at=moment,
        )  # fmt: skip
        _record(actor, found, "ask_exclusion", masked(reason), moment)
    return found


def decide(actor: Actor, exclusion: Exclusion, *, agree: bool, at: datetime | None = None) -> Exclusion:
    """Decide as the second person whether the case is left out.

    Raises:
        NotAllowed: the actor asked for it, or may not decide.
        WrongState: it was decided already, or the organisation has left out as many as the city permits.
    """
    moment = at or timezone.now()
    authority.require(actor, "supervision.decide_exclusion")
    with transaction.atomic():
        held = Exclusion.objects.select_for_update().select_related("case").get(pk=exclusion.pk)
        if held.state != Exclusion.State.ASKED:
            raise WrongState(_("This was decided already."))
        if actor.post_id is None or actor.post_id == held.asked_by_id:
            raise NotAllowed(_("A second person must decide this."))
        if agree and not _is_within_bound(held):
            raise WrongState(
                _("This organisation has left out as many matters of that month as the city permits.")
            )
        held.decided_by_id, held.decided_at = actor.post_id, moment
        held.state = Exclusion.State.AGREED if agree else Exclusion.State.REFUSED
        held.save()
        _record(actor, held, "decide_exclusion", "", moment)
    return held


def appeal(actor: Actor, exclusion: Exclusion, text: str, *, at: datetime | None = None) -> Exclusion:
    """Appeal as the requester against being left out."""
    moment = at or timezone.now()
    text = checked_text(text)
    with transaction.atomic():
        held = Exclusion.objects.select_for_update().select_related("case").get(pk=exclusion.pk)
        authority.require(actor, "supervision.appeal_exclusion", subject_of(held.case))
        if held.state != Exclusion.State.AGREED:
            raise WrongState(_("There is nothing to appeal against."))
        held.appeal, held.appealed_at, held.state = text, moment, Exclusion.State.APPEALED
        held.save()
        _record(actor, held, "appeal_exclusion", masked(text), moment)
    return held


def decide_appeal(
    actor: Actor, exclusion: Exclusion, *, lift: bool, reason: str, at: datetime | None = None
) -> Exclusion:
    """Decide on an appeal, as somebody who neither asked for the exclusion nor decided it."""
    moment = at or timezone.now()
    reason = checked_text(reason, field_name="reason")
    authority.require(actor, "supervision.lift_exclusion")
    with transaction.atomic():
        held = Exclusion.objects.select_for_update().select_related("case").get(pk=exclusion.pk)
        if held.state != Exclusion.State.APPEALED:
            raise WrongState(_("There is no appeal to decide."))
        if actor.post_id in (None, held.asked_by_id, held.decided_by_id):
            raise NotAllowed(_("Somebody who has not decided on it before must decide the appeal."))
        # A refused appeal leaves it excluded; the refusal and its reason are in the record.
        held.state = Exclusion.State.LIFTED if lift else Exclusion.State.AGREED
        held.save()
        _record(actor, held, "decide_appeal", masked(reason), moment)
    return held


def _is_within_bound(exclusion: Exclusion) -> bool:
    """Whether one more may be left out of the organisation's matters of that month."""
    case = exclusion.case
    share = settings.current().most_excluded_percent / 100
    fact = RateFact.objects.filter(case=case).first()
    if fact is None:
        raise Invalid(_("This matter is not counted yet; try again in a few minutes."))
    same = RateFact.objects.filter(month=fact.month, organisation_id=fact.organisation_id)
    return same.filter(excluded=1).count() + 1 <= max(_LEAST_ALLOWED, int(share * same.count()))


def _record(actor: Actor, exclusion: Exclusion, verb: str, reason: str, at: datetime) -> None:
    case = exclusion.case
    details = {"reason_code": exclusion.reason_code, "state": str(exclusion.state)}
    acts.record(
        actor, f"supervision.{verb}", "supervision", case.pk, case.number, details, reason=reason, at=at
    )
