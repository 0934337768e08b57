"""A linear classifier over hashed n-grams: trained with scikit-learn, served with NumPy alone.

Features are TF-IDF weights (Salton & Buckley 1988) of the whole text and, once more, of its
beginning. A linear support vector machine (LIBLINEAR, Fan et al. 2008) learns on them scaled by
naive-Bayes log-count ratios (NB-SVM, Wang & Manning 2012); the scale is folded into the weights,
so that serving is one sparse product. Margins become probabilities by temperature scaling (Guo
et al. 2017), fitted on margins of texts that the model had not seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gongzhi.understanding import ngrams, short_texts, weights_file

Matrix: TypeAlias = Any
"""A `scipy.sparse.csr_matrix`; SciPy brings no types."""
Gram: TypeAlias = tuple[int, int, tuple[int, int]]
"""Where an n-gram begins, its length, and its features (see `Classifier._known`)."""
BATCH = 4096
"""Texts that are worked on at once: bounds memory, long enough to be vectorised."""


@dataclass(frozen=True)
class Classifier:
    """A trained model of K classes over F features: R n-grams of the text and F-R of its beginning.

    Attributes:
        labels: the K classes.
        bits: n-grams are hashed into 2^bits buckets.
        rows: (2^bits,) int32, feature of a bucket, -1 for n-grams that say nothing.
        head_rows: (R,) int32, feature of the same n-gram at the beginning of a text, or -1.
        idf: (F,) inverse document frequencies.
        weights: (F, K).
        bias: (K,).
        slope, offset: of the sigmoid that turns margins into probabilities.
        unseen_accuracy: share of its own texts that it named rightly without having seen them;
            None when there were too few to tell.
    """

    labels: tuple[str, ...]
    bits: int
    rows: NDArray[np.int32]
    head_rows: NDArray[np.int32]
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    slope: float
    offset: float
    unseen_accuracy: float | None = None
    _known: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)
    """n-gram → (its feature, its feature at the beginning of a text), -1: none; those met lately."""
    _last: list[tuple[str, list[Gram]]] = field(default_factory=list, repr=False, compare=False)
    """The text read last, folded, and its n-grams: what decided is asked for right afterwards."""

    def margins(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(len(texts), K) signed distances from each class's boundary."""
        if len(texts) == 1 and len(texts[0]) <= short_texts.MOST_CHARACTERS:
            return self._margins_of(texts[0])
        parts = [self._margins(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)), np.float32)

    def _margins(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = features(texts, self.bits, self.rows, self.head_rows, self.idf)
        if len(texts) == 1:
            named, place = found.indices, np.arange(len(found.indices), dtype=np.int32)
        else:
            used = np.zeros(len(self.idf), bool)
            used[found.indices] = True
            named = np.flatnonzero(used)
            place = (np.cumsum(used, dtype=np.int32) - 1)[found.indices]
        narrow = sparse.csr_matrix((found.data, place, found.indptr), shape=(len(texts), len(named)))
        return np.asarray(narrow @ self.weights[named], np.float32) + self.bias

    def _margins_of(self, text: str) -> NDArray[np.float32]:
        """(1, K) margins of one short text; equal to `_margins` but for the order of the sums."""
        counts: dict[int, int] = {}
        for at, _order, (row, head) in self._grams_of(short_texts.folded(text)):
            counts[row] = counts.get(row, 0) + 1
            if head >= 0 and at <= ngrams.HEAD:
                counts[head] = counts.get(head, 0) + 1
        if not counts:
            return self.bias[None, :].astype(np.float32)
        named = np.fromiter(counts, np.int32, len(counts))
        values = np.fromiter(map(_damped, counts.values()), np.float32, len(counts))
        values *= self.idf[named]
        in_head = named >= len(self.head_rows)
        squares = values * values
        early = float(squares.dot(in_head))
        scale = (
            1 / math.sqrt(max(float(squares.sum()) - early, 1e-12)),
            HEAD_SHARE / math.sqrt(max(early, 1e-12)),
        )
        values *= np.where(in_head, np.float32(scale[1]), np.float32(scale[0]))
        return (values @ self.weights[named] + self.bias)[None, :]

    def _grams_of(self, folded: str) -> list[Gram]:
        """The n-grams of a folded text that say something: (index where it begins, counted from the
        break before the text, length, features)."""
        for text, grams in self._last:
            if text == folded:
                return grams
        known = self._known
        if len(known) > _MOST_KNOWN:
            known.clear()
        framed = f"\0{folded}\0"
        size = len(framed)
        found = []
        for order in ngrams.ORDERS:
            first = 1 if order == 1 else 0
            for at in range(first, size - order + 1 - first):
                gram = framed[at : at + order]
                rows = known.get(gram) or self._look_up(gram)
                if rows[0] >= 0 and order < size:
                    found.append((at, order, rows))
        self._last[:] = [(folded, found)]
        return found

    def _look_up(self, gram: str) -> tuple[int, int]:
        row = int(self.rows[short_texts.spread(gram) >> (32 - self.bits)])
        rows = (row, int(self.head_rows[row]) if row >= 0 else -1)
        self._known[gram] = rows
        return rows

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(len(texts), K) calibrated probabilities, each row summing to 1."""
        return probabilities(self.margins(texts), self.slope, self.offset)

    def deciding_words(self, text: str, label: str, most: int = 4) -> list[str]:
        """The stretches of `text`, as written, that spoke most for `label`, strongest first."""
        column = self.labels.index(label)
        if len(text) <= short_texts.MOST_CHARACTERS:
            return self._deciding_words_of(text, column, most)
        folded = ngrams.fold_many([text])
        found = ngrams.grams(folded, self.bits)
        row = self.rows[found.bucket]
        known = row >= 0
        row, at, order = row[known], found.at[known], found.order[known].astype(np.int64)
        speaks = self.weights[row, column] * self.idf[row] / order
        weight = np.zeros(len(folded.codes), np.float32)
        for step in range(max(ngrams.ORDERS)):
            inside = order > step
            np.add.at(weight, at[inside] + step, speaks[inside])
        weight[folded.codes == ngrams.BREAK] = 0
        return _strongest(text, weight.tolist(), folded.origin.tolist(), most)

    def _deciding_words_of(self, text: str, column: int, most: int) -> list[str]:
        """`deciding_words` of one short text."""
        folded, origin = short_texts.folded_with_origin(text)
        found = self._grams_of(folded)
        rows = np.fromiter((rows[0] for _at, _order, rows in found), np.int32, len(found))
        speaks = (self.weights[rows, column] * self.idf[rows]).tolist()
        weight = [0.0] * (len(folded) + 2)
        for (at, order, _rows), said in zip(found, speaks, strict=True):
            for step in range(order):
                weight[at + step] += said / order
        return _strongest(text, weight[1:-1], origin, most)

    def save(self, path: Path) -> None:
        """Write the model to one file, whole or not at all."""
        weights_file.write(
            path,
            {
                "labels": list(self.labels),
                "bits": self.bits,
                "slope": self.slope,
                "offset": self.offset,
                "unseen_accuracy": self.unseen_accuracy,
            },
            {
                "rows": self.rows,
                "head_rows": self.head_rows,
                "idf": self.idf,
                "weights": self.weights,
                "bias": self.bias,
            },
        )

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Map a model that `save` wrote; processes that serve the same file share its pages.

        Raises:
            weights_file.Damaged: not such a file.
        """
        facts, arrays = weights_file.read(path)
        return cls(
            tuple(facts["labels"]),
            int(facts["bits"]),
            arrays["rows"],
            arrays["head_rows"],
            # Files of former versions hold half precision, which NumPy turns into numbers one by one.
            np.asarray(arrays["idf"], np.float32),
            np.asarray(arrays["weights"], np.float32),
            np.array(arrays["bias"]),
            float(facts["slope"]),
            float(facts["offset"]),
            facts["unseen_accuracy"],
        )


_MOST_KNOWN = 60_000
"""n-grams whose features are remembered: those of some thousand texts, a few megabytes."""


def _damped(count: int) -> float:
    return 1.0 if count == 1 else 1.0 + math.log(count)


HEAD_SHARE = 0.75
"""Length of the beginning's feature vector beside the whole text's 1; chosen by cross-validation."""


def features(
    texts: Sequence[str],
    bits: int,
    rows: NDArray[np.int32],
    head_rows: NDArray[np.int32],
    idf: NDArray[np.float32],
) -> Matrix:
    """(len(texts), F) float32 weights, each of the two blocks of a row scaled to its length."""
    folded = ngrams.fold_many(texts)
    found = ngrams.grams(folded, bits)
    row = rows[found.bucket]
    known = np.flatnonzero(row >= 0)
    row = row[known]
    text = found.text[known].astype(np.int64)
    early = folded.rank[found.at[known]] < ngrams.HEAD
    head = head_rows[row[early]]
    width = len(idf)
    keys = np.concatenate((text * width + row, (text[early] * width + head)[head >= 0]))
    keys.sort()
    if not len(keys):
        return sparse.csr_matrix((len(texts), width), dtype=np.float32)
    new = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    counts = np.diff(np.append(new, len(keys)))
    keys = keys[new]
    owner = keys // width
    column = (keys - owner * width).astype(np.int32)
    values = (1 + np.log(counts.astype(np.float32))) * idf[column]
    block = 2 * owner + (column >= len(head_rows))
    squares = np.bincount(block, values * values, 2 * len(texts))
    scale = np.tile((1.0, HEAD_SHARE), len(texts)) / np.sqrt(np.maximum(squares, 1e-12))
    values *= scale[block].astype(np.float32)
    indptr = np.searchsorted(owner, np.arange(len(texts) + 1)).astype(np.int32)
    return sparse.csr_matrix((values, column, indptr), shape=(len(texts), width))


def probabilities(margins: NDArray[np.float32], slope: float, offset: float) -> NDArray[np.float32]:
    """Sigmoids of the margins, each row scaled to sum to 1."""
    exponent = np.minimum(-(slope * margins.astype(np.float64) + offset), 60)
    each = 1 / (1 + np.exp(exponent))
    return np.asarray(each / each.sum(axis=1, keepdims=True), np.float32)


def _strongest(text: str, weight: Sequence[float], origin: Sequence[int], most: int) -> list[str]:
    """The stretches of `text` whose characters weigh most, strongest first.

    Args:
        weight, origin: of every folded character its weight and its index in `text`.
    """
    least = 0.4 * max(weight, default=0.0)
    if least <= 0:
        return []
    stretches: list[tuple[float, str]] = []
    start = 0
    for end in range(len(weight) + 1):
        if end < len(weight) and weight[end] > least:
            continue
        if start < end:
            stretches.append((sum(weight[start:end]), _whole(text, origin[start], origin[end - 1] + 1)))
        start = end + 1
    words = [w.strip(" ,.;:!?，。；：！？、") for _, w in sorted(stretches, reverse=True)]
    return list(dict.fromkeys(w for w in words if len(w) > 1))[:most]


def _whole(text: str, start: int, end: int) -> str:
    """Widen a stretch of Latin letters or digits to whole words."""
    while start > 0 and _joins(text[start]) and _joins(text[start - 1]):
        start -= 1
    while end < len(text) and _joins(text[end - 1]) and _joins(text[end]):
        end += 1
    return text[start:end]


def _joins(character: str) -> bool:
    return character.isascii() and character.isalnum()
