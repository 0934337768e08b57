"""Next week's demand from the last weeks, where no better forecast is at hand."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
from django.db.models import Count
from django.db.models.functions import TruncWeek
from django.utils import timezone

from gongzhi.cases.models import Case
from gongzhi.improvement.allocation import Demand
from gongzhi.registry import snapshot

WEEKS = 8


def of_last_weeks(level: str, function: str = "", language: str = "en") -> list[Demand]:
    """Cases a week by area: mean of the last whole weeks, and how much it varied (at least as chance does).

    Raises:
        ValueError: no such level or function.
    """
    registry = snapshot.current()
    areas = [a for a in registry.areas.values() if a.level == level]
    if not areas:
        raise ValueError(f"no areas of the level {level!r}")
    now = timezone.localtime()
    end = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=now.weekday())
    cases = Case.objects.filter(
        opened_at__gte=end - timedelta(weeks=WEEKS), opened_at__lt=end, merged_into=None
    )
    if function:
        chosen = registry.function_by_code.get(function)
        if chosen is None:
            raise ValueError(f"no function {function!r}")
        cases = cases.filter(
            function__in=[f.id for f in registry.functions.values() if chosen.id in f.ancestors]
        )
    counted = cases.annotate(week=TruncWeek("opened_at")).values_list("area", "week").annotate(n=Count("pk"))
    weekly: dict[int, dict[object, int]] = {a.id: {} for a in areas}
    for area_id, week, count in counted:
        view = registry.areas.get(area_id or 0)
        for above in view.ancestors if view else ():
            if above in weekly:
                weekly[above][week] = weekly[above].get(week, 0) + count
    found = []
    for area in areas:
        values = np.array([*weekly[area.id].values(), *[0] * (WEEKS - len(weekly[area.id]))], float)
        mean = float(values.mean())
        deviation = max(float(values.std(ddof=1)), mean**0.5)
        name = area.name_zh if language.startswith("zh") else area.name_en
        found.append(Demand(name, mean, deviation if mean else None))
    return found
