"""What every page knows."""

from __future__ import annotations

from django.http import HttpRequest

from gongzhi.errors import Unavailable
from gongzhi.registry import snapshot


def city(request: HttpRequest) -> dict[str, object]:
    """The city of this installation, None before one was loaded."""
    try:
        return {"city": snapshot.current().city}
    except Unavailable:
        return {"city": None}
