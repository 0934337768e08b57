"""The three rates (响应率、解决率、满意率): exact definitions, kept up to date by the log.

What a case counts is decided in one SQL expression (`_FACT`), used for one changed case and for a
million alike. Whatever happens to a case comes along the log; the cells are corrected by the
difference between what the case counted before and what it counts now, in one transaction with the
place reached, so that a killed worker leaves nothing out and counts nothing twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gongzhi.registry import snapshot
from gongzhi.supervision import settings
from gongzhi.supervision.models import Progress

LOCK: Final = 0x676F6E69
BATCH: Final = 20_000

DEFINITIONS: Final = {
    "responded": _(
        "Responded: of all matters received in the period whose deadline has passed or that have been "
        "answered, those with a first answer or a result before the deadline."
    ),
    "resolved": _(
        "Resolved: of all matters received in the period whose deadline has passed or that have ended, "
        "those that ended as done and whose ending is not contested."
    ),
    "satisfied": _(
        "Satisfied: of all ratings of these matters, those of the two best of five levels. Who does not "
        "rate is not counted."
    ),
    "left_out": _(
        "Never counted: duplicates (the matter they were merged into counts) and withdrawn matters. Left out "
        "after a decision of two people: see the figures with and without."
    ),
}
"""What stands beside the figures, word for word."""

_FACT: Final = """
SELECT c.id AS case_id,
  date_trunc('month', c.opened_at AT TIME ZONE %(zone)s)::date AS month,
  coalesce(c.organisation_id, 0) AS organisation_id, coalesce(c.function_id, 0) AS function_id,
  coalesce((SELECT a2.id FROM registry_area a JOIN registry_area a2 ON a2.id = ANY(a.ancestors)
            WHERE a.id = c.area_id AND a2.level = 'district' LIMIT 1), 0) AS area_id,
  c.closure,
  (c.due_at <= %(now)s OR c.replied_at IS NOT NULL OR s.ended)::int AS due,
  coalesce(least(c.replied_at, c.resolved_at) <= c.due_at, false)::int AS responded,
  (s.ended AND c.closure = 'fixed')::int AS resolved,
  coalesce(r.n, 0) AS rated, coalesce(r.good, 0) AS satisfied,
  (NOT s.ended AND EXISTS (SELECT 1 FROM ledger_act l WHERE l.subject_kind = 'case' AND l.subject_id = c.id
                           AND l.verb = 'case.contest'))::int AS contested,
  coalesce(x.state IN ('agreed', 'appealed'), false)::int AS excluded,
  CASE WHEN c.due_at > %(now)s AND c.replied_at IS NULL AND NOT s.ended THEN c.due_at END AS decides_at
FROM cases_case c
CROSS JOIN LATERAL (SELECT c.state IN ('resolved', 'rated', 'closed') AS ended) s
LEFT JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE level >= 4) AS good
                   FROM supervision_rating WHERE case_id = c.id) r ON true
LEFT JOIN supervision_exclusion x ON x.case_id = c.id
WHERE c.id = ANY(%(ids)s) AND c.closure NOT IN ('duplicate', 'withdrawn')
"""
_COUNTS = ("due", "responded", "resolved", "rated", "satisfied", "contested")
_KEY = ("month", "organisation_id", "function_id", "area_id", "closure", "excluded")
_COLUMNS = ("case_id", *_KEY, *_COUNTS, "decides_at")

_CHANGE: Final = f"""
WITH fresh AS MATERIALIZED ({_FACT}),
 gone AS (DELETE FROM supervision_ratefact WHERE case_id = ANY(%(ids)s) RETURNING *),
 change AS (
   SELECT {", ".join(_KEY)}, sum(n) AS received, {", ".join(f"sum(n * {c}) AS {c}" for c in _COUNTS)}
   FROM (SELECT 1 AS n, {", ".join(_KEY + _COUNTS)} FROM fresh
         UNION ALL SELECT -1, {", ".join(_KEY + _COUNTS)} FROM gone) both_sides
   GROUP BY {", ".join(_KEY)}
   HAVING sum(n) <> 0 OR {" OR ".join(f"sum(n * {c}) <> 0" for c in _COUNTS)})
