"""Training on the city's own words, switching to a better model, and going back to a former one.

Models are versions that stay; which one is in use is one row, and every change of it is an act.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.errors import Invalid, NotFound
from gongzhi.ledger import acts
from gongzhi.registry import authority
from gongzhi.registry.authority import SYSTEM, Actor, Relation
from gongzhi.understanding import learning, reading
from gongzhi.understanding.classifier import Classifier
from gongzhi.understanding.material import Material, assemble
from gongzhi.understanding.models import Model
from gongzhi.understanding.weights_file import Damaged

WHO: dict[str, tuple[Relation, ...]] = {
    "model.train": (Relation.SYSTEM, Relation.ADMINISTRATOR),
    "model.switch": (Relation.SYSTEM, Relation.ADMINISTRATOR),
}
LEAST_HELD_OUT = 30
"""Fewer texts than this cannot tell two models apart."""
_LOCK = 0x676F6E67


@dataclass(frozen=True, slots=True)
class Trained:
    """Result of a training.

    Attributes:
        texts, functions, corrections: what it learned from.
        held_out: texts that neither this nor any former model learned from.
        accuracy: share of the held-out texts named rightly, None with too few of them.
        accuracy_before: the same of the model that was in use.
        unseen_accuracy: share of its own texts that it named rightly before having seen them.
        in_use: whether it is now the one in use.
    """

    version: str
    texts: int
    functions: int
    corrections: int
    held_out: int
    accuracy: float | None
    accuracy_before: float | None
    unseen_accuracy: float | None
    in_use: bool


def train(actor: Actor = SYSTEM) -> Trained:
    """Learn anew, compare with the model in use on the same held-out texts, switch if not worse.

    Raises:
        NotAllowed: the actor may not train.
        ValueError: fewer than two functions have any words.
    """
    authority.require(actor, "model.train")
    told = assemble()
    model = learning.train(told.known.texts, told.known.codes, sample_weight=told.known.weights)
    version = timezone.now().strftime("%Y%m%d-%H%M%S-%f")
    path = Path(settings.MODELS_DIR) / f"{version}.model"
    model.save(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with transaction.atomic():
        with connection.cursor() as cursor:  # two trainings must not both switch
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        before = Model.objects.filter(in_use=True).first()
        accuracy, accuracy_before = _compared(model, before, told.held_out)
        better = accuracy is None or accuracy_before is None or accuracy >= accuracy_before
        result = Trained(
            version=version,
            texts=len(told.known),
            functions=len(set(told.known.codes)),
            corrections=told.corrections,
            held_out=len(told.held_out),
            accuracy=accuracy,
            accuracy_before=accuracy_before,
            unseen_accuracy=model.unseen_accuracy,
            in_use=better,
        )
        if better and before is not None:
            Model.objects.filter(in_use=True).update(in_use=False)
        row = Model.objects.create(
            version=version,
            trained_at=timezone.now(),
            metrics={
                "texts": result.texts,
                "corrections": result.corrections,
                "held_out": result.held_out,
                "accuracy": accuracy,
                "accuracy_before": accuracy_before,
                "unseen_accuracy": result.unseen_accuracy,
            },
            file=path.name,
            sha256=sha256,
            in_use=better,
        )
        details = {"texts": result.texts, "in_use": better, "sha256": sha256}
        acts.record(actor, "model.train", "model", row.pk, version, details)
    reading.forget()
    return result


def switch(version: str = "", *, actor: Actor = SYSTEM, reason: str = "") -> Model:
    """Take another version into use; without one named, go back to the one before the present.

    Raises:
        NotAllowed: the actor may not switch models.
        NotFound: there is no such version, or none before the present one.
        Invalid: its file is gone or not the one that was trained.
    """
    authority.require(actor, "model.switch")
    with transaction.atomic():
        rows = Model.objects.select_for_update().order_by("-trained_at")
        now = rows.filter(in_use=True).first()
        if version:
            wanted = rows.filter(version=version).first()
        else:
            earlier = rows.filter(in_use=False)
            wanted = (earlier.filter(trained_at__lt=now.trained_at) if now else earlier).first()
        if wanted is None:
            raise NotFound(_("There is no such model."))
        path = Path(settings.MODELS_DIR) / wanted.file
        try:
            whole = hashlib.sha256(path.read_bytes()).hexdigest() == wanted.sha256
            Classifier.load(path)
        except (OSError, Damaged):
            whole = False
        if not whole:
            raise Invalid(fields={"version": _("The file of this model is missing or damaged.")})
        if now is None or now.pk != wanted.pk:
            Model.objects.filter(in_use=True).update(in_use=False)
            wanted.in_use = True
            wanted.save(update_fields=["in_use"])
            details = {"from": now.version if now else None, "sha256": wanted.sha256}
            acts.record(actor, "model.switch", "model", wanted.pk, wanted.version, details, reason=reason)
    reading.forget()
    return wanted


def _compared(
    model: Classifier, before: Model | None, held_out: Material
) -> tuple[float | None, float | None]:
    """Accuracies of the new model and of the one in use on the same texts; None when unknown."""
    if len(held_out) < LEAST_HELD_OUT:
        return None, None
    fresh = _accuracy(model, held_out)
    if before is None:
        return fresh, None
    try:
        former = Classifier.load(Path(settings.MODELS_DIR) / before.file)
    except (OSError, Damaged):
        return fresh, None
    return fresh, _accuracy(former, held_out)


def _accuracy(model: Classifier, asked: Material) -> float:
    chosen: Iterable[int] = model.margins(asked.texts).argmax(axis=1).tolist()
    right = [model.labels[c] == code for c, code in zip(chosen, asked.codes, strict=True)]
    return round(float(np.average(right, weights=asked.weights)), 4)
