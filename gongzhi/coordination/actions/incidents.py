"""Emergency mode: declared for an area, it changes deadlines, collects reports, and ends with a review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import actions, rules
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case
from gongzhi.cases.opening import utc_text
from gongzhi.cases.personal_text import masked
from gongzhi.cases.texts import checked_text
from gongzhi.coordination import settlement
from gongzhi.coordination.actions._core import own_organisation, post_of, record, require
from gongzhi.coordination.models import Affected, Incident, SituationEntry, SituationReport
from gongzhi.errors import Conflict, Invalid, NotFound, WrongState
from gongzhi.registry import queries, snapshot
from gongzhi.registry.authority import SYSTEM, Actor
from gongzhi.registry.models import Area, Organisation

REVIEW_WITHIN_WORKING_DAYS = 10
_MOST_FIGURES = 30


@dataclass(frozen=True, slots=True)
class Measures:
    """What emergency mode means for matters and reports.

    Attributes:
        functions: whose matters become urgent, with all below them; empty: all.
        resolve_hours: until when they are to be done.
        report_hours: how often all levels report.
    """

    resolve_hours: int
    report_hours: int
    functions: Sequence[str] = ()


def declare(
    actor: Actor, title: str, area: Area, level: int, measures: Measures, *, at: datetime | None = None
) -> Incident:
    """Put an area into emergency mode; the deadlines of its matters change at once.

    Raises:
        Invalid: no title, an unknown level or function, or hours that make no sense.
    """
    title = checked_text(title, field_name="title")[:200]
    leading = own_organisation(actor)
    _check(level, measures)
    now = at or timezone.now()
    with transaction.atomic():
        require(actor, "incident.declare", leading, own=True)
        incident = Incident.objects.create(
            title=title,
            area=area,
            level=level,
            organisation_id=leading,
            post_id=post_of(actor),
            functions=list(measures.functions),
            resolve_hours=measures.resolve_hours,
            report_hours=measures.report_hours,
            began_at=now,
        )
        details = {
            "area": area.code,
            "level": level,
            "functions": list(measures.functions),
            "resolve_hours": measures.resolve_hours,
            "report_hours": measures.report_hours,
        }
        record(actor, "incident.declare", incident.pk, details, reason=title, at=now)
        include_matters(incident, now)
        _ask_for_reports(incident, 1, now)
    return incident


def include_matters(incident: Incident, now: datetime) -> int:
    """Change the deadline of the open matters in the area that were not changed yet; gives how many.

    A deadline only comes nearer: what is due earlier by itself stays as it is.
    """
    cases = Case.objects.filter(
        state__in=OPEN_STATES,
        area__ancestors__contains=[incident.area_id],
        opened_at__gte=now - timedelta(days=365),
    ).exclude(pk__in=Affected.objects.filter(incident=incident).values("case"))
    if incident.functions:
        cases = cases.filter(function__code__in=settlement.leaves(incident.functions))
    count = 0
    for case in cases.order_by("pk")[:5_000]:
        due = max(case.opened_at, incident.began_at) + timedelta(hours=incident.resolve_hours)
        if due >= case.due_at or case.paused_at is not None:
            continue
        try:
            with transaction.atomic():
                Affected.objects.create(incident=incident, case=case, due_before=case.due_at, due_during=due)
                actions.set_due(case, due, why=f"incident:{incident.pk}", reason=incident.title, at=now)
            count += 1
        except (IntegrityError, WrongState, Conflict):
            continue  # another round was quicker, or the matter has ended
    return count


def say(
    actor: Actor, incident: Incident, text: str, *, is_public: bool, at: datetime | None = None
) -> SituationEntry:
    """Write an entry of the situation, for everybody or for staff.

    Raises:
        Invalid: no text.
        WrongState: the incident is over.
    """
    text = checked_text(text)
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(incident.pk)
        require(actor, "incident.lead", locked.organisation_id)
        _still(locked, Incident.State.ON)
        entry = SituationEntry.objects.create(
            incident=locked,
            is_public=is_public,
            text=masked(text) if is_public else text,
            post_id=post_of(actor),
            at=now,
        )
        record(actor, "incident.say", locked.pk, {"public": is_public, "entry": entry.pk}, at=now)
    return entry


def report(
    actor: Actor,
    waiting: SituationReport,
    text: str,
    *,
    figures: dict[str, int] | None = None,
    at: datetime | None = None,
) -> SituationReport:
    """Report for one's organisation and period.

    Args:
        figures: whole numbers under short names, added up over all organisations.

    Raises:
        Invalid: no text, or figures that are none.
        WrongState: this period was reported already.
    """
    text = checked_text(text)
    numbers = _checked_figures(figures or {})
    now = at or timezone.now()
    with transaction.atomic():
        locked = SituationReport.objects.select_for_update().filter(pk=waiting.pk).first()
        if locked is None:
            raise NotFound(_("There is no such report."))
        require(actor, "incident.report", locked.organisation_id, own=True)
        if locked.reported_at is not None:
            raise WrongState(_("This period was reported already."))
        locked.text, locked.figures, locked.post_id, locked.reported_at = text, numbers, actor.post_id, now
        locked.save()
        details = {
            "by": locked.organisation_id,
            "period": locked.period,
            "in_time": now <= locked.due_at,
            "figures": numbers,
        }
        record(actor, "incident.report", locked.incident_id, details, at=now)
    return locked


def end(actor: Actor, incident: Incident, *, reason: str, at: datetime | None = None) -> Incident:
    """End emergency mode: deadlines go back where they were, and a review is due.

    A matter that was given less time gets its old deadline, but at least one working day from now.

    Raises:
        Invalid: no reason.
        WrongState: it is over already.
    """
    reason = checked_text(reason, field_name="reason")
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(incident.pk)
        require(actor, "incident.lead", locked.organisation_id)
        _still(locked, Incident.State.ON)
        restored = _restore(locked, now)
        locked.state, locked.ended_at = Incident.State.REVIEW, now
        locked.review_by = rules.calendar().due(now, REVIEW_WITHIN_WORKING_DAYS)
        locked.save()
        details = {"restored": restored, "review_by": utc_text(locked.review_by)}
        record(actor, "incident.end", locked.pk, details, reason=masked(reason), at=now)
    return locked


def review(actor: Actor, incident: Incident, text: str, *, at: datetime | None = None) -> Incident:
    """Say publicly what went well and what did not; with that the incident is closed.

    Raises:
        Invalid: no text.
        WrongState: it is still going on, or was reviewed.
    """
    text = checked_text(text)
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(incident.pk)
        require(actor, "incident.lead", locked.organisation_id)
        _still(locked, Incident.State.REVIEW)
        locked.state, locked.review, locked.reviewed_at = Incident.State.REVIEWED, masked(text), now
        locked.save()
        in_time = locked.review_by is not None and now <= locked.review_by
        record(actor, "incident.review", locked.pk, {"in_time": in_time}, at=now)
    return locked


def next_period(incident_id: int, now: datetime) -> bool:
    """Ask for the reports of the period that has begun; False when that was done."""
    with transaction.atomic():
        locked = _locked(incident_id)
        if locked.state != Incident.State.ON:
            return False
        period = int((now - locked.began_at) / timedelta(hours=locked.report_hours)) + 1
        return _ask_for_reports(locked, period, now) > 0


def miss_report(report_id: int, *, at: datetime) -> bool:
    """Record that no report came in time; False when there was one, or it was recorded before."""
    with transaction.atomic():
        locked = SituationReport.objects.select_for_update().get(pk=report_id)
        if locked.reported_at is not None or locked.missed_at is not None or at < locked.due_at:
            return False
        locked.missed_at = at
        locked.save(update_fields=["missed_at"])
        details = {"by": locked.organisation_id, "period": locked.period}
        record(SYSTEM, "incident.miss", locked.incident_id, details, at=at)
    return True


def _ask_for_reports(incident: Incident, period: int, now: datetime) -> int:
    due = incident.began_at + timedelta(hours=incident.report_hours) * period
    known = set(
        SituationReport.objects.filter(incident=incident, period=period).values_list(
            "organisation_id", flat=True
        )
    )
    missing = [pk for pk in _reporting(incident) if pk not in known]
    SituationReport.objects.bulk_create(
        SituationReport(incident=incident, organisation_id=pk, period=period, due_at=due) for pk in missing
    )
    return len(missing)


def _reporting(incident: Incident) -> list[int]:
    """All bodies of the state whose area lies in the incident's, or around it below the city, and those
    that lead the functions in question."""
    ancestors = incident.area.ancestors
    inside = Organisation.objects.filter(
        is_active=True, kind="government", area__ancestors__contains=[incident.area_id]
    ).exclude(level="city")
    around = Organisation.objects.filter(is_active=True, kind="government", area__in=ancestors).exclude(
        level="city"
    )
    found = set(inside.values_list("pk", flat=True)) | set(around.values_list("pk", flat=True))
    view = snapshot.current()
    leaves = set(settlement.leaves(incident.functions)) if incident.functions else set()
    ids = {f.id for f in view.functions.values() if f.code in leaves}
    above = {a for f in view.functions.values() if f.id in ids for a in f.ancestors}
    for (function_id, area_id), rows in view.mandates_of.items():
        if function_id in above and area_id in ancestors:
            found |= {m.organisation_id for m in rows if m.role == "lead"}
    below = queries.organisations_below(incident.organisation_id) | {incident.organisation_id}
    return sorted(found & below)


def _restore(incident: Incident, now: datetime) -> int:
    count = 0
    for row in Affected.objects.filter(incident=incident, restored_at=None).select_related("case"):
        case = row.case
        if case.state in OPEN_STATES and case.due_at == row.due_during:
            due = max(row.due_before, rules.calendar().due(now, 1))
            why = _("The emergency is over.")
            actions.set_due(case, due, why=f"incident:{incident.pk}", reason=why, at=now)
            count += 1
        row.restored_at = now
        row.save(update_fields=["restored_at"])
    return count


def _check(level: int, measures: Measures) -> None:
    wrong: dict[str, Any] = {}
    if level not in Incident.Level.values:
        wrong["level"] = _("Choose one of: %(values)s.") % {"values": "1, 2, 3, 4"}
    if not 1 <= measures.resolve_hours <= 720:
        wrong["resolve_hours"] = _("From 1 to 720 hours.")
    if not 1 <= measures.report_hours <= 168:
        wrong["report_hours"] = _("From 1 to 168 hours.")
    known = snapshot.current().function_by_code
    if any(code not in known for code in measures.functions):
        wrong["functions"] = _("There is no such function.")
    if wrong:
        raise Invalid(fields=wrong)


def _checked_figures(figures: dict[str, int]) -> dict[str, int]:
    fine = len(figures) <= _MOST_FIGURES and all(
        name.isascii() and name.isidentifier() and type(n) is int and 0 <= n < 2**40
        for name, n in figures.items()
    )
    if not fine:
        raise Invalid(fields={"figures": _("Figures are whole numbers under short names.")})
    return figures


def _locked(incident_id: int) -> Incident:
    locked = (
        Incident.objects.select_for_update(of=("self",)).select_related("area").filter(pk=incident_id).first()
    )
    if locked is None:
        raise NotFound(_("There is no such incident."))
    return locked


def _still(incident: Incident, state: str) -> None:
    if incident.state != state:
        raise WrongState(_("The incident is “%(state)s”.") % {"state": Incident.State(incident.state).label})
