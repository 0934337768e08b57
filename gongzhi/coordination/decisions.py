"""What a dispatcher's decision would do, before it is made: the mandates' word, the deadline, what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gongzhi.cases import rules
from gongzhi.cases.lifecycle import State
from gongzhi.cases.models import Case
from gongzhi.registry import snapshot
from gongzhi.registry.snapshot import AreaView, MandateView, Snapshot
from gongzhi.routing.resolution import covering
from gongzhi.routing.suggestions import suggested


class Fit(StrEnum):
    """How an organisation stands to a matter by the mandates."""

    LEADS = "leads"
    ASSISTS = "assists"
    OTHERS = "others"
    """Others lead it there, this one has no mandate: a decision for it contradicts the mandates."""
    NOBODY = "nobody"
    """No mandate covers it at all."""
    UNKNOWN = "unknown"
    """What the matter is about is not known."""


@dataclass(frozen=True, slots=True)
class Cover:
    """The organisations that lead and that assist a function in an area, each with its best mandate."""

    leads: dict[int, MandateView]
    assists: dict[int, MandateView]
    is_known: bool

    def fit(self, organisation_id: int) -> Fit:
        """How the organisation stands to it."""
        if not self.is_known:
            return Fit.UNKNOWN
        if organisation_id in self.leads:
            return Fit.LEADS
        if organisation_id in self.assists:
            return Fit.ASSISTS
        return Fit.OTHERS if self.leads else Fit.NOBODY


@dataclass(frozen=True, slots=True)
class Decision:
    """What would happen if a case went to an organisation.

    Attributes:
        function_id: what it would be held to be about.
        is_reclassified: that is another function than the case has now.
        fit: what the mandates say of the organisation.
        mandate: under which mandate it would get the case, if there is one.
        leader_ids: who leads it by the mandates, the deciding one first.
        due_at: until when it would have to be done.
        is_final: an arbiter's ruling: it can neither be returned nor sent on.
    """

    case: Case
    organisation_id: int
    function_id: int | None
    is_reclassified: bool
    fit: Fit
    mandate: MandateView | None
    leader_ids: tuple[int, ...]
    due_at: datetime
    is_final: bool

    @property
    def contradicts(self) -> bool:
        """Whether it goes against the mandates: then it needs a reason and becomes a finding."""
        return self.fit == Fit.OTHERS

    @property
    def needs_reason(self) -> bool:
        return self.is_final or self.contradicts


def cover(registry: Snapshot, function_id: int | None, area_id: int | None, on: date) -> Cover:
    """Who leads and assists `function_id` in `area_id` on the day `on`; without an area, in the whole city."""
    function = registry.functions.get(function_id or 0)
    area: AreaView | None = registry.areas.get(area_id or 0) or registry.root_area()
    if function is None or area is None:
        return Cover({}, {}, is_known=False)
    leads: dict[int, MandateView] = {}
    assists: dict[int, MandateView] = {}
    for _rank, mandate in covering(registry, function, area, on):
        (leads if mandate.role == "lead" else assists).setdefault(mandate.organisation_id, mandate)
    return Cover(leads, assists, is_known=True)


def known_function_id(case: Case, registry: Snapshot) -> int | None:
    """What the case is about, None when that is only a machine's unsure guess."""
    function = registry.functions.get(case.function_id or 0)
    is_guess = case.route.get("rule") == "unclear"
    if function is None or (is_guess and function.code == case.reading.get("function")):
        return None
    return function.id


def likely_function_id(case: Case, organisation_id: int, now: datetime) -> int | None:
    """What a case that was not understood surely is about, if this organisation is the right one for it."""
    view = snapshot.current()
    if known_function_id(case, view) is not None:
        return None
    on = now.astimezone(rules.calendar().zone).date()
    named = suggested(case.reading, case.function_id, case.area_id, view, on, most=10)
    return next((s.function_id for s in named if s.organisation_id == organisation_id), None)


def is_for_arbiter(case: Case) -> bool:
    """Whether only an arbiter can decide who does the case."""
    return case.state == State.RECEIVED and case.returns >= rules.RETURNS_BEFORE_ARBITRATION


def decision(case: Case, organisation_id: int, function_id: int | None, now: datetime) -> Decision:
    """What would happen if the case went to the organisation now.

    Args:
        function_id: what it would be held to be about; None: what the case says, if that is sure.
    """
    view = snapshot.current()
    meant = function_id or known_function_id(case, view)
    found = cover(view, meant, case.area_id, now.astimezone(rules.calendar().zone).date())
    return Decision(
        case=case,
        organisation_id=organisation_id,
        function_id=meant,
        is_reclassified=function_id is not None and function_id != case.function_id,
        fit=found.fit(organisation_id),
        mandate=found.leads.get(organisation_id) or found.assists.get(organisation_id),
        leader_ids=tuple(found.leads),
        due_at=rules.at_least_a_day(case, now),
        is_final=is_for_arbiter(case),
    )
