"""What tests of coordination build on: an agreement, a partner's work, and organisations by code."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.coordination.actions import partners
from gongzhi.coordination.actions.partners import Terms
from gongzhi.coordination.models import Agreement
from gongzhi.registry.models import Area, Organisation
from tests.cases.builders import at


def org(code: str) -> Organisation:
    return Organisation.objects.get(code=code)


def an_agreement(staff: Any, **changes: Any) -> Agreement:
    """The power company repairs street lamps in the whole city: 80 yuan a matter, 20 less when late."""
    terms = {
        "functions": ["street-lighting"],
        "working_days": 3,
        "valid_from": date(2026, 1, 1),
        "valid_until": date(2026, 12, 31),
        "fee_cents": 8_000,
        "penalty_cents": 2_000,
        "cost_permille": 400,
        "benefit_permille": 250,
    }
    title = changes.pop("title", "路灯维护合作协议")
    area = changes.pop("area", "429000")
    return partners.sign(
        staff("leader"),
        org("power"),
        title,
        Area.objects.get(code=area),
        Terms(**(terms | changes)),
        at=at("2026-01-04 09:00"),
    )


def done_by_power(submit: Any, staff: Any, *, when: datetime, hours: float) -> Case:
    """A broken lamp that the power company got at `when` and settled so many hours later."""
    case = Case.objects.get(number=submit(function_code="lighting", at=when).number)
    actions.assign(staff("dispatcher"), case, org("power"), reason="按协议", at=when)
    actions.accept(staff("worker-power"), case, at=when)
    actions.resolve(staff("worker-power"), case, "已更换灯头", at=when + timedelta(hours=hours))
    return case
