"""A cell with something in it, and the people who walk it and the next one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from gongzhi.grid.actions import Draft, Finding, entry_of, today
from gongzhi.grid.models import Entry
from gongzhi.registry.models import Area
from tests.conftest import HERE

CELL = "429001001007"
NEXT_CELL = "429001001003"


def finding(text: str = "", **fields: Any) -> Finding:
    """What was written down just now, with a key of its own."""
    return Finding(fields.pop("key", str(uuid.uuid4())), text, **fields)


@pytest.fixture
def an_entry(db: None) -> Callable[..., Entry]:
    """An entry of the register, by default a street lamp of the walked cell whose check is due."""
    made = 0

    def _an_entry(kind: str = "thing", *, late: int = 0, cell: str = CELL, **fields: Any) -> Entry:
        nonlocal made
        made += 1
        day: date = today()
        draft = Draft(
            **{
                "code": f"{cell[-6:]}-{made:03d}", "kind": kind, "name": f"路灯L{made}", "name_en": f"Lamp L{made}",
                "area_id": Area.objects.get(code=cell).pk, "lng": HERE[0] if cell == CELL else None,
                "lat": HERE[1] if cell == CELL else None, "every_days": 30, "due_on": day - timedelta(days=late),
                "function_code": "lighting" if kind == "thing" else "", **fields,
            }
        )  # fmt: skip
        entry = entry_of(draft, day)
        entry.save()
        return entry

    return _an_entry
