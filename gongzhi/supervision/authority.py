"""Who may supervise what: action → relations (see `registry.authority`)."""

from __future__ import annotations

from gongzhi.registry.authority import Relation

_OVERSEERS = (Relation.HOLDER_SUPERVISOR, Relation.DISPATCHER)

WHO: dict[str, tuple[Relation, ...]] = {
    "supervision.see": (Relation.STAFF,),
    "supervision.urge": _OVERSEERS,
    "supervision.answer_urging": (Relation.HOLDER, Relation.HOLDER_SUPERVISOR),
    "supervision.call": (Relation.OPERATOR, Relation.HOLDER, Relation.HOLDER_SUPERVISOR, Relation.DISPATCHER),
    "supervision.put_right": (Relation.HOLDER, Relation.HOLDER_SUPERVISOR),
    "supervision.ask_exclusion": (Relation.HOLDER, Relation.HOLDER_SUPERVISOR),
    "supervision.decide_exclusion": (Relation.DISPATCHER, Relation.ANALYST),
    "supervision.appeal_exclusion": (Relation.PARTY, Relation.OPERATOR),
    "supervision.lift_exclusion": (Relation.DISPATCHER, Relation.ANALYST),
    "supervision.judge_answer": (Relation.DISPATCHER, Relation.ANALYST, Relation.HOLDER_SUPERVISOR),
    "supervision.see_accountability": (*_OVERSEERS, Relation.ANALYST),
    "text.hear": (Relation.SYSTEM,),
    "inspection.plan": (Relation.HOLDER_SUPERVISOR, Relation.ADMINISTRATOR),
    "inspection.record": (Relation.HOLDER, Relation.HOLDER_SUPERVISOR),
}
