"""Who may do what in this room; the subject of each line is the organisation that it is about."""

from __future__ import annotations

from gongzhi.registry.authority import Relation

_WORKS = (Relation.HOLDER, Relation.HOLDER_SUPERVISOR)

WHO: dict[str, tuple[Relation, ...]] = {
    # Subject: the organisation that orders.
    "directive.issue": (Relation.HOLDER_SUPERVISOR,),
    "directive.close": (Relation.HOLDER_SUPERVISOR,),
    "directive.see": (*_WORKS, Relation.ANALYST),
    # Subject: the organisation that was ordered.
    "directive.acknowledge": _WORKS,
    "directive.report": _WORKS,
    # Subject: the organisation that signs for the city.
    "agreement.sign": (Relation.HOLDER_SUPERVISOR,),
    "agreement.end": (Relation.HOLDER_SUPERVISOR,),
    "agreement.enter": (Relation.HOLDER_SUPERVISOR,),
    # Subject: the partner.
    "settlement.see": (*_WORKS, Relation.ANALYST, Relation.ADMINISTRATOR),
    "settlement.issue": (Relation.ADMINISTRATOR, Relation.SYSTEM),
    # No subject.
    "neighbour.register": (Relation.ADMINISTRATOR, Relation.SYSTEM),
    "registry.reorganise": (Relation.ADMINISTRATOR,),
    # Subject: the organisation that leads the response.
    "incident.declare": (Relation.HOLDER_SUPERVISOR,),
    "incident.lead": (Relation.HOLDER_SUPERVISOR,),
    "incident.see": (Relation.STAFF,),
    # Subject: the organisation that reports.
    "incident.report": _WORKS,
    # Subject: the street that calls.
    "whistle.call": _WORKS,
    "whistle.finish": _WORKS,
    # Subject: the department that was called.
    "whistle.answer": _WORKS,
    # Subject: the organisation whose crews they are.
    "crew.see": (Relation.HOLDER_SUPERVISOR, Relation.HOLDER_DISPATCHER),
    # Subject: the organisation that leads the task force.
    "task_force.form": (Relation.HOLDER_SUPERVISOR,),
    "task_force.lead": (Relation.HOLDER_SUPERVISOR,),
}