INSERT INTO supervision_ratecell AS k ({", ".join(_KEY)}, received, {", ".join(_COUNTS)})
SELECT {", ".join(_KEY)}, received, {", ".join(_COUNTS)} FROM change
ON CONFLICT ({", ".join(_KEY)}) DO UPDATE SET received = k.received + excluded.received,
  {", ".join(f"{c} = k.{c} + excluded.{c}" for c in _COUNTS)}
"""
_FACTS: Final = f"""
INSERT INTO supervision_ratefact ({", ".join(_COLUMNS)})
SELECT {", ".join(_COLUMNS)} FROM ({_FACT}) f
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with what it is made of.

    Attributes:
        n: what it is a share of.
        share: 0 to 1; None when n is 0.
        low, high: 95 % interval (Wilson 1927).
    """

    hits: int
    n: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """The rates of one organisation, function or area in a period.

    Attributes:
        key: id; 0 where nothing is known.
        expected_resolved: what the city's average would be with the same functions and districts (0 to 1).
        rank: by resolved above expected; None below the least n of the city.
        endings: closure → how many.
    """

    key: int
    received: int
    responded: Rate
    resolved: Rate
    satisfied: Rate
    expected_resolved: float | None
    contested: int
    excluded: int
    resolved_with_excluded: Rate
    endings: dict[str, int]
    rank: int | None = None


def wilson(hits: int, n: int, z: float = 1.959964) -> Rate:
    """Share and its 95 % interval (E. B. Wilson, JASA 22, 1927)."""
    if n <= 0:
        return Rate(hits, 0, None, None, None)
    p = hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Rate(hits, n, p, max(0.0, middle - half), min(1.0, middle + half))


def refresh(now: datetime | None = None) -> int:
    """Bring the figures up to date with the log and the clock; gives how many cases were looked at."""
    moment = now or timezone.now()
    looked = 0
    while True:
        step = _refresh_once(moment)
        looked += step
        if step < BATCH // 4:
            return looked


def _refresh_once(now: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        row = cursor.fetchone()
        if not row or not row[0]:
            return 0
        progress, _created = Progress.objects.get_or_create(name="rates")
        cursor.execute(
            """SELECT p.position, a.subject_id FROM ledger_position p JOIN ledger_act a ON a.id = p.act_id
               WHERE p.position > %s AND a.subject_kind IN ('case', 'supervision')
               ORDER BY p.position LIMIT %s""",
            [progress.position, BATCH],
        )
        heard = cursor.fetchall()
        cursor.execute(
            "SELECT case_id FROM supervision_ratefact WHERE decides_at <= %s ORDER BY decides_at LIMIT %s",
            [now, BATCH],
        )
        ids = sorted({r[1] for r in heard} | {r[0] for r in cursor.fetchall()})
        progress.at = now
        if heard:
            progress.position = heard[-1][0]
        progress.save()
        if ids:
            count(ids, now)
        return max(len(heard), len(ids))


def count(case_ids: Sequence[int], now: datetime) -> None:
    """Count these cases anew, inside the caller's transaction."""
    zone = snapshot.current().city.timezone
    parameters: dict[str, Any] = {"ids": list(case_ids), "now": now, "zone": zone}
    with connection.cursor() as cursor:
        cursor.execute(_CHANGE, parameters)
        cursor.execute(_FACTS, parameters)


def rows(by: str, first: date, last: date, *, organisation_id: int | None = None) -> list[Row]:
    """The rates by "organisation", "function" or "area" (district) for the months from `first` to `last`.

    Args:
        organisation_id: only what this organisation holds.
    """
    column = {"organisation": "organisation_id", "function": "function_id", "area": "area_id"}[by]
    cells = _cells(column, first, last, organisation_id)
    expected = _expected(column, first, last, organisation_id)
    found = [_row(key, group, expected.get(key)) for key, group in cells.items()]
    least = settings.current().least_n
    ranked = sorted(
        (r for r in found if r.resolved.n >= least and r.key and r.resolved.share is not None),
        key=lambda r: -((r.resolved.share or 0) - (r.expected_resolved or 0)),
    )
    place = {r.key: n for n, r in enumerate(ranked, 1)}
    return sorted(
        (_with_rank(r, place.get(r.key)) for r in found),
        key=lambda r: (r.rank is None, r.rank or 0, -r.received),
    )


