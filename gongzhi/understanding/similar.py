"""Similar matters that were answered: what a case worker may answer from.

Every answered public case gets a vector, filled in the background; pgvector's HNSW index (Malkov
& Yashunin 2018) finds the nearest. A vector is a sparse random projection (Li, Hastie & Church
2006) of the same features as the sketches, so that it needs no model and stays valid for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from numpy.typing import NDArray

from gongzhi.cases.lifecycle import Closure, State, Verb
from gongzhi.ledger.models import Act
from gongzhi.understanding import sketches
from gongzhi.understanding.models import EMBEDDING_DIMENSIONS as DIMENSIONS
from gongzhi.understanding.models import Progress

_HANDS = 8
"""Dimensions that each feature moves, up or down."""
_ENDS = [f"case.{Verb.RESOLVE}", f"case.{Verb.CLOSE}"]
_SETTLED = timedelta(seconds=30)
"""Acts younger than this may still stand before others that are not yet committed."""
_NAME = "embeddings"


@dataclass(frozen=True, slots=True)
class Similar:
    """An answered public case that is like the one asked about.

    Attributes:
        likeness: cosine of the two texts' vectors, up to 1.
        answer: what the organisation last said to everybody; empty if nothing.
    """

    case_id: int
    number: str
    public_text: str
    likeness: float
    function_id: int | None
    organisation_id: int | None
    answer: str


_NEAREST = """
SELECT c.id, c.number, c.public_text, 1 - e.distance, c.function_id, c.organisation_id,
  coalesce(m.public_text, '')
FROM (SELECT case_id, vector <=> %(vector)s::vector AS distance FROM understanding_embedding
      ORDER BY vector <=> %(vector)s::vector LIMIT %(near)s) AS e
JOIN cases_case AS c ON c.id = e.case_id AND c.is_public AND c.id <> %(except)s
LEFT JOIN LATERAL (
  SELECT public_text FROM cases_message AS m
  WHERE m.case_id = c.id AND m.audience = 'public' AND m.organisation_id IS NOT NULL
  ORDER BY m.said_at DESC LIMIT 1) AS m ON true
WHERE 1 - e.distance >= %(least)s
ORDER BY e.distance LIMIT %(most)s
"""


def similar_answered(text: str, *, most: int = 5, least: float = 0.25, except_case: int = 0) -> list[Similar]:
    """Answered public cases like `text`, the most alike first."""
    parameters: dict[str, Any] = {
        "vector": literal(vectors([text])[0]),
        "near": most * 4,
        "most": most,
        "least": least,
        "except": except_case,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, parameters)
        return [Similar(*row) for row in cursor.fetchall()]


_ANSWERED = """
SELECT id, public_text FROM cases_case
WHERE id = ANY(%s) AND is_public AND state = ANY(%s) AND closure = ANY(%s)
"""
_KEEP = """
INSERT INTO understanding_embedding (case_id, vector)
SELECT * FROM unnest(%s::bigint[], %s::vector[]) ON CONFLICT (case_id) DO NOTHING
"""


def fill_embeddings(batch: int = 500) -> int:
    """Give vectors to cases that were answered since the last time; read at most `batch` acts' worth.

    Walks the acts in order from where it stopped, one worker at a time.

    Returns:
        how many acts were walked; less than `batch` when there is nothing more to do.
    """
    with transaction.atomic():
        Progress.objects.get_or_create(name=_NAME)
        place = Progress.objects.select_for_update(skip_locked=True).filter(name=_NAME).first()
        if place is None:
            return 0
        walked = list(
            Act.objects.filter(id__gt=place.act_id, recorded_at__lt=timezone.now() - _SETTLED)
            .order_by("id")
            .values_list("id", "verb", "subject_id")[:batch]
        )
        if not walked:
            return 0
        ended = sorted({case_id for _id, verb, case_id in walked if verb in _ENDS})
        if ended:
            _fill(ended)
        place.act_id = walked[-1][0]
        place.save(update_fields=["act_id"])
    return len(walked)


def _fill(case_ids: list[int]) -> None:
    states = [State.RESOLVED.value, State.RATED.value, State.CLOSED.value]
    closures = [Closure.FIXED.value, Closure.WILL_NOT.value, Closure.CANNOT_VERIFY.value]
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERED, [case_ids, states, closures])
        rows = cursor.fetchall()
        if rows:
            made = [literal(v) for v in vectors([text for _id, text in rows])]
            cursor.execute(_KEEP, [[case_id for case_id, _text in rows], made])


def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """(len(texts), 128) unit vectors; of a text without features one of equal parts."""
    owner, hashes = sketches.features(texts)
    result = np.zeros((len(texts), DIMENSIONS), np.float32)
    keys = np.unique((owner.astype(np.uint64) << np.uint64(32)) | hashes)
    owner, hashes = (keys >> np.uint64(32)).astype(np.int64), keys.astype(np.uint32)
    for hand in range(_HANDS):
        turned = sketches.mixed(hashes + np.uint32(0x9E3779B1 * (hand + 1) & 0xFFFFFFFF))
        sign = np.where(turned >> np.uint32(31), 1, -1).astype(np.float32)
        np.add.at(result, (owner, (turned % np.uint32(DIMENSIONS)).astype(np.int64)), sign)
    norms = np.linalg.norm(result, axis=1, keepdims=True)
    empty = norms[:, 0] == 0
    result[empty] = 1
    norms[empty] = np.sqrt(DIMENSIONS)
    return np.asarray(result / norms, np.float32)


def literal(vector: NDArray[np.float32]) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(f"{x:.5f}" for x in vector.tolist()) + "]"
