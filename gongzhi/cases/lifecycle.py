"""The life of a case as data: state × verb → state, who may, what is recorded.

Nothing else is in this file, so that a reader sees the whole life at once. Closing has a reason
of its own (`Closure`) and "not ours" or "will not be done" never count as fixed.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from gongzhi.registry.authority import Relation


class State(TextChoices):
    RECEIVED = "received", _("Received")
    ASSIGNED = "assigned", _("Sent to the organisation responsible")
    UNDER_WAY = "under_way", _("Under way")
    RESOLVED = "resolved", _("Resolved")
    RATED = "rated", _("Rated")
    CLOSED = "closed", _("Closed")


class Closure(TextChoices):
    """Why a case ended; each is a figure of its own."""

    FIXED = "fixed", _("Done")
    WILL_NOT = "will_not", _("Will not be done")
    NOT_OURS = "not_ours", _("Not the city's to do")
    CANNOT_VERIFY = "cannot_verify", _("Could not be verified")
    DUPLICATE = "duplicate", _("Dealt with together with another case")
    WITHDRAWN = "withdrawn", _("Withdrawn by the requester")


class Verb(TextChoices):
    OPEN = "open", _("received")
    ASSIGN = "assign", _("sent to the organisation responsible")
    ACCEPT = "accept", _("accepted")
    RETURN = "return", _("returned")
    TRANSFER = "transfer", _("sent on")
    REPLY = "reply", _("answered")
    SAY = "say", _("added by the requester")
    NOTE = "note", _("noted inside the house")
    CLASSIFY = "classify", _("function corrected")
    REDACT = "redact", _("public view redacted")
    RELEASE = "release", _("file shown to the public")
    WITHHOLD = "withhold", _("file no longer shown to the public")
    JOIN = "join", _("joined by another person")
    RESOLVE = "resolve", _("resolved")
    CONTEST = "contest", _("closure contested")
    RATE = "rate", _("rated")
    CLOSE = "close", _("closed")
    DECLINE = "decline", _("not accepted")
    WITHDRAW = "withdraw", _("withdrawn")
    MERGE = "merge", _("merged into another case")
    ABSORB = "absorb", _("another case was merged into this one")
    UNMERGE = "unmerge", _("taken out of the case it was merged into")
    LET_GO = "let_go", _("a merged case was taken out again")
    SPLIT = "split", _("a part became a case of its own")
    ASK = "ask", _("requester asked for more; the clock stands still")
    RESUME = "resume", _("clock started again")
    ASK_TIME = "ask_time", _("more time asked for")
    GRANT_TIME = "grant_time", _("given more time")
    REFUSE_TIME = "refuse_time", _("more time refused")
    SET_DUE = "set_due", _("deadline changed")
    LAPSE = "lapse", _("counted as accepted, as nobody answered in time")
    ARBITRATE = "arbitrate", _("decided by an arbiter")
    REOPEN = "reopen", _("opened again")
    ASK_PART = "ask_part", _("another organisation asked for a part")
    ACCEPT_PART = "accept_part", _("part accepted")
    RETURN_PART = "return_part", _("part returned")
    FINISH_PART = "finish_part", _("part finished")
    CANCEL_PART = "cancel_part", _("part no longer needed")
    ENTRUST = "entrust", _("given to a crew")
    ENTRUST_PART = "entrust_part", _("part given to a crew")
    PASS = "pass", _("sent to another city")
    MIRROR = "mirror", _("told by the other city")


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table: where a verb leads from a state. `to` equal to the state: stays."""

    state: State
    verb: Verb
    to: State


_OPEN = (State.RECEIVED, State.ASSIGNED, State.UNDER_WAY)
_ENDED = (State.RESOLVED, State.RATED, State.CLOSED)