def months(by: str, first: date, last: date) -> list[tuple[date, int, Rate, Rate, Rate]]:
    """For every month and organisation (or function, area): responded, resolved, satisfied."""
    column = {"organisation": "organisation_id", "function": "function_id", "area": "area_id"}[by]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT month, {column}, sum(due), sum(responded), sum(resolved), sum(rated), sum(satisfied)
                FROM supervision_ratecell WHERE month BETWEEN %s AND %s AND excluded = 0
                GROUP BY 1, 2 ORDER BY 1, 2""",  # noqa: S608 – one of three column names of this module
            [first, last],
        )
        return [
            (m, key, wilson(responded, due), wilson(resolved, due), wilson(good, rated))
            for m, key, due, responded, resolved, rated, good in cursor.fetchall()
        ]


def _cells(
    column: str, first: date, last: date, organisation_id: int | None
) -> dict[int, list[tuple[Any, ...]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {column}, closure, excluded, sum(received), {", ".join(f"sum({c})" for c in _COUNTS)}
                FROM supervision_ratecell WHERE month BETWEEN %s AND %s
                  AND (%s::bigint IS NULL OR organisation_id = %s)
                GROUP BY 1, 2, 3 HAVING sum(received) > 0""",  # noqa: S608 – a column name of this module
            [first, last, organisation_id, organisation_id],
        )
        found: dict[int, list[tuple[Any, ...]]] = {}
        for key, *rest in cursor.fetchall():
            found.setdefault(key, []).append(tuple(rest))
        return found


def _expected(column: str, first: date, last: date, organisation_id: int | None) -> dict[int, float]:
    """Share resolved that the whole city has in the same functions and districts (indirect standardisation).

    A function in a district with few cases is drawn towards the function in the whole city (20 cases' weight).
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH cells AS MATERIALIZED (
               SELECT organisation_id, function_id, area_id, sum(resolved)::float8 AS resolved, sum(due)::float8 AS due
               FROM supervision_ratecell WHERE month BETWEEN %(first)s AND %(last)s AND excluded = 0
               GROUP BY 1, 2, 3),
             f AS (SELECT function_id, sum(resolved) / nullif(sum(due), 0) AS p FROM cells GROUP BY 1),
             fa AS (SELECT c.function_id, c.area_id,
                      (sum(c.resolved) + 20 * coalesce(max(f.p), 0)) / (sum(c.due) + 20) AS p
                    FROM cells c JOIN f USING (function_id) GROUP BY 1, 2)
            SELECT c.{column}, sum(c.due * fa.p) / nullif(sum(c.due), 0)
            FROM cells c JOIN fa USING (function_id, area_id)
            WHERE %(only)s::bigint IS NULL OR c.organisation_id = %(only)s GROUP BY 1""",  # noqa: S608
            {"first": first, "last": last, "only": organisation_id},
        )
        return {key: float(p) for key, p in cursor.fetchall() if p is not None}


def _row(key: int, cells: Iterable[tuple[Any, ...]], expected: float | None) -> Row:
    total = dict.fromkeys(("received", *_COUNTS), 0)
    everything = dict.fromkeys(("received", *_COUNTS), 0)
    endings: dict[str, int] = {}
    excluded = 0
    for closure, is_excluded, *sums in cells:
        for name, value in zip(("received", *_COUNTS), sums, strict=True):
            everything[name] += int(value)
            if not is_excluded:
                total[name] += int(value)
        if is_excluded:
            excluded += int(sums[0])
        elif closure:
            endings[closure] = endings.get(closure, 0) + int(sums[0])
    return Row(
        key=key,
        received=total["received"],
        responded=wilson(total["responded"], total["due"]),
        resolved=wilson(total["resolved"], total["due"]),
        satisfied=wilson(total["satisfied"], total["rated"]),
        expected_resolved=expected,
        contested=total["contested"],
        excluded=excluded,
        resolved_with_excluded=wilson(everything["resolved"], everything["due"]),
        endings=endings,
    )


def _with_rank(row: Row, rank: int | None) -> Row:
    from dataclasses import replace

    return replace(row, rank=rank)
