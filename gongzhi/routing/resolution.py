"""Which organisation is responsible, by mandate, and why.

Only leads are responsible; an assisting organisation answers for a matter only where nobody
leads. Among leads of an event or service the most specific area decides, then the most specific
function (事件: place first, then owner); for things the function comes first, then the area (部件:
owner first, then place). What is still equal is an overlap: the older mandate decides, and the
overlap is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from gongzhi.registry.snapshot import AreaView, FunctionView, MandateView, Snapshot


@dataclass(frozen=True, slots=True)
class Route:
    """To whom a matter goes (派单). `rule` is one of mandate, overlap, assist, gap, unclear."""

    organisation_id: int | None
    mandate_id: int | None
    runner_up_id: int | None
    rule: str
    function_id: int | None
    area_id: int | None
    equal_mandates: tuple[int, ...] = ()

    def as_json(self) -> dict[str, object]:
        return {
            "organisation": self.organisation_id,
            "mandate": self.mandate_id,
            "runner_up": self.runner_up_id,
            "rule": self.rule,
            "function": self.function_id,
            "area": self.area_id,
        }


def resolve(registry: Snapshot, function: FunctionView | None, area: AreaView | None, on: date) -> Route:
    """The organisation responsible for `function` in `area` on the day `on`.

    Without an area the whole city is meant; without a function, or where no mandate covers it,
    the first-responsible desk (首接负责) gets it.
    """
    desk = registry.organisation_by_code.get(str(registry.city.config.get("first_responsible", "")))
    desk_id = desk.id if desk else None
    area = area or registry.root_area()
    if function is None or area is None:
        return Route(desk_id, None, None, "unclear", None, area.id if area else None)
    found = covering(registry, function, area, on)
    if not found:
        return Route(desk_id, None, None, "gap", function.id, area.id)
    rank, winner = found[0]
    runner_up = next(
        (m.organisation_id for _, m in found if m.organisation_id != winner.organisation_id), None
    )
    equal = tuple(
        m.id for r, m in found if r == rank and m.organisation_id != winner.organisation_id and rank[0] == 1
    )
    rule = "overlap" if equal else ("mandate" if rank[0] else "assist")
    return Route(
        winner.organisation_id,
        winner.id,
        runner_up,
        rule,
        function.id,
        area.id,
        (winner.id, *equal) if equal else (),
    )


def covering(
    registry: Snapshot, function: FunctionView, area: AreaView, on: date
) -> list[tuple[tuple[int, ...], MandateView]]:
    """Every mandate that covers `function` in `area` on the day `on`, the deciding one first.

    Each with its rank (leads before assists, then how specific it is); equal ranks are an overlap.
    """
    found: list[tuple[tuple[int, ...], MandateView]] = []
    for function_depth, function_id in enumerate(function.ancestors):
        for area_depth, area_id in enumerate(area.ancestors):
            for mandate in registry.mandates_of.get((function_id, area_id), ()):
                if mandate.is_valid_on(on):
                    lead = 1 if mandate.role == "lead" else 0
                    specific = (
                        (function_depth, area_depth)
                        if function.kind == "thing"
                        else (area_depth, function_depth)
                    )
                    found.append(((lead, *specific), mandate))
    found.sort(key=lambda item: (*(-n for n in item[0]), item[1].id))
    return found