def _rows() -> list[Transition]:
    rows = [
        Transition(State.RECEIVED, Verb.ASSIGN, State.ASSIGNED),
        Transition(State.RECEIVED, Verb.DECLINE, State.CLOSED),
        Transition(State.ASSIGNED, Verb.ACCEPT, State.UNDER_WAY),
        Transition(State.ASSIGNED, Verb.RETURN, State.RECEIVED),
        Transition(State.UNDER_WAY, Verb.RETURN, State.RECEIVED),
        Transition(State.ASSIGNED, Verb.TRANSFER, State.ASSIGNED),
        Transition(State.UNDER_WAY, Verb.TRANSFER, State.ASSIGNED),
        Transition(State.ASSIGNED, Verb.ASSIGN, State.ASSIGNED),
        Transition(State.UNDER_WAY, Verb.ASSIGN, State.ASSIGNED),
        Transition(State.ASSIGNED, Verb.LAPSE, State.UNDER_WAY),
        Transition(State.ASSIGNED, Verb.ENTRUST, State.UNDER_WAY),
        Transition(State.UNDER_WAY, Verb.ENTRUST, State.UNDER_WAY),
        Transition(State.RECEIVED, Verb.ARBITRATE, State.ASSIGNED),
        Transition(State.UNDER_WAY, Verb.RESOLVE, State.RESOLVED),
        Transition(State.RESOLVED, Verb.RATE, State.RATED),
        Transition(State.RATED, Verb.RATE, State.RATED),
        Transition(State.RESOLVED, Verb.CLOSE, State.CLOSED),
        Transition(State.RATED, Verb.CLOSE, State.CLOSED),
        Transition(State.CLOSED, Verb.UNMERGE, State.ASSIGNED),
        *(Transition(s, Verb.CONTEST, State.UNDER_WAY) for s in _ENDED),
        *(Transition(s, Verb.REOPEN, State.UNDER_WAY) for s in _ENDED),
        *(Transition(s, Verb.PASS, State.UNDER_WAY) for s in _OPEN),
        *(Transition(s, Verb.WITHDRAW, State.CLOSED) for s in _OPEN),
        *(Transition(s, Verb.MERGE, State.CLOSED) for s in _OPEN),
    ]
    stays = {
        Verb.REPLY: (State.ASSIGNED, State.UNDER_WAY, State.RESOLVED, State.RATED, State.CLOSED),
        Verb.SAY: (*_OPEN, *_ENDED),
        Verb.NOTE: (*_OPEN, *_ENDED),
        Verb.CLASSIFY: _OPEN,
        Verb.REDACT: (*_OPEN, *_ENDED),
        Verb.RELEASE: (*_OPEN, *_ENDED),
        Verb.WITHHOLD: (*_OPEN, *_ENDED),
        Verb.JOIN: _OPEN,
        Verb.ABSORB: _OPEN,
        Verb.LET_GO: (*_OPEN, *_ENDED),
        Verb.SPLIT: _OPEN,
        Verb.ASK: (State.UNDER_WAY,),
        Verb.RESUME: (State.UNDER_WAY,),
        Verb.ASK_TIME: (State.UNDER_WAY,),
        Verb.GRANT_TIME: (State.UNDER_WAY,),
        Verb.REFUSE_TIME: (State.UNDER_WAY,),
        Verb.SET_DUE: _OPEN,
        Verb.ASK_PART: (State.UNDER_WAY,),
        Verb.ACCEPT_PART: _OPEN,
        Verb.RETURN_PART: _OPEN,
        Verb.FINISH_PART: _OPEN,
        Verb.CANCEL_PART: _OPEN,
        Verb.ENTRUST_PART: _OPEN,
        Verb.MIRROR: (State.UNDER_WAY,),
    }
    rows += [Transition(s, verb, s) for verb, states in stays.items() for s in states]
    return rows


TRANSITIONS: dict[tuple[State, Verb], State] = {(t.state, t.verb): t.to for t in _rows()}
"""(state, verb) → state. A pair that is not here does not exist."""

OPEN_STATES: tuple[State, ...] = _OPEN
"""States in which somebody still has to do something."""


