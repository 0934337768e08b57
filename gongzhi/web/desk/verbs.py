"""What can be done on a case page, as a list: each verb with its form and what it asks an action.

Which of them are offered follows from `cases.lifecycle` and `registry.authority`. Another room adds a
verb of its own with `add`, a template for the form, and nothing else on the case page changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gongzhi.cases import actions, queries, rules
from gongzhi.cases.attachments import StoredFile
from gongzhi.cases.lifecycle import TRANSITIONS, Closure, State, Verb
from gongzhi.cases.models import Case
from gongzhi.coordination.actions import dispatching
from gongzhi.errors import Invalid, Text
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Function, Organisation


@dataclass(frozen=True, slots=True)
class Posted:
    """What somebody sent with a form of the case page."""

    form: QueryDict
    files: tuple[StoredFile, ...] = ()

    @property
    def text(self) -> str:
        return self.form.get("text", "")


class Group(StrEnum):
    """Where in the panel a verb stands; the panel goes through the groups in this order."""

    WORK = "work"
    TIME = "time"
    OTHERS = "others"
    RECORD = "record"


def by_lifecycle(verb: str) -> Callable[[Actor, Case, Subject], bool]:
    """Whether a verb of the lifecycle exists for the case's state and is permitted to the actor."""

    def may(actor: Actor, case: Case, subject: Subject) -> bool:
        return (State(case.state), Verb(verb)) in TRANSITIONS and authority.may(
            actor, f"case.{verb}", subject
        )

    return may


@dataclass(frozen=True, slots=True)
class Form:
    """One verb on the case page.

    Attributes:
        verb: what the form posts as ``verb``.
        name: on the button and as heading.
        key: the letter that opens the form.
        template: the form's fields; gets `case`, `typed`, `error`, `choices`.
        perform: calls the action, gives the sentence that is told afterwards.
        may: whether the verb is offered; for verbs of the lifecycle it follows from there.
        is_apart: shown elsewhere on the page (for example beside a photo), not in the panel.
        group: under which heading of the panel it stands.
    """

    verb: str
    name: Text
    key: str
    template: str
    perform: Callable[[Actor, Case, Posted], Text]
    may: Callable[[Actor, Case, Subject], bool]
    is_apart: bool = False
    group: Group = Group.WORK


FORMS: dict[str, Form] = {}
"""verb → form, in the order of the panel within each group."""


def add(
    verb: str,
    name: Text,
    perform: Callable[[Actor, Case, Posted], Text],
    *,
    key: str = "",
    template: str = "",
    may: Callable[[Actor, Case, Subject], bool] | None = None,
    is_apart: bool = False,
    group: Group = Group.WORK,
) -> None:
    """Offer a verb on the case page."""
    FORMS[verb] = Form(
        verb,
        name,
        key,
        template or f"desk/acts/{verb}.html",
        perform,
        may or by_lifecycle(verb),
        is_apart,
        group,
    )


def offered(actor: Actor, case: Case, subject: Subject) -> list[Form]:
    """The forms for this actor on this case as it stands."""
    order = list(Group)
    found = [form for form in FORMS.values() if form.may(actor, case, subject)]
    return sorted(found, key=lambda form: order.index(form.group))


_LIKELY: Mapping[State, Sequence[str]] = {
    State.RECEIVED: ("assign", "note"),
    State.ASSIGNED: ("accept", "assign", "note"),
    State.UNDER_WAY: ("reply", "resolve", "note"),
}


def likely(case: Case, forms: Sequence[Form]) -> str:
    """The verb that most often comes next: it is open on the page. Empty when nothing is pressing."""
    wanted = _LIKELY.get(State(case.state), ())
    if case.replied_at is not None:
        wanted = tuple(v for v in wanted if v != "reply")
    names = {form.verb for form in forms}
    if "grant_time" in names:
        return "grant_time"
    return next((verb for verb in wanted if verb in names), "")


def return_reasons() -> list[tuple[str, str]]:
    """Codes of `cases.actions.RETURN_REASONS` with their words."""
    words = {
        "not_ours": _("Not our responsibility"),
        "wrong_area": _("Not in our area"),
        "wrong_function": _("It is about something else"),
        "incomplete": _("Too little information"),
        "duplicate": _("Reported already"),
    }
    return [(code, words[code]) for code in actions.RETURN_REASONS]


def choices() -> dict[str, Any]:
    """What the forms offer to choose from."""
    view = snapshot.current()
    groups: dict[int, list[Any]] = {}
    for function in view.functions.values():
        if function.is_leaf:
            groups.setdefault(function.ancestors[0], []).append(function)
    resolving = (Closure.FIXED, Closure.WILL_NOT, Closure.NOT_OURS, Closure.CANNOT_VERIFY)
    return {
        "organisations": sorted(view.organisations.values(), key=lambda o: o.code),
        "functions": [(view.functions[top], leaves) for top, leaves in groups.items()],
        "return_reasons": return_reasons(),
        "closures": [(c.value, c.label) for c in resolving],
    }


