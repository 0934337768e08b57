"""Checking a receipt: here by the server, for readers without JavaScript; by their browser otherwise."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.errors import GongzhiError
from gongzhi.ledger import receipts, tree


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Check a receipt; this page's script repeats every step in the reader's own browser."""
    context: dict[str, object] = {"typed": request.POST.get("receipt", ""), "head": tree.head()}
    status = 200
    if request.method == "POST":
        try:
            document = json.loads(str(context["typed"]))
            proof = receipts.proof_for(int(document["act_id"]))
            steps = receipts.check(document, proof)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            context["error"] = GongzhiError(_("This is not a receipt. Paste the whole file."))
            status = 422
        else:
            context |= {"steps": steps, "sound": all(ok for _, ok in steps), "proof": proof}
    return render(request, "portal/verify.html", context, status=status)
