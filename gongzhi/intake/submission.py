"""What comes in through the window and what goes back: values without behaviour."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from gongzhi.cases.actions import Contact
from gongzhi.cases.attachments import MOST_A_MATTER, StoredFile
from gongzhi.errors import Invalid, TooLarge

TEXT_MAX_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Submission:
    """A matter as somebody brings it, on any channel."""

    text: str
    channel: str = "web"
    language: str = "zh-hans"
    lng: float | None = None
    lat: float | None = None
    address: str = ""
    function_code: str = ""
    contact: Contact = Contact()
    is_confidential: bool = False
    is_public: bool = True
    redactions: tuple[tuple[int, int], ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    idempotency_key: str = ""
    client: str = ""
    at: datetime | None = None
    source: str = ""
    source_id: str = ""
    photos: tuple[StoredFile, ...] = ()
    area_code: str = ""
    """The area that was named, for a matter without a point on the map."""


@dataclass(frozen=True, slots=True)
class History:
    """What is known to have happened to a matter that is brought in later; times are aware.

    Attributes:
        organisation_code: who dealt with it, empty when nothing says so.
        resolution: what the requester was told.
        closure: why it ended (`cases.lifecycle.Closure`), empty while it is open.
    """

    organisation_code: str = ""
    due_at: datetime | None = None
    accepted_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    closure: str = ""
    resolution: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the person gets back, after commit."""

    number: str
    secret: str
    case_id: int
    state: str
    function_code: str
    organisation_id: int | None
    due_at: str
    url: str
    document: dict[str, Any]


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]").search


def check(s: Submission) -> None:
    """Pass silently or raise.

    Raises:
        Invalid: naming every field that is wrong.
        TooLarge: the text is longer than is accepted.
    """
    if len(s.text) > TEXT_MAX_CHARACTERS:
        raise TooLarge(_("The text is too long: at most %(n)d characters.") % {"n": TEXT_MAX_CHARACTERS})
    wrong: dict[str, Any] = {}
    for name in ("text", "address", "function_code", "idempotency_key", "area_code"):
        if _UNSTORABLE(getattr(s, name)):
            wrong[name] = _("The text holds characters that cannot be stored.")
    if len(s.text.strip()) < 2:
        wrong["text"] = _("Please write a few words.")
    if (s.lng is None) != (s.lat is None):
        wrong["lat"] = _("Give both latitude and longitude, or neither.")
    elif s.lng is not None and s.lat is not None:
        if not (math.isfinite(s.lng) and math.isfinite(s.lat)):
            wrong["lat"] = _("Latitude and longitude must be numbers.")
        elif not (-180 <= s.lng <= 180 and -90 <= s.lat <= 90):
            wrong["lat"] = _("Latitude lies between -90 and 90, longitude between -180 and 180.")
    if len(s.photos) > MOST_A_MATTER:
        wrong["photos"] = _("At most %(n)d files.") % {"n": MOST_A_MATTER}
    if len(s.address) > 300:
        wrong["address"] = _("The address is too long.")
    if len(s.idempotency_key) > 150:
        wrong["Idempotency-Key"] = _("At most 150 characters.")
    if s.contact.phone:
        digits = sum(c.isdecimal() for c in s.contact.phone)
        if not 6 <= digits <= 15 or set(s.contact.phone) - set("0123456789+-() ０１２３４５６７８９"):
            wrong["phone"] = _("Please check the telephone number.")
    if s.contact.email and ("@" not in s.contact.email or len(s.contact.email) > 250):
        wrong["email"] = _("Please check the email address.")
    if wrong:
        raise Invalid(fields=wrong)
