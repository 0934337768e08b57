"""Matters that probably are the same: near in place and time, about the same, said alike.

One statement reads the fingerprints of the cells around a point, at most so many a cell, scores
them inside the database and returns the best that are still open. Without a place the latest
matters of the same function are compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gongzhi.understanding import sketches
from gongzhi.understanding.fingerprints import METRES_PER_DEGREE, cells_around
from gongzhi.understanding.ngrams import fold

RADIUS_M = 400.0
WITHIN_DAYS = 30
LEAST_SCORE = 0.35
LEAST_WORDS = 0.10
SHARE_WORDS, SHARE_NEAR, SHARE_FUNCTION = 0.55, 0.2, 0.25
PER_CELL = 3_000
"""Fingerprints read of one cell, the latest first: bounds the work in a hot spot."""
WITHOUT_PLACE = 4_000
_SHORTLIST = 40

_DISTANCE = (
    f"sqrt(((f.lat - q.lat) * {METRES_PER_DEGREE}) ^ 2"
    f" + ((f.lng - q.lng) * {METRES_PER_DEGREE} * q.narrowing) ^ 2)"
)
_READ = "f.case_id, f.opened_at, f.function_id, f.sketch, f.lng, f.lat"

_ASKED = """
  SELECT %(sketch)s::bit(512) AS sketch, bit_count(%(sketch)s::bit(512))::float8 AS said,
    cos(radians(%(lat)s::float8)) AS narrowing,
    %(lng)s::float8 AS lng, %(lat)s::float8 AS lat, %(function)s::bigint AS function_id,
    %(since)s::timestamptz AS since, %(until)s::timestamptz AS until, %(cells)s::bigint[] AS cells
"""
_ASKED_MANY = """
  SELECT *, bit_count(sketch)::float8 AS said, cos(radians(lat)) AS narrowing, until - %(window)s::interval AS since FROM (
    SELECT n, sketch::bit(512) AS sketch, lng, lat, function_id, until, cells::bigint[] AS cells
    FROM unnest(%(n)s::int[], %(sketches)s::text[], %(lngs)s::float8[], %(lats)s::float8[],
      %(functions)s::bigint[], %(untils)s::timestamptz[], %(cells)s::text[])
      AS u (n, sketch, lng, lat, function_id, until, cells)) AS u
"""
_AROUND = f"""
  SELECT {_READ} FROM unnest(q.cells) AS c (cell) CROSS JOIN LATERAL (
    SELECT * FROM understanding_fingerprint AS g
    WHERE g.cell = c.cell AND g.opened_at BETWEEN q.since AND q.until
    ORDER BY g.opened_at DESC LIMIT %(per_cell)s) AS f
"""
_SAME_FUNCTION = f"""
  SELECT {_READ} FROM (SELECT * FROM understanding_fingerprint AS g
    WHERE g.function_id = q.function_id AND g.opened_at BETWEEN q.since AND q.until
    ORDER BY g.opened_at DESC LIMIT {WITHOUT_PLACE}) AS f
"""
# OFFSET 0 keeps the planner from copying an expression into every place that names it. Alike are
# two texts by the bits they share beyond those that any two share by chance.
_SCORED = f"""
  SELECT *, {SHARE_WORDS}::float8 * words + {SHARE_FUNCTION}::float8 * same::int
    + {SHARE_NEAR}::float8 * coalesce(1 - distance / {RADIUS_M}, 0) AS score
  FROM (
    SELECT case_id, opened_at, distance, same,
      greatest(0, (shared - chance) / greatest(4, (bits + said) / 2 - chance)) AS words
    FROM (
      SELECT *, bits * said / {float(sketches.BITS)}::float8 AS chance
      FROM (
        SELECT f.case_id, f.opened_at, f.distance, q.said,
          coalesce(f.function_id = q.function_id, false) AS same,
          bit_count(f.sketch)::float8 AS bits, bit_count(f.sketch & q.sketch)::float8 AS shared
        FROM (SELECT f.*, {_DISTANCE} AS distance FROM (%s) AS f OFFSET 0) AS f
        WHERE distance IS NULL OR distance <= {RADIUS_M} OFFSET 0) AS s OFFSET 0) AS s
    OFFSET 0) AS s
  WHERE words >= {LEAST_WORDS} OR same AND distance <= {RADIUS_M * 0.3}
"""  # noqa: S608 – only constants of this file


def _ranked(rows: str, limit: str) -> str:
    return f"SELECT * FROM ({_SCORED % rows}) AS r WHERE score >= %(least)s ORDER BY score DESC, case_id DESC LIMIT {limit}"  # noqa: S608, E501


def _open_sql(rows: str) -> str:
    return f"""
WITH q AS MATERIALIZED ({_ASKED}), best AS MATERIALIZED (
  SELECT b.* FROM q CROSS JOIN LATERAL ({_ranked(rows, str(_SHORTLIST))}) AS b)
SELECT b.case_id, c.number, c.public_text, b.score, b.words, b.distance, b.same, c.opened_at,
  c.supporters
