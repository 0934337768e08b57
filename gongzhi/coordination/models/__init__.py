"""Nouns of the coordination room, one file a subject."""

from gongzhi.coordination.models.directives import Directive, Order
from gongzhi.coordination.models.federation import Neighbour, Passage, Told
from gongzhi.coordination.models.incidents import Affected, Incident, SituationEntry, SituationReport
from gongzhi.coordination.models.partners import Agreement, Entry, Settlement
from gongzhi.coordination.models.task_forces import Comment, Member, Mention, TaskForce
from gongzhi.coordination.models.whistles import Call, Whistle

__all__ = [
    "Affected",
    "Agreement",
    "Call",
    "Comment",
    "Directive",
    "Entry",
    "Incident",
    "Member",
    "Mention",
    "Neighbour",
    "Order",
    "Passage",
    "Settlement",
    "SituationEntry",
    "SituationReport",
    "TaskForce",
    "Told",
    "Whistle",
]
