"""Forms as JSON Schema (2020-12): what a report has to hold, checked when it is ordered and when it comes.

Forms are flat: one object whose properties are texts, numbers, yes or no, or a choice. That is what a
page can show and what can be added up over hundreds of reports.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
from django.utils.translation import gettext as _

from gongzhi.errors import Invalid

MOST_FIELDS = 50
LONGEST_TEXT = 5_000
_TYPES = ("string", "integer", "number", "boolean")
_KEYWORDS = {"$schema", "title", "description", "type", "properties", "required", "additionalProperties"}
_OF_FIELDS = {
    "type", "title", "description", "enum", "minimum", "maximum", "minLength", "maxLength", "default",
}  # fmt: skip
"""No `$ref`, which would fetch, and no `pattern`, which could run for ever."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form as a page shows it."""

    name: str
    title: str
    kind: str
    is_required: bool
    choices: tuple[str, ...]


def checked_form(form: dict[str, Any]) -> dict[str, Any]:
    """The form if it is one that can be filled in; an empty one asks for a text.

    Raises:
        Invalid: naming what is wrong with it.
    """
    if not form:
        return {
            "type": "object",
            "properties": {"text": {"type": "string", "title": "办理情况", "minLength": 1}},
            "required": ["text"],
            "additionalProperties": False,
        }
    problem = _fault(form)
    if problem:
        raise Invalid(fields={"form": problem})
    return {**form, "additionalProperties": False}


def _fault(form: dict[str, Any]) -> str:
    unknown = set(form) - _KEYWORDS
    properties = form.get("properties")
    if form.get("type") != "object" or not isinstance(properties, dict) or not properties:
        return _("A form is an object with at least one field.")
    if unknown:
        return _("A form cannot hold: %(words)s.") % {"words": ", ".join(sorted(map(str, unknown)))}
    if len(properties) > MOST_FIELDS:
        return _("A form has at most %(n)d fields.") % {"n": MOST_FIELDS}
    for name, field in properties.items():
        if not isinstance(field, dict) or field.get("type") not in _TYPES or set(field) - _OF_FIELDS:
            return _("The field “%(name)s” must be a text, a number, yes or no, or a choice.") % {
                "name": name
            }
    if not set(form.get("required", [])) <= set(properties):
        return _("A required field is missing from the form.")
    if not jsonschema_rs.meta.is_valid(form):
        return _("The form is not a valid JSON Schema.")
    return ""


def checked_answer(form: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """The answer if it fits the form.

    Raises:
        Invalid: field → what is wrong with it.
    """
    if any(isinstance(v, float) and not math.isfinite(v) for v in answer.values()):
        raise Invalid(fields={"report": _("Numbers must be finite.")})
    if any(isinstance(v, str) and (len(v) > LONGEST_TEXT or "\x00" in v) for v in answer.values()):
        raise Invalid(fields={"report": _("The text holds characters that cannot be stored.")})
    wrong: dict[str, str] = {}
    for error in jsonschema_rs.Draft202012Validator(form).iter_errors(answer):
        path = ".".join(map(str, error.instance_path)) or _missing(form, answer) or "report"
        wrong.setdefault(path, _("Please fill this in as the form asks."))
    if wrong:
        raise Invalid(fields=wrong)
    return answer


def _missing(form: dict[str, Any], answer: dict[str, Any]) -> str:
    return next((name for name in form.get("required", []) if name not in answer), "")


def fields(form: dict[str, Any]) -> list[Field]:
    """The fields of a form, in its order."""
    required = set(form.get("required", []))
    return [
        Field(
            name=name,
            title=str(field.get("title") or name),
            kind=str(field["type"]),
            is_required=name in required,
            choices=tuple(map(str, field.get("enum", ()))),
        )
        for name, field in form.get("properties", {}).items()
    ]


def read_answer(form: dict[str, Any], typed: dict[str, str]) -> dict[str, Any]:
    """What a person typed into the fields, as the types the form asks for; empty fields are left out.

    Raises:
        Invalid: a number is not one.
    """
    answer: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in fields(form):
        text = typed.get(field.name, "").strip()
        if field.kind == "boolean":
            answer[field.name] = text in ("on", "true", "1", "yes")
        elif text:
            try:
                answer[field.name] = _READ[field.kind](text)
            except ValueError:
                wrong[field.name] = _("“%(name)s” must be a number.") % {"name": field.title}
    if wrong:
        raise Invalid(fields=wrong)
    return answer


_READ: dict[str, Any] = {"string": str, "integer": int, "number": float}
