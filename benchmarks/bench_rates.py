"""The three rates of 500 organisations × 12 months over 1,000,000 cases, and keeping them up to date."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import figures

CASES = int(os.environ.get("CASES", "1000000"))
ORGANISATIONS = 500

_MAKE = """
INSERT INTO cases_case (number, kind, channel, language, state, closure, version, text, public_text,
  is_public, attributes, function_id, area_id, organisation_id, urgency, address, public_address, opened_at,
  assigned_at, due_at, updated_at, replied_at, resolved_at, closed_at, reading, route, returns, transfers,
  supporters, source, source_id)
SELECT 'b' || n, 'concern', 'web', 'zh-hans', s.state,
  CASE WHEN s.state = 'closed' THEN (ARRAY['fixed', 'fixed', 'fixed', 'will_not', 'cannot_verify'])[1 + floor(r2 * 5)::int]
       ELSE '' END,
  1, 'x', 'x', true, '{}', f.id, a.id, o.id, 'normal', '', '', at, at, at + interval '5 days', at,
  CASE WHEN s.state = 'closed' THEN at + r * interval '8 days' END,
  CASE WHEN s.state = 'closed' THEN at + r * interval '8 days' END,
  CASE WHEN s.state = 'closed' THEN at + r * interval '8 days' END, '{}', '{}', 0, 0, 0, 'bench', n::text
FROM generate_series(%(first)s, %(last)s) n
CROSS JOIN LATERAL (SELECT n AS own, %(now)s - random() * interval '365 days' AS at, random() AS r, random() AS r2,
  random() AS r3, random() AS r4, random() AS r5) v
CROSS JOIN LATERAL (SELECT CASE WHEN r3 < 0.05 THEN 'under_way' ELSE 'closed' END AS state) s
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k, count(*) OVER () AS c FROM registry_function
      WHERE is_leaf) f ON f.k = floor(power(r4, 3) * f.c)::int
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k, count(*) OVER () AS c FROM registry_area) a
  ON a.k = floor(r5 * a.c)::int
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k, count(*) OVER () AS c FROM registry_organisation) o
  ON o.k = floor(r2 * o.c)::int
"""
_STRAIGHT = """
SELECT date_trunc('month', opened_at), organisation_id, count(*), count(*) FILTER (WHERE replied_at <= due_at),
  count(*) FILTER (WHERE closure = 'fixed') FROM cases_case GROUP BY 1, 2
"""


def main() -> None:
    with figures.home():
        from django.conf import settings
        from django.db import connection, transaction

        from gongzhi.registry import packs
        from gongzhi.registry.models import Organisation
        from gongzhi.supervision import rates

        packs.load(settings.CITY_PACK)
        held = Organisation.objects.count()
        Organisation.objects.bulk_create(
            Organisation(code=f"bench-{n}", name_zh=f"单位{n}", name_en=f"Body {n}")
            for n in range(ORGANISATIONS - held)
        )
        now = datetime.now(UTC)
        with connection.cursor() as cursor:
            for first in range(1, CASES + 1, 50_000):
                cursor.execute(_MAKE, {"first": first, "last": min(CASES, first + 49_999), "now": now})
            cursor.execute("SELECT id FROM cases_case ORDER BY id")
            ids = [row[0] for row in cursor.fetchall()]
            cursor.execute("VACUUM ANALYZE cases_case")

        def fill() -> None:
            for start in range(0, len(ids), 20_000):
                with transaction.atomic():
                    rates.count(ids[start : start + 20_000], now)

        filled = figures.seconds(fill)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE supervision_ratecell")
            cursor.execute("SELECT count(*) FROM supervision_ratecell")
            cells = cursor.fetchone()[0]
        first_day, last_day = (now - timedelta(days=366)).date().replace(day=1), now.date()
        found: list[Any] = []
        ours = figures.median(
            [
                figures.seconds(lambda: found.append(rates.months("organisation", first_day, last_day)))
                for _ in range(3)
            ]
        )
        ranked = figures.median(
            [figures.seconds(lambda: rates.rows("organisation", first_day, last_day)) for _ in range(3)]
        )

        def straight() -> None:
            with connection.cursor() as cursor:
                cursor.execute(_STRAIGHT)
                cursor.fetchall()

        reference = figures.seconds(straight)

        def again() -> None:
            with transaction.atomic():
                rates.count(ids[:1000], now)

        thousand = figures.seconds(again)
    organisations = len({row[1] for row in found[0]})
    rows = [
        {
            "what": f"three rates, {organisations} organisations × 12 months over {len(ids)} cases ({cells} cells), "
            "in s; reference: counting the cases each time",
            "ours": round(ours, 3), "reference": round(reference, 3), "ratio": round(ours / reference, 3),
            "goal": "below 1 s", "met": ours < 1,
        },
        {
            "what": "the same of the whole year with expected rates, intervals and ranks, in s",
            "ours": round(ranked, 3), "reference": round(reference, 3), "ratio": round(ranked / reference, 3),
            "goal": "below 1 s", "met": ranked < 1,
        },
        {
            "what": "1,000 changed cases counted anew, in s; reference: counting all for the first time",
            "ours": round(thousand, 3), "reference": round(filled, 1), "ratio": round(thousand / filled, 5),
            "goal": "", "met": None,
        },
    ]  # fmt: skip
    figures.write("rates", rows)


if __name__ == "__main__":
    main()
