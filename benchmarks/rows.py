"""A city's past as synthetic rows, made inside the database: cases with task, requester, message and acts."""

from __future__ import annotations

STEP = 50_000

CASES = """
INSERT INTO cases_case (number, kind, channel, language, state, closure, version, text, public_text,
  is_public, attributes, function_id, area_id, organisation_id, urgency, lng, lat, public_lng,
  public_lat, address, public_address, opened_at, assigned_at, due_at, updated_at, resolved_at,
  closed_at, reading, route, returns, transfers, supporters, source, source_id)
SELECT 'b' || n, 'concern', 'web', 'zh-hans', s.state, CASE WHEN s.state = 'closed' THEN 'fixed' ELSE '' END,
  1, t.text, t.text, random() < 0.95, '{}', f.id, a.id, o.id, 'normal', x, y, x, y, '人民路', '人民路',
  at, at, at + interval '5 days', at, CASE WHEN s.state IN ('resolved', 'closed') THEN at + interval '3 days' END,
  CASE WHEN s.state = 'closed' THEN at + interval '4 days' END, '{}', '{}', 0, 0, 0, 'bench', n::text
FROM generate_series(%(first)s, %(last)s) n
CROSS JOIN LATERAL (SELECT n AS own, now() - random() * interval '365 days' * (%(last)s / 1000000.0 + 0.01) AS at,
  111.3 + random() * 0.2 AS x, 30.45 + random() * 0.12 AS y, random() AS r, random() AS r2, random() AS r3,
  random() AS r4) v
CROSS JOIN LATERAL (SELECT CASE WHEN v.at > now() - interval '8 days' AND r < 0.7
  THEN (ARRAY['received', 'assigned', 'under_way'])[1 + floor(r2 * 3)::int]
  WHEN r < 0.01 THEN 'under_way' WHEN r < 0.1 THEN 'resolved' ELSE 'closed' END AS state) s
CROSS JOIN LATERAL (SELECT (ARRAY['路灯坏了', '井盖松动', '垃圾没人清运', '下水道堵塞', '路面有大坑', '夜间施工噪音',
  '树枝挡住信号灯', '流浪狗追人'])[1 + floor(r3 * 8)::int] || '，第' || n || '号，已经好几天了，请尽快派人处理' AS text) t
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k, count(*) OVER () AS c FROM registry_function
      WHERE is_leaf) f ON f.k = floor(r3 * f.c)::int
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k, count(*) OVER () AS c FROM registry_area) a
  ON a.k = floor(r4 * a.c)::int
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k, count(*) OVER () AS c FROM registry_organisation) o
  ON o.k = floor(r2 * o.c)::int
"""

_OF_CASES = (
    """
INSERT INTO cases_task (role, state, opened_at, due_at, done_at, result, case_id, organisation_id, is_required,
  request)
SELECT 'lead', CASE WHEN c.resolved_at IS NULL THEN 'open' ELSE 'done' END, c.opened_at, c.due_at, c.resolved_at,
  '', c.id, c.organisation_id, true, '' FROM cases_case c WHERE c.source = 'bench' AND c.id > %s""",
    """
INSERT INTO cases_party (role, name, phone, email, language, secret_hash, is_confidential, joined_at, case_id)
SELECT 'requester', '', '139' || lpad((c.id %% 100000000)::text, 8, '0'), '', 'zh-hans',
  sha256(c.id::text::bytea), false, c.opened_at, c.id FROM cases_case c WHERE c.source = 'bench' AND c.id > %s""",
    """
INSERT INTO cases_message (audience, text, public_text, salt, said_at, case_id, organisation_id)
SELECT 'public', '已派人到现场处理，恢复正常。', '已派人到现场处理，恢复正常。', '\\x00', c.resolved_at, c.id,
  c.organisation_id FROM cases_case c WHERE c.source = 'bench' AND c.resolved_at IS NOT NULL AND c.id > %s""",
    """
INSERT INTO ledger_act (recorded_at, verb, actor_kind, organisation_id, subject_kind, subject_id, subject_key,
  details, reason, salt, commitment)
SELECT c.opened_at + v.k * interval '7 hours', v.verb, 'system', c.organisation_id, 'case', c.id, c.number,
  '{}', '', '\\x00', sha256((c.id * 8 + v.k)::text::bytea)
FROM cases_case c CROSS JOIN (VALUES (0, 'case.open'), (1, 'case.accept'), (2, 'case.reply'), (3, 'case.note'),
  (4, 'case.resolve')) AS v (k, verb) WHERE c.source = 'bench' AND c.id > %s ORDER BY c.id, v.k""",
    """
INSERT INTO ledger_pending (act_id)
SELECT a.id FROM ledger_act a JOIN cases_case c ON a.subject_kind = 'case' AND a.subject_id = c.id
WHERE c.source = 'bench' AND c.id > %s""",
)


def make_cases(first: int, last: int) -> None:
    """Cases numbered `first` … `last`, nothing else of them."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for begin in range(first, last + 1, STEP):
            cursor.execute(CASES, {"first": begin, "last": min(last, begin + STEP - 1)})
        cursor.execute("VACUUM ANALYZE cases_case")


def make_city(first: int, last: int) -> None:
    """Cases with one task, one requester, at most one message and five acts each."""
    from django.db import connection

    for begin in range(first, last + 1, STEP):
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SELECT coalesce(max(id), 0) FROM cases_case")
            (newest,) = cursor.fetchone()
            cursor.execute(CASES, {"first": begin, "last": min(last, begin + STEP - 1)})
            for statement in _OF_CASES:
                cursor.execute(statement, [newest])
    with connection.cursor() as cursor:
        for table in ("cases_case", "cases_task", "cases_party", "cases_message", "ledger_act"):
            cursor.execute(f"VACUUM ANALYZE {table}")
