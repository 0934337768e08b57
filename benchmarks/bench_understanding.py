"""Understanding beside a HashingVectorizer with a linear model: speed and cross-validated accuracy.

Both learn from the same real messages and read the same short texts, in turns, in one run. A message
that stands in several files is in one fold only.

    python -m benchmarks.bench_understanding [--folds 5]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import figures

MESSAGES = figures.DATA / "zh_messages"
SHORT, TEXTS, SINGLE, ROUNDS = 30, 20_000, 400, 5
"""Characters of a short text, texts in a batch, single readings, turns."""


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a file of messages."""
    csv.field_size_limit(2**31 - 1)
    with gzip.open(MESSAGES / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def material(
    folds: int,
) -> tuple[list[str], NDArray[Any], NDArray[np.int64], list[str], NDArray[Any], NDArray[np.int64]]:
    """Raw texts, labels and folds; the same of the segmented texts, joined again."""
    raw, segmented = rows("rawtext.dev.csv.gz"), rows("tokens9210.dev.csv.gz")
    tokens = {row["row"]: row["tokens"] for row in segmented}
    message = [tokens.get(row["tokens_row"], row["text"][:60]) for row in raw]
    different = sorted(set(message) | set(tokens.values()))
    drawn = np.random.default_rng(1).integers(0, folds, len(different))
    fold = dict(zip(different, drawn.tolist(), strict=True))
    return (
        [f"{row['title']} {row['text']}" for row in raw],
        np.array([row["label"] for row in raw]),
        np.array([fold[key] for key in message]),
        [row["tokens"].replace(" ", "") for row in segmented],
        np.array([row["label"] for row in segmented]),
        np.array([fold[row["tokens"]] for row in segmented]),
    )


def judged(chosen: NDArray[Any], sure: NDArray[np.float64], truth: NDArray[Any]) -> dict[str, float]:
    """Accuracy, macro-F1 and accuracy on the most confident 80 %."""
    from sklearn.metrics import f1_score

    right = (chosen == truth)[np.argsort(-sure, kind="stable")]
    return {
        "accuracy": round(float(right.mean()), 4),
        "macro_f1": round(float(f1_score(truth, chosen, average="macro")), 4),
        "accuracy_at_80": round(float(right[: int(0.8 * len(right))].mean()), 4),
    }


def cross_validated(folds: int, with_more: bool) -> tuple[dict[str, float], dict[str, float], float]:
    """Ours, TF-IDF with a linear support vector machine, and our seconds of training a fold."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    from gongzhi.understanding import learning

    texts, labels, fold, more, more_labels, more_fold = material(folds)
    chosen, sure = np.empty((2, len(texts)), object), np.zeros((2, len(texts)))
    seconds = 0.0
    for one in range(folds):
        asked = np.flatnonzero(fold == one)
        known = [texts[i] for i in np.flatnonzero(fold != one)]
        known_labels = list(labels[fold != one])
        if with_more:
            known += [more[i] for i in np.flatnonzero(more_fold != one)]
            known_labels += list(more_labels[more_fold != one])
        questions = [texts[i] for i in asked]
        start = time.perf_counter()
        model = learning.train(known, known_labels)
        seconds += time.perf_counter() - start
        probability = model.probabilities(questions)
        chosen[0, asked] = np.array(model.labels)[probability.argmax(axis=1)]
        sure[0, asked] = probability.max(axis=1)
        counter = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2)
        machine = LinearSVC().fit(counter.fit_transform(known), known_labels)
        margin = machine.decision_function(counter.transform(questions))
        chosen[1, asked] = machine.classes_[margin.argmax(axis=1)]
        ordered = np.sort(margin, axis=1)
        sure[1, asked] = ordered[:, -1] - ordered[:, -2]
    ours, theirs = (judged(chosen[k], sure[k], labels) for k in (0, 1))
    return ours, theirs, seconds / folds


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def speeds() -> list[dict[str, Any]]:
    """Batch and single readings, in turns, of a model as it is served: saved and mapped again."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    from gongzhi.understanding import learning
    from gongzhi.understanding.classifier import Classifier

    texts, labels, *_rest = material(5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.model"
        learning.train(texts, list(labels)).save(path)
        size = path.stat().st_size
        model = Classifier.load(path)
        counter = HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=1 << 20)
        linear = SGDClassifier(random_state=0).fit(counter.transform(texts), labels)
        short = [t.strip()[:SHORT] for t in texts]
        batch = (short * (TEXTS // len(short) + 1))[:TEXTS]
        model.probabilities(batch[:2000])
        ours, theirs, one, one_theirs = [], [], [], []
        for _ in range(ROUNDS):
            ours.append(timed(lambda: model.probabilities(batch)))
            theirs.append(timed(lambda: linear.decision_function(counter.transform(batch))))
        for text in short[:SINGLE]:
            one.append(timed(lambda t=text: model.probabilities([t])))  # type: ignore[misc]
            one_theirs.append(timed(lambda t=text: linear.decision_function(counter.transform([t]))))  # type: ignore[misc]
    rate, rate_theirs = TEXTS / min(ours), TEXTS / min(theirs)
    single, single_theirs = statistics.median(one) * 1000, statistics.median(one_theirs) * 1000
    return [
        {
            "what": f"texts of {SHORT} characters a second in batch (HashingVectorizer + linear model)",
            "ours": round(rate),
            "reference": round(rate_theirs),
            "ratio": round(rate / rate_theirs, 2),
            "goal": "at least 50,000/s",
            "met": rate >= 50_000,
        },
        {
            "what": "one text, median ms (HashingVectorizer + linear model)",
            "ours": round(single, 3),
            "reference": round(single_theirs, 3),
            "ratio": round(single_theirs / single, 2),
            "goal": "at most 0.5 ms",
            "met": single <= 0.5,
        },
        {"what": "model file, MB", "ours": round(size / 1e6, 1)},
    ]


def accuracies(folds: int) -> list[dict[str, Any]]:
    """Cross-validated figures on raw texts, without and with the segmented ones to learn from."""
    found = []
    for with_more, words in ((False, "raw texts"), (True, "raw texts, all texts learned from")):
        ours, theirs, seconds = cross_validated(folds, with_more)
        for name, goal, least in (
            ("macro_f1", "above the reference, aim 0.95", theirs["macro_f1"]),
            ("accuracy", "above the reference", theirs["accuracy"]),
            ("accuracy_at_80", "at least 0.99", 0.99),
        ):
            found.append(
                {
                    "what": f"{name}, {folds} folds, {words} (character TF-IDF + LinearSVC)",
                    "ours": ours[name],
                    "reference": theirs[name],
                    "ratio": round(ours[name] / theirs[name], 4),
                    "goal": goal,
                    "met": ours[name] >= least,
                }
            )
        found.append({"what": f"training, seconds a fold, {words}", "ours": round(seconds, 1), "goal": "below 90 s", "met": seconds < 90})  # fmt: skip
    return found


def main() -> None:
    """Measure, print and keep the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--folds", type=int, default=5)
    folds = arguments.parse_args().folds
    if not MESSAGES.exists():
        sys.exit("the real messages are not beside this checkout: nothing to measure on")
    figures.write("understanding", [*speeds(), *accuracies(folds)])


if __name__ == "__main__":
    main()
