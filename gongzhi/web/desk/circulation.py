"""How often matters go from hand to hand, for everybody to see."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from gongzhi.cases.circulation import circulation

_PERIODS = (30, 90, 365)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Returns and transfers of the matters received in a period, by number and by organisation."""
    given = request.GET.get("days", "")
    days = int(given) if given in {str(n) for n in _PERIODS} else _PERIODS[0]
    found = circulation(timezone.now() - timedelta(days=days))
    context = {"found": found, "days": days, "periods": _PERIODS, "most": max(found.by_handovers)}
    return render(request, "desk/joint/circulation.html", context)
