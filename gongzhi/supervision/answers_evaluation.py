"""How far the rules of `answers` agree with people's judgements in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gongzhi.intake.importing.tables import FileInvalid, read_table
from gongzhi.supervision import answers

FOLDS = 5
_ASPECT_OF = {"explain": "explanation", "complete": "completeness"}


def evaluate(
    path: Path, *, text: str = "title,text", reply: str = "reply", days: str = "reply_days"
) -> dict[str, Any]:
    """Compare scores with the columns `explain_label_*` and `complete_label_*` (0 or 1) of a CSV file.

    For each label: ROC-AUC of the rule's score as it stands, and Cohen's kappa at a threshold that is
    chosen on the other folds (5-fold cross-validation); beside it what length alone would give.

    Raises:
        FileInvalid: a column is missing, or no label has both values.
    """
    from sklearn.metrics import cohen_kappa_score, roc_auc_score

    table = read_table(path)
    columns = list(table.columns)
    text_columns = [c.strip() for c in text.split(",") if c.strip() in columns]
    labels = [c for c in columns if c.startswith(tuple(f"{k}_label" for k in _ASPECT_OF))]
    if not text_columns or reply not in columns or not labels:
        raise FileInvalid(
            f"{path}: needs the columns {text}, {reply} and explain_label_… or complete_label_…"
        )
    scored: list[answers.Scores] = []
    judged: list[list[float]] = []
    pairs: list[tuple[str, str]] = []
    for line in table.lines:
        if line.values is None:
            continue
        row = dict(zip(columns, line.values, strict=True))
        pairs.append((" ".join(row[c] for c in text_columns), row[reply]))
        took = _number(row.get(days, ""))
        scored.append(answers.score(" ".join(row[c] for c in text_columns), row[reply], days=took))
        judged.append([_number(row[c], np.nan) or 0.0 for c in labels])
    truth = np.array(judged)
    result: dict[str, Any] = {"n": len(scored), "labels": {}}
    result["held_as_not_fitting"] = _held_shares(pairs)
    for k, label in enumerate(labels):
        aspect = _ASPECT_OF[label.split("_", 1)[0]]
        has = ~np.isnan(truth[:, k])
        said = np.array([getattr(s, aspect).score for s in scored])[has]
        length = np.array([s.substance_characters for s in scored])[has]
        want = truth[has, k].astype(int)
        if len(set(want.tolist())) < 2:
            continue
        fold = np.random.default_rng(0).permutation(len(want)) % FOLDS
        decided = np.zeros(len(want), int)
        for f in range(FOLDS):
            rest = fold != f
            cuts = np.unique(np.quantile(said[rest], np.linspace(0, 1, 60)))
            kappas = [cohen_kappa_score(want[rest], said[rest] >= cut) for cut in cuts]
            decided[~rest] = said[~rest] >= cuts[int(np.nanargmax(kappas))]
        result["labels"][label] = {
            "aspect": aspect,
            "n": len(want),
            "share_of_1": round(float(want.mean()), 4),
            "roc_auc": round(float(roc_auc_score(want, said)), 4),
            "kappa": round(float(cohen_kappa_score(want, decided)), 4),
            "roc_auc_of_length_alone": round(float(roc_auc_score(want, length)), 4),
        }
    both = [c for c in labels if c.startswith("explain")]
    if len(both) == 2:
        pair = truth[:, [labels.index(c) for c in both]]
        pair = pair[~np.isnan(pair).any(axis=1)]
        if len(pair):
            result["kappa_between_people"] = round(float(cohen_kappa_score(pair[:, 0], pair[:, 1])), 4)
    if not result["labels"]:
        raise FileInvalid(f"{path}: no label column has both values")
    return result


def _held_shares(pairs: list[tuple[str, str]]) -> dict[str, float]:
    """Share of answers the gate holds back: of the true ones, and of answers given to another matter."""
    if not pairs:
        return {}
    order = np.random.default_rng(0).permutation(len(pairs))
    true = sum(answers.does_not_fit(q, a) for q, a in pairs)
    wrong = sum(answers.does_not_fit(pairs[i][0], pairs[(i + 1) % len(pairs)][1]) for i in order.tolist())
    return {"true": round(true / len(pairs), 4), "of_another_matter": round(wrong / len(pairs), 4)}


def _number(value: str, empty: float | None = None) -> float | None:
    try:
        return float(value)
    except ValueError:
        return empty
