"""Measuring understanding on files: train on one, test on another, with the served code."""

from __future__ import annotations

import csv
import gzip
import sys
import time
from pathlib import Path
from typing import IO, Any

import numpy as np

from gongzhi.understanding import learning


class FileInvalid(ValueError):
    """A file cannot be used; the sentence says why."""


def read_labelled(path: Path, text: list[str], label: str) -> tuple[list[str], list[str]]:
    """Texts (the columns joined by a space) and labels of a CSV file, plain or gzipped, in UTF-8 or GB 18030.

    Raises:
        FileInvalid: missing, empty, damaged, another encoding, or a column is missing.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    texts: list[str] = []
    labels: list[str] = []
    try:
        with _opened(path) as file:
            reader = csv.DictReader(file)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
            missing = [c for c in [*text, label] if c not in reader.fieldnames]
            if missing:
                raise FileInvalid(
                    f"{path}: no column {', '.join(missing)}; it has {', '.join(reader.fieldnames)}"
                )
            for row in reader:
                named = (row[label] or "").strip()
                if named:
                    texts.append(" ".join((row[c] or "").strip() for c in text).strip())
                    labels.append(named)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as problem:
        raise FileInvalid(f"{path}: {problem}") from problem
    if not texts:
        raise FileInvalid(f"{path}: no labelled rows")
    return texts, labels


def _opened(path: Path) -> IO[str]:
    """The text of a file, whatever its name says about being gzipped."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    opened: Any = gzip.open if packed else open
    encoding = "utf-8-sig"
    try:
        with opened(path, "rt", encoding=encoding, newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        encoding = "gb18030"
    result: IO[str] = opened(path, "rt", encoding=encoding, newline="")
    return result


def evaluate_files(train: Path, test: Path, text: list[str], label: str) -> dict[str, Any]:
    """Accuracy, F1 and speed of a model trained on `train` and asked about `test`.

    `accuracy_at_80` and `accuracy_at_90` are the accuracies on the most confident 80 % and 90 %.

    Raises:
        FileInvalid: a file cannot be used.
    """
    from sklearn.metrics import f1_score

    known, known_labels = read_labelled(train, text, label)
    asked, truth_list = read_labelled(test, text, label)
    try:
        model = learning.train(known, known_labels)
    except ValueError as problem:
        raise FileInvalid(f"{train}: {problem}") from problem
    start = time.perf_counter()
    probabilities = model.probabilities(asked)
    seconds = time.perf_counter() - start
    truth = np.array(truth_list)
    chosen = np.array(model.labels)[probabilities.argmax(axis=1)]
    right = (chosen == truth)[np.argsort(-probabilities.max(axis=1))]
    return {
        "accuracy": round(float(right.mean()), 4),
        "macro_f1": round(float(f1_score(truth, chosen, average="macro")), 4),
        "weighted_f1": round(float(f1_score(truth, chosen, average="weighted")), 4),
        "accuracy_at_80": round(float(right[: max(1, int(0.8 * len(right)))].mean()), 4),
        "accuracy_at_90": round(float(right[: max(1, int(0.9 * len(right)))].mean()), 4),
        "texts_per_second": round(len(asked) / seconds),
        "texts": len(asked),
    }
