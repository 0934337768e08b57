"""Who held a late or reopened case for how long (责任到人): named posts and working time, from the acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.utils import timezone

from gongzhi.cases.actions._core import subject_of
from gongzhi.cases.actions.handling import calendar
from gongzhi.cases.deadlines import Calendar
from gongzhi.cases.models import Case
from gongzhi.ledger.models import Act
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor

_DAY_BEGIN = time(9, 0)
_ENDS = frozenset({"case.resolve", "case.close", "case.decline", "case.withdraw", "case.merge"})
_MOVES = frozenset(
    {"case.open", "case.assign", "case.accept", "case.return", "case.transfer", "case.contest", "case.reopen"}
)


@dataclass(frozen=True, slots=True)
class Holding:
    """A stretch of time in which one organisation, and one post once it accepted, held the case."""

    organisation_id: int | None
    post_id: int | None
    since: datetime
    until: datetime
    working_hours: float
    is_after_due: bool


@dataclass(frozen=True, slots=True)
class Account:
    """The whole account of a case."""

    holdings: list[Holding]
    is_late: bool
    times_reopened: int

    @property
    def hours_by_post(self) -> list[tuple[int | None, int | None, float]]:
        """(organisation, post, working hours), the longest first."""
        sums: dict[tuple[int | None, int | None], float] = {}
        for held in self.holdings:
            key = (held.organisation_id, held.post_id)
            sums[key] = sums.get(key, 0.0) + held.working_hours
        return sorted(((o, p, round(h, 2)) for (o, p), h in sums.items()), key=lambda row: -row[2])


def account(actor: Actor, case: Case, *, now: datetime | None = None) -> Account:
    """Who held the case, when and for how many working hours.

    Raises:
        NotAllowed: the actor does not oversee it.
    """
    authority.require(actor, "supervision.see_accountability", subject_of(case))
    moment = now or timezone.now()
    working = calendar()
    holdings: list[Holding] = []
    organisation_id: int | None = None
    post_id: int | None = None
    since: datetime | None = None
    reopened = 0

    def close(until: datetime) -> None:
        if since is not None and until > since:
            for begin, end in _cut(since, until, case.due_at):
                hours = working_hours(working, begin, end)
                holdings.append(Holding(organisation_id, post_id, begin, end, hours, begin >= case.due_at))

    for act in Act.objects.filter(subject_kind="case", subject_id=case.pk).order_by("pk"):
        if act.verb in _ENDS:
            close(act.recorded_at)
            since = None
        elif act.verb in _MOVES:
            close(act.recorded_at)
            since = act.recorded_at
            details = act.details
            if act.verb == "case.accept":
                organisation_id = details.get("organisation", act.organisation_id)
                post_id = details.get("post", act.post_id)
            elif act.verb == "case.return":
                organisation_id, post_id = None, None
            elif act.verb in ("case.contest", "case.reopen"):
                reopened += 1
            else:
                organisation_id, post_id = details.get("organisation"), None
    close(moment)
    ended = case.resolved_at or case.closed_at
    return Account(holdings, (ended or moment) > case.due_at, reopened)


def _cut(begin: datetime, end: datetime, at: datetime) -> list[tuple[datetime, datetime]]:
    return [(begin, at), (at, end)] if begin < at < end else [(begin, end)]


def working_hours(working: Calendar, begin: datetime, end: datetime) -> float:
    """Hours between two moments that lie in service hours (from 9:00) of working days."""
    total = timedelta()
    day = begin.astimezone(working.zone).date()
    last = end.astimezone(working.zone).date()
    while day <= last:
        if working.is_working_day(day):
            opens = datetime.combine(day, _DAY_BEGIN, working.zone).astimezone(UTC)
            shuts = datetime.combine(day, working.day_end, working.zone).astimezone(UTC)
            total += max(timedelta(), min(end, shuts) - max(begin, opens))
        day += timedelta(days=1)
    return total.total_seconds() / 3600
