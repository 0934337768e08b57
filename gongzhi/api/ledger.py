"""The published log: keys, checkpoint, tiles and proofs; commitments only, never content."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from gongzhi.errors import Invalid, NotFound
from gongzhi.ledger import keys, receipts, tiles, tree


def vkey(request: HttpRequest) -> HttpResponse:
    lines = "".join(f"{v}\n" for v in keys.verifiers())
    return HttpResponse(lines, content_type="text/plain; charset=utf-8")


def checkpoint(request: HttpRequest) -> HttpResponse:
    head = tree.head()
    if head is None:
        raise NotFound(_("Nothing has been recorded yet."))
    response = HttpResponse(head.note, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "public, max-age=1"
    return response


def tile(request: HttpRequest, name: str) -> HttpResponse:
    wanted = tiles.parse(name)
    data = tree.published(wanted) if wanted else None
    if data is None:
        raise NotFound(_("The log holds no such tile."))
    response = HttpResponse(data, content_type="application/octet-stream")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def proof(request: HttpRequest) -> HttpResponse:
    act = request.GET.get("act", "")
    if not act.isdecimal() or len(act) > 18:
        raise Invalid(fields={"act": _("Give the act_id of a receipt.")})
    found = receipts.proof_for(int(act))
    if found is None:
        raise NotFound(_("There is no such act."))
    return JsonResponse(found.as_json())


def consistency(request: HttpRequest) -> HttpResponse:
    old, new = request.GET.get("from", ""), request.GET.get("to", "")
    if not (old.isdecimal() and new.isdecimal() and len(old + new) < 30):
        raise Invalid(fields={"from": _("Give two sizes of the log as numbers.")})
    try:
        return JsonResponse({"hashes": receipts.consistency(int(old), int(new))})
    except ValueError as problem:
        raise Invalid(fields={"from": _("Sizes must satisfy 0 < from ≤ to ≤ size.")}) from problem