def verbs_from(state: str) -> list[Verb]:
    """The verbs that exist for a case in `state`, in the order of `Verb`."""
    return [verb for verb in Verb if (State(state), verb) in TRANSITIONS]


_HANDLERS = (Relation.HOLDER, Relation.DISPATCHER)
_REQUESTERS = (Relation.PARTY, Relation.OPERATOR)

WHO: dict[str, tuple[Relation, ...]] = {
    "case.open": (Relation.ANYONE,),
    "case.import": (Relation.ADMINISTRATOR, Relation.SYSTEM),
    "case.see_private": (
        Relation.PARTY,
        Relation.HOLDER,
        Relation.HOLDER_SUPERVISOR,
        Relation.OPERATOR,
        Relation.DISPATCHER,
        Relation.SYSTEM,
    ),
    "case.see_worklist": (Relation.STAFF,),
    f"case.{Verb.ASSIGN}": (Relation.DISPATCHER, Relation.SYSTEM),
    f"case.{Verb.ACCEPT}": (Relation.HOLDER,),
    f"case.{Verb.RETURN}": (Relation.HOLDER,),
    f"case.{Verb.TRANSFER}": _HANDLERS,
    f"case.{Verb.REPLY}": _HANDLERS,
    f"case.{Verb.NOTE}": (*_HANDLERS, Relation.HOLDER_SUPERVISOR, Relation.OPERATOR),
    f"case.{Verb.CLASSIFY}": (*_HANDLERS, Relation.OPERATOR),
    f"case.{Verb.REDACT}": (*_HANDLERS, Relation.PARTY, Relation.OPERATOR),
    f"case.{Verb.RELEASE}": (*_HANDLERS, Relation.OPERATOR),
    f"case.{Verb.WITHHOLD}": (*_HANDLERS, Relation.OPERATOR),
    f"case.{Verb.RESOLVE}": (Relation.HOLDER, Relation.SYSTEM),
    f"case.{Verb.SAY}": _REQUESTERS,
    f"case.{Verb.JOIN}": (Relation.ANYONE,),
    f"case.{Verb.CONTEST}": _REQUESTERS,
    f"case.{Verb.RATE}": _REQUESTERS,
    f"case.{Verb.WITHDRAW}": _REQUESTERS,
    f"case.{Verb.DECLINE}": (Relation.DISPATCHER,),
    f"case.{Verb.CLOSE}": (Relation.SYSTEM, Relation.DISPATCHER),
    f"case.{Verb.MERGE}": (Relation.DISPATCHER, Relation.HOLDER),
    f"case.{Verb.UNMERGE}": (Relation.DISPATCHER, Relation.HOLDER),
    f"case.{Verb.SPLIT}": (Relation.DISPATCHER, Relation.HOLDER),
    f"case.{Verb.ASK}": (Relation.HOLDER,),
    f"case.{Verb.RESUME}": (Relation.HOLDER, Relation.SYSTEM),
    f"case.{Verb.ASK_TIME}": (Relation.HOLDER,),
    f"case.{Verb.GRANT_TIME}": (Relation.HOLDER_SUPERVISOR,),
    f"case.{Verb.REFUSE_TIME}": (Relation.HOLDER_SUPERVISOR, Relation.SYSTEM),
    f"case.{Verb.SET_DUE}": (Relation.SYSTEM,),
    f"case.{Verb.LAPSE}": (Relation.SYSTEM,),
    f"case.{Verb.ARBITRATE}": (Relation.DISPATCHER,),
    f"case.{Verb.REOPEN}": (Relation.HOLDER_SUPERVISOR, Relation.SYSTEM),
    f"case.{Verb.ASK_PART}": _HANDLERS,
    f"case.{Verb.CANCEL_PART}": _HANDLERS,
    f"case.{Verb.PASS}": (Relation.DISPATCHER,),
    f"case.{Verb.MIRROR}": (Relation.SYSTEM,),
    # Of a part its own organisation is the holder, not the one that leads the case.
    "case.see_part": (Relation.HOLDER, Relation.HOLDER_SUPERVISOR),
    f"case.{Verb.ACCEPT_PART}": (Relation.HOLDER,),
    f"case.{Verb.RETURN_PART}": (Relation.HOLDER,),
    f"case.{Verb.FINISH_PART}": (Relation.HOLDER,),
    f"case.{Verb.ENTRUST}": (Relation.HOLDER_SUPERVISOR, Relation.HOLDER_DISPATCHER),
    f"case.{Verb.ENTRUST_PART}": (Relation.HOLDER_SUPERVISOR, Relation.HOLDER_DISPATCHER),
    "case.erase": (Relation.ADMINISTRATOR,),
    "case.oversee": (Relation.HOLDER_SUPERVISOR,),
    "case.see_caller": (Relation.OPERATOR, Relation.DISPATCHER),
    "case.see_unassigned": (Relation.DISPATCHER,),
    "case.keep_filter": (Relation.STAFF,),
    "wording.write": (Relation.HOLDER,),
}
"""action → relations that permit it (see `registry.authority`)."""

