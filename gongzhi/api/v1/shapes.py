"""The documents of /api/v1, with the words that the reference shows beside every field."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from django.utils.translation import gettext_noop as _
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gongzhi.cases.lifecycle import Closure, State
from gongzhi.intake.submission import TEXT_MAX_CHARACTERS

Code = Annotated[str, Field(max_length=60)]


class Asked(StrEnum):
    """Which matters are wanted: in one state, or in any of several."""

    OPEN = "open"
    ENDED = "ended"
    RECEIVED = "received"
    ASSIGNED = "assigned"
    UNDER_WAY = "under_way"
    RESOLVED = "resolved"
    RATED = "rated"
    CLOSED = "closed"


class Sort(StrEnum):
    """In which order a list comes."""

    OPENED = "opened"
    UPDATED = "updated"


class Sent(BaseModel):
    """Something a program sends; a field that nobody knows is refused, so that typing errors show."""

    model_config = ConfigDict(extra="forbid")


class ContactIn(Sent):
    name: str = Field(default="", max_length=100)
    phone: str = Field(default="", max_length=40, examples=["13800138000"])
    email: str = Field(default="", max_length=250)


class PhotoIn(Sent):
    data: str = Field(description=_("The file in base64, or a data: URL."))
    name: str = Field(
        default="", max_length=300, description=_("What the file is called; only shown, never a path.")
    )


class CaseIn(Sent):
    """A matter, in the words of whoever brings it."""

    text: Annotated[str, StringConstraints(min_length=2)] = Field(
        max_length=TEXT_MAX_CHARACTERS,
        description=_("What is wrong or wanted, in any words, Chinese or English."),
        examples=["幸福小区门口的路灯坏了好几天，晚上很黑"],
    )
    lat: float | None = Field(
        None, ge=-90, le=90, description=_("Latitude in WGS 84 degrees; with lng."), examples=[30.52]
    )
    lng: float | None = Field(
        None, ge=-180, le=180, description=_("Longitude in WGS 84 degrees; with lat."), examples=[111.36]
    )
    address: str = Field(default="", max_length=300, description=_("Where it is, in words."))
    function: Code = Field(
        "", description=_("Code of a function, when it is known; else the text decides (see functions).")
    )
    contact: ContactIn = Field(
        default_factory=lambda: ContactIn(),
        description=_("How the requester can be reached; everything may be left out."),
    )
    photos: list[PhotoIn] = Field(
        default_factory=list, max_length=6, description=_("Pictures or PDF files, at most 10 MB each.")
    )
    confidential: bool = Field(
        False, description=_("True: who brings it is shown to nobody who does not have to know it.")
    )
    public: bool = Field(True, description=_("False: the matter does not appear in public lists."))


class CaseOpened(BaseModel):
    """The answer to a new matter, given after it is stored for good."""

    number: str = Field(description=_("The number of the matter, with a check digit; it may be read out."))
    status: State
    function: str | None = Field(
        description=_("Code of what was understood to be asked for; null: a person decides.")
    )
    organisation: str | None = Field(description=_("Code of the organisation that is responsible."))
    due: datetime = Field(description=_("When it is to be settled."))
    url: str = Field(description=_("Its public page."))
    secret: str = Field(
        description=_("Lets the requester follow it at /follow/NUMBER/SECRET/; shown only here.")
    )
    receipt: dict[str, Any] = Field(
        description=_("Proves for ever that the matter was received (see /ledger/proof).")
    )


class CaseOut(BaseModel):
    """A public matter; personal data is masked and the place is coarse where few people live."""

    number: str
    url: str = Field(description=_("Its public page."))
    status: State
    closure: Closure | None = Field(description=_("Why it ended; null while it is open."))
    text: str
    address: str
    function: str | None
    function_name: str | None = Field(description=_("In the language of the answer, as all names."))
    organisation: str | None
    organisation_name: str | None
    area: str | None
    area_name: str | None
    lat: float | None
    lng: float | None
    opened: datetime
    due: datetime
    updated: datetime
    resolved: datetime | None
    closed: datetime | None
    supporters: int = Field(description=_("How many said “me too”."))
    merged_into: str | None = Field(description=_("Number of the matter it is worked on together with."))
    photos: list[str] = Field(description=_("Addresses of the pictures that were released."))


class CasesOut(BaseModel):
    cases: list[CaseOut]
    next: str | None = Field(description=_("Value of cursor for the next page; null at the end."))


class StepOut(BaseModel):
    """One step in the life of a matter: an act in the record that anyone can check."""

    at: datetime
    verb: str
    verb_name: str
    organisation: str | None = Field(description=_("Who acted."))
    organisation_name: str | None
    to: str | None = Field(description=_("Which organisation has it from then on, where that changed."))
    closure: Closure | None
    reason: str
    texts: list[str] = Field(description=_("What was said in public, masked."))
    act: int = Field(description=_("Number of the act; /ledger/proof?act=… proves it."))


class TimelineOut(BaseModel):
    number: str
    steps: list[StepOut]


class FunctionOut(BaseModel):
    """What has to be done (职能): a matter belongs to one function, the mandates say whose it is."""

    code: str
    name: str
    name_zh: str
    name_en: str
    parent: str | None
    kind: str
    leaf: bool = Field(description=_("Only leaves can be named in a new matter."))
    working_days: int = Field(description=_("In how many working days it is usually settled."))
    urgency: str
    public: bool = Field(description=_("False: matters of this function are never shown in public."))
    attributes: list[dict[str, Any]] = Field(description=_("What Open311 clients are asked besides."))


class FunctionsOut(BaseModel):
    functions: list[FunctionOut]


class OrganisationOut(BaseModel):
    """A government body of any level, or a partner."""

    code: str
    name: str
    name_zh: str
    name_en: str
    parent: str | None
    kind: str
    level: str
    area: str | None
    phone: str


class OrganisationsOut(BaseModel):
    organisations: list[OrganisationOut]


class AreaOut(BaseModel):
    """A part of the city, from the city itself down to a grid cell (网格)."""

    code: str
    name: str
    name_zh: str
    name_en: str
    parent: str | None
    level: str


class AreasOut(BaseModel):
    areas: list[AreaOut]


class OutlinedArea(AreaOut):
    geometry: dict[str, Any] | None = Field(description=_("Outline as GeoJSON (RFC 7946), WGS 84."))


class TextIn(Sent):
    """A text message that came in at a gateway."""

    id: str = Field(
        min_length=1, max_length=150, description=_("The gateway's own id of this message; it counts once.")
    )
    from_: str = Field(
        alias="from",
        min_length=5,
        max_length=40,
        description=_("The sender's telephone number."),
        examples=["+8613812345678"],
    )
    text: str = Field(
        min_length=1, max_length=TEXT_MAX_CHARACTERS, description=_("What it says."), examples=["5 非常满意"]
    )


class TextHeard(BaseModel):
    id: str
    outcome: str = Field(description=_("rated, contested, added, stopped, started or asked."))


class ProofOut(BaseModel):
    """Where an act stands in the signed log (RFC 9162): hashes lead from it to the signed root."""

    status: str = Field(description=_("included, or pending for the few seconds until it is signed."))
    position: int | None
    size: int
    hashes: list[str] = Field(description=_("Base64, from the leaf upwards."))
    checkpoint: str = Field(description=_("Signed note (C2SP tlog-checkpoint)."))


class ConsistencyOut(BaseModel):
    hashes: list[str] = Field(description=_("Base64; they show that the log has only grown."))


class Problem(BaseModel):
    """What went wrong and what to do about it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: dict[str, str] = Field(
        default_factory=dict, description=_("Field → what is wrong with it and how to put it right.")
    )


class CaseQuery(BaseModel):
    """What a list of matters is narrowed to."""

    q: str = Field(default="", max_length=100, description=_("Words in the public text, or a number."))
    status: Asked | None = Field(None, description=_("One state; or open, ended."))
    function: Code = Field("", description=_("Code of a function; those below it count too."))
    organisation: Code = Field("", description=_("Code of the organisation that has it."))
    area: Code = Field("", description=_("Code of an area; those within it count too."))
    bbox: str = Field(
        "",
        max_length=120,
        description=_("Box in degrees: west,south,east,north."),
        examples=["111.30,30.48,111.42,30.56"],
    )
    opened_after: datetime | None = Field(None, description=_("Received at this time or later."))
    opened_before: datetime | None = Field(None, description=_("Received before this time."))
    updated_after: datetime | None = Field(
        None, description=_("Changed at this time or later; the list then comes in the order of changes.")
    )
    overdue: bool = Field(False, description=_("True: only open matters whose time is over."))
    sort: Sort | None = Field(
        None, description=_("opened: newest first, as usual; updated: in the order of changes, oldest first.")
    )
    limit: int = Field(50, ge=1, le=200, description=_("How many a page holds."))
    cursor: str = Field(default="", max_length=200, description=_("Value of next in the page before."))
