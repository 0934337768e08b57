"""What a dispatcher needs to know of the cases that wait, read as a set: four statements for any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gongzhi.cases import rules
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.models import Case
from gongzhi.cases.precedents import precedents
from gongzhi.coordination.decisions import Cover, cover, is_for_arbiter, known_function_id
from gongzhi.ledger.models import Act
from gongzhi.registry import snapshot
from gongzhi.routing.suggestions import Suggestion, functions_read, suggested


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case that waits for a decision.

    Attributes:
        returns: the acts with which organisations returned it, the latest first.
        suggestions: who might do it, the likeliest first.
        cover: who leads and assists by the mandates.
        is_for_arbiter: the decision is final and states its reason.
    """

    case: Case
    returns: tuple[Act, ...]
    suggestions: tuple[Suggestion, ...]
    cover: Cover
    is_for_arbiter: bool

    @property
    def lead_ids(self) -> list[int]:
        return list(self.cover.leads)

    @property
    def assist_ids(self) -> list[int]:
        return list(self.cover.assists)


def waiting(cases: Sequence[Case], now: datetime) -> list[Waiting]:
    """The cases, in their order, each with why it came back and who might do it.

    Organisations that returned a case are not suggested for it again.
    """
    view = snapshot.current()
    on = now.astimezone(rules.calendar().zone).date()
    returns: dict[int, list[Act]] = {}
    came_back = [case.pk for case in cases if case.returns]
    if came_back:
        rows = Act.objects.filter(
            subject_kind="case", subject_id__in=came_back, verb=f"case.{Verb.RETURN}"
        ).order_by("-pk")
        for act in rows:
            returns.setdefault(act.subject_id, []).append(act)
    read = {
        function.id
        for case in cases
        for function, _sure in functions_read(case.reading, case.function_id, view)
    }
    done = precedents(read)
    found = []
    for case in cases:
        acts = tuple(returns.get(case.pk, ()))
        gave_back = {act.details.get("organisation") for act in acts}
        named = suggested(case.reading, case.function_id, case.area_id, view, on, precedents=done, most=5)
        found.append(
            Waiting(
                case=case,
                returns=acts,
                suggestions=tuple(s for s in named if s.organisation_id not in gave_back)[:3],
                cover=cover(view, known_function_id(case, view), case.area_id, on),
                is_for_arbiter=is_for_arbiter(case),
            )
        )
    return found
