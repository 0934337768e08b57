"""What tests of cases build on: a case in Linjiang, in a state, and who may do what to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.registry.authority import Actor

ZONE = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    """A local time of the city, written 2026-11-03 10:00, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


MONDAY = at("2026-11-02 09:00")
"""An ordinary working day with an ordinary week behind it."""


def a_case(submit: Any, staff: Any, *, in_state: str = "assigned", when: datetime = MONDAY) -> Case:
    """A broken street lamp, received at `when`, held by the City Management Bureau."""
    from gongzhi.cases.actions import Contact

    receipt = submit(
        function_code="lighting", at=when, contact=Contact(phone="13812345678", email="wang@example.org")
    )
    case = Case.objects.get(number=receipt.number)
    if in_state in ("under_way", "resolved"):
        actions.accept(staff("worker"), case, at=when)
    if in_state == "resolved":
        actions.resolve(staff("worker"), case, "已更换灯头，恢复照明", at=when)
    return case


def requester_of(case: Case) -> Actor:
    return Actor(kind="anonymous", party_ids=frozenset(case.parties.values_list("pk", flat=True)))
