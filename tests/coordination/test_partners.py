"""Partners: agreements, what they may read, and statements that anybody can compute anew."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import translation
from typer.testing import CliRunner

from gongzhi import papers
from gongzhi.cases import actions, numbers
from gongzhi.cases.models import Case
from gongzhi.coordination import settlement, statement_paper
from gongzhi.coordination.actions import dispatching, partners
from gongzhi.coordination.models import Settlement
from gongzhi.errors import Invalid, NotAllowed, WrongState
from gongzhi.ledger.models import Act, Position
from gongzhi.ledger.sequencer import sequence
from gongzhi.routing.models import Finding
from tests.cases.builders import MONDAY, a_case, at, requester_of
from tests.coordination.builders import an_agreement, done_by_power, org

pytestmark = pytest.mark.django_db
AFTER = at("2026-12-01 00:00")


def test_a_statement_counts_done_late_and_shares(submit: Any, staff: Any) -> None:
    agreement = an_agreement(staff)
    done_by_power(submit, staff, when=MONDAY, hours=5)
    done_by_power(submit, staff, when=at("2026-11-10 09:00"), hours=24 * 10)
    for kind, cents in (("cost", 10_001), ("benefit", 50_000)):
        partners.enter(
            staff("leader"), agreement, kind, amount_cents=cents, month="2026-11", note="灯杆广告", at=AFTER
        )
    found = settlement.computed(org("power").pk, "2026-11")
    (line,) = found["agreements"]
    assert (line["done"], line["in_time"], line["late"], line["target_met"]) == (2, 1, 1, False)
    assert (line["fees_cents"], line["penalties_cents"]) == (16_000, 2_000)
    assert (line["cost_cents"], line["benefit_cents"]) == (4_000, 12_500)
    assert found["total_cents"] == 16_000 - 2_000 + 4_000 + 12_500
    assert sum(m["amount_cents"] for m in found["matters"]) == 14_000
    rows = list(csv.reader(io.StringIO(settlement.as_csv(found))))
    assert rows[-1] == ["total", "", "", "", "", "", "", "305.00"]
    assert {row[5] for row in rows[1:3]} == {"yes", "no"}


def test_what_is_contested_in_the_month_does_not_count(submit: Any, staff: Any) -> None:
    an_agreement(staff)
    case = done_by_power(submit, staff, when=MONDAY, hours=5)
    actions.contest(requester_of(case), case, "还是不亮", at=MONDAY + timedelta(days=2))
    assert settlement.computed(org("power").pk, "2026-11")["total_cents"] == 0


def test_what_is_contested_later_is_taken_back(submit: Any, staff: Any) -> None:
    an_agreement(staff)
    case = done_by_power(submit, staff, when=at("2026-10-30 09:00"), hours=5)
    actions.contest(requester_of(case), case, "还是不亮", at=at("2026-11-05 09:00"))
    october, november = (settlement.computed(org("power").pk, m) for m in ("2026-10", "2026-11"))
    assert (october["total_cents"], november["total_cents"]) == (8_000, -8_000)
    assert november["agreements"][0]["taken_back"] == 1


def test_only_what_the_agreement_covers_is_paid(submit: Any, staff: Any) -> None:
    an_agreement(staff, area="429002")
    done_by_power(submit, staff, when=MONDAY, hours=5)
    found = settlement.computed(org("power").pk, "2026-11")
    assert (found["agreements"][0]["done"], found["total_cents"]) == (0, 0)


def test_a_part_that_a_partner_finishes_counts(submit: Any, staff: Any) -> None:
    an_agreement(staff)
    case = a_case(submit, staff, in_state="under_way")
    part = actions.ask_part(staff("worker"), case, org("power"), request="请查供电线路", at=MONDAY)
    actions.accept_part(staff("worker-power"), part, at=MONDAY)
    actions.finish_part(staff("worker-power"), part, "已更换熔断器", at=MONDAY + timedelta(hours=3))
    assert settlement.computed(org("power").pk, "2026-11")["total_cents"] == 8_000


def test_a_statement_is_issued_once_and_recomputed_to_the_same_figures(submit: Any, staff: Any) -> None:
    agreement = an_agreement(staff)
    done_by_power(submit, staff, when=MONDAY, hours=5)
    with pytest.raises(Invalid):
        partners.issue_statement(staff("administrator"), org("power"), "2026-11", at=at("2026-11-20 09:00"))
    issued = partners.issue_statement(staff("administrator"), org("power"), "2026-11", at=AFTER)
    again = partners.issue_statement(staff("administrator"), org("power"), "2026-11", at=AFTER)
    assert issued.pk == again.pk
    assert Act.objects.get(verb="settlement.issue").details["digest"] == issued.digest
    with pytest.raises(WrongState):
        partners.enter(
            staff("leader"), agreement, "cost", amount_cents=1, month="2026-11", note="补", at=AFTER
        )
    from gongzhi.cli.main import app

    told = CliRunner().invoke(app, ["settlement", "power", "2026-11", "--json"])
    answer = json.loads(told.stdout)
    assert told.exit_code == 0 and answer["digest"] == answer["issued_digest"] == issued.digest
    assert answer["total_cents"] == 8_000
    Settlement.objects.update(digest="0" * 64)
    assert CliRunner().invoke(app, ["settlement", "power", "2026-11"]).exit_code == 1
    assert CliRunner().invoke(app, ["settlement", "power", "2026-13"]).exit_code == 2


def test_the_act_of_signing_holds_all_terms(staff: Any) -> None:
    agreement = an_agreement(staff)
    details = Act.objects.get(verb="agreement.sign", subject_id=agreement.pk).details
    assert "lighting" in details["functions"] and "429001001" in details["areas"]
    assert details["fee_cents"] == 8_000


def test_who_may_sign_and_with_whom(staff: Any) -> None:
    terms = partners.Terms(["lighting"], 3, date(2026, 1, 1), date(2026, 12, 31))
    for username in ("worker", "administrator", "supervisor-power"):
        with pytest.raises(NotAllowed):
            partners.sign(staff(username), org("power"), "协议", org("city").area, terms)
    with pytest.raises(Invalid) as problem:
        partners.sign(
            staff("leader"), org("urban"), "协议", org("city").area,
            partners.Terms(["lighting"], 3, date(2026, 1, 1), date(2026, 12, 31)),
        )  # fmt: skip
    assert "partner" in problem.value.fields


def test_two_agreements_of_a_partner_do_not_overlap(staff: Any) -> None:
    an_agreement(staff)
    with pytest.raises(Invalid):
        an_agreement(staff, title="又一份", functions=["lighting"], area="429001")
    an_agreement(staff, title="井盖", functions=["manhole"])


def test_a_partner_reads_nothing_outside_its_agreement_and_the_try_is_recorded(
    submit: Any, staff: Any
) -> None:
    an_agreement(staff)
    inside = a_case(submit, staff)
    outside = Case.objects.get(number=submit("小区自来水浑浊发黄", function_code="manhole").number)
    reader = staff("worker-power")
    partners.check_reading(reader, inside)
    with pytest.raises(NotAllowed):
        partners.check_reading(reader, outside)
    act = Act.objects.get(verb="partner.refuse_reading")
    assert (act.subject_key, act.organisation_id) == (outside.number, org("power").pk)
    partners.check_reading(staff("worker-water"), outside)
    actions.accept(staff("worker"), outside) if outside.organisation_id == org("urban").pk else None
    outside.refresh_from_db()
    if outside.state == "under_way":
        actions.ask_part(staff("worker"), outside, org("power"), request="请断电配合")
        partners.check_reading(reader, outside)


def test_a_ruling_is_a_finding_about_the_mandates_and_counted(submit: Any, staff: Any) -> None:
    for _turn in range(2):
        case = a_case(submit, staff)
        actions.return_(staff("worker"), case, reason_code="not_ours", reason="属交通", at=MONDAY)
        actions.assign(staff("dispatcher"), case, org("transport"), reason="道路设施", at=MONDAY)
        actions.return_(staff("worker-transport"), case, reason_code="not_ours", reason="不属", at=MONDAY)
        dispatching.decide(staff("dispatcher"), case, org("urban"), reason="按清单", at=MONDAY)
    finding = Finding.objects.get(kind="ruling")
    assert (finding.function_id, finding.organisation_id, finding.times) == (
        case.function_id,
        org("urban").pk,
        2,
    )


@pytest.mark.parametrize(
    ("language", "words"), [("zh-hans", ["对账单", "合计"]), ("en", ["statement for", "Total"])]
)
def test_the_paper_carries_figures_acts_and_how_to_compute_them(
    submit: Any, staff: Any, language: str, words: list[str]
) -> None:
    agreement = an_agreement(staff)
    case = done_by_power(submit, staff, when=MONDAY, hours=5)
    partners.enter(
        staff("leader"),
        agreement,
        "benefit",
        amount_cents=50_000,
        month="2026-11",
        note="*灯杆* #广告",
        at=AFTER,
    )
    sequence()
    act = Act.objects.get(verb="case.resolve", subject_id=case.pk)
    with translation.override(language):
        paper = statement_paper.as_pdf(org("power"), "2026-11")
        assert paper == statement_paper.as_pdf(org("power"), "2026-11"), "the same bytes each time"
    text = words_of(paper)
    digest = settlement.digest(settlement.computed(org("power").pk, "2026-11"))
    for expected in [
        *words,
        numbers.spoken(case.number),
        "205.00",
        str(act.pk),
        digest,
        "gongzhi settlement power 2026-11 --json",
        "*灯杆* #广告",
    ]:
        assert "".join(expected.split()) in text, expected
    assert str(Position.objects.get(act_id=act.pk).position) in text


def words_of(paper: bytes) -> str:
    """All text of a PDF without spaces, read by a tool of its own (poppler)."""
    if shutil.which("pdftotext") is None:
        pytest.skip("poppler's pdftotext is not installed")
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=paper, capture_output=True, check=True)
    return "".join(done.stdout.decode().split())


def test_without_a_font_for_chinese_the_page_says_what_to_install(monkeypatch: Any, staff: Any) -> None:
    monkeypatch.setattr(papers, "FAMILIES", ("No Such Font",))
    papers._fonts.cache_clear()
    try:
        with pytest.raises(papers.NoFont, match="requirements/fonts.lock"):
            statement_paper.as_pdf(org("power"), "2026-11")
    finally:
        papers._fonts.cache_clear()
