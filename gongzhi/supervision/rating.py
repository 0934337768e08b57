"""Rating (好差评): five levels, once for each handling, by link, text message or follow-up call."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from gongzhi.cases.actions._core import checked_text, step, subject_of
from gongzhi.cases.actions.handling import calendar
from gongzhi.cases.actions.requesting import digits_of
from gongzhi.cases.lifecycle import State, Verb
from gongzhi.cases.models import Case, Party
from gongzhi.cases.opening import secret_hash
from gongzhi.cases.personal_text import masked
from gongzhi.errors import Invalid, NotFound, WrongState
from gongzhi.ledger import acts
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.supervision import settings
from gongzhi.supervision.models import CallBack, FollowUp, Invitation, Rating
from gongzhi.supervision.rating_words import Meant

REASONS: dict[bool, tuple[str, ...]] = {
    True: ("slow", "not_solved", "attitude", "not_explained", "passed_around", "other"),
    False: ("fast", "solved", "attitude", "explained", "easy", "other"),
}
"""Reasons that can be ticked: for a bad rating (True), for any other."""


def rate(
    actor: Actor,
    case: Case,
    party: Party,
    level: int,
    *,
    reasons: Sequence[str] = (),
    text: str = "",
    channel: str = Rating.Channel.LINK,
    at: datetime | None = None,
) -> Rating:
    """Rate the present handling of a case, once for each party; a new handling can be rated anew.

    Raises:
        NotAllowed: the actor is neither the party nor somebody who may ask on its behalf.
        WrongState: nothing has been handled yet, or this handling was rated already by this party.
        Invalid: not a level from 1 to 5, an unknown reason.
    """
    if level not in Rating.Level.values:
        raise Invalid(fields={"level": _("Choose one of the five levels.")})
    is_bad = level <= 2
    unknown = [r for r in reasons if r not in REASONS[is_bad]]
    if unknown:
        raise Invalid(fields={"reasons": _("Choose reasons from the list.")})
    if text.strip():
        text = checked_text(text)
    with transaction.atomic():
        locked = Case.objects.select_for_update().get(pk=case.pk)
        if party.case_id != locked.pk:
            raise NotFound(_("There is no such case."))
        if locked.state not in (State.RESOLVED, State.RATED) or locked.resolved_at is None:
            raise WrongState(_("This matter has not been dealt with yet, or its time for rating is over."))
        handled_at = locked.resolved_at
        if Rating.objects.filter(party=party, handled_at=handled_at).exists():
            raise WrongState(_("You have rated this already. Thank you."))
        with step(actor, locked, Verb.RATE, at=at) as now:
            rating = Rating.objects.create(
                case=locked,
                party=party,
                organisation_id=locked.organisation_id,
                handled_at=handled_at,
                level=level,
                reasons=list(reasons),
                text=text.strip(),
                channel=channel,
                at=now.at,
            )
            now.details |= {"rating": level, "reasons": list(reasons), "channel": str(channel)}
            if is_bad:
                days = settings.current().put_right_working_days
                CallBack.objects.create(
                    rating=rating, organisation_id=locked.organisation_id, due_at=calendar().due(now.at, days)
                )
        Invitation.objects.filter(party=party, handled_at=handled_at, used_at=None).update(used_at=rating.at)
    case.refresh_from_db()
    return rating


def can_rate(case: Case, party: Party) -> bool:
    """Whether this party has a handling to rate and has not rated it."""
    if case.state not in (State.RESOLVED, State.RATED) or case.resolved_at is None:
        return False
    return not Rating.objects.filter(party=party, handled_at=case.resolved_at).exists()


def invite(case: Case, *, at: datetime | None = None) -> dict[int, str]:
    """Make a link to rate the present handling for each party that has none; gives party → secret.

    Merged cases' requesters are supporters of the case they were merged into, and are asked too.
    """
    moment = at or timezone.now()
    if case.resolved_at is None:
        return {}
    parties = Party.objects.filter(case=case).order_by("pk").values_list("pk", flat=True)
    asked = set(
        Invitation.objects.filter(case=case, handled_at=case.resolved_at).values_list("party_id", flat=True)
    )
    made = {}
    for party_id in [pk for pk in parties if pk not in asked]:
        secret = invite_party(case, party_id, at=moment)
        if secret:
            made[party_id] = secret
    return made


def invite_party(case: Case, party_id: int, *, at: datetime | None = None) -> str:
    """The secret of the link with which a party rates the present handling; "" once it was used.

    It is made from the installation's key, so that a notice that is written later, or again after a
    crash, carries the same link although only its hash is stored.
    """
    handled_at = case.resolved_at
    if handled_at is None:
        return ""
    # With a key: whoever knows party and time of handling still cannot make the link.
    what = f"{party_id}:{handled_at.astimezone(UTC).isoformat()}"
    digest = salted_hmac("gongzhi.rating", what, algorithm="sha256").digest()
    secret = base64.urlsafe_b64encode(digest[:24]).decode()
    days = settings.current().rate_within_days
    invited, is_new = Invitation.objects.get_or_create(
        party_id=party_id,
        handled_at=handled_at,
        defaults={
            "case": case,
            "secret_hash": secret_hash(secret),
            "expires_at": (at or timezone.now()) + timedelta(days=days),
        },
    )
    if invited.used_at is not None:
        return ""
    if not is_new and bytes(invited.secret_hash) != secret_hash(secret):
        # The installation's key was changed since; the link that is sent now is the one that counts.
        invited.secret_hash = secret_hash(secret)
        invited.save(update_fields=["secret_hash"])
    return secret


def invitation(secret: str, *, at: datetime | None = None) -> Invitation:
    """What a link to rate stands for.

    Raises:
        NotFound: no such link; the same answer for one that was used, is too old or belongs to an
            earlier handling, so that nothing is learned by guessing.
    """
    found = (
        Invitation.objects.select_related("party", "case")
        .filter(secret_hash=secret_hash(secret), used_at=None, expires_at__gt=at or timezone.now())
        .first()
    )
    if found is None or found.case.resolved_at != found.handled_at:
        raise NotFound(_("This link is not valid any more. You can rate with the link from your receipt."))
    return found


def rate_by_link(
    secret: str, level: int, *, reasons: Sequence[str] = (), text: str = "", at: datetime | None = None
) -> Rating:
    """Rate with a single-use link.

    Raises:
        NotFound: see `invitation`; Invalid, WrongState: see `rate`.
    """
    with transaction.atomic():
        held = invitation(secret, at=at)
        Invitation.objects.select_for_update().get(pk=held.pk)
        actor = Actor(kind="anonymous", party_ids=frozenset({held.party_id}))
        return rate(actor, held.case, held.party, level, reasons=reasons, text=text, at=at)


def rate_by_text(phone: str, meant: Meant, *, at: datetime | None = None) -> Rating:
    """Rate with an answer to a text message (see `rating_words.read`).

    It counts for the handling of this number that was asked about last and is not rated yet, or for
    the matter that the answer names.

    Raises:
        NotFound: nobody with this number was asked; Invalid, WrongState: see `rate`.
    """
    asked = asked_by(phone, at=at)
    if meant.number:
        asked = asked.filter(case__number=meant.number)
    last = asked.order_by("-pk").first()
    if last is None or meant.level is None:
        raise NotFound(_("There is nothing to rate for this telephone number."))
    actor = Actor(kind="anonymous", party_ids=frozenset({last.party_id}))
    return rate(
        actor,
        last.case,
        last.party,
        meant.level,
        reasons=meant.reasons,
        text=meant.text,
        channel=Rating.Channel.TEXT,
        at=at,
    )


def asked_by(phone: str, *, at: datetime | None = None) -> QuerySet[Invitation]:
    """The handlings that somebody with this number was asked about and can still rate."""
    digits = digits_of(phone)
    found = Invitation.objects.select_related("party", "case").filter(
        party__phone=digits,
        used_at=None,
        expires_at__gt=at or timezone.now(),
        case__resolved_at=F("handled_at"),
        case__state__in=(State.RESOLVED, State.RATED),
    )
    return found if digits else found.none()


def call(
    actor: Actor,
    party: Party,
    outcome: str,
    *,
    level: int | None = None,
    reasons: Sequence[str] = (),
    text: str = "",
    at: datetime | None = None,
) -> FollowUp:
    """Write down a follow-up call (回访); a rating given in it counts like any other.

    Raises:
        NotAllowed: the actor does not make such calls.
        Invalid: "rated" without a level.
        WrongState: see `rate`.
    """
    case = Case.objects.get(pk=party.case_id)
    authority.require(actor, "supervision.call", subject_of(case))
    if outcome not in FollowUp.Outcome.values or case.resolved_at is None or actor.post_id is None:
        raise Invalid(fields={"outcome": _("Choose what came of the call.")})
    with transaction.atomic():
        moment = at or timezone.now()
        if outcome == FollowUp.Outcome.RATED:
            if level is None:
                raise Invalid(fields={"level": _("Choose one of the five levels.")})
            asker = Actor(
                kind=actor.kind, person_id=actor.person_id, post_id=actor.post_id,
                organisation_id=actor.organisation_id, roles=actor.roles, party_ids=frozenset({party.pk}),
            )  # fmt: skip
            rate(
                asker, case, party, level, reasons=reasons, text=text, channel=Rating.Channel.CALL, at=moment
            )
        else:
            acts.record(
                actor,
                "supervision.follow_up",
                "supervision",
                case.pk,
                case.number,
                {"outcome": str(outcome)},
                at=moment,
            )
        return FollowUp.objects.create(
            party=party, handled_at=case.resolved_at, outcome=outcome, post_id=actor.post_id, at=moment
        )


def settle(
    actor: Actor,
    call_back: CallBack,
    outcome: str,
    *,
    reason: str = "",
    promised_on: date | None = None,
    at: datetime | None = None,
) -> CallBack:
    """Settle a bad rating after calling back: put right, or a reason and a date.

    Raises:
        NotAllowed: the actor's organisation did not handle the matter.
        WrongState: it was settled already.
        Invalid: no text of what was done; a promise without a reason or with a date that has passed.
    """
    moment = at or timezone.now()
    reason = checked_text(reason, field_name="reason")
    if outcome not in (CallBack.Outcome.PUT_RIGHT, CallBack.Outcome.PROMISED):
        raise Invalid(fields={"outcome": _("Choose what came of the call.")})
    if outcome == CallBack.Outcome.PROMISED and (promised_on is None or promised_on < moment.date()):
        raise Invalid(fields={"promised_on": _("Name the day by which it will be put right.")})
    with transaction.atomic():
        held = CallBack.objects.select_for_update().select_related("rating__case").get(pk=call_back.pk)
        authority.require(
            actor, "supervision.put_right", authority.Subject(organisation_id=held.organisation_id)
        )
        if held.outcome == CallBack.Outcome.PUT_RIGHT:
            raise WrongState(_("This was put right already."))
        held.outcome, held.reason, held.post_id = outcome, reason, actor.post_id
        held.promised_on = promised_on if outcome == CallBack.Outcome.PROMISED else None
        held.called_at = held.done_at = moment
        held.save()
        case = held.rating.case
        details = {"outcome": str(outcome), "in_time": moment <= held.due_at}
        if held.promised_on:
            details["promised_on"] = held.promised_on.isoformat()
        acts.record(
            actor,
            "supervision.put_right",
            "supervision",
            case.pk,
            case.number,
            details,
            reason=masked(reason),
            at=moment,
        )
    return held
