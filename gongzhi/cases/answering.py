"""Checks that an answer passes before it leaves; rooms above register them when they start."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gongzhi.cases.models import Case
from gongzhi.registry.authority import Actor

Check = Callable[[Actor, Case, str, str, datetime], dict[str, Any]]
"""(actor, case, text, reason for sending it all the same, moment) → what the act holds about it.

Raises a `GongzhiError` when the answer is held back.
"""

_CHECKS: list[Check] = []


def register(check: Check) -> None:
    """Have every answer checked by `check`; registering twice counts once."""
    if check not in _CHECKS:
        _CHECKS.append(check)


def before(actor: Actor, case: Case, text: str, override_reason: str, at: datetime) -> dict[str, Any]:
    """Run all checks; gives what the act holds about them.

    Raises:
        Held: a check holds the answer back (see `errors`).
    """
    found: dict[str, Any] = {}
    for check in _CHECKS:
        found |= check(actor, case, text, override_reason, at)
    return found
