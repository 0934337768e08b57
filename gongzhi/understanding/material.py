"""What understanding learns from: the words of the city pack, decided cases, and corrections.

A staff member who corrects a function teaches most. A case that came back as wrongly understood
and was never corrected teaches nothing; one that wandered between organisations counts half. One
tenth of the city's own cases, chosen by the text itself, is never learned from: it is the common
yardstick of all models.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from django.db.models import Q

from gongzhi.cases.lifecycle import Closure, State, Verb
from gongzhi.cases.models import Case
from gongzhi.ledger.models import Act
from gongzhi.registry.models import Function
from gongzhi.understanding.ngrams import fold

MOST_CASES = 50_000
PACK_WEIGHT, CASE_WEIGHT, CORRECTED_WEIGHT, WANDERED_WEIGHT = 2.0, 1.0, 3.0, 0.5
_DECIDED = (State.RESOLVED, State.RATED, State.CLOSED)
_HANDLED = (Closure.FIXED, Closure.WILL_NOT, Closure.CANNOT_VERIFY)
_WRONGLY_UNDERSTOOD = "wrong_function"
_HELD_OUT_SHARE = 10


@dataclass(frozen=True, slots=True)
class Material:
    """Labelled texts: what is said, the code of its function, how much it counts."""

    texts: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def add(self, text: str, code: str, weight: float) -> None:
        self.texts.append(text)
        self.codes.append(code)
        self.weights.append(weight)

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class Assembled:
    """What to learn from, what to be measured on, and how many of the texts were corrections."""

    known: Material
    held_out: Material
    corrections: int


def assemble() -> Assembled:
    """Everything the city can teach now."""
    known, held_out = Material(), Material()
    for function in Function.objects.filter(is_leaf=True, is_active=True):
        said = (
            function.name_zh,
            function.name_en,
            *function.synonyms_zh,
            *function.synonyms_en,
            *function.examples_zh,
            *function.examples_en,
        )
        for text in filter(None, said):
            known.add(text, function.code, PACK_WEIGHT)
    corrected, misread = _corrections()
    told = Q(state__in=_DECIDED, closure__in=_HANDLED) | Q(pk__in=corrected)
    cases = (
        Case.objects.filter(told, function__is_leaf=True, function__is_active=True)
        .order_by("-id")
        .values_list("id", "text", "function__code", "returns", "transfers")
    )
    corrections = 0
    for case_id, text, code, returns, transfers in cases[:MOST_CASES]:
        if case_id in corrected:
            weight = CORRECTED_WEIGHT
            corrections += 1
        elif case_id in misread:
            continue
        else:
            weight = WANDERED_WEIGHT if returns or transfers else CASE_WEIGHT
        (held_out if is_held_out(text) else known).add(text, code, weight)
    return Assembled(known, held_out, corrections)


def is_held_out(text: str) -> bool:
    """Whether no model may learn from `text`; equal texts are on the same side for ever."""
    digest = hashlib.sha256(fold(text).encode("utf-8", "surrogatepass")).digest()
    return digest[0] % _HELD_OUT_SHARE == 0


def _corrections() -> tuple[set[int], set[int]]:
    """Ids of cases whose function staff corrected, and of those that came back as misread since."""
    acts = Act.objects.filter(subject_kind="case").filter(
        Q(verb=f"case.{Verb.CLASSIFY}", actor_kind="person")
        | Q(verb=f"case.{Verb.RETURN}", details__reason_code=_WRONGLY_UNDERSTOOD)
    )
    corrected: set[int] = set()
    misread: set[int] = set()
    for case_id, verb in acts.order_by("id").values_list("subject_id", "verb"):
        if verb == f"case.{Verb.CLASSIFY}":
            corrected.add(case_id)
            misread.discard(case_id)
        else:
            misread.add(case_id)
            corrected.discard(case_id)
    return corrected, misread
