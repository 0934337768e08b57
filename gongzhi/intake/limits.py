"""How often one address or phone may bring something in (S9): counted in the database, by the hour."""

from __future__ import annotations

import hashlib
import time

from django.conf import settings
from django.db import connection

from gongzhi.cases.actions.requesting import digits_of
from gongzhi.errors import TooMany
from gongzhi.intake.models import Quota

WINDOW_S = 3600
PER_WINDOW = 30

# A count need not outlive a crash: its own commit does not wait for the disk, the matter's does.
_COUNT = """
INSERT INTO intake_quota AS q (key, "window", count)
SELECT k, %s, 1 FROM unnest(%s::text[]) AS k
WHERE (SELECT set_config('synchronous_commit', 'off', true)) IS NOT NULL ORDER BY k
ON CONFLICT (key) DO UPDATE SET "window" = EXCLUDED."window",
  count = CASE WHEN q."window" = EXCLUDED."window" THEN q.count + 1 ELSE 1 END
RETURNING count
"""


def count(client: str, phone: str, *, most: int | None = None) -> None:
    """Count one submission against its address and phone, in one statement.

    Args:
        most: how often in an hour; `PER_WINDOW` if not given.

    Raises:
        TooMany: the hour's share of one of them is used up.
    """
    if not settings.RATE_LIMITS or not (client or phone):
        return
    window = int(time.time() // WINDOW_S)
    keys = [f"a:{client[:90]}"] if client else []
    if phone:
        keys.append(f"p:{hashlib.sha256(digits_of(phone).encode()).hexdigest()[:32]}")
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [window, keys])
        used = max(row[0] for row in cursor.fetchall())
    if used > (PER_WINDOW if most is None else most):
        raise TooMany(retry_after=int(WINDOW_S - time.time() % WINDOW_S) + 1)


def forget() -> int:
    """Drop the counts of hours that are over, so that addresses are neither collected nor fill the disk."""
    dropped, _each = Quota.objects.filter(window__lt=int(time.time() // WINDOW_S)).delete()
    return dropped
