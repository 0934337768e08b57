"""The life of a ticket: states and verbs, as data, and nothing else in this file."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    COMING = "coming", _("on the way")
    WAITING = "waiting", _("in line")
    CALLED = "called", _("called out")
    SERVING = "serving", _("at the counter")
    DONE = "done", _("served")
    NO_SHOW = "no_show", _("did not come")
    LEFT = "left", _("left the queue")


class Verb(StrEnum):
    ARRIVE = "arrive"
    CALL = "call"
    CALL_AGAIN = "call_again"
    START = "start"
    FINISH = "finish"
    SEND_ON = "send_on"
    MISS = "miss"
    COME_BACK = "come_back"
    LEAVE = "leave"


TRANSITIONS: Final[dict[Verb, tuple[frozenset[State], State]]] = {
    Verb.ARRIVE: (frozenset({State.COMING}), State.WAITING),
    Verb.CALL: (frozenset({State.WAITING}), State.CALLED),
    Verb.CALL_AGAIN: (frozenset({State.CALLED}), State.CALLED),
    Verb.START: (frozenset({State.CALLED}), State.SERVING),
    Verb.FINISH: (frozenset({State.CALLED, State.SERVING}), State.DONE),
    Verb.SEND_ON: (frozenset({State.CALLED, State.SERVING}), State.WAITING),
    Verb.MISS: (frozenset({State.CALLED}), State.NO_SHOW),
    Verb.COME_BACK: (frozenset({State.NO_SHOW}), State.WAITING),
    Verb.LEAVE: (frozenset({State.COMING, State.WAITING, State.CALLED}), State.LEFT),
}
"""verb → (states in which it exists, state it leads to)."""

AT_A_COUNTER: Final = (State.CALLED, State.SERVING)
IN_LINE: Final = (State.COMING, State.WAITING)
LIVE: Final = (*IN_LINE, *AT_A_COUNTER)
OVER: Final = (State.DONE, State.NO_SHOW, State.LEFT)
