"""What the improvement pages are narrowed to, who may see them, and durations in the reader's words."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.prepared import PROBLEM, Prepared
from gongzhi.errors import Invalid
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor
from gongzhi.web.desk.entering import staff

PERIODS = (30, 90, 365)
LONGEST_DAYS = 3660


def may_see(request: HttpRequest) -> Actor:
    """The member of staff who asks.

    Raises:
        SignInNeeded, NotAllowed: the pages are for staff.
    """
    actor = staff(request)
    authority.require(actor, "improvement.see")
    return actor


def language() -> str:
    """Of names: zh or en."""
    return "zh" if (get_language() or "zh").startswith("zh") else "en"


def days_in(request: HttpRequest) -> int:
    """The period in days; the longest one offered when none is asked for."""
    return whole(request.GET.get("days", ""), "days", least=1, most=LONGEST_DAYS) or PERIODS[-1]


def whole(written: str, field: str, *, least: int, most: int) -> int | None:
    """A whole number, None where nothing is written.

    Raises:
        Invalid: something else, or out of range; names the field.
    """
    written = written.strip()
    if not written:
        return None
    if not (written.isascii() and written.isdecimal() and len(written) < 9 and least <= int(written) <= most):
        raise Invalid(
            fields={
                field: _("Write a whole number from %(least)d to %(most)d.") % {"least": least, "most": most}
            }
        )
    return int(written)


def function_in(request: HttpRequest, field: str = "function") -> str:
    """Code of a function, empty for all.

    Raises:
        Invalid: there is none.
    """
    code = request.GET.get(field, "")
    if code and code not in snapshot.current().function_by_code:
        raise Invalid(fields={field: _("There is no such function.")})
    return code


def area_in(request: HttpRequest, field: str = "area") -> str:
    """Code of an area, empty for all.

    Raises:
        Invalid: there is none.
    """
    code = request.GET.get(field, "")
    if code and code not in snapshot.current().area_by_code:
        raise Invalid(fields={field: _("There is no such area.")})
    return code


def functions_shown() -> list[Any]:
    """Functions for a list to choose from, each under its group."""
    return sorted(snapshot.current().functions.values(), key=lambda f: f.ancestors)


def areas_shown(*levels: str) -> list[Any]:
    """Areas of some levels for a list to choose from."""
    return [a for a in snapshot.current().areas.values() if a.level in (levels or ("district", "street"))]


def verbs() -> dict[str, str]:
    """What acts on cases are called."""
    return {str(v): str(Verb(v).label) for v in Verb.values}


def answer_of(kept: Prepared) -> Any:
    """What was prepared, None while there is nothing or no answer is possible."""
    return None if kept.value is None or PROBLEM in kept.value else kept.value


def problem_of(kept: Prepared) -> str:
    """Why no answer is possible."""
    return str(kept.value[PROBLEM]) if kept.value is not None and PROBLEM in kept.value else ""


def duration(seconds: float) -> str:
    """A duration in the unit that a person would use."""
    for size, unit in ((86_400, _("%(n)s d")), (3600, _("%(n)s h")), (60, _("%(n)s min"))):
        if seconds >= size:
            return unit % {"n": f"{seconds / size:.1f}"}
    return _("%(n)s s") % {"n": f"{seconds:.0f}"}
