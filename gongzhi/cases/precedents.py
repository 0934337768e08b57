"""Who dealt with matters of a kind lately: what speaks for an organisation where no mandate does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

LATELY = 100
"""So many of the newest ended matters of a function are looked at."""


@dataclass(frozen=True, slots=True)
class Precedent:
    """An organisation dealt with `done` of the last `of` matters of a function that were settled."""

    organisation_id: int
    done: int
    of: int


def precedents(function_ids: Collection[int]) -> dict[int, list[Precedent]]:
    """Function id → who dealt with its newest settled matters, most first; one query for all functions."""
    if not function_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT f, last.organisation_id, count(*), sum(count(*)) OVER (PARTITION BY f)
               FROM unnest(%s::bigint[]) AS f, LATERAL (
                 SELECT organisation_id FROM cases_case
                 WHERE function_id = f AND organisation_id IS NOT NULL
                   AND state IN ('resolved', 'rated', 'closed')
                   AND closure IN ('fixed', 'will_not', 'cannot_verify')
                 ORDER BY opened_at DESC LIMIT %s) AS last
               GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2""",
            [sorted(function_ids), LATELY],
        )
        found: dict[int, list[Precedent]] = {}
        for function_id, organisation_id, done, of in cursor.fetchall():
            found.setdefault(function_id, []).append(Precedent(organisation_id, done, int(of)))
    return found
