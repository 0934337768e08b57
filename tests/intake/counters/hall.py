"""A hall to try things in: two queues, counters for both, clerks of the hotline."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from gongzhi.intake.counters import setting_up
from gongzhi.intake.counters.models import Counter, Hall, Queue
from gongzhi.intake.counters.setting_up import Named
from gongzhi.registry.authority import Actor, actor_of
from gongzhi.registry.models import Organisation, Person, Post

OPEN = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""A Tuesday, ten in the morning in Linjiang."""


@dataclass
class Built:
    hall: Hall
    queues: list[Queue]
    counters: list[Counter]
    clerks: list[Actor] = field(default_factory=list)


def a_hall(*, counters: int = 2, code: str = "fenglin", all_day: bool = False) -> Built:
    """Every counter serves both queues; as many clerks as counters."""
    actor = actor_of(Person.objects.get(username="supervisor-hotline"))
    organisation = Organisation.objects.get(code="hotline")
    hours = {"opens_at": time(0, 0), "closes_at": time(23, 59, 59)} if all_day else {}
    hall = setting_up.make_hall(actor, code, Named("枫林大厅", "Fenglin Hall"), organisation, **hours)
    queues = [
        setting_up.add_queue(
            actor, hall, letter, Named(f"业务{letter}", f"Matters {letter}"), usual_minutes=6
        )
        for letter in "AB"
    ]
    made = [
        setting_up.add_counter(actor, hall, Named(f"{n}号窗口", f"Counter {n}"), queues)
        for n in range(1, counters + 1)
    ]
    return Built(hall, queues, made, [a_clerk(n, organisation) for n in range(counters)])


def a_clerk(number: int, organisation: Organisation) -> Actor:
    """Somebody with a post at the counter."""
    person = Person.objects.create_user(f"clerk-{organisation.code}-{number}")
    post = Post.objects.create(
        code=f"clerk-{organisation.code}-{number}", name_zh="窗口", name_en="Clerk",
        organisation=organisation, roles=["operator"], person=person,
    )  # fmt: skip
    return actor_of(person, post)
