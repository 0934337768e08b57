"""Verbs of the case page that stop or move the clock, bring in others, or undo: they join `verbs.FORMS`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gongzhi.cases import actions, rules
from gongzhi.cases.lifecycle import Closure, State
from gongzhi.cases.models import Case, Extension, Task
from gongzhi.coordination.models import Neighbour, Passage
from gongzhi.errors import Invalid, Text
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor, Subject
from gongzhi.web.desk import verbs
from gongzhi.web.desk.joint import moment, whole
from gongzhi.web.desk.verbs import Group, Posted
from gongzhi.web.templatetags.words import local


def _ask(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.ask(actor, case, sent.text)
    return _("The requester has been asked; the clock stands still until the answer comes.")


def _resume(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.resume(actor, case, why="staff")
    return _("The clock runs again.")


def _ask_time(actor: Actor, case: Case, sent: Posted) -> Text:
    days = whole(sent.form.get("working_days", ""), "working_days")
    asked = actions.ask_time(actor, case, working_days=days, reason=sent.text)
    return _("Your supervisor decides by %(when)s; until then the deadline stays.") % {
        "when": local(asked.decide_by)
    }


def _grant_time(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.grant_time(actor, case, reason=sent.text)
    return _("Granted: it is due on %(when)s now.") % {"when": local(case.due_at)}


def _refuse_time(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.refuse_time(actor, case, reason=sent.text)
    return _("Refused; the deadline stays.")


def _ask_part(actor: Actor, case: Case, sent: Posted) -> Text:
    form = sent.form
    to = verbs.organisation_in(form)
    by = form.get("due_at", "").strip()
    actions.ask_part(
        actor,
        case,
        to,
        request=sent.text,
        due_at=moment(by, "due_at") if by else None,
        is_required=form.get("is_required") == "1",
    )
    return _("%(name)s has been asked for a part.") % {"name": to.name}


def _cancel_part(actor: Actor, case: Case, sent: Posted) -> Text:
    given = sent.form.get("part", "")
    task = Task.objects.filter(pk=int(given) if given.isdecimal() and len(given) < 19 else 0).first()
    if task is None:
        raise Invalid(_("This case has no such part."))
    actions.cancel_part(actor, case, task, reason=sent.text)
    return _("The part is no longer needed; the other organisation sees why.")


def _split(actor: Actor, case: Case, sent: Posted) -> Text:
    form = sent.form
    function = verbs.function_in(form) if form.get("function") else None
    to = verbs.organisation_in(form)
    new = actions.split(actor, case, sent.text, to, reason=form.get("reason", ""), function=function)
    return _("%(number)s is a case of its own now, with %(name)s.") % {
        "number": new.number,
        "name": to.name,
    }


def _unmerge(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.unmerge(actor, case, reason=sent.text)
    return _("A case of its own again; the people concerned follow this one.")


def _reopen(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.reopen(actor, case, reason=sent.text)
    return _("Opened again; the organisation goes on with it.")


def waiting_extension(case: Case) -> Extension | None:
    """The request for more time on which nobody has decided yet."""
    return next((e for e in case.extensions.all() if e.state == Extension.State.ASKED), None)


def _may_ask(actor: Actor, case: Case, subject: Subject) -> bool:
    return verbs.by_lifecycle("ask")(actor, case, subject) and case.paused_at is None


def _may_resume(actor: Actor, case: Case, subject: Subject) -> bool:
    return verbs.by_lifecycle("resume")(actor, case, subject) and case.paused_at is not None


def _may_ask_time(actor: Actor, case: Case, subject: Subject) -> bool:
    now = timezone.now()
    return (
        verbs.by_lifecycle("ask_time")(actor, case, subject)
        and (now < case.due_at or case.paused_at is not None)
        and rules.limit_of(case, now).extension_working_days > 0
        and not any(e.state in ("asked", "granted") for e in case.extensions.all())
    )


def _may_decide(actor: Actor, case: Case, subject: Subject) -> bool:
    if not verbs.by_lifecycle("grant_time")(actor, case, subject):
        return False
    asked = waiting_extension(case)
    return asked is not None and asked.asked_by_id != actor.post_id


def _may_unmerge(actor: Actor, case: Case, subject: Subject) -> bool:
    return case.merged_into_id is not None and verbs.by_lifecycle("unmerge")(actor, case, subject)


def _may_reopen(actor: Actor, case: Case, subject: Subject) -> bool:
    can = case.merged_into_id is None and case.organisation_id is not None
    return can and case.closure != Closure.WITHDRAWN and verbs.by_lifecycle("reopen")(actor, case, subject)


def shared(actor: Actor, case: Case, subject: Subject, tasks: Sequence[Task]) -> dict[str, Any]:
    """What the forms of this module and the list of parts need to know beside the case.

    `limits` are the city's for this case; `extension` is the request that waits; `part_pages` are the
    parts whose own page the actor may open; `elsewhere` says whether another city is concerned or can be.
    """
    now = timezone.now()
    limit = rules.limit_of(case, now)
    may_pass = (
        verbs.by_lifecycle("pass")(actor, case, subject) and Neighbour.objects.filter(is_active=True).exists()
    )
    return {
        "limits": limit,
        "answer_until": rules.calendar().due(now, limit.answer_working_days),
        "part_latest": rules.at_least_a_day(case, now),
        "extension": waiting_extension(case) if case.state == State.UNDER_WAY else None,
        "part_pages": {
            task.pk
            for task in tasks
            if task.role == Task.Role.ASSIST
            and authority.may(actor, "case.see_part", Subject(organisation_id=task.organisation_id))
        },
        "elsewhere": may_pass or Passage.objects.filter(case=case).exists(),
        "may_pass": may_pass,
    }


_TIME, _OTHERS, _RECORD = Group.TIME, Group.OTHERS, Group.RECORD

verbs.add("ask", gettext_lazy("Ask the requester for more"), _ask, key="q", may=_may_ask, group=_TIME)
verbs.add("resume", gettext_lazy("Start the clock again"), _resume, may=_may_resume, group=_TIME)
verbs.add("ask_time", gettext_lazy("Ask for more time"), _ask_time, key="x", may=_may_ask_time, group=_TIME)
verbs.add("grant_time", gettext_lazy("Give more time"), _grant_time, may=_may_decide, group=_TIME)
verbs.add("refuse_time", gettext_lazy("Refuse more time"), _refuse_time, may=_may_decide, group=_TIME)
verbs.add("ask_part", gettext_lazy("Ask another organisation for a part"), _ask_part, key="h", group=_OTHERS)
verbs.add("cancel_part", gettext_lazy("This part is no longer needed"), _cancel_part, is_apart=True)
verbs.add("split", gettext_lazy("Split: a part becomes a case of its own"), _split, group=_OTHERS)
verbs.add(
    "unmerge", gettext_lazy("Take it out of the merged case"), _unmerge, may=_may_unmerge, group=_OTHERS
)
verbs.add("reopen", gettext_lazy("Open again"), _reopen, may=_may_reopen)
