"""Carrying matters and messages to other cities, and asking those that have only Open311.

Each delivery locks its row, calls, and writes the result in one transaction; a repetition after a crash
is recognised by the other side (the id of a passage, the number of a message).
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.coordination import outgoing, signatures
from gongzhi.coordination.actions import federation
from gongzhi.coordination.models import Neighbour, Passage, Told
from gongzhi.coordination.outgoing import Answer, Unreachable
from gongzhi.registry import snapshot

ASK_EVERY = timedelta(minutes=10)
"""How often an Open311 neighbour is asked about a matter."""


class Refused(Exception):
    """The other city does not take it; trying again is of no use."""


def deliver(passage_id: UUID) -> bool:
    """Bring a matter to the other city; False when there was nothing to do.

    Raises:
        Unreachable: it can be tried again.
        Refused: it is of no use.
    """
    with transaction.atomic():
        passage = (
            Passage.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("case", "neighbour")
            .filter(pk=passage_id, state=Passage.State.WAITING)
            .first()
        )
        if passage is None:
            return False
        if passage.neighbour.kind == Neighbour.Kind.OPEN311:
            number, receipt = _post_open311(passage)
        else:
            number, receipt = _post_matter(passage)
        federation.reached(passage, number, receipt, timezone.now())
    return True


def tell(told_id: int) -> bool:
    """Bring one message to the other city; those before it must have arrived.

    Raises:
        Unreachable, Refused: as in `deliver`.
    """
    with transaction.atomic():
        told = (
            Told.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("passage__neighbour")
            .filter(pk=told_id, sent_at=None)
            .first()
        )
        if told is None:
            return False
        passage = told.passage
        if passage.neighbour.kind == Neighbour.Kind.GONGZHI:
            path = f"/api/federation/v1/matters/{passage.pk}/messages"
            _signed_post(passage.neighbour, path, told.body)
        told.sent_at = timezone.now()
        told.save(update_fields=["sent_at"])
    return True


def ask(passage_id: UUID) -> bool:
    """Ask an Open311 neighbour how a matter stands; True when it is settled there.

    Raises:
        Unreachable, Refused: as in `deliver`.
    """
    with transaction.atomic():
        passage = (
            Passage.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("neighbour")
            .filter(pk=passage_id, state=Passage.State.THERE, neighbour__kind=Neighbour.Kind.OPEN311)
            .first()
        )
        if passage is None:
            return False
        passage.asked_at = timezone.now()
        if not passage.number_there:
            passage.number_there = _number_of_token(passage)
        is_settled = False
        if passage.number_there:
            query = _open311_query(passage.neighbour)
            rows = _open311(
                passage.neighbour, "GET", f"requests/{quote(passage.number_there, safe='')}.json{query}"
            )
            row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
            if row.get("status") == "closed":
                federation.settled(passage, str(row.get("status_notes") or ""))
                passage.state, is_settled = Passage.State.ENDED, True
        passage.save(update_fields=["asked_at", "state", "number_there"])
    return is_settled


def _post_matter(passage: Passage) -> tuple[str, dict[str, Any]]:
    case = passage.case
    view = snapshot.current()
    function = view.functions.get(case.function_id or 0)
    body = {
        "id": str(passage.pk),
        "number": case.number,
        "text": case.text,
        "language": case.language,
        "lng": case.lng,
        "lat": case.lat,
        "address": case.address,
        "function": function.code if function else "",
        "public": case.is_public,
    }
    answer = _signed_post(passage.neighbour, "/api/federation/v1/matters", body)
    document = _document(answer)
    signed = {k: answer.headers.get(k, "") for k in ("content-digest", "signature-input", "signature")}
    if document.get("id") != str(passage.pk) or not isinstance(document.get("number"), str):
        raise Refused(_("The receipt of the other city is about something else."))
    return str(document["number"]), {"body": answer.body.decode(), "status": answer.status, **signed}


def _signed_post(neighbour: Neighbour, path: str, body: dict[str, Any]) -> Answer:
    url = f"{neighbour.base_url}{path}"
    content = json.dumps(body, ensure_ascii=False).encode()
    key = signatures.own_key()
    now = int(time.time())
    headers = signatures.sign_request(
        "POST", url, content, key_id=snapshot.current().city.code, key=key, created=now
    )
    answer = outgoing.call("POST", url, content, {"Content-Type": "application/json", **headers})
    if answer.status in (409, 429):
        raise Unreachable(f"{neighbour.code} asks to try again later ({answer.status})")
    if answer.status >= 400:
        raise Refused(f"{answer.status}: {answer.body[:120].decode(errors='replace')}")
    signatures.verify_answer(
        answer.status,
        answer.body,
        answer.headers,
        key_of=lambda code: neighbour.public_key if code == neighbour.code else "",
        now=int(time.time()),
    )
    return answer


def _post_open311(passage: Passage) -> tuple[str, dict[str, Any]]:
    case, neighbour = passage.case, passage.neighbour
    view = snapshot.current()
    function = view.functions.get(case.function_id or 0)
    service = neighbour.services.get(function.code if function else "") or neighbour.services.get("*")
    if not service:
        raise Refused(_("The other city has no service for this function."))
    form = {
        "service_code": service,
        "description": case.public_text,
        "address_string": case.public_address or case.address,
        "api_key": neighbour.api_key,
        "jurisdiction_id": neighbour.jurisdiction_id,
    }
    if case.lat is not None and case.lng is not None:
        form |= {"lat": repr(case.lat), "long": repr(case.lng)}
    else:
        form["address_string"] = form["address_string"] or "–"
    rows = _open311(
        neighbour,
        "POST",
        "requests.json",
        urlencode({k: v for k, v in form.items() if v}).encode(),
        {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": str(passage.pk)},
    )
    row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    number, token = str(row.get("service_request_id") or ""), str(row.get("token") or "")
    if not number and not token:
        raise Refused(_("The other city gave no number."))
    return number, {"service_request_id": number, "token": token, "base_url": settings.PUBLIC_URL}


def _number_of_token(passage: Passage) -> str:
    token = str(passage.receipt.get("token") or "")
    if not token:
        return ""
    query = _open311_query(passage.neighbour)
    rows = _open311(passage.neighbour, "GET", f"tokens/{quote(token, safe='')}.json{query}")
    row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    return str(row.get("service_request_id") or "")[:100]


def _open311_query(neighbour: Neighbour) -> str:
    return (
        f"?{urlencode({'jurisdiction_id': neighbour.jurisdiction_id})}" if neighbour.jurisdiction_id else ""
    )


def _open311(
    neighbour: Neighbour, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Any:
    answer = outgoing.call(method, f"{neighbour.base_url}/{path}", body, headers or {})
    if answer.status in (409, 429):
        raise Unreachable(f"{neighbour.code} asks to try again later ({answer.status})")
    if answer.status >= 400:
        raise Refused(f"{answer.status}: {answer.body[:120].decode(errors='replace')}")
    return _document(answer)


def _document(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as problem:
        raise Refused(_("The answer of the other city cannot be read.")) from problem
