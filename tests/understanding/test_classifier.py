from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongzhi.understanding import classifier, learning, ngrams, weights_file
from gongzhi.understanding.evaluation import FileInvalid, evaluate_files, read_labelled

DATA = Path(__file__).parents[3] / "shared" / "data" / "zh_messages" / "rawtext.dev.csv.gz"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=1, max_size=5))
@settings(deadline=None)
def test_texts_are_counted_alike_alone_and_together(texts: list[str]) -> None:
    folded = ngrams.fold_many(texts)
    together = ngrams.grams(folded, 16)
    for i, text in enumerate(texts):
        alone = ngrams.grams(ngrams.fold_many([text]), 16)
        assert sorted(together.bucket[together.text == i]) == sorted(alone.bucket)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(deadline=None)
def test_folding_twice_changes_nothing_and_keeps_the_way_back(text: str) -> None:
    folded = ngrams.fold(text)
    assert ngrams.fold(folded) == folded
    origin = ngrams.fold_many([text]).origin[1:-1]
    for index, character in zip(origin.tolist(), folded, strict=True):
        assert ngrams.fold("x" + text[index] + "x")[1:-1] == character


@pytest.mark.parametrize(
    ("written", "folded"),
    [("路灯 不 亮", "路灯不亮"), ("ＡＢＣ １２３", "abc 0"), ("No.  12 Main\tSt", "no. 0 main st")],
)
def test_segmented_and_full_width_text_reads_as_plain_text(written: str, folded: str) -> None:
    assert ngrams.fold(written) == folded


LAMPS = ["路灯不亮", "路灯坏了", "晚上路灯不亮了"]
BINS = ["垃圾没人收", "垃圾桶满了", "垃圾堆了三天"]


def _lamps_and_bins() -> classifier.Classifier:
    return learning.train(LAMPS + BINS, ["lamp"] * 3 + ["bin"] * 3, bits=14)


def test_a_model_survives_being_saved(tmp_path: Path) -> None:
    model = _lamps_and_bins()
    model.save(tmp_path / "a.model")
    again = classifier.Classifier.load(tmp_path / "a.model")
    assert again.labels == ("bin", "lamp")
    assert np.array_equal(model.probabilities(LAMPS), again.probabilities(LAMPS))
    assert not again.weights.flags.owndata, "the weights are mapped, not read"


def test_the_words_that_decided_stand_in_the_text_as_written() -> None:
    text = "门口的路灯又不亮，Ｎｏ.12 号"
    words = _lamps_and_bins().deciding_words(text, "lamp")
    assert any("路灯" in word or "不亮" in word for word in words)
    assert all(word in text for word in words)


def test_a_damaged_model_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.model"
    _lamps_and_bins().save(path)
    whole = path.read_bytes()
    for broken in (whole[:-100], b"PK" + whole[2:], whole[:8] + b"\xff" * 8, whole[:40], b""):
        path.write_bytes(broken)
        with pytest.raises(weights_file.Damaged):
            classifier.Classifier.load(path)


def test_a_pruned_model_keeps_what_matters_most() -> None:
    model = _lamps_and_bins()
    small = learning.pruned(model, 2 * 2 * 12)
    assert len(small.idf) == 12
    assert small.margins(LAMPS).argmax(axis=1).tolist() == [1, 1, 1]
    assert small.margins(BINS).argmax(axis=1).tolist() == [0, 0, 0]


def test_a_class_with_a_single_text_does_not_stop_the_training() -> None:
    texts = [f"{kind}{n}号" for kind in ("路灯坏", "垃圾多") for n in "一二三四五六七八九十" * 4]
    labels = ["lamp"] * 40 + ["bin"] * 40
    model = learning.train([*texts, "噪音太大"], [*labels, "noise"], bits=14)
    assert model.labels == ("bin", "lamp", "noise")
    assert np.allclose(model.probabilities(texts).sum(axis=1), 1, atol=1e-5)


def test_texts_without_words_get_an_answer_too() -> None:
    probabilities = _lamps_and_bins().probabilities(["", "  ", "\x00", "🙂", "\ud800"])
    assert np.isfinite(probabilities).all()


@pytest.mark.parametrize("content", [b"", b"text,label\n", b"other\nx\n", b"text,label\n\xff\xfe,a\n"])
def test_a_useless_file_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(FileInvalid):
        read_labelled(path, ["text"], "label")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_file_is_read_whatever_its_name_says(tmp_path: Path, encoding: str, packed: bool) -> None:
    rows = "".join(f"{i},,{t},{c} \n" for i, (t, c) in enumerate(zip(LAMPS + BINS, "aaabbb", strict=True)))
    content = f"id,标题, 内容,类别\n{rows}".encode(encoding)
    path = tmp_path / ("plain.csv.gz" if not packed else "packed.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    texts, labels = read_labelled(path, ["标题", "内容"], "类别")
    assert (texts, labels) == (LAMPS + BINS, list("aaabbb"))
    figures = evaluate_files(path, path, ["标题", "内容"], "类别")
    assert figures["accuracy"] == 1.0


@pytest.mark.skipif(not DATA.exists(), reason="the real messages are not beside this checkout")
def test_real_messages_are_understood(tmp_path: Path) -> None:
    with gzip.open(DATA, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, part in (("train.csv", rows[::2]), ("test.csv", rows[1::2])):
        with (tmp_path / name).open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, ["title", "text", "label"], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(part)
    figures = evaluate_files(tmp_path / "train.csv", tmp_path / "test.csv", ["title", "text"], "label")
    assert figures["accuracy"] > 0.80
