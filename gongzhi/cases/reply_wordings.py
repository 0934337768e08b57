"""Wordings of answers with fields in braces (答复模板): filling them, and refusing unfilled ones.

A field that the case itself answers is filled by the system in the requester's language; every
other field stays in braces until a person has written it. Nothing with a field in braces is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from gongzhi.cases import numbers
from gongzhi.cases.deadlines import Calendar
from gongzhi.cases.models import Case
from gongzhi.errors import Invalid
from gongzhi.registry.snapshot import Snapshot

FIELD = re.compile(r"\{([^{}\n]{1,60})\}")

NAMES: Mapping[str, str] = {
    "number": "number", "编号": "number",
    "function": "function", "事项": "function",
    "organisation": "organisation", "单位": "organisation",
    "telephone": "telephone", "电话": "telephone",
    "place": "place", "地点": "place",
    "received": "received", "受理日期": "received",
    "due": "due", "办理期限": "due",
    "today": "today", "今天": "today",
}  # fmt: skip
"""Fields that the system fills, under their names in both languages."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A wording that comes with the product, for every organisation."""

    key: str
    title: str
    text: str


BUILT_IN: tuple[Wording, ...] = (
    Wording(
        "taken_up",
        gettext_noop("Taken up"),
        gettext_noop(
            "Your matter {number} about “{function}” is with {organisation}. We will answer by {due}. "
            "If anything changes before then, please tell us: {telephone}."
        ),
    ),
    Wording(
        "visit",
        gettext_noop("A visit on site"),
        gettext_noop(
            "Thank you for telling us about {place}. Our staff will come and look on {day and hour}. "
            "We will tell you afterwards what was found."
        ),
    ),
    Wording(
        "done",
        gettext_noop("Done"),
        gettext_noop(
            "The matter you reported on {received} has been dealt with: {what was done, when}. "
            "If it is not settled, please say so under your case, or call {telephone}."
        ),
    ),
    Wording(
        "planned",
        gettext_noop("Later, with a date"),
        gettext_noop(
            "We looked into your matter {number}. It cannot be settled at once, because {reason}. "
            "It is planned for {date}; until then {what is done in the meantime}."
        ),
    ),
    Wording(
        "will_not",
        gettext_noop("Will not be done, and why"),
        gettext_noop(
            "We examined your matter {number}. It will not be done, because {reason and the rule behind it}. "
            "If you see it differently, you can contest this answer under your case."
        ),
    ),
    Wording(
        "not_ours",
        gettext_noop("Not the city's, and whose it is"),
        gettext_noop(
            "What you describe is the responsibility of {who}. You can reach them at {how}. "
            "We have told them about your matter {number}."
        ),
    ),
)


def finished(text: str) -> str:
    """`text`, if no field in it is waiting to be filled in.

    Raises:
        Invalid: naming the fields in braces.
    """
    open_fields = list(dict.fromkeys(FIELD.findall(text)))
    if open_fields:
        listed = ", ".join(f"{{{name}}}" for name in open_fields[:5])
        raise Invalid(fields={"text": _("Fill in what is still in braces: %(fields)s.") % {"fields": listed}})
    return text


def filled(text: str, case: Case, registry: Snapshot) -> str:
    """`text` with the fields that the case answers filled in; the others stay in braces."""
    values = _values(case, registry)

    def value(match: re.Match[str]) -> str:
        return values.get(NAMES.get(match[1].strip(), ""), "") or match[0]

    return FIELD.sub(value, text)


def built_in(case: Case, registry: Snapshot) -> list[Wording]:
    """The product's wordings, filled for `case` in the language of its requester.

    The titles are in the reader's language.
    """
    with translation.override(case.language):
        texts = [filled(_(w.text), case, registry) for w in BUILT_IN]
    return [Wording(w.key, _(w.title), text) for w, text in zip(BUILT_IN, texts, strict=True)]


def _values(case: Case, registry: Snapshot) -> dict[str, str]:
    chinese = case.language.startswith("zh")

    def name(view: object) -> str:
        return str(getattr(view, "name_zh" if chinese else "name_en", "") or "")

    zone = Calendar(registry.city.country, registry.city.timezone).zone
    organisation = registry.organisations.get(case.organisation_id or 0)
    with translation.override(case.language):
        received, due, today = (
            formats.date_format(moment.astimezone(zone), "DATE_FORMAT")
            for moment in (case.opened_at, case.due_at, timezone.now())
        )
    return {
        "number": numbers.spoken(case.number),
        "function": name(registry.functions.get(case.function_id or 0)),
        "organisation": name(organisation),
        "telephone": organisation.phone if organisation else "",
        "place": case.public_address or name(registry.areas.get(case.area_id or 0)),
        "received": received,
        "due": due,
        "today": today,
    }
