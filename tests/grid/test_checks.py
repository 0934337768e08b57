"""Checks: who may make them, what they move, and that what is wrong is one case whatever happens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from gongzhi.cases.models import Attachment, Case
from gongzhi.errors import Invalid, KeyReused, NotAllowed, NotFound
from gongzhi.grid import actions, queries, rounds
from gongzhi.grid.actions import today
from gongzhi.grid.models import Check
from gongzhi.ledger.models import Act
from tests.grid.conftest import CELL, NEXT_CELL, finding

pytestmark = pytest.mark.django_db
ME, NEIGHBOUR, BOSS, STREET = (
    "gridworker", "gridworker-429001001003", "supervisor-429001001", "worker-429001001",
)  # fmt: skip


def test_what_is_fine_moves_the_day_of_the_next_check(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    entry = an_entry(late=4)
    made = actions.check(staff(ME), entry, finding(), is_fine=True)
    entry.refresh_from_db()
    assert made.is_fine and made.case is None and Case.objects.count() == 0
    assert entry.due_on == today() + timedelta(days=30) and entry.is_fine
    act = Act.objects.get(verb="grid.check")
    assert act.post_id == staff(ME).post_id and act.details["fine"] is True


def test_what_is_wrong_becomes_one_case_however_often_it_is_sent(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    entry, found = an_entry(), finding("灯罩破了")
    first = actions.check(staff(ME), entry, found, is_fine=False)
    again = actions.check(staff(ME), entry, found, is_fine=False)
    case = Case.objects.get()
    assert first.pk == again.pk and first.case_id == case.pk and Check.objects.count() == 1
    assert case.function is not None and case.function.code == "lighting" and case.is_public
    assert (case.lng, case.lat) == (entry.lng, entry.lat) and "灯罩破了" in case.text


def test_a_key_serves_one_check_only(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    found = finding()
    actions.check(staff(ME), an_entry(), found, is_fine=True)
    with pytest.raises(KeyReused):
        actions.check(staff(ME), an_entry(), found, is_fine=True)


def test_words_are_needed_for_what_is_wrong(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Invalid) as told:
        actions.check(staff(ME), an_entry(), finding(" "), is_fine=False)
    assert "text" in told.value.fields and Case.objects.count() == 0


@pytest.mark.parametrize("days", [-1, 15])
def test_an_impossible_time_is_refused(an_entry, staff, days: int) -> None:  # type: ignore[no-untyped-def]
    at = timezone.now() - timedelta(days=days)
    with pytest.raises(Invalid) as told:
        actions.check(staff(ME), an_entry(), finding(at=at), is_fine=True)
    assert "at" in told.value.fields


def test_a_check_that_arrives_after_a_later_one_does_not_turn_the_day_back(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    entry = an_entry()
    actions.check(staff(ME), entry, finding(), is_fine=True)
    actions.check(staff(ME), entry, finding("门坏了", at=timezone.now() - timedelta(days=2)), is_fine=False)
    entry.refresh_from_db()
    assert entry.is_fine and entry.due_on == today() + timedelta(days=30) and entry.checks.count() == 2


@pytest.mark.parametrize(
    "who", [NEIGHBOUR, BOSS, STREET, "worker", "supervisor", "operator", "administrator"]
)
def test_only_whoever_walks_the_cell_checks_it(an_entry, staff, who: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotAllowed):
        actions.check(staff(who), an_entry(), finding("坏了"), is_fine=False)
    assert Case.objects.count() == 0 and Check.objects.count() == 0


def test_a_person_is_shown_masked_and_every_look_is_recorded(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    entry = an_entry(
        "person", name="欧阳建国", name_en="Ouyang Jianguo", phone="14201234567", address="12号301室"
    )
    assert "欧阳" not in entry.label and entry.label.startswith("欧")
    for who in (ME, BOSS):
        actions.look(staff(who), entry)
    looks = Act.objects.filter(verb="grid.look")
    assert looks.count() == 2 and not any("欧阳" in str(act.details) for act in looks)
    for who in (NEIGHBOUR, STREET, "worker", "supervisor", "leader-nobody"):
        if who == "leader-nobody":
            continue
        with pytest.raises(NotAllowed):
            actions.look(staff(who), entry)
        with pytest.raises(NotFound):
            queries.entry_seen(staff(who), entry.pk)


def test_what_is_found_at_a_persons_is_kept_from_the_public_and_names_nobody(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    entry = an_entry("person", name="欧阳建国", name_en="Ouyang Jianguo", address="12号301室")
    actions.check(staff(ME), entry, finding("屋顶漏水"), is_fine=False)
    case = Case.objects.get()
    assert not case.is_public and "欧阳" not in case.text and "301" not in case.address


def test_a_report_is_one_case_with_its_photo(staff) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.cases import attachments
    from tests.security.world import picture

    photo = attachments.store(picture(90), "a.jpg")
    found = finding("路边堆了建筑垃圾", lng=111.36, lat=30.52, photos=(photo,), language="zh-hans")
    first, again = actions.report(staff(ME), found), actions.report(staff(ME), found)
    assert first.number == again.number and Case.objects.count() == 1
    assert Attachment.objects.filter(case_id=first.case_id).count() == 1
    with pytest.raises(NotAllowed):
        actions.report(staff("worker"), found)


def test_names_of_people_are_not_found_by_searching(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    an_entry("person", name="欧阳建国", name_en="Ouyang", address="米市街12号")
    shop = an_entry("organisation", name="米市街便利店", name_en="Shop")
    ids = [shop.area_id]
    assert [e.pk for e in queries.register(staff(ME), ids, words="米市街").entries] == [shop.pk]
    assert queries.register(staff(ME), ids, words="欧阳").total == 0
    assert queries.register(staff(ME), ids, kind="person").total == 1
    with pytest.raises(NotAllowed):
        queries.register(staff(NEIGHBOUR), ids)


def test_the_register_is_kept_by_who_walks_or_oversees_the_cell(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    entry = an_entry()
    draft = actions.Draft("new-1", "place", "新院子", entry.area_id, every_days=7)
    for who in (NEIGHBOUR, "worker"):
        with pytest.raises(NotAllowed):
            actions.add(staff(who), draft)
    added = actions.add(staff(BOSS), draft)
    with pytest.raises(Invalid) as told:
        actions.add(staff(ME), draft)
    assert "code" in told.value.fields
    changed = actions.change(
        staff(ME), added, actions.Draft("new-1", "place", "改名", entry.area_id, every_days=14)
    )
    assert changed.name_zh == "改名" and changed.due_on == today() + timedelta(days=14)
    actions.end(staff(ME), added, "拆了")
    with pytest.raises(NotFound):
        queries.entry_seen(staff(ME), added.pk)


def test_a_place_outside_the_cell_is_refused(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    entry = an_entry()
    draft = actions.Draft("far-1", "place", "远处", entry.area_id, lng=111.40, lat=30.60)
    with pytest.raises(Invalid) as told:
        actions.add(staff(ME), draft)
    assert "lat" in told.value.fields


def test_the_round_holds_what_is_due_in_the_own_cell_and_what_is_done(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    due, late = an_entry(), an_entry(late=3)
    an_entry(due_on=today() + timedelta(days=2))
    an_entry(cell=NEXT_CELL)
    me = staff(ME)
    found = rounds.round_of(me)
    assert {s.entry.pk for s in found.stops if s.entry} == {due.pk, late.pk} and found.due == 2
    assert [area.code for area in found.cells] == [CELL]
    actions.check(me, due, finding(), is_fine=True)
    found = rounds.round_of(me)
    assert [s.entry.pk for s in found.stops if s.entry] == [late.pk] and found.stops[0].overdue_days == 3
    assert [c.entry_id for c in found.done] == [due.pk]
    with pytest.raises(NotAllowed):
        rounds.round_of(staff("worker"))


def test_a_case_of_the_own_organisation_in_the_cell_is_a_stop(submit, staff) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.cases import actions as cases
    from gongzhi.registry.models import Organisation

    case = Case.objects.get(number=submit().number)
    street = Organisation.objects.get(code="gov-429001001")
    case = cases.assign(staff("dispatcher"), case, street, reason="属地办理")
    stops = rounds.round_of(staff(ME)).stops
    assert [(s.case.number, s.is_mine) for s in stops if s.case] == [(case.number, False)]
    assert not [s for s in rounds.round_of(staff(NEIGHBOUR)).stops if s.case]
    cases.accept(staff(ME), Case.objects.get(pk=case.pk))
    assert rounds.round_of(staff(ME)).stops[0].is_mine


def test_a_superior_sees_which_cells_are_overdue_and_who_walks_them(an_entry, staff) -> None:  # type: ignore[no-untyped-def]
    an_entry(late=2)
    an_entry(cell="429001001001", late=5)
    states = {s.area.code: s for s in queries.cell_states(staff(BOSS))}
    assert states[CELL].overdue == 1 and [p.person.username for p in states[CELL].walkers if p.person] == [ME]
    assert states["429001001001"].overdue == 1 and states["429001001001"].walkers == []
    assert {s.area.code for s in queries.cell_states(staff("leader"))} >= {CELL, "429001001001"}
    assert queries.cell_states(staff("supervisor")) == []
    with pytest.raises(NotAllowed):
        queries.cell_states(staff(ME))