RECORDS: dict[Verb, tuple[str, ...]] = {
    Verb.OPEN: ("channel", "function", "organisation", "area", "due_at", "text_digest"),
    Verb.ASSIGN: ("organisation", "from", "due_at", "mandate"),
    Verb.ACCEPT: ("organisation", "post"),
    Verb.RETURN: ("organisation", "reason_code"),
    Verb.TRANSFER: ("organisation", "from", "due_at"),
    Verb.REPLY: ("audience", "text_digest"),
    Verb.SAY: ("text_digest", "photos"),
    Verb.NOTE: ("text_digest",),
    Verb.CLASSIFY: ("function", "from"),
    Verb.REDACT: ("text_digest",),
    Verb.RELEASE: ("files",),
    Verb.WITHHOLD: ("files",),
    Verb.JOIN: ("supporters",),
    Verb.RESOLVE: ("closure", "text_digest", "due_at", "function", "area"),
    Verb.CONTEST: ("text_digest", "due_at"),
    Verb.RATE: ("rating", "reasons", "channel"),
    Verb.CLOSE: ("closure",),
    Verb.DECLINE: ("closure", "text_digest"),
    Verb.WITHDRAW: ("closure",),
    Verb.MERGE: ("closure", "into"),
    Verb.ABSORB: ("merged", "supporters"),
    Verb.UNMERGE: ("from", "organisation", "due_at"),
    Verb.LET_GO: ("released", "supporters"),
    Verb.SPLIT: ("into", "organisation"),
    Verb.ASK: ("until", "text_digest"),
    Verb.RESUME: ("due_at", "stopped_at", "why"),
    Verb.ASK_TIME: ("working_days", "decide_by"),
    Verb.GRANT_TIME: ("due_at", "working_days"),
    Verb.REFUSE_TIME: ("due_at",),
    Verb.SET_DUE: ("due_at", "was_due_at", "why"),
    Verb.LAPSE: ("organisation", "post", "answer_by"),
    Verb.ARBITRATE: ("organisation", "from", "due_at", "returns"),
    Verb.REOPEN: ("due_at",),
    Verb.ASK_PART: ("task", "organisation", "due_at", "required", "text_digest"),
    Verb.ACCEPT_PART: ("task", "organisation", "post"),
    Verb.RETURN_PART: ("task", "organisation", "reason_code"),
    Verb.FINISH_PART: ("task", "organisation", "text_digest", "due_at", "function", "area"),
    Verb.CANCEL_PART: ("task", "organisation"),
    Verb.ENTRUST: ("organisation", "post", "task"),
    Verb.ENTRUST_PART: ("organisation", "post", "task"),
    Verb.PASS: ("city", "organisation", "due_at"),
    Verb.MIRROR: ("city", "number", "status"),
}
"""What the act of each verb holds in its details, beside who, when and in which post."""