def organisation_in(form: QueryDict, name: str = "to") -> Organisation:
    """The organisation that was chosen.

    Raises:
        Invalid: none, or one that does not exist.
    """
    found = Organisation.objects.filter(code=form.get(name, "")).first()
    if found is None:
        raise Invalid(fields={name: _("Choose an organisation from the list.")})
    return found


def function_in(form: QueryDict, name: str = "function") -> Function:
    """The function that was chosen.

    Raises:
        Invalid: none, or one that does not exist.
    """
    found = Function.objects.filter(code=form.get(name, "")).first()
    if found is None:
        raise Invalid(fields={name: _("Choose a function from the list.")})
    return found


def _file_id(form: QueryDict) -> int:
    written = form.get("file", "")
    return int(written) if written.isdecimal() and len(written) < 19 else 0


def _accept(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.accept(actor, case)
    return _("Accepted: it is with you now.")


def _reply(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.reply(
        actor,
        case,
        sent.text,
        audience=sent.form.get("audience", "public"),
        photos=sent.files,
        override_reason=sent.form.get("override_reason", ""),
    )
    return _("Your answer has been sent.")


def _resolve(actor: Actor, case: Case, sent: Posted) -> Text:
    form = sent.form
    actions.resolve(
        actor,
        case,
        sent.text,
        closure=form.get("closure", ""),
        owner=form.get("owner", ""),
        photos=sent.files,
        override_reason=form.get("override_reason", ""),
    )
    return _("Resolved; the requester is asked whether it is settled.")


def _note(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.note(actor, case, sent.text)
    return _("Noted; only staff see it.")


def _transfer(actor: Actor, case: Case, sent: Posted) -> Text:
    to = organisation_in(sent.form)
    actions.transfer(actor, case, to, reason=sent.text)
    return _("Sent on to %(name)s.") % {"name": to.name}


def _return(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.return_(actor, case, reason_code=sent.form.get("reason_code", ""), reason=sent.text)
    return _("Returned to the dispatcher with your reason.")


def _assign(actor: Actor, case: Case, sent: Posted) -> Text:
    to = organisation_in(sent.form)
    function = function_in(sent.form) if sent.form.get("function") else None
    dispatching.decide(actor, case, to, function=function, reason=sent.text)
    return _("Assigned to %(name)s.") % {"name": to.name}


def _decline(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.decline(actor, case, sent.text, closure=sent.form.get("closure", ""))
    return _("Not accepted; the person is told where to go.")


def _classify(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.classify(actor, case, function_in(sent.form))
    return _("Corrected; the system learns from it.")


def _merge(actor: Actor, case: Case, sent: Posted) -> Text:
    into = queries.case_by_number(sent.form.get("into", ""))
    actions.merge(actor, case, into, reason=sent.text)
    return _("Merged; everybody concerned now follows the other case.")


def _redact(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.redact(actor, case, sent.form.get("public_text", ""))
    return _("The public now reads the new wording.")


def _say(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.say(actor, case, sent.text, photos=sent.files)
    return _("Added in the name of the requester.")


def _contest(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.contest(actor, case, sent.text)
    return _("The matter is open again, with a new deadline.")


def _withdraw(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.withdraw(actor, case, reason=sent.text)
    return _("Withdrawn at the wish of the requester.")


def _release(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.release(actor, case, _file_id(sent.form))
    return _("The public can see this file now.")


def _withhold(actor: Actor, case: Case, sent: Posted) -> Text:
    actions.withhold(actor, case, _file_id(sent.form))
    return _("The public can no longer see this file.")


def _not_arbitrated(verb: str) -> Callable[[Actor, Case, Subject], bool]:
    usual = by_lifecycle(verb)
    return lambda actor, case, subject: usual(actor, case, subject) and case.bound_at is None


def _may_return(actor: Actor, case: Case, subject: Subject) -> bool:
    """Not when the time for returning is over: then it counts as accepted."""
    return _not_arbitrated("return")(actor, case, subject) and timezone.now() <= rules.return_by(case)


add("accept", gettext_lazy("Accept"), _accept, key="a")
add("assign", gettext_lazy("Assign"), _assign, key="s")
add("reply", gettext_lazy("Reply"), _reply, key="r")
add("resolve", gettext_lazy("Resolve"), _resolve, key="e")
add("note", gettext_lazy("Note inside the house"), _note, key="n")
add("transfer", gettext_lazy("Transfer"), _transfer, key="t", may=_not_arbitrated("transfer"))
add("return", gettext_lazy("Return"), _return, key="b", may=_may_return)
add("classify", gettext_lazy("Correct the function"), _classify, key="c", group=Group.RECORD)
add("merge", gettext_lazy("Merge into another case"), _merge, key="m", group=Group.OTHERS)
add("redact", gettext_lazy("Change what the public reads"), _redact, key="p", group=Group.RECORD)
add("say", gettext_lazy("Add what the requester says"), _say, key="y", group=Group.RECORD)
add("contest", gettext_lazy("The requester says it is not settled"), _contest)
add("withdraw", gettext_lazy("Withdraw for the requester"), _withdraw)
add("decline", gettext_lazy("Do not accept; tell the person where to go"), _decline)
add("release", gettext_lazy("Show to the public"), _release, is_apart=True)
add("withhold", gettext_lazy("Hide from the public"), _withhold, is_apart=True)
