"""The entries of the desk's header by what a post is for; other pages add theirs to `ENTRIES`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from gongzhi.errors import Text
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Role

WORKLIST: Final = "/desk/worklist/"


@dataclass(frozen=True, slots=True)
class Entry:
    """One page, for whom it is, and whether those begin their day with it.

    Attributes:
        key: letter that leads there after ``g``.
        is_first: whether a post for which no page before it is meant begins its day here.
    """

    href: str
    name: Text
    roles: frozenset[str]
    key: str
    is_first: bool = True


_WITH_DEADLINES: Final = frozenset(
    {Role.WORKER, Role.SUPERVISOR, Role.LEADER, Role.DISPATCHER, Role.OPERATOR, Role.ANALYST}
)
_WITH_OTHERS: Final = frozenset(
    {Role.WORKER, Role.SUPERVISOR, Role.LEADER, Role.DISPATCHER, Role.ADMINISTRATOR}
)
_THAT_LOOK_AHEAD: Final = frozenset({Role.SUPERVISOR, Role.LEADER, Role.DISPATCHER, Role.ANALYST})
_SHOWN: Final = 3
"""So many pages stand in the header itself; the others are under “More”."""

ENTRIES: list[Entry] = [
    Entry("/desk/intake/", _("Take in"), frozenset({Role.OPERATOR}), "i"),
    Entry("/desk/counter/", _("Call numbers"), frozenset({Role.OPERATOR}), "c", is_first=False),
    Entry("/desk/dispatch/", _("Dispatch"), frozenset({Role.DISPATCHER}), "d"),
    Entry("/desk/oversight/", _("Overview"), frozenset({Role.SUPERVISOR, Role.LEADER}), "o"),
    Entry("/desk/grid/", _("My round"), frozenset({Role.GRID}), "r"),
    Entry(
        WORKLIST,
        _("Worklist"),
        frozenset({Role.WORKER, Role.SUPERVISOR, Role.DISPATCHER, Role.OPERATOR}),
        "w",
    ),
    Entry("/desk/crews/", _("Crews"), frozenset({Role.SUPERVISOR, Role.DISPATCHER}), "c", is_first=False),
    Entry("/supervision/", _("Supervision"), _WITH_DEADLINES, "s", is_first=False),
    Entry("/desk/together/", _("Together"), _WITH_OTHERS, "e", is_first=False),
    Entry("/desk/sensing/", _("Sensing"), _THAT_LOOK_AHEAD | {Role.OPERATOR}, "h"),
    Entry("/desk/improvement/", _("Improvement"), _THAT_LOOK_AHEAD | {Role.ADMINISTRATOR}, "m"),
    Entry(
        "/desk/halls/",
        _("Halls"),
        frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR}),
        "l",
        is_first=False,
    ),
    Entry("/desk/reorganise/", _("Reorganising"), frozenset({Role.ADMINISTRATOR}), "r", is_first=False),
    Entry("/desk/wordings/", _("Wordings"), frozenset({Role.WORKER, Role.SUPERVISOR}), "t", is_first=False),
]


def entries(actor: Actor) -> list[Entry]:
    """The pages for this actor's post."""
    return [entry for entry in ENTRIES if entry.roles & actor.roles]


def in_header(found: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """The pages that stand in the header itself, and those under “More”: never a single one."""
    shown = len(found) if len(found) <= _SHOWN + 1 else _SHOWN
    return found[:shown], found[shown:]


def first_page(actor: Actor) -> str:
    """The address of the page that this post begins its day with."""
    return next((entry.href for entry in entries(actor) if entry.is_first), WORKLIST)


def way_back(actor: Actor) -> Entry:
    """The list that a case is opened from: the worklist, or the first page of a post that has none."""
    mine = entries(actor)
    found = [e for e in mine if e.href == WORKLIST] or [e for e in mine if e.is_first]
    return found[0] if found else next(e for e in ENTRIES if e.href == WORKLIST)
