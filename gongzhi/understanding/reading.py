"""Text → Reading (研判): the served side of understanding, the same for one text and for many."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from django.conf import settings

from gongzhi.cases.personal_text import spans
from gongzhi.registry.snapshot import Snapshot
from gongzhi.understanding import places, urgency
from gongzhi.understanding.classifier import Classifier
from gongzhi.understanding.models import Model
from gongzhi.understanding.weights_file import Damaged

log = structlog.get_logger(__name__)

DEFAULT_THRESHOLD = 0.5
CHECK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood from a text.

    Attributes:
        function: code of the most likely function, empty when nothing can be said.
        confidence: calibrated probability in [0, 1] that it is right.
        others: further functions with their probabilities, best first.
        words: the stretches of the text that decided it.
        urgency: ``normal``, ``urgent`` or ``emergency``.
        needs_person: too uncertain for a machine; a dispatcher decides.
        model: version of the model that read it.
        places: names of areas, streets and points of interest that the text names.
        urgency_words: the words that make it urgent; empty when only its function does.
    """

    function: str
    confidence: float
    others: tuple[tuple[str, float], ...]
    words: tuple[str, ...]
    urgency: str
    needs_person: bool
    model: str
    places: tuple[str, ...] = ()
    urgency_words: tuple[str, ...] = ()

    @property
    def is_danger(self) -> bool:
        """Whether the words tell of danger to life: the person must be told to call 110, 119 or 120."""
        return self.urgency == urgency.EMERGENCY and bool(self.urgency_words)

    def as_json(self) -> dict[str, object]:
        return {
            "function": self.function,
            "confidence": round(self.confidence, 4),
            "others": [[code, round(p, 4)] for code, p in self.others],
            "words": list(self.words),
            "urgency": self.urgency,
            "urgency_words": list(self.urgency_words),
            "places": list(self.places),
            "model": self.model,
        }


@dataclass(frozen=True)
class Served:
    version: str
    classifier: Classifier


_lock = threading.Lock()
_served: Served | None = None
_checked_at = 0.0


def served() -> Served | None:
    """The model in use, read anew when another one was switched on; None before the first training."""
    global _served, _checked_at
    now = time.monotonic()
    if _served is not None and now - _checked_at < CHECK_EVERY_S:
        return _served
    row = Model.objects.filter(in_use=True).values_list("version", "file").first()
    _checked_at = now
    if row is None:
        _served = None
        return None
    with _lock:
        if _served is None or _served.version != row[0]:
            try:
                classifier = Classifier.load(Path(settings.MODELS_DIR) / row[1])
            except (OSError, Damaged) as problem:
                log.error("understanding.model_unusable", version=row[0], problem=str(problem))
                return _served
            _served = Served(row[0], classifier)
    return _served


def forget() -> None:
    """Drop the loaded model, so that the next reading looks for the one in use."""
    global _served, _checked_at
    _served, _checked_at = None, 0.0


def read(text: str, registry: Snapshot, *, with_words: bool = True) -> Reading:
    """Understand one text."""
    return read_many([text], registry, with_words=with_words)[0]


def read_many(texts: Sequence[str], registry: Snapshot, *, with_words: bool = False) -> list[Reading]:
    """Understand many texts in one pass."""
    model = served()
    heard = [urgency.of(text) for text in texts]
    if model is None:
        return [Reading("", 0.0, (), (), h.level, True, "", urgency_words=h.words) for h in heard]
    threshold = float(registry.city.config.get("thresholds", {}).get("confidence", DEFAULT_THRESHOLD))
    probabilities = model.classifier.probabilities(texts)
    best = np.argsort(-probabilities, axis=1)[:, :4]
    labels = model.classifier.labels
    readings = []
    for text, said, row, order in zip(texts, heard, probabilities, best, strict=True):
        ranked = [
            (labels[i], float(row[i])) for i in order.tolist() if labels[i] in registry.function_by_code
        ]
        function, confidence = ranked[0] if ranked else ("", 0.0)
        readings.append(
            Reading(
                function,
                confidence,
                tuple(ranked[1:]),
                _words(model.classifier, text, function) if with_words and function else (),
                _at_least(said.level, registry, function),
                confidence < threshold,
                model.version,
                _places(text, registry) if with_words else (),
                said.words,
            )
        )
    return readings


def _words(classifier: Classifier, text: str, function: str) -> tuple[str, ...]:
    """The words that decided, without those that belong to a person: they are shown to everybody."""
    deciding = classifier.deciding_words(text, function)
    private = [text[s.start : s.end] for s in spans(text)] if deciding else []
    return tuple(
        word
        for word in deciding
        if not any(c.isdigit() for c in word) and not any(word in p or p in word for p in private)
    )


def _places(text: str, registry: Snapshot) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place.name for place in places.named(text, registry)))


def _at_least(level: str, registry: Snapshot, function: str) -> str:
    view = registry.function_by_code.get(function)
    floor = view.urgency if view else urgency.NORMAL
    return max(level, floor, key=lambda u: urgency.RANK.get(u, 0))
