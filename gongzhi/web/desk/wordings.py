"""Wordings for answers: those of the organisation, to write and remove, and those of the product."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases import actions, reply_wordings
from gongzhi.cases.models import ReplyWording
from gongzhi.errors import GongzhiError
from gongzhi.registry import authority
from gongzhi.registry.authority import Subject
from gongzhi.web.desk.entering import staff


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Read, write and remove wordings of one's organisation."""
    actor = staff(request)
    authority.require(actor, "wording.write", Subject(organisation_id=actor.organisation_id))
    context: dict[str, object] = {}
    status = 200
    if request.method == "POST":
        form = request.POST
        written = form.get("wording", "")
        wording_id = int(written) if written.isdecimal() and len(written) < 19 else None
        try:
            if "drop" in form and wording_id is not None:
                actions.drop_wording(actor, wording_id)
                messages.success(request, _("The wording was removed."))
            else:
                title, text = form.get("title", ""), form.get("text", "")
                actions.keep_wording(actor, title, text, wording_id=wording_id)
                messages.success(request, _("The wording was kept."))
            return HttpResponseRedirect(request.path)
        except GongzhiError as problem:
            if problem.status >= 500:
                raise
            context, status = {"error": problem, "typed": form, "typed_id": wording_id}, problem.status
    chinese = (get_language() or "zh").startswith("zh")
    context |= {
        "wordings": list(
            ReplyWording.objects.filter(organisation_id=actor.organisation_id or 0).order_by("title")
        ),
        "built_in": [reply_wordings.Wording(w.key, _(w.title), _(w.text)) for w in reply_wordings.BUILT_IN],
        "fields": [name for name in reply_wordings.NAMES if name.isascii() != chinese],
    }
    return render(request, "desk/wordings.html", context, status=status)
