"""How often matters go from hand to hand before somebody does them (流转): public figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from gongzhi.cases.kept import kept

MOST = 3
"""Cases with so many hand-overs or more are counted together."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What one organisation did with what was sent to it."""

    organisation_id: int
    returned: int
    sent_on: int
    counted_as_accepted: int


@dataclass(frozen=True, slots=True)
class Circulation:
    """Of the cases received in a period: how many changed hands how often, and who passed them on.

    Attributes:
        by_handovers: number of returns and transfers (`MOST` means that many or more) → cases.
        rulings: cases that an arbiter had to decide.
    """

    cases: int
    by_handovers: dict[int, int]
    rulings: int
    organisations: list[Hands]


def circulation(since: datetime) -> Circulation:
    """The figures for cases received since `since`; at most a minute old in a large city."""
    days = max(1, round((timezone.now() - since).total_seconds() / 86_400))
    found = kept(f"circulation:{days}", lambda: _counted(since)).value
    return Circulation(
        cases=found["cases"],
        by_handovers={int(n): count for n, count in found["by_handovers"].items()},
        rulings=found["rulings"],
        organisations=[Hands(*row) for row in found["organisations"]],
    )


def _counted(since: datetime) -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT least(returns + transfers, %s), count(*) FROM cases_case
               WHERE opened_at >= %s GROUP BY 1""",
            [MOST, since],
        )
        by_handovers = dict.fromkeys(range(MOST + 1), 0) | dict(cursor.fetchall())
        cursor.execute(
            """SELECT coalesce((details->>'from')::bigint, (details->>'organisation')::bigint) AS hands,
                 count(*) FILTER (WHERE verb = 'case.return'),
                 count(*) FILTER (WHERE verb = 'case.transfer'),
                 count(*) FILTER (WHERE verb = 'case.lapse')
               FROM ledger_act a JOIN cases_case c ON c.id = a.subject_id AND a.subject_kind = 'case'
               WHERE c.opened_at >= %s AND verb IN ('case.return', 'case.transfer', 'case.lapse')
               GROUP BY 1 HAVING coalesce((details->>'from')::bigint,
                                          (details->>'organisation')::bigint) IS NOT NULL
               ORDER BY 2 DESC, 3 DESC, 1""",
            [since],
        )
        organisations = [list(row) for row in cursor.fetchall()]
        cursor.execute(
            """SELECT count(DISTINCT subject_id) FROM ledger_act a JOIN cases_case c ON c.id = a.subject_id
               WHERE a.subject_kind = 'case' AND verb = 'case.arbitrate' AND c.opened_at >= %s""",
            [since],
        )
        (rulings,) = cursor.fetchone()
    return {
        "cases": sum(by_handovers.values()),
        "by_handovers": by_handovers,
        "rulings": rulings,
        "organisations": organisations,
    }
