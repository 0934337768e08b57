"""One short text is read in plain Python and gives what many texts give."""

from __future__ import annotations

import random

import numpy as np
import pytest

from gongzhi.understanding import ngrams, short_texts, sketches
from gongzhi.understanding.classifier import Classifier

_CHARACTERS = "  00 12a bÀÉ中文字号路灯，。\n\t\u3000Ａ９①㍿ﬁ\x00\x1f𠀀😀é가ßthe lamp"


def some_texts(count: int, most: int = 40) -> list[str]:
    chance = random.Random(11)
    return ["".join(chance.choices(_CHARACTERS, k=chance.randrange(most))) for _ in range(count)]


def a_classifier(bits: int = 10) -> Classifier:
    chance = np.random.default_rng(3)
    buckets, features, classes = 2**bits, 300, 7
    rows = chance.integers(-1, features, buckets).astype(np.int32)
    head_rows = np.where(chance.random(features) < 0.5, features + np.arange(features), -1).astype(np.int32)
    return Classifier(
        tuple("abcdefg"),
        bits,
        rows,
        head_rows,
        chance.random(2 * features).astype(np.float32),
        chance.normal(size=(2 * features, classes)).astype(np.float32),
        chance.normal(size=classes).astype(np.float32),
        1.0,
        0.0,
    )


def test_a_short_text_is_folded_as_many_are() -> None:
    for text in some_texts(2_000):
        many = ngrams.fold_many([text])
        folded, origin = short_texts.folded_with_origin(text)
        assert short_texts.folded(text) == folded == ngrams.fold(text)
        assert origin == many.origin[1:-1].tolist()


def test_a_short_text_has_the_sketch_that_it_has_among_many() -> None:
    texts = some_texts(300, 400)
    for text, sketch in zip(texts, sketches.of_many(texts), strict=True):
        assert sketches.of(text) == bytes(sketch)
        assert bytes(sketches.of_many([text])[0]) == bytes(sketch)


def test_a_short_text_gets_the_margins_that_it_gets_among_many() -> None:
    classifier = a_classifier()
    texts = some_texts(300)
    together = classifier.margins(texts)
    alone = np.concatenate([classifier.margins([text]) for text in texts])
    assert alone == pytest.approx(together, abs=1e-4)


def test_the_same_words_decide_however_long_a_text_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = a_classifier()
    texts = some_texts(200)
    short = [classifier.deciding_words(text, "c") for text in texts]
    monkeypatch.setattr(short_texts, "MOST_CHARACTERS", -1)
    assert [classifier.deciding_words(text, "c") for text in texts] == short
