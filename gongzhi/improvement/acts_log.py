"""The product's own acts as an event log: every case is a case, every verb an activity, organisations the hands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
from django.db import connection

from gongzhi.cases.evidence import UNSEEN
from gongzhi.improvement.event_log import EventLog, codes_of, sorted_log
from gongzhi.lake.columns import Codes, Groups
from gongzhi.registry import snapshot

INSIDE = UNSEEN
"""Verbs that do not move a case along and would only crowd the map."""
_QUERY = """
SELECT a.subject_id, substr(a.verb, 6), (extract(epoch FROM a.recorded_at) * 1000000)::bigint,
       coalesce(a.organisation_id, (a.details->>'organisation')::bigint)
FROM ledger_act a JOIN cases_case c ON c.id = a.subject_id
WHERE a.subject_kind = 'case' AND a.verb LIKE 'case.%%' AND a.verb <> ALL(%s)
  AND c.opened_at >= %s AND c.opened_at < %s
  AND (%s::bigint[] IS NULL OR c.function_id = ANY(%s)) AND (%s::bigint[] IS NULL OR c.area_id = ANY(%s))
ORDER BY a.subject_id, a.id
"""


def read_acts(
    since: datetime,
    until: datetime,
    function: str = "",
    area: str = "",
    language: str = "zh",
    named: Callable[[str], str] = str,
) -> EventLog:
    """The acts of the cases received in a period, of one function and area and all below them.

    Args:
        function, area: codes; empty for all.
        named: how a verb is called on the map.

    Raises:
        ValueError: no such function or area, or no case.
    """
    registry = snapshot.current()
    functions = areas = None
    if function:
        if (chosen := registry.function_by_code.get(function)) is None:
            raise ValueError(f"no function {function!r}")
        functions = [f.id for f in registry.functions.values() if chosen.id in f.ancestors]
    if area:
        if (place := registry.area_by_code.get(area)) is None:
            raise ValueError(f"no area {area!r}")
        areas = [a.id for a in registry.areas.values() if place.id in a.ancestors]
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [list(INSIDE), since, until, functions, functions, areas, areas])
        rows = cursor.fetchall()
    if not rows:
        raise ValueError("no case was received in this period")
    words = {verb: named(verb) for verb in {r[1] for r in rows}}
    number = {case: i for i, case in enumerate(dict.fromkeys(r[0] for r in rows))}
    hands = registry.organisations
    names = [
        ""
        if r[3] not in hands
        else (hands[r[3]].name_zh if language.startswith("zh") else hands[r[3]].name_en)
        for r in rows
    ]
    who: Codes = codes_of(names)
    return sorted_log(
        Groups.of(np.array([number[r[0]] for r in rows], np.int32)),
        codes_of([words[r[1]] for r in rows]),
        np.array([r[2] for r in rows], np.int64),
        who,
    )
