"""/api/v1/texts: a gateway brings in what people answer by text message."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_noop
from ninja import Router

from gongzhi.api.models import SenderKey
from gongzhi.api.v1 import bearer, sending
from gongzhi.api.v1.shapes import TextHeard, TextIn
from gongzhi.registry.authority import SYSTEM
from gongzhi.supervision import text_answers

router = Router()


@router.post(
    "/texts",
    response=TextHeard,
    operation_id="bringText",
    tags=[gettext_noop("For gateways of text messages")],
    summary=gettext_noop("Bring in a text message that somebody sent"),
    description=gettext_noop(
        "With a gateway's own key (gongzhi keys add NAME --texts). The same id may be sent again and again: it counts once. The text becomes a rating, is added to the matter, ends or restarts text messages (TD, START), or its sender is told by text message what to do."
    ),
)
def bring_text(request: HttpRequest) -> dict[str, Any]:
    gateway = bearer.sender(request, SenderKey.Purpose.TEXTS)
    given = sending.json_in(request, TextIn)
    heard = text_answers.hear(SYSTEM, gateway.name, given.id, given.from_, given.text)
    return {"id": heard.message_id, "outcome": heard.outcome}
