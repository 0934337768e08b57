"""Learning a classifier from labelled texts (needs scikit-learn, which serving never imports)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gongzhi.understanding import ngrams
from gongzhi.understanding.classifier import Classifier, Matrix, features, probabilities

BITS = 20
COST = 1.0
SMOOTHING = 0.05
LIMIT_BYTES = 30 * 1024 * 1024
"""Weights beyond this are pruned, the weakest n-grams first."""
FOLDS = 3
FEW_TEXTS = 60
UNCALIBRATED = (6.0, 2.0)
"""Slope and offset for a handful of texts, on which nothing can be fitted."""
MANY_TEXTS = 1000
"""From here on an n-gram must stand in two texts to count."""
MANY_CLASSES, RIDGE_TEXTS, PENALTY = 20, 6000, 0.5
"""Where least squares are used instead of support vector machines (see `fit_ridge`)."""
ONE_FOLD_FROM = 1_000_000


def train(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    bits: int = BITS,
    cost: float = COST,
    sample_weight: Sequence[float] | None = None,
) -> Classifier:
    """Train on labelled texts.

    Args:
        texts, labels: what is said and what it is about, alike long.
        bits: n-grams are hashed into 2^bits buckets.
        cost: how much an error of the support vector machine costs.
        sample_weight: how much each text counts; 1 each if not given.

    Raises:
        ValueError: fewer than two classes, or texts without a single character.
    """
    classes, encoded = np.unique(np.asarray(labels), return_inverse=True)
    if len(classes) < 2:
        raise ValueError("at least two classes are needed to learn how they differ")
    weight = np.ones(len(texts)) if sample_weight is None else np.asarray(sample_weight, float)
    rows, head_rows, idf = _vocabulary(texts, bits)
    matrix = features(texts, bits, rows, head_rows, idf)
    if len(classes) >= MANY_CLASSES and len(texts) <= RIDGE_TEXTS:
        coefficients, bias, unseen = fit_ridge(matrix, encoded, len(classes), weight)
    else:
        coefficients, bias = fit(matrix, encoded, len(classes), cost, weight)
        unseen = _unseen(matrix, encoded, len(classes), cost, weight)
    slope, offset = _calibrated(unseen, encoded)
    told = ~np.isnan(unseen[:, 0])
    right = unseen[told].argmax(axis=1) == encoded[told]
    whole = Classifier(
        tuple(str(c) for c in classes), bits, rows, head_rows, idf,
        coefficients.astype(np.float32), bias, slope, offset,
        round(float(right.mean()), 4) if told.any() else None,
    )  # fmt: skip
    return pruned(whole, LIMIT_BYTES)


def _vocabulary(
    texts: Sequence[str], bits: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Which n-grams count: rows of buckets, rows of beginnings, and their IDF (see `Classifier`)."""
    least = 2 if len(texts) >= MANY_TEXTS else 1
    frequency = np.zeros(1 << bits, np.int64)
    at_head = np.zeros(1 << bits, np.int64)
    for start in range(0, len(texts), 2000):
        part = texts[start : start + 2000]
        folded = ngrams.fold_many(part)
        found = ngrams.grams(folded, bits)
        keys = (found.text.astype(np.int64) << bits) | found.bucket
        early = folded.rank[found.at] < ngrams.HEAD
        low = (1 << bits) - 1
        frequency += np.bincount(np.unique(keys) & low, minlength=1 << bits)
        at_head += np.bincount(np.unique(keys[early]) & low, minlength=1 << bits)
    kept = np.flatnonzero(frequency >= least)
    if not len(kept):
        raise ValueError("the texts hold no words")
    rows = np.full(1 << bits, -1, np.int32)
    rows[kept] = np.arange(len(kept))
    at_head = at_head[kept]
    heads = np.flatnonzero(at_head >= least)
    head_rows = np.full(len(kept), -1, np.int32)
    head_rows[heads] = len(kept) + np.arange(len(heads))
    seen = np.concatenate((frequency[kept], at_head[heads]))
    idf = np.log((1 + len(texts)) / (1 + seen)) + 1
    return rows, head_rows, idf.astype(np.float32)


