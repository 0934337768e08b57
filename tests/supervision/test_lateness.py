from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from gongzhi.supervision.lateness import evaluation, files, model
from gongzhi.supervision.lateness.history import DAY_S, History

DATA = Path(__file__).parents[3] / "shared" / "data" / "311_baltimore" / "dev.csv.gz"


def history(n: int = 1500, *, seed: int = 0) -> History:
    """Two kinds of matters, one of which is late in every second month."""
    random = np.random.default_rng(seed)
    opened = np.sort(random.uniform(0, 700, n)) * DAY_S
    slow = random.random(n) < 0.4
    bad = slow & ((opened // (60 * DAY_S)) % 2 == 0)
    late = random.random(n) < np.where(bad, 0.7, np.where(slow, 0.1, 0.03))
    closed = opened + np.where(late, 12, 3) * DAY_S
    day = (opened // DAY_S).astype(int)
    return History(
        opened, opened + 5 * DAY_S, closed, (opened % DAY_S) // 3600, day % 7, (day + 5) % 7, (day % 365) / 366,
        {"function": np.where(slow, "kerb", "lamp"), "organisation": np.where(slow, "a", "b")},
        float(closed.max()),
    )  # fmt: skip


def test_what_happened_lately_helps_and_is_learned_only_from_what_was_known() -> None:
    earlier, later = evaluation.split(history(), 0.7)
    found = evaluation.evaluate(earlier, later)
    assert found["frozen"]["roc_auc"] > 0.7 and found["roc_auc"] > found["frozen"]["roc_auc"]
    assert found["ece"] < 0.08
    assert "as served" in found["protocol"]


def test_frozen_nothing_of_the_second_file_but_its_intake_is_looked_at() -> None:
    earlier, later = evaluation.split(history(), 0.7)
    learned = model.learn(earlier)
    frozen = evaluation.ask_frozen(learned, later)
    assert np.array_equal(frozen, evaluation.ask_frozen(learned, evaluation.without_outcomes(later)))


@pytest.mark.parametrize("part", [0.2, 0.7])
def test_what_becomes_known_later_changes_no_probability(part: float) -> None:
    """Every outcome of either file that came at or after a moment is made another one."""
    earlier, later = evaluation.split(history(), 0.7)
    moment = float(later.opened[int(part * len(later))])
    random = np.random.default_rng(1)

    def with_another_future(of: History) -> History:
        changed = of.closed.copy()
        unknown = np.flatnonzero(of.known_at >= moment)
        changed[unknown] = (
            np.maximum(of.opened[unknown], moment) + random.uniform(0, 30, len(unknown)) * DAY_S
        )
        changed[unknown[::5]] = np.nan
        return replace(of, closed=changed)

    def asked(first: History, second: History) -> np.ndarray:  # type: ignore[type-arg]
        learned = model.learn(first.until(float(second.opened.min())))
        return evaluation.ask_as_served(learned, first, second)

    before = later.opened <= moment
    told = asked(earlier, later)
    other = asked(with_another_future(earlier), with_another_future(later))
    assert before.any() and np.array_equal(told[before], other[before])
    assert not np.array_equal(told[~before], other[~before]), "what became known earlier does count"


def test_what_ends_in_the_second_it_came_in_is_not_told_its_own_outcome() -> None:
    """Neither by an ending nor by a deadline in the very second of the intake."""
    earlier, later = evaluation.split(history(), 0.7)
    at_once = replace(later, closed=later.opened.copy(), due=later.opened.copy())
    never = replace(at_once, closed=np.full(len(later), np.nan))
    learned = model.learn(earlier.until(float(later.opened[0])))
    last = len(later) - 1
    mixed = at_once.closed.copy()
    mixed[last] = np.nan
    told = evaluation.ask_as_served(learned, earlier, at_once)
    assert told[last] == evaluation.ask_as_served(learned, earlier, replace(at_once, closed=mixed))[last]
    assert told[last] < evaluation.ask_as_served(learned, earlier, never)[last]


def test_files_with_different_columns_and_unseen_words_are_compared() -> None:
    earlier, later = evaluation.split(history(), 0.7)
    more = {**later.factors, "street": np.array(["x", "y"] * len(later))[: len(later)]}
    more.pop("organisation")
    found = evaluation.evaluate(earlier, replace(later, factors=more))
    assert found["roc_auc"] > 0.7
    more["function"] = np.full(len(later), "new")
    assert 0 <= evaluation.evaluate(earlier, replace(later, factors=more))["frozen"]["roc_auc"] <= 1


def test_files_of_the_same_months_say_that_too_little_was_known_at_first() -> None:
    whole = history()
    halves = [whole.rows(np.arange(n, len(whole), 2)) for n in (0, 1)]
    assert "Too little was known" in evaluation.evaluate(*halves)["protocol"]


def test_a_file_without_deadlines_says_so() -> None:
    earlier, later = evaluation.split(history(), 0.7)
    with pytest.raises(model.TooLittle, match="0 have a deadline"):
        evaluation.evaluate(earlier, replace(later, due=np.full(len(later), np.nan)))


def test_unknown_words_and_an_open_case_are_no_obstacle() -> None:
    learned = model.Model.from_json(model.learn(history()).as_json())
    strange = history(5, seed=9)
    strange.factors["function"][:] = "new"
    seen = np.array([learned.state.features(k, 700 * DAY_S) for k in model.lately_keys(strange)])
    chance = learned.probabilities(strange, seen)
    assert ((chance > 0) & (chance < 0.9)).all()


def test_too_little_teaches_nothing() -> None:
    with pytest.raises(model.TooLittle):
        model.learn(history(50))


@pytest.mark.skipif(not DATA.exists(), reason="the requests of Baltimore do not lie beside the repository")
def test_lateness_of_a_real_city_is_foreseen() -> None:
    earlier, later = evaluation.split(files.read_history(DATA), 0.7)
    found = evaluation.evaluate(earlier, later)
    assert found["frozen"]["roc_auc"] > 0.83
    assert found["roc_auc"] > 0.86 and found["ece"] < 0.06


@pytest.mark.django_db
def test_the_citys_own_cases_are_learned_from_and_open_ones_told_of_with_reasons(submit) -> None:  # type: ignore[no-untyped-def]
    from gongzhi.cases.models import Case
    from gongzhi.supervision.lateness import reasons, serving
    from gongzhi.supervision.models import LateRisk

    now = timezone.now()
    base = Case.objects.get(number=submit().number)
    rows = []
    for n in range(400):
        opened = now - timedelta(days=300 - n * 0.7)
        due = opened + timedelta(days=5)
        took = 9 if n % 3 == 0 else 2
        rows.append(
            Case(
                number=f"old{n}", channel="phone" if n % 3 == 0 else "web", state="closed", closure="fixed", text="x",
                public_text="x", function_id=base.function_id, area_id=base.area_id,
                organisation_id=base.organisation_id, opened_at=opened, due_at=due, updated_at=due,
                resolved_at=opened + timedelta(days=took),
            )
        )  # fmt: skip
    Case.objects.bulk_create(rows)
    assert serving.score_open() == 0, "nothing was learned yet"
    learned = serving.learn()
    assert learned is not None and learned["cases"] >= 390
    assert serving.score_new() == 1 and serving.score_new() == 0
    risk = LateRisk.objects.get(case=base)
    assert risk.probability < 0.3 and risk.reasons
    assert all(reasons.in_words(r) for r in risk.reasons)
    before = risk.probability
    serving.score_open(base.opened_at + (base.due_at - base.opened_at) * 0.9)
    risk.refresh_from_db()
    assert before < risk.probability < 1, "the longer it stays open, the likelier it is late"
    serving.score_open(base.due_at + timedelta(hours=1))
    risk.refresh_from_db()
    assert (risk.probability, risk.reasons[0]["what"]) == (1.0, "overdue") and risk.at_intake < 0.3
