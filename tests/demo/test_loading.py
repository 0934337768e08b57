from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import F, Q

from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case, Message, Task
from gongzhi.demo.loading import load_demo
from gongzhi.ledger import acts as recording
from gongzhi.ledger.models import Act

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
OF_SCENES = 13
"""Matters that the scenes of the pack bring on top."""
OF_CHECKS = 2
"""Matters that the two grid workers' checks bring in."""


@pytest.fixture
def told() -> list[tuple[str, int, int]]:
    lines: list[tuple[str, int, int]] = []
    load_demo(400, lambda *line: lines.append(line), now=NOW)
    return lines


def test_a_year_is_lived_through_the_real_doors(told: list[tuple[str, int, int]]) -> None:
    cases = Case.objects.all()
    assert cases.count() == 400 + OF_SCENES + OF_CHECKS
    assert ("matters", 400, 400) in told
    assert cases.filter(closure="fixed").count() > 280
    assert cases.filter(state__in=OPEN_STATES, opened_at__gt=NOW - timedelta(days=45)).exists()
    assert cases.filter(organisation=None).count() == 0
    assert cases.exclude(text="").count() == 400 + OF_SCENES + OF_CHECKS

    _nothing_lies_in_the_future()
    _every_case_has_acts_that_add_up()
    _staff_act_through_posts_of_the_organisation_that_held_the_case()


def _nothing_lies_in_the_future() -> None:
    for model, field in (
        (Act, "recorded_at"),
        (Case, "opened_at"),
        (Message, "said_at"),
        (Task, "opened_at"),
    ):
        rows = model.objects.all()  # type: ignore[attr-defined]
        if model is Act:
            rows = rows.filter(subject_kind="case")
        assert not rows.filter(**{f"{field}__gt": NOW}).exists()
    settled = Case.objects.exclude(resolved_at=None)
    assert not settled.filter(
        Q(accepted_at__lt=F("opened_at"))
        | Q(resolved_at__lt=F("accepted_at"))
        | Q(closed_at__lt=F("resolved_at"))
    ).exists()


def _every_case_has_acts_that_add_up() -> None:
    by_case: dict[int, list[Act]] = {}
    for act in Act.objects.filter(subject_kind="case").order_by("pk"):
        by_case.setdefault(act.subject_id, []).append(act)
        content = recording.content(act)
        assert bytes(act.commitment) == recording.commitment_of(content, bytes(act.salt))
    for case in Case.objects.all():
        verbs = [act.verb for act in by_case[case.pk]]
        assert verbs[0] == "case.open"
        last = [a.details["state"] for a in by_case[case.pk] if "state" in a.details][-1]
        assert last == case.state


def _staff_act_through_posts_of_the_organisation_that_held_the_case() -> None:
    accepted = Act.objects.filter(verb="case.accept").exclude(post_id=None)
    assert accepted.count() > 10
    for act in accepted:
        assert act.details["organisation"] == act.organisation_id