def fit(
    matrix: Matrix,
    encoded: NDArray[np.int64],
    classes: int,
    cost: float,
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One NB-SVM per class against all others: ((F, classes) weights, (classes,) bias)."""
    from sklearn.svm import LinearSVC

    members = sparse.csr_matrix((weight, (encoded, np.arange(len(encoded)))), shape=(classes, len(encoded)))
    inside = np.asarray((members @ matrix).todense(), np.float64)
    everything = inside.sum(axis=0)
    coefficients = np.zeros((matrix.shape[1], classes), np.float32)
    bias = np.zeros(classes, np.float32)
    for one in range(classes):
        if not (encoded == one).any():
            bias[one] = -1.0
            continue
        p = inside[one] + SMOOTHING
        q = everything - inside[one] + SMOOTHING
        ratio = np.sqrt(np.abs(np.log((p / p.sum()) / (q / q.sum())))).astype(np.float32)
        scaled = matrix.copy()
        scaled.data *= ratio[matrix.indices]
        machine = LinearSVC(C=cost, tol=1e-3, max_iter=2000)
        machine.fit(scaled, encoded == one, sample_weight=weight)
        coefficients[:, one] = machine.coef_[0] * ratio
        bias[one] = machine.intercept_[0]
    return coefficients, bias


def folds_of(encoded: NDArray[np.int64], folds: int, seed: int = 0) -> NDArray[np.int64]:
    """(len(encoded),) a fold for each text, every class spread evenly over the folds."""
    order = np.random.default_rng(seed).permutation(len(encoded))
    sorted_by_class = order[np.argsort(encoded[order], kind="stable")]
    fold = np.empty(len(encoded), np.int64)
    fold[sorted_by_class] = np.arange(len(encoded)) % folds
    return fold


def fit_ridge(
    matrix: Matrix, encoded: NDArray[np.int64], classes: int, weight: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Least squares with a penalty, all classes from one factorisation of the texts' products.

    For a few thousand short texts in hundreds of classes this is both better and ten times faster
    than support vector machines, and gives the exact leave-one-out margins (Rifkin & Lippert 2007).

    Returns:
        (F, classes) weights, (classes,) bias, (texts, classes) margins of each text by a model
        that has not seen it.
    """
    from scipy import linalg

    kernel = np.asarray((matrix @ matrix.T).todense(), np.float32)
    kernel[np.diag_indices_from(kernel)] += (PENALTY / np.maximum(weight, 1e-3)).astype(np.float32)
    target = np.full((len(encoded), classes), -1, np.float32)
    target[np.arange(len(encoded)), encoded] = 1
    bias = target.mean(axis=0)
    inverse = linalg.inv(kernel, overwrite_a=True, check_finite=False)
    dual = inverse @ (target - bias)
    unseen = target - dual / np.diag(inverse)[:, None]
    return np.asarray(matrix.T @ dual, np.float32), bias, np.asarray(unseen, np.float32)


def _unseen(
    matrix: Matrix,
    encoded: NDArray[np.int64],
    classes: int,
    cost: float,
    weight: NDArray[np.float64],
) -> NDArray[np.float32]:
    """(texts, classes) margins of each text by a machine that has not seen it; none when too few.

    With very many rows one fold is enough to fit two numbers; the other rows stay NaN.
    """
    unseen = np.full((len(encoded), classes), np.nan, np.float32)
    if len(encoded) < FEW_TEXTS:
        return unseen
    fold = folds_of(encoded, FOLDS)
    for one in range(FOLDS if len(encoded) * classes <= ONE_FOLD_FROM else 1):
        known = fold != one
        w, b = fit(matrix[known], encoded[known], classes, cost, weight[known])
        unseen[~known] = matrix[~known] @ w + b
    return unseen


def _calibrated(unseen: NDArray[np.float32], encoded: NDArray[np.int64]) -> tuple[float, float]:
    """Slope and offset under which margins of unseen texts are honest probabilities."""
    from scipy.optimize import minimize

    told = ~np.isnan(unseen[:, 0])
    if told.sum() < FEW_TEXTS // FOLDS:
        return UNCALIBRATED
    margins, truth = unseen[told], encoded[told]
    own = np.arange(len(truth))

    def loss(parameters: NDArray[np.float64]) -> float:
        p = probabilities(margins, float(np.exp(parameters[0])), float(parameters[1]))
        return float(-np.log(np.maximum(p[own, truth], 1e-9)).mean())

    best = minimize(loss, [np.log(6.0), 1.0], method="Nelder-Mead", options={"xatol": 0.02})
    return float(np.exp(min(best.x[0], 4.0))), float(np.clip(best.x[1], -20, 20))


def pruned(model: Classifier, limit_bytes: int) -> Classifier:
    """The same model with its weakest features left out, so that its weights fit the limit."""
    features_most = limit_bytes // (2 * len(model.labels))
    if len(model.idf) <= features_most:
        return model
    strength = np.abs(model.weights).max(axis=1).astype(np.float32) * model.idf
    r = len(model.head_rows)
    has_head = model.head_rows >= 0
    strength[:r][has_head] = np.maximum(
        strength[:r][has_head], strength[model.head_rows[has_head]]
    )  # an n-gram must stay for its beginning to be found
    kept = np.zeros(len(strength), bool)
    kept[np.argpartition(-strength, features_most)[:features_most]] = True
    place = np.cumsum(kept, dtype=np.int32) - 1
    rows = np.array(model.rows)
    known = rows >= 0
    rows[known] = np.where(kept[rows[known]], place[rows[known]], -1)
    heads = np.array(model.head_rows[kept[:r]])
    known = heads >= 0
    heads[known] = np.where(kept[heads[known]], place[heads[known]], -1)
    return Classifier(
        model.labels, model.bits, rows, heads, model.idf[kept], model.weights[kept],
        model.bias, model.slope, model.offset, model.unseen_accuracy,
    )  # fmt: skip
