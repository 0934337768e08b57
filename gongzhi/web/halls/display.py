"""The display in the waiting room: who is called where, who was called before, how many wait."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from gongzhi.intake.counters import queries, tickets
from gongzhi.intake.counters.models import Hall, Screen
from gongzhi.web.halls import live
from gongzhi.web.halls.screens import screen

_EVERY_S: Final = 3


@require_safe
def page(request: HttpRequest, code: str) -> HttpResponse:
    """The whole display."""
    hall = screen(request, code, Screen.Kind.DISPLAY).hall
    part = live.part(request, "halls/board.html", _board(hall), f"{request.path}now", _EVERY_S)
    return render(request, "halls/display.html", {"hall": hall, "live": part})


@require_safe
def now(request: HttpRequest, code: str) -> HttpResponse:
    """What has changed since; a part of the display."""
    hall = screen(request, code, Screen.Kind.DISPLAY).hall
    return live.answer(request, "halls/board.html", _board(hall), request.path, _EVERY_S)


def _board(hall: Hall) -> dict[str, Any]:
    moment = timezone.now()
    return {"board": queries.board(hall, moment), "code": tickets.arrival_code(hall, moment)}