FROM best AS b JOIN cases_case AS c ON c.id = b.case_id
WHERE c.is_public AND c.state IN ('received', 'assigned', 'under_way') AND c.merged_into_id IS NULL
ORDER BY b.score DESC, b.case_id DESC LIMIT %(most)s
"""  # noqa: S608 – only constants of this file


_NEARBY, _ANYWHERE = _open_sql(_AROUND), _open_sql(_SAME_FUNCTION)
_MANY = f"""
WITH q AS MATERIALIZED ({_ASKED_MANY})
SELECT q.n, b.case_id, b.score FROM q CROSS JOIN LATERAL ({_ranked(_AROUND, "1")}) AS b
"""  # noqa: S608 – only constants of this file


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open public matter that probably says the same, and why.

    Attributes:
        score: from 0 to 1; `words` is how alike the texts are, from 0 to 1.
        distance_m: None when one of the two has no place.
        shared: stretches that both texts hold.
    """

    case_id: int
    number: str
    public_text: str
    score: float
    words: float
    distance_m: float | None
    age_days: float
    same_function: bool
    supporters: int
    shared: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Why it is shown, in the reader's language: “120 m away, 2 days ago, both say …”."""
        parts = []
        if self.distance_m is not None:
            metres = max(10, round(self.distance_m, -1))
            parts.append(_("%(n)d m away") % {"n": metres})
        days = int(self.age_days)
        parts.append(ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days} if days else _("today"))
        if self.shared:
            words = _(", ").join(_("“%(words)s”") % {"words": w} for w in self.shared)
            parts.append(_("both say %(words)s") % {"words": words})
        elif self.same_function:
            parts.append(_("about the same kind of matter"))
        return _(", ").join(parts)


def candidates(
    text: str,
    lng: float | None,
    lat: float | None,
    at: datetime,
    function_id: int | None,
    *,
    most: int = 3,
) -> list[Candidate]:
    """Open public matters that `text` at a WGS 84 point probably repeats, best first.

    One round trip. Without a point, matters of the same function are compared by text alone.
    """
    asked = parameters(sketches.of(text), lng, lat, at, function_id, most=most)
    with connection.cursor() as cursor:
        cursor.execute(_NEARBY if asked["cells"] else _ANYWHERE, asked)
        rows = cursor.fetchall()
    return [
        Candidate(
            case_id=case_id,
            number=number,
            public_text=public_text,
            score=float(score),
            words=float(words),
            distance_m=distance,
            age_days=(at - opened_at).total_seconds() / 86_400,
            same_function=same,
            supporters=supporters,
            shared=shared_words(text, public_text),
        )
        for case_id, number, public_text, score, words, distance, same, opened_at, supporters in rows
    ]


def parameters(
    sketch: bytes,
    lng: float | None,
    lat: float | None,
    at: datetime,
    function_id: int | None,
    *,
    most: int,
) -> dict[str, Any]:
    """What the statements of this file are asked with."""
    placed = lng is not None and lat is not None
    return {
        "sketch": sketches.literal(sketch),
        "lng": lng,
        "lat": lat,
        "function": function_id,
        "since": at - timedelta(days=WITHIN_DAYS),
        "until": at,
        "cells": cells_around(lng, lat, RADIUS_M) if lng is not None and lat is not None else [],
        "least": LEAST_SCORE if placed else SHARE_FUNCTION + LEAST_SCORE * SHARE_WORDS,
        "most": most,
        "per_cell": PER_CELL,
    }


def exact_sql() -> str:
    """The same question answered by reading every fingerprint: the yardstick of the bench."""
    return _open_sql(
        f"SELECT {_READ} FROM understanding_fingerprint AS f WHERE f.opened_at BETWEEN q.since AND q.until"
    )


@dataclass(frozen=True, slots=True)
class Question:
    """A matter whose likely original is looked for among many."""

    text: str
    lng: float
    lat: float
    at: datetime
    function_id: int | None


def originals(questions: Sequence[Question], *, per_cell: int = 100) -> list[tuple[int, float] | None]:
    """For each matter the (case id, score) of the most alike earlier one, in one statement.

    Made for imports: what was opened within the window before each matter, whatever its state.
    """
    if not questions:
        return []
    made = sketches.of_many([q.text for q in questions])
    parameters: dict[str, Any] = {
        "n": list(range(len(questions))),
        "sketches": [sketches.literal(s) for s in made],
        "lngs": [q.lng for q in questions],
        "lats": [q.lat for q in questions],
        "functions": [q.function_id for q in questions],
        "untils": [q.at - timedelta(microseconds=1) for q in questions],
        "cells": [_array(cells_around(q.lng, q.lat, RADIUS_M)) for q in questions],
        "window": timedelta(days=WITHIN_DAYS),
        "least": LEAST_SCORE,
        "per_cell": per_cell,
    }
    found: list[tuple[int, float] | None] = [None] * len(questions)
    with connection.cursor() as cursor:
        cursor.execute(_MANY, parameters)
        for n, case_id, score in cursor.fetchall():
            found[n] = (case_id, float(score))
    return found


def _array(numbers: Sequence[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


_WORDS_EN = re.compile(r"[a-z]{4,}")
_COMPARED = 600


def shared_words(text: str, other: str, most: int = 2) -> tuple[str, ...]:
    """The longest stretches of Chinese, and the longest words, that stand in both texts."""
    mine, theirs = fold(text[:_COMPARED]), fold(other[:_COMPARED])
    pairs = {theirs[i : i + 2] for i in range(len(theirs) - 1)}
    found: set[str] = set()
    start = None
    for i in range(len(mine)):
        pair = mine[i : i + 2]
        alike = len(pair) == 2 and all("\u3400" <= c <= "\u9fff" for c in pair) and pair in pairs
        if alike and start is None:
            start = i
        if not alike and start is not None:
            stretch, start = mine[start : i + 1], None
            if stretch in theirs:
                found.add(stretch)
    found |= set(_WORDS_EN.findall(mine)) & set(_WORDS_EN.findall(theirs)) - _EVERYDAY
    return tuple(sorted(found, key=lambda w: (-len(w), w))[:most])


_EVERYDAY = frozenset(
    "about after again been before could dear department from government have hello help here "
    "into just more need please since some still thank thanks that their them there they this very "
    "want were what when will with would your".split()
)
