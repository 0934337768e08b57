"""/api/federation/v1: what other cities' installations send here, signed (RFC 9421, Ed25519)."""

from __future__ import annotations

import json
import time
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gongzhi.coordination import signatures
from gongzhi.coordination.actions import federation
from gongzhi.coordination.models import Neighbour
from gongzhi.errors import Invalid, NotAllowed
from gongzhi.registry import snapshot

Body = TypeVar("Body", bound=BaseModel)


class MatterIn(BaseModel):
    """Body of POST /api/federation/v1/matters."""

    model_config = ConfigDict(extra="forbid")
    id: UUID
    number: str = Field(min_length=1, max_length=100)
    text: str
    language: str = Field("zh-hans", pattern="^(zh-hans|en)$")
    lng: float | None = None
    lat: float | None = None
    address: str = ""
    function: str = ""
    public: bool = True


class MessageIn(BaseModel):
    """Body of POST /api/federation/v1/matters/{id}/messages."""

    model_config = ConfigDict(extra="forbid")
    sequence: int = Field(ge=1, le=2**31 - 1)
    verb: str = Field(max_length=20)
    state: str | None = None
    closure: str | None = None
    due: str | None = None
    text: str = Field("", max_length=20_000)
    at: str = ""


@require_safe
def key(request: HttpRequest) -> HttpResponse:
    """This city's code and public key, for a neighbour that registers it."""
    return JsonResponse(
        {
            "city": snapshot.current().city.code,
            "public_key": signatures.own_public_key(),
            "url": settings.PUBLIC_URL,
        }
    )


@csrf_exempt
@require_POST
def matters(request: HttpRequest) -> HttpResponse:
    """Take a matter in; the answer is the signed receipt."""
    neighbour = _sender(request)
    body = _read(MatterIn, request)
    passage = federation.receive(
        neighbour,
        federation.Matter(
            id=body.id,
            number=body.number,
            text=body.text,
            language=body.language,
            lng=body.lng,
            lat=body.lat,
            address=body.address,
            function=body.function,
            is_public=body.public,
        ),
    )
    case = passage.case
    return _answer(
        201,
        {
            "id": str(passage.pk),
            "number": case.number,
            "their_number": body.number,
            "status": case.state,
            "due": case.due_at.isoformat(),
            "receipt": passage.receipt,
        },
    )


@csrf_exempt
@require_POST
def messages(request: HttpRequest, passage_id: UUID) -> HttpResponse:
    """Take in what happened to a matter there, or what its requester said."""
    neighbour = _sender(request)
    body = _read(MessageIn, request)
    heard = federation.hear(neighbour, passage_id, body.model_dump())
    return _answer(200, {"id": str(passage_id), "heard": heard})


def _sender(request: HttpRequest) -> Neighbour:
    signed = signatures.verify_request(
        request.method or "",
        f"{settings.PUBLIC_URL}{request.get_full_path()}",
        request.body,
        {name.lower(): value for name, value in request.headers.items()},
        key_of=_key_of,
        now=int(time.time()),
    )
    neighbour = Neighbour.objects.filter(code=signed.key_id, is_active=True).first()
    if neighbour is None:
        raise NotAllowed(_("This installation does not know the key of the sender."))
    return neighbour


def _key_of(code: str) -> str:
    rows = Neighbour.objects.filter(code=code, is_active=True, kind=Neighbour.Kind.GONGZHI)
    return rows.values_list("public_key", flat=True).first() or ""


def _read(model: type[Body], request: HttpRequest) -> Body:
    try:
        return model.model_validate_json(request.body)
    except ValidationError as problem:
        fields = {".".join(map(str, e["loc"])) or "body": e["msg"] for e in problem.errors()}
        raise Invalid(fields=fields) from problem


def _answer(status: int, document: dict[str, Any]) -> HttpResponse:
    content = json.dumps(document, ensure_ascii=False).encode()
    headers = signatures.sign_answer(
        status,
        content,
        key_id=snapshot.current().city.code,
        key=signatures.own_key(),
        created=int(time.time()),
    )
    return HttpResponse(content, status=status, content_type="application/json", headers=headers)
