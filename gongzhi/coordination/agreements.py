"""What a partner's agreements cover."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from gongzhi.cases import rules
from gongzhi.cases.models import Case, Task
from gongzhi.coordination import settlement
from gongzhi.coordination.models import Agreement
from gongzhi.registry import snapshot


def is_partner(organisation_id: int) -> bool:
    """Whether an organisation is a utility, company, NGO or volunteer group, not a public body."""
    view = snapshot.current().organisations.get(organisation_id)
    return view is not None and view.kind != "government"


def covers(partner_id: int, case: Case) -> bool:
    """Whether a partner has to do with a case: it has a task in it, or an agreement that is valid today
    covers its function and place."""
    if Task.objects.filter(case=case, organisation_id=partner_id).exists():
        return True
    view = snapshot.current()
    function, area = view.functions.get(case.function_id or 0), view.areas.get(case.area_id or 0)
    if function is None:
        return False
    today = timezone.now().astimezone(rules.calendar().zone).date()
    return any(
        function.code in settlement.leaves(agreement.functions)
        and (area is None or agreement.area_id in area.ancestors)
        for agreement in valid(partner_id, today)
    )


def valid(partner_id: int, on: date) -> list[Agreement]:
    """The partner's agreements that hold on a day."""
    rows = Agreement.objects.filter(
        partner_id=partner_id, ended_at=None, valid_from__lte=on, valid_until__gte=on
    )
    return list(rows.select_related("area", "organisation").order_by("pk"))
