"""The one window: `receive` takes a matter in, and nothing is acknowledged before it is committed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import notices, opening
from gongzhi.cases.opening import Row
from gongzhi.errors import Invalid, KeyReused
from gongzhi.intake import batches, limits
from gongzhi.intake.models import Submitted
from gongzhi.intake.preparing import Preparer
from gongzhi.intake.submission import History, Receipt, Submission, check
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import ANONYMOUS, Actor
from gongzhi.registry.snapshot import AreaView, Snapshot
from gongzhi.routing import findings
from gongzhi.understanding import fingerprints, places, reading

_SUBMITTED = ("key", "body_digest", "case_id", "answer", "at")


def receive(submission: Submission, actor: Actor = ANONYMOUS) -> Receipt:
    """Take a matter in: understand it, find who is responsible, write it, give the receipt.

    A repeated submission with the same idempotency key gets the same case and answer.

    Raises:
        Invalid, TooLarge: the submission breaks a rule (see `intake.submission.check`).
        KeyReused: the key was used for another body.
        TooMany: the rate limit of the address or phone is used up.
    """
    authority.require(actor, "case.open")
    check(submission)
    key = submission.idempotency_key
    digest = _body_digest(submission) if key else b""
    earlier = _earlier(key)
    if earlier is not None:
        return _again(earlier, digest, submission)
    limits.count(submission.client, submission.contact.phone)
    registry = snapshot.current()
    understood = reading.read(submission.text, registry)
    preparer = Preparer(registry, actor)
    area = _area(submission, registry)
    (case_id,), (party_id,), act_ids = opening.fresh_ids(1, 1)
    prepared = preparer.new(
        submission, understood, area, (case_id, party_id), iter(act_ids), secret=_secret(key)
    )
    findings.record([prepared.route])
    receipt = prepared.receipt()
    (new,) = fingerprints.added([prepared.new])
    if not key:
        _write(new, submission, receipt.secret)
        return receipt
    answer = {name: value for name, value in asdict(receipt).items() if name != "secret"}
    used = Row(
        "intake_submitted",
        _SUBMITTED,
        (key, digest, case_id, json.dumps(answer), timezone.now().isoformat()),
    )
    new = replace(new, beside=(*new.beside, used))
    try:
        _write(new, submission, receipt.secret)
    except IntegrityError:
        earlier = _earlier(key)
        if earlier is None:
            raise
        return _again(earlier, digest, submission)
    return receipt


def _write(new: opening.NewCase, submission: Submission, secret: str) -> None:
    """Write the case; with an address of mail also the notice that it was received, and its job."""
    if not submission.contact.email or submission.at is not None:
        opening.write_one(new)
        return
    notice = notices.opened(new.acts[0][0], new.case[0], new.party[0], secret, timezone.now())
    row = Row("cases_notice", notices.COLUMNS, notice)
    with transaction.atomic():
        opening.write_one(replace(new, beside=(*new.beside, row)))
        notices.queue([notice[0]])


def receive_many(
    submissions: Sequence[Submission],
    actor: Actor,
    *,
    history: Sequence[History | None] | None = None,
) -> list[Receipt]:
    """Take in many matters, with what happened to them afterwards, in one transaction.

    Rate limits do not apply and nobody is notified: what is brought in has already happened. A
    place outside the city refuses a matter here as it does in `receive`.

    Args:
        history: for every submission what is known of it since; None: nothing.

    Raises:
        NotAllowed: the actor may not import.
        Invalid, TooLarge: naming the first submission that breaks a rule.
    """
    authority.require(actor, "case.import")
    for submission in submissions:
        check(submission)
    registry = snapshot.current()
    areas = batches.areas_of(submissions, registry)
    for submission, area in zip(submissions, areas, strict=True):
        if submission.lng is not None and area is None and registry.has_boundary():
            raise _outside(registry)
    known = list(history) if history is not None else [None] * len(submissions)
    prepared = batches.prepare(submissions, known, areas, registry, actor)
    batches.write(prepared)
    return [p.receipt() for p in prepared]


def area_of(registry: Snapshot, lng: float | None, lat: float | None) -> AreaView | None:
    """The smallest area at a point, None without a point or outside the city."""
    return registry.area_at(lng, lat) if lng is not None and lat is not None else None


def _area(s: Submission, registry: Snapshot) -> AreaView | None:
    if s.lng is None or s.lat is None:
        named = batches.named_area(s, registry)
        return named or places.area_named(f"{s.address} {s.text}", registry)
    area = registry.area_at(s.lng, s.lat)
    if area is None and registry.has_boundary():
        raise _outside(registry)
    return area


def _outside(registry: Snapshot) -> Invalid:
    sentence = _("This place lies outside %(city)s. Please choose a place within the city.")
    return Invalid(fields={"lat": sentence % {"city": registry.city.name}})


def _body_digest(s: Submission) -> bytes:
    body = asdict(s) | {"client": "", "at": None}
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()


def _secret(key: str) -> str:
    """The secret of the requester's link: for a keyed submission always the same one, else none yet."""
    if not key:
        return ""
    mac = hmac.digest(settings.SECRET_KEY.encode(), b"case-secret:" + key.encode(), "sha256")
    return base64.urlsafe_b64encode(mac[:16]).decode().rstrip("=")


def _earlier(key: str) -> Submitted | None:
    return Submitted.objects.filter(key=key).first() if key else None


def _again(earlier: Submitted, digest: bytes, s: Submission) -> Receipt:
    if bytes(earlier.body_digest) != digest:
        raise KeyReused()
    answer: dict[str, Any] = earlier.answer
    return Receipt(secret=_secret(s.idempotency_key), **answer)
