"""From a posted form to the values that the rooms below take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from gongzhi.cases import attachments
from gongzhi.cases.actions import Contact
from gongzhi.cases.attachments import StoredFile
from gongzhi.errors import Invalid
from gongzhi.intake.submission import Submission
from gongzhi.web.clients import address_of

_PHOTO_SALT: Final = "gongzhi.report.photo"
_PHOTO_MAX_AGE_S: Final = 24 * 3600
_SENTENCE: Final = re.compile(r"[^。！？!?.\n；;]+(?:[。！？!?；;]+|\.(?=\s|$)|\.|\n+|$)")


@dataclass(frozen=True, slots=True)
class Photo:
    """A file that is already in the store, and the signed token that brings it to the next step."""

    file: StoredFile
    token: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch of a text that can be hidden whole; `span` is ``start-end`` in characters."""

    span: str
    text: str
    is_hidden: bool


def number_in(value: str) -> float | None:
    """The number in a field, None when it is empty, NaN when it is no number."""
    try:
        return float(value) if value.strip() else None
    except ValueError:
        return float("nan")


def whole_in(value: str) -> int:
    """The whole number in a field that a page filled in; 0 when it is none, or longer than any we give out."""
    return int(value) if value.isdecimal() and len(value) < 19 else 0


def point_in(lng: str, lat: str) -> tuple[float | None, float | None]:
    """(longitude, latitude) in WGS 84 degrees, (None, None) unless both are sound."""
    x, y = number_in(lng), number_in(lat)
    if x is None or y is None or not (-180 <= x <= 180 and -90 <= y <= 90):
        return None, None
    return x, y


def photos_in(request: HttpRequest) -> tuple[Photo, ...]:
    """Files of this form: those of an earlier step by their token, then the new ones, now stored.

    Raises:
        Invalid, TooLarge: see `cases.attachments.store`; or there are too many.
    """
    kept = [t for t in request.POST.getlist("photo") if t not in request.POST.getlist("drop_photo")]
    new = [f for f in request.FILES.getlist("photos") if f.size]
    if len(kept) + len(new) > settings.PHOTOS_MAX:
        raise Invalid(fields={"photos": _("At most %(n)d files.") % {"n": settings.PHOTOS_MAX}})
    photos = []
    for token in kept:
        try:
            held = signing.loads(token, salt=_PHOTO_SALT, max_age=_PHOTO_MAX_AGE_S)
        except signing.BadSignature as problem:
            raise Invalid(fields={"photos": _("Please add your photos once more.")}) from problem
        photos.append(Photo(StoredFile(**held), token))
    for upload in new:
        too_large = (upload.size or 0) > attachments.MOST_BYTES
        # One byte more than is accepted is enough for `store` to refuse it with its own sentence.
        data = upload.read(attachments.MOST_BYTES + 1) if too_large else upload.read()
        file = attachments.store(data, upload.name or "")
        photos.append(Photo(file, signing.dumps(asdict(file), salt=_PHOTO_SALT)))
    return tuple(photos)


def hidden_spans(request: HttpRequest, text: str) -> tuple[tuple[int, int], ...]:
    """What the requester wants hidden: ticked sentences, and every place of each listed word."""
    spans: set[tuple[int, int]] = set()
    for written in request.POST.getlist("hide_span"):
        start, _dash, end = written.partition("-")
        first, last = whole_in(start), whole_in(end)
        if first < last <= len(text):
            spans.add((first, last))
    for word in {w.strip() for w in request.POST.get("hide", "").splitlines() if w.strip()}:
        spans |= {(m.start(), m.end()) for m in re.finditer(re.escape(word), text)}
    return tuple(sorted(spans))


def sentences_of(text: str, hidden: tuple[tuple[int, int], ...]) -> list[Sentence]:
    """A text cut where sentences end, in Chinese and English; nothing for a single sentence."""
    found = [
        Sentence(f"{m.start()}-{m.end()}", m.group().strip(), (m.start(), m.end()) in hidden)
        for m in _SENTENCE.finditer(text)
        if m.group().strip()
    ]
    return found if len(found) > 1 else []


def contact_in(request: HttpRequest) -> Contact:
    """How the person wants to be reached; everything may be empty."""
    form = request.POST
    return Contact(form.get("name", ""), form.get("phone", ""), form.get("email", ""))


def submission_in(
    request: HttpRequest, photos: tuple[Photo, ...], place: tuple[float, float] | None = None
) -> Submission:
    """The matter in the form.

    Args:
        photos: files that came with it.
        place: (longitude, latitude) in WGS 84 of a chosen place, for a form without a point.
    """
    form = request.POST
    text = form.get("text", "").replace("\r\n", "\n")
    lng, lat = number_in(form.get("lng", "")), number_in(form.get("lat", ""))
    if place is not None and lng is None and lat is None:
        lng, lat = place
    return Submission(
        text=text,
        channel="web",
        language=get_language() or "zh-hans",
        lng=lng,
        lat=lat,
        address=form.get("address", ""),
        function_code=form.get("function", ""),
        contact=contact_in(request),
        is_confidential=form.get("confidential") == "on",
        redactions=hidden_spans(request, text),
        idempotency_key=form.get("key", ""),
        client=address_of(request),
        photos=tuple(p.file for p in photos),
    )


def photos_by_item(request: HttpRequest, codes: Sequence[str]) -> dict[str, StoredFile]:
    """One file for each item of a checklist (field ``photo-CODE``), checked and stored; those that were sent.

    Raises:
        Invalid, TooLarge: see `cases.attachments.store`.
    """
    found = {}
    for code in codes:
        upload = request.FILES.get(f"photo-{code}")
        if upload is not None and upload.size:
            data = upload.read(attachments.MOST_BYTES + 1)
            found[code] = attachments.store(data, upload.name or "")
    return found
