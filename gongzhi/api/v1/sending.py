"""From the body of a request to a checked document: JSON, or a form with files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, ValidationError

from gongzhi.api.http import MediaUnknown
from gongzhi.api.uploads import files_in
from gongzhi.api.v1.shapes import CaseIn, PhotoIn
from gongzhi.cases import attachments
from gongzhi.cases.attachments import StoredFile
from gongzhi.errors import Invalid, TooLarge

Document = TypeVar("Document", bound=BaseModel)
MOST_JSON_BYTES = 16 * 1024 * 1024
_CONTACT = ("name", "phone", "email")
_FORM_FIELDS = frozenset(CaseIn.model_fields) - {"contact", "photos"} | frozenset(_CONTACT)
_BY_BEGINNING = {
    "float_": gettext_noop("A number is expected."),
    "finite_": gettext_noop("A number is expected."),
    "int_": gettext_noop("A whole number is expected."),
    "bool_": gettext_noop("true or false is expected."),
    "datetime_": gettext_noop("Write a time like 2026-11-24T09:30:00+08:00."),
    "list_": gettext_noop("A list is expected."),
    "model_": gettext_noop("An object is expected."),
}


def told(errors: Iterable[Any]) -> Invalid:
    """Errors as pydantic lists them, as fields with the fix in the reader's language."""
    fields: dict[str, str] = {}
    for error in errors:
        name = ".".join(_readable(part) for part in error["loc"]) or "body"
        fields.setdefault(name, _sentence(str(error["type"]), error.get("ctx") or {}, str(error["msg"])))
    return Invalid(fields=fields)


def _sentence(kind: str, context: dict[str, Any], otherwise: str) -> str:
    match kind:
        case "missing":
            return _("This is required.")
        case "extra_forbidden":
            return _("There is no such field here.")
        case "string_type":
            return _("A text is expected.")
        case "string_too_long":
            return _("At most %(n)d characters.") % {"n": context["max_length"]}
        case "string_too_short":
            return _("Please write a few words.")
        case "too_long":
            return _("At most %(n)d files.") % {"n": context["max_length"]}
        case "json_invalid":
            return _("This is not JSON (RFC 8259, UTF-8).")
        case "greater_than_equal":
            return _("At least %(n)s.") % {"n": context["ge"]}
        case "less_than_equal":
            return _("At most %(n)s.") % {"n": context["le"]}
        case "enum":
            return _("Choose one of: %(values)s.") % {"values": str(context["expected"]).replace("'", "")}
    return next((_(text) for start, text in _BY_BEGINNING.items() if kind.startswith(start)), otherwise)


def _readable(part: Any) -> str:
    """A part of a path without characters that no answer can carry."""
    return str(part)[:100].encode("utf-8", "replace").decode()


def case_in(request: HttpRequest) -> tuple[CaseIn, tuple[StoredFile, ...]]:
    """The matter in the body and its files, which are stored already.

    Raises:
        Invalid: naming every field that is wrong.
        MediaUnknown: the body is neither JSON nor a form.
        TooLarge: body or file is larger than is accepted.
    """
    kind = request.content_type or ""
    if kind == "multipart/form-data":
        return _from_form(request)
    if kind == "application/x-www-form-urlencoded":
        body = _body(request)
        if not body.lstrip().startswith(b"{"):
            return _from_form(request)
    elif kind in ("", "application/json", "text/plain") or kind.endswith("+json"):
        body = _body(request)
    else:
        raise MediaUnknown(_("Send application/json or multipart/form-data."))
    matter = _checked(CaseIn, body)
    return matter, stored(matter.photos)


def stored(photos: Iterable[PhotoIn]) -> tuple[StoredFile, ...]:
    """Files that came within JSON, checked and stored.

    Raises:
        Invalid: naming the file that cannot be read. TooLarge: see `cases.attachments.store`.
    """
    return tuple(_decoded(photo, n) for n, photo in enumerate(photos))


def json_in(request: HttpRequest, model: type[Document]) -> Document:
    """The checked document in the body.

    Raises:
        Invalid: naming every field that is wrong.
        MediaUnknown: the body is no JSON by its content type.
        TooLarge: it is larger than is accepted.
    """
    kind = request.content_type or ""
    if kind not in ("", "application/json", "text/plain") and not kind.endswith("+json"):
        raise MediaUnknown(_("Send application/json."))
    return _checked(model, _body(request))


def _checked(model: type[Document], body: bytes) -> Document:
    try:
        return model.model_validate_json(body)
    except ValidationError as problem:
        raise told(problem.errors(include_url=False, include_input=False)) from problem


def _body(request: HttpRequest) -> bytes:
    """The body; one with photos may be larger than Django lets a body be."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MOST_JSON_BYTES:
        sentence = _("JSON may have at most %(n)d MB; send larger files as multipart/form-data.")
        raise TooLarge(sentence % {"n": MOST_JSON_BYTES // 2**20})
    if int(length) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return request.body
    return bytes(request.read(MOST_JSON_BYTES))


def _from_form(request: HttpRequest) -> tuple[CaseIn, tuple[StoredFile, ...]]:
    form = request.POST
    values: dict[str, Any] = {name: value for name, value in form.items() if value != ""}
    unknown = set(values) - _FORM_FIELDS
    if unknown:
        raise Invalid(fields={_readable(name): _("There is no such field here.") for name in sorted(unknown)})
    values["contact"] = {name: values.pop(name) for name in _CONTACT if name in values}
    try:
        matter = CaseIn.model_validate(values)
    except ValidationError as problem:
        raise told(problem.errors(include_url=False, include_input=False)) from problem
    return matter, files_in(request)


def _decoded(photo: PhotoIn, position: int) -> StoredFile:
    written = photo.data.partition(",")[2] if photo.data.startswith("data:") else photo.data
    try:
        data = base64.b64decode("".join(written.split()), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Invalid(fields={f"photos.{position}.data": _("This is not base64.")}) from problem
    try:
        return attachments.store(data, photo.name)
    except Invalid as problem:
        sentence = problem.fields.get("photos", problem.message)
        raise Invalid(fields={f"photos.{position}.data": sentence}) from problem
