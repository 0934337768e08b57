"""Measuring the model on files, with the code that serves the city.

Two ways of asking, and both are told apart in the result:

* *as served* (the headline): each case is asked about in the order of intake. What may be known is
  what was known just before it came in: outcomes of cases of either file that had ended or passed
  their deadline by then. The model learns anew from time to time, as a city's does at night.
* *frozen*: the model learns what was known when the second file begins and gets nothing of that file
  but what each case brings at intake.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gongzhi.supervision.lateness import model as learning
from gongzhi.supervision.lateness.history import DAY_S, History

Array = NDArray[np.float64]
BINS = 10
RELEARN_DAYS: Final = 60.0
MOST_LEARNINGS: Final = 12
"""A city learns every night; here less often, for time. A long second file stretches the days between."""
AS_SERVED: Final = (
    "roc_auc, pr_auc, calibration: as served. Cases are asked about in the order of intake, with what was known "
    "just before each came in: its intake columns, and outcomes of cases of either file that had ended or passed "
    "their deadline by then. Frozen: nothing of the second file but intake columns. Late: not closed by the "
    "deadline. Not judged: no deadline, or a deadline after the end of the record."
)
TOO_EARLY: Final = (
    " Too little was known when the second file begins: until enough was, the model has learned from all of the "
    "first file, also from outcomes that came later than the cases asked about."
)


def evaluate(train: History, test: History) -> dict[str, Any]:
    """Learn from `train`, ask about `test`: ROC-AUC, PR-AUC, calibration, both ways.

    Raises:
        TooLittle: nothing can be learned from `train`, or `test` has no cases of both kinds.
    """
    truth = test.is_late
    decided = ~np.isnan(truth)
    if decided.sum() < 2 or len(set(truth[decided].tolist())) < 2:
        raise learning.TooLittle(
            f"the second file needs cases that were late and cases that were not: of {len(test)}, "
            f"{int((~np.isnan(test.due)).sum())} have a deadline, {int(decided.sum())} of them one that had passed "
            f"when the record ends, and {int(np.nansum(truth))} were late"
        )
    begins = float(test.opened.min())
    protocol = AS_SERVED
    try:
        model = learning.learn(train.until(begins))
    except learning.TooLittle:
        model = learning.learn(train)
        protocol += TOO_EARLY
    frozen, served = ask_frozen(model, test), ask_as_served(model, train, test)
    return {
        **figures(truth[decided], served[decided]),
        "protocol": protocol,
        "frozen": figures(truth[decided], frozen[decided]),
        "cases": len(test),
        "without_deadline": int(np.isnan(test.due).sum()),
        "undecided": int((~decided).sum()),
        "learned_from": model.cases,
    }


def ask_frozen(model: learning.Model, test: History) -> Array:
    """(n,) probabilities with nothing of `test` but what each case brings at intake."""
    expected = model.usual.logits(model.usual_features(test))
    nothing = np.full(len(test), np.nan)
    seen = np.array(list(learning.replay(test, model.state.copy(), expected, nothing)))
    return model.probabilities(test, seen)


def ask_as_served(model: learning.Model, train: History, test: History) -> Array:
    """(n,) probabilities in the order of intake, each with what was known just before (see the module).

    Args:
        model: what serves until enough is known to learn anew.
        train: earlier cases; what of them became known only later is heard at its time.
        test: the cases asked about.
    """
    whole, place = train.followed_by(test)
    now, ends = float(test.opened.min()), float(test.opened.max())
    step = max(RELEARN_DAYS * DAY_S, (ends - now) / MOST_LEARNINGS)
    chance = np.full(len(whole), np.nan)
    while now <= ends:
        asked = np.flatnonzero((whole.opened >= now) & (whole.opened < now + step))
        if np.isin(asked, place).any():
            try:
                model = learning.learn(whole.until(now))
            except learning.TooLittle:
                pass
            chance[asked] = _between(model, whole.rows(np.arange(asked[-1] + 1)), asked, now)
        now += step
    return chance[place]


def _between(model: learning.Model, known: History, asked: NDArray[np.int64], since: float) -> Array:
    """(m,) probabilities of the cases `asked`, by a model that has heard what was known before `since`."""
    expected = model.usual.logits(model.usual_features(known))
    late = known.is_late_heard
    late[known.known_at < since] = np.nan
    state = model.state.copy()
    seen = np.array(list(learning.replay(known, state, expected, late, since=int(asked[0]))))
    return model.probabilities(known.rows(asked), seen)


def rolling(history: History, *, folds: int = 4, first_share: float = 0.5) -> list[dict[str, Any]]:
    """Cross-validation in time: learn what was known on a day, ask about the cases until the next cut."""
    order = np.argsort(history.opened, kind="stable")
    whole = history.rows(order)
    edges = np.linspace(first_share, 1, folds + 1)
    found = []
    for begin, end in zip(edges, edges[1:], strict=False):
        lo, hi = int(begin * len(whole)), int(end * len(whole))
        result = evaluate(whole.rows(np.arange(lo)), whole.rows(np.arange(lo, hi)))
        result["from_day"] = str(np.datetime64(int(whole.opened[lo]), "s"))[:10]
        found.append(result)
    return found


def figures(truth: Array, probability: Array) -> dict[str, Any]:
    """How well probabilities rank (ROC-AUC, PR-AUC) and how far they can be believed (Brier, ECE, bins)."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    order = np.argsort(probability, kind="stable")
    bins, error = [], 0.0
    for part in np.array_split(order, min(BINS, len(order))):
        said, happened = float(probability[part].mean()), float(truth[part].mean())
        error += len(part) / len(truth) * abs(said - happened)
        bins.append({"n": len(part), "predicted": round(said, 4), "observed": round(happened, 4)})
    brier = float(((probability - truth) ** 2).mean())
    rate = float(truth.mean())
    return {
        "roc_auc": round(float(roc_auc_score(truth, probability)), 4),
        "pr_auc": round(float(average_precision_score(truth, probability)), 4),
        "brier": round(brier, 4),
        "brier_of_the_rate_alone": round(rate * (1 - rate), 4),
        "ece": round(error, 4),
        "calibration": bins,
        "n": len(truth),
        "late_share": round(rate, 4),
    }


def split(history: History, share: float) -> tuple[History, History]:
    """The first `share` by time of intake, and the rest."""
    whole = history.rows(np.argsort(history.opened, kind="stable"))
    cut = int(share * len(whole))
    return whole.rows(np.arange(cut)), whole.rows(np.arange(cut, len(whole)))


def without_outcomes(history: History) -> History:
    """The cases as they came in, for telling that nothing later is looked at."""
    return replace(
        history, closed=np.full(len(history), np.nan), observed_until=float(history.opened.max()) + DAY_S
    )
