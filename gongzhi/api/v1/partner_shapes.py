"""The documents of /api/v1/partner."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext_noop as _
from pydantic import BaseModel, Field

from gongzhi.api.v1.shapes import PhotoIn, Sent
from gongzhi.cases.lifecycle import State
from gongzhi.intake.submission import TEXT_MAX_CHARACTERS


class Reason(StrEnum):
    """Why a task is returned."""

    NOT_OURS = "not_ours"
    WRONG_AREA = "wrong_area"
    WRONG_FUNCTION = "wrong_function"
    INCOMPLETE = "incomplete"
    DUPLICATE = "duplicate"


class Result(StrEnum):
    """How a task that is led ended; a part is simply done."""

    FIXED = "fixed"
    WILL_NOT = "will_not"
    NOT_OURS = "not_ours"
    CANNOT_VERIFY = "cannot_verify"


class Whom(StrEnum):
    """Who reads a message."""

    PUBLIC = "public"
    PARTIES = "parties"
    INTERNAL = "internal"


class ReturnIn(Sent):
    """Giving a task back."""

    reason_code: Reason
    reason: str = Field(min_length=1, max_length=TEXT_MAX_CHARACTERS, examples=["杆体属通信公司"])


class ResultIn(Sent):
    """The result of a task, with evidence."""

    text: str = Field(min_length=1, max_length=TEXT_MAX_CHARACTERS, examples=["已更换灯头，恢复照明"])
    closure: Result = Field(Result.FIXED, description=_("Only for a task that is led."))
    owner: str = Field(default="", max_length=200, description=_("With not_ours: whose matter it is."))
    photos: list[PhotoIn] = Field(
        default_factory=list, max_length=6, description=_("Evidence: pictures or PDF files.")
    )
    override_reason: str = Field(
        default="", max_length=500, description=_("Why it is sent although a check holds it back.")
    )


class MessageIn(Sent):
    """Something said on a matter that is led."""

    text: str = Field(min_length=1, max_length=TEXT_MAX_CHARACTERS, examples=["维修车预计今天下午到"])
    audience: Whom = Field(
        Whom.PARTIES, description=_("public, parties (requester and supporters) or internal (staff).")
    )
    photos: list[PhotoIn] = Field(default_factory=list, max_length=6)
    override_reason: str = Field(default="", max_length=500)


class AgreementOut(BaseModel):
    id: int
    title: str
    valid_until: str
    working_days: int


class PersonOut(BaseModel):
    name: str
    phone: str
    email: str


class FileOut(BaseModel):
    id: int
    name: str
    content_type: str
    url: str = Field(description=_("Read it with the same key."))


class TaskOut(BaseModel):
    """A task of the partner, and of the matter what the work needs."""

    id: int
    role: str = Field(description=_("lead: the whole matter; assist: a part of another's."))
    state: str = Field(description=_("open, accepted, done, returned, transferred or cancelled."))
    case: str = Field(description=_("Number of the matter."))
    status: State
    request: str = Field(description=_("What was asked for, in a part."))
    text: str = Field(description=_("What was reported: as written for who leads, else the public form."))
    function: str | None
    function_name: str | None
    address: str
    lat: float | None
    lng: float | None
    opened: datetime
    due: datetime
    done: datetime | None
    result: str
    agreement: AgreementOut | None = Field(description=_("What it falls under today."))
    people: list[PersonOut] = Field(description=_("Whom to call; only for who leads."))


class MessageOut(BaseModel):
    at: datetime
    by: str | None = Field(description=_("Code of the organisation; null for requester and supporters."))
    audience: Whom
    text: str


class WholeTaskOut(TaskOut):
    files: list[FileOut]
    messages: list[MessageOut]


class TasksOut(BaseModel):
    tasks: list[TaskOut]
    next: int | None = Field(description=_("Value of after for the next page; null at the end."))


class TasksQuery(BaseModel):
    """Which tasks are wanted."""

    all: bool = Field(False, description=_("True: those that have ended, too."))
    after: int = Field(0, ge=0, le=2**53, description=_("Value of next in the page before."))
    limit: int = Field(50, ge=1, le=200, description=_("How many a page holds."))
