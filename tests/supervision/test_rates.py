from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.errors import NotAllowed, WrongState
from gongzhi.ledger.sequencer import sequence
from gongzhi.registry.authority import Actor
from gongzhi.supervision import excluding, rates, rating
from gongzhi.supervision.models import Progress, RateCell, RateFact

pytestmark = pytest.mark.django_db


def fresh() -> None:
    sequence()
    rates.refresh()


def figures_of(organisation_id: int) -> rates.Row:
    today = timezone.now().date()
    return next(r for r in rates.rows("organisation", date(2020, 1, 1), today) if r.key == organisation_id)


@pytest.fixture
def case(submit, staff) -> Case:  # type: ignore[no-untyped-def]
    found = Case.objects.get(number=submit().number)
    actions.accept(staff("worker"), found)
    actions.resolve(staff("worker"), found, "已修好")
    return found


def as_party(case: Case) -> Actor:
    return Actor(kind="anonymous", party_ids=frozenset(case.parties.values_list("pk", flat=True)))


def test_a_resolved_and_well_rated_case_counts_in_all_three(case: Case) -> None:
    rating.rate(as_party(case), case, case.parties.get(), 5)
    fresh()
    row = figures_of(case.organisation_id)  # type: ignore[arg-type]
    assert (row.responded.hits, row.resolved.hits, row.satisfied.hits) == (1, 1, 1)
    assert (row.received, row.resolved.n, row.satisfied.n) == (1, 1, 1)
    assert row.rank is None, "below the least n there is no rank"


def test_a_contested_closure_counts_as_unresolved(case: Case) -> None:
    fresh()
    actions.contest(as_party(case), case, "没修好")
    fresh()
    row = figures_of(case.organisation_id)  # type: ignore[arg-type]
    assert (row.resolved.hits, row.resolved.n, row.contested) == (0, 1, 1)


def test_counting_again_changes_nothing(case: Case) -> None:
    fresh()
    before = list(RateCell.objects.order_by("pk").values_list("received", "due", "resolved"))
    Progress.objects.update(position=-1)
    rates.refresh()
    assert list(RateCell.objects.order_by("pk").values_list("received", "due", "resolved")) == before


def test_the_cells_are_the_sums_of_the_facts(case: Case, submit, staff) -> None:  # type: ignore[no-untyped-def]
    submit("下水道堵了，污水外溢")
    fresh()
    other = Case.objects.exclude(pk=case.pk).get()
    actions.transfer(staff("dispatcher"), other, case.organisation, reason="归该局") if (
        other.organisation_id != case.organisation_id
    ) else None
    fresh()
    assert sum(RateCell.objects.values_list("received", flat=True)) == RateFact.objects.count() == 2
    assert RateCell.objects.filter(received__lt=0).count() == 0


def test_leaving_out_needs_a_second_person_and_can_be_appealed(case: Case, staff) -> None:  # type: ignore[no-untyped-def]
    fresh()
    asked = excluding.ask(
        staff("worker"), case, reason_code="untrue", reason="现场无此灯", evidence="照片三张，物业证明"
    )
    with pytest.raises(NotAllowed):
        excluding.decide(staff("worker"), asked, agree=True)
    excluding.decide(staff("dispatcher"), asked, agree=True)
    fresh()
    row = figures_of(case.organisation_id)  # type: ignore[arg-type]
    assert (row.received, row.excluded, row.resolved.n, row.resolved_with_excluded.n) == (0, 1, 0, 1)
    excluding.appeal(as_party(case), asked, "灯确实坏过")
    with pytest.raises(NotAllowed):
        excluding.decide_appeal(staff("dispatcher"), asked, lift=True, reason="属实")
    with pytest.raises(WrongState):
        excluding.appeal(as_party(case), asked, "再次")


def test_the_interval_is_wilsons() -> None:
    rate = rates.wilson(8, 10)
    assert (round(rate.low or 0, 3), round(rate.high or 0, 3)) == (0.49, 0.943)
    assert rates.wilson(0, 0).share is None


def test_what_is_expected_is_the_citys_share_in_the_same_functions_and_districts() -> None:
    def cell(
        organisation: int, function: int, month: int, due: int, resolved: int, excluded: int = 0
    ) -> RateCell:
        return RateCell(
            month=date(2026, month, 1), organisation_id=organisation, function_id=function, area_id=3,
            closure="fixed", excluded=excluded, received=due, due=due, responded=due, resolved=resolved,
            rated=0, satisfied=0, contested=0,
        )  # fmt: skip

    RateCell.objects.bulk_create(
        [
            cell(1, 10, 1, 40, 40), cell(1, 10, 2, 40, 20), cell(2, 10, 1, 20, 0), cell(2, 11, 1, 80, 80),
            cell(2, 11, 2, 80, 0, excluded=1), cell(1, 11, 7, 99, 0),
        ]
    )  # fmt: skip
    found = {r.key: r for r in rates.rows("organisation", date(2026, 1, 1), date(2026, 6, 30))}
    lamps, kerbs = (60 + 20 * 0.6) / (100 + 20), (80 + 20 * 1.0) / (80 + 20)
    assert found[1].expected_resolved == pytest.approx(lamps)
    assert found[2].expected_resolved == pytest.approx((20 * lamps + 80 * kerbs) / 100)
    assert (found[1].rank, found[2].rank) == (1, 2), "above what was expected comes first"
