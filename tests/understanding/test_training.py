from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from gongzhi.cases import actions
from gongzhi.cases.models import Case
from gongzhi.errors import Invalid, NotAllowed, NotFound
from gongzhi.ledger.models import Act
from gongzhi.registry import snapshot
from gongzhi.registry.authority import ANONYMOUS
from gongzhi.registry.models import Function
from gongzhi.understanding import material, reading, similar, training
from gongzhi.understanding.models import Embedding, Model

pytestmark = pytest.mark.django_db


def _taught(number: str) -> list[tuple[str, float]]:
    told = material.assemble()
    text = Case.objects.get(number=number).text
    return [
        (code, weight)
        for part in (told.known, told.held_out)
        for t, code, weight in zip(part.texts, part.codes, part.weights, strict=True)
        if t == text
    ]


def _someone_who_handles(case: Case):  # type: ignore[no-untyped-def]
    from gongzhi.registry.authority import actor_of
    from gongzhi.registry.models import Post

    post = Post.objects.filter(
        organisation_id=case.organisation_id, roles__contains=["worker"], person__isnull=False
    ).first()
    assert post is not None and post.person is not None
    return actor_of(post.person, post)


def test_a_correction_by_staff_becomes_training_data(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit("门口那个东西又坏了，没人来弄，急死人了")
    assert _taught(receipt.number) == []
    case = Case.objects.get(number=receipt.number)
    other = Function.objects.filter(is_leaf=True).exclude(pk=case.function_id).first()
    assert other is not None
    actions.classify(_someone_who_handles(case), case, other)
    assert _taught(receipt.number) == [(other.code, material.CORRECTED_WEIGHT)]


def test_a_case_that_came_back_as_misread_teaches_nothing(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit()
    case = Case.objects.get(number=receipt.number)
    actions.return_(_someone_who_handles(case), case, reason_code="wrong_function", reason="不是路灯")
    ended = {"state": "closed", "closure": "fixed", "closed_at": timezone.now()}
    Case.objects.filter(pk=case.pk).update(**ended)
    assert _taught(receipt.number) == []
    plain = submit("另外一处路灯也坏了，晚上很黑")
    Case.objects.filter(number=plain.number).update(**ended)
    assert _taught(plain.number) == [(plain.function_code, material.CASE_WEIGHT)]


def test_equal_texts_stay_on_one_side_of_the_yardstick() -> None:
    assert material.is_held_out("路灯 坏了") == material.is_held_out("路灯坏了")
    share = sum(material.is_held_out(f"第{n}件事") for n in range(97)) / 97
    assert 0 <= share < 0.3


def test_a_worse_model_is_kept_but_not_used(submit, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(training, "_compared", lambda *_: (0.6, 0.7))
    before = Model.objects.get(in_use=True)
    result = training.train()
    assert not result.in_use
    assert Model.objects.get(in_use=True) == before
    assert Model.objects.filter(version=result.version).exists()


def test_both_models_are_measured_on_the_same_texts_that_neither_has_seen(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(training, "LEAST_HELD_OUT", 2)
    monkeypatch.setattr(material, "_corrections", lambda: (set(), set()))
    told = material.assemble()
    held = material.Material()
    for text, code in zip(told.known.texts[:40], told.known.codes[:40], strict=True):
        held.add(text, code, 1.0)
    monkeypatch.setattr(training, "assemble", lambda: material.Assembled(told.known, held, 0))
    result = training.train()
    assert result.accuracy is not None and result.accuracy_before is not None
    assert result.in_use == (result.accuracy >= result.accuracy_before)


def test_a_model_can_be_taken_back_and_that_is_an_act() -> None:
    first = Model.objects.get(in_use=True)
    second = training.train()
    assert second.in_use
    back = training.switch(reason="worse in practice")
    assert back == first
    assert reading.served() is not None and reading.served().version == first.version  # type: ignore[union-attr]
    act = Act.objects.filter(verb="model.switch").latest("id")
    assert (act.subject_key, act.reason) == (first.version, "worse in practice")
    assert training.switch(second.version).version == second.version


def test_a_switch_needs_a_whole_file_a_known_version_and_a_permission() -> None:
    result = training.train()
    with pytest.raises(NotFound):
        training.switch("nonsense")
    with pytest.raises(NotAllowed):
        training.switch(actor=ANONYMOUS)
    row = Model.objects.get(version=result.version)
    training.switch()
    path = Path(settings.MODELS_DIR) / row.file
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(Invalid):
        training.switch(row.version)


def test_a_lost_model_file_leaves_the_decision_to_a_person() -> None:
    row = Model.objects.get(in_use=True)
    Model.objects.filter(pk=row.pk).update(file="gone.model")
    reading.forget()
    result = reading.read("路灯坏了，有人触电", snapshot.current())
    assert result.needs_person and result.function == "" and result.is_danger


def test_words_shown_as_reasons_hold_no_personal_data() -> None:
    result = reading.read("张女士13812345678说路灯坏了，路灯不亮很久", snapshot.current())
    assert result.words
    assert not any("张" in word or "138" in word for word in result.words)


def test_answered_cases_are_found_again_by_what_they_say(submit) -> None:  # type: ignore[no-untyped-def]
    receipt = submit("菜市场门口连着三盏路灯都不亮了")
    case = Case.objects.get(number=receipt.number)
    worker = _someone_who_handles(case)
    actions.accept(worker, case)
    actions.resolve(worker, case, "三盏路灯已经修好，请放心出行。")
    Act.objects.filter(pk=0).exists()
    similar._SETTLED, kept = timedelta(seconds=-5), similar._SETTLED
    try:
        assert similar.fill_embeddings() > 0
        assert similar.fill_embeddings() == 0
    finally:
        similar._SETTLED = kept
    assert Embedding.objects.filter(case=case).count() == 1
    found = similar.similar_answered("市场门口的路灯三盏不亮")
    assert [s.number for s in found] == [receipt.number]
    assert "修好" in found[0].answer
    assert similar.similar_answered("公积金怎么提取") == []
    assert similar.similar_answered("市场门口的路灯三盏不亮", except_case=case.pk) == []
