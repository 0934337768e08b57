"""Pushing by hand (人工督办): a supervisor asks, the organisation must answer in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import numbers, staff_notices
from gongzhi.cases.actions._core import checked_text, subject_of
from gongzhi.cases.actions.handling import calendar
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case
from gongzhi.cases.personal_text import masked
from gongzhi.errors import WrongState
from gongzhi.ledger import acts
from gongzhi.registry import authority
from gongzhi.registry.authority import SYSTEM, Actor
from gongzhi.supervision import settings
from gongzhi.supervision.clocks import Chain
from gongzhi.supervision.models import Level, Urging


def urge(actor: Actor, case: Case, text: str, *, at: datetime | None = None) -> Urging:
    """Push the organisation that holds an open case; it must answer within the city's limit.

    Raises:
        NotAllowed: the actor does not oversee the organisation.
        WrongState: the case is no longer open, or nobody holds it.
        Invalid: no text.
    """
    text = checked_text(text)
    moment = at or timezone.now()
    with transaction.atomic():
        locked = Case.objects.select_for_update().get(pk=case.pk)
        authority.require(actor, "supervision.urge", subject_of(locked))
        if locked.state not in OPEN_STATES or locked.organisation_id is None or actor.post_id is None:
            raise WrongState(_("Only an open matter that an organisation holds can be urged."))
        due = calendar().due(moment, settings.current().urging_working_days)
        urging = Urging.objects.create(
            case=locked,
            organisation_id=locked.organisation_id,
            by_post_id=actor.post_id,
            text=text,
            at=moment,
            answer_due_at=due,
        )
        details = {
            "urging": urging.pk,
            "organisation": locked.organisation_id,
            "answer_due_at": acts.time_text(due),
        }
        acts.record(
            actor,
            "supervision.urge",
            "supervision",
            locked.pk,
            locked.number,
            details,
            reason=masked(text),
            at=moment,
        )
        told = [locked.post_id, *staff_notices.heads(locked.organisation_id)]
        _notify(locked, told, f"urge:{urging.pk}")
    return urging


def answer(actor: Actor, urging: Urging, text: str, *, at: datetime | None = None) -> Urging:
    """Answer an urging: what was done, what will be done and by when.

    Raises:
        NotAllowed: the actor's organisation was not urged.
        WrongState: it was answered already.
    """
    text = checked_text(text)
    moment = at or timezone.now()
    with transaction.atomic():
        urging = Urging.objects.select_for_update().select_related("case").get(pk=urging.pk)
        authority.require(
            actor, "supervision.answer_urging", authority.Subject(organisation_id=urging.organisation_id)
        )
        if urging.answered_at is not None:
            raise WrongState(_("This urging was answered already."))
        urging.answer, urging.answered_at, urging.answered_by_id = text, moment, actor.post_id
        urging.save(update_fields=["answer", "answered_at", "answered_by"])
        details = {"urging": urging.pk, "in_time": moment <= urging.answer_due_at}
        acts.record(
            actor, "supervision.answer_urging", "supervision", urging.case_id, urging.case.number, details,
            reason=masked(text), at=moment,
        )  # fmt: skip
    return urging


def raise_unanswered(now: datetime | None = None) -> int:
    """Bring urgings that nobody answered in time before the superior organisation, once each."""
    moment = now or timezone.now()
    chain = Chain()
    with transaction.atomic():
        late = list(
            Urging.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("case")
            .filter(answered_at=None, raised_at=None, answer_due_at__lte=moment)
            .order_by("pk")[:5_000]
        )
        Urging.objects.filter(pk__in=[u.pk for u in late]).update(raised_at=moment)
        ready = []
        for urging in late:
            to = chain.of(Level.SUPERIOR, urging.organisation_id, None)
            details = {
                "urging": urging.pk, "level": str(to.level), "organisation": to.organisation_id, "post": to.post_id,
            }  # fmt: skip
            ready.append(
                acts.prepared(
                    SYSTEM,
                    "supervision.raise_urging",
                    "supervision",
                    urging.case_id,
                    urging.case.number,
                    details,
                    at=moment,
                )
            )
            _notify(urging.case, [to.post_id], f"raised:{urging.pk}")
        acts.record_many(ready)
    return len(late)


def _notify(case: Case, posts: Sequence[int | None], key: str) -> None:
    staff_notices.tell(
        staff_notices.Kind.URGING, numbers.spoken(case.number), "/supervision/urgings/", posts, key=key
    )
