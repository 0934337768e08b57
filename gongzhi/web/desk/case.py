"""The case with everything on it, and what can be done next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from gongzhi.cases import queries
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Attachment, Case, Party, Task
from gongzhi.errors import Conflict, GongzhiError, Invalid, WrongState
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Post
from gongzhi.registry.snapshot import Snapshot
from gongzhi.routing import reasons
from gongzhi.web.desk import known, navigation, shared_verbs, verbs
from gongzhi.web.desk.entering import staff
from gongzhi.web.portal import forms


@dataclass(frozen=True, slots=True)
class Offer:
    """A form on the page, with what was typed into it before."""

    form: verbs.Form
    is_open: bool
    typed: Any
    error: GongzhiError | None
    photos: tuple[forms.Photo, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A form that could not be carried out: what was sent, why not, and which version was seen."""

    verb: str
    typed: Any
    error: GongzhiError
    seen: int
    photos: tuple[forms.Photo, ...]


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, number: str) -> HttpResponse:
    """Everything about a case on one page; what the viewer may not see is masked or absent."""
    actor = staff(request)
    case = queries.case_by_number(number)
    failed = None
    if request.method == "POST":
        failed = _carry_out(request, actor, case)
        if failed is None:
            return HttpResponseRedirect(request.path)
        case = queries.case_by_number(number)
    parties = list(Party.objects.filter(case=case).order_by("pk"))
    subject = Subject(case.organisation_id, frozenset(p.pk for p in parties))
    is_private = authority.may(actor, "case.see_private", subject)
    if not (is_private or case.is_public):
        authority.require(actor, "case.see_private", subject)
    # Read once for the forms that depend on them.
    prefetch_related_objects([case], "extensions__asked_by")
    context = _told(case, parties if is_private else [], is_private)
    context |= _offers(actor, case, subject, failed, known.taken(request, actor, case, is_private))
    context |= shared_verbs.shared(actor, case, subject, context["tasks"])
    context |= _supervising(actor, case, subject)
    context["home"] = navigation.way_back(actor)
    if failed is not None and isinstance(failed.error, Conflict | WrongState) and case.version > failed.seen:
        context["news"] = context["entries"][failed.seen - case.version :]
    if request.GET.get("known"):
        context |= known.context(actor, case, parties, is_private)
    status = failed.error.status if failed else 200
    return render(request, "desk/case.html", context, status=status)


def _carry_out(request: HttpRequest, actor: Actor, case: Case) -> Failed | None:
    form = request.POST
    verb, seen = form.get("verb", ""), form.get("version", "")
    case.version = forms.whole_in(seen)
    photos: tuple[forms.Photo, ...] = ()
    try:
        photos = forms.photos_in(request)
        known_form = verbs.FORMS.get(verb)
        if known_form is None:
            raise Invalid(_("Choose what to do."))
        told = known_form.perform(actor, case, verbs.Posted(form, tuple(p.file for p in photos)))
    except GongzhiError as problem:
        if problem.status >= 500:
            raise
        return Failed(verb, form, problem, forms.whole_in(seen), photos)
    messages.success(request, str(told))
    return None


def _told(case: Case, parties: list[Party], is_private: bool) -> dict[str, Any]:
    view = snapshot.current()
    entries = queries.timeline(case, sees_parties=is_private, sees_internal=is_private)
    files = list(Attachment.objects.filter(case=case).order_by("pk")) if is_private else []
    tasks = list(Task.objects.filter(case=case).order_by("opened_at", "pk"))
    if not is_private:
        files = list(Attachment.objects.filter(case=case, is_public=True).order_by("pk"))
    post_ids = {e.post_id for e in entries if e.post_id} | {t.post_id for t in tasks if t.post_id}
    return {
        "case": case,
        "is_private": is_private,
        "is_open": case.state in OPEN_STATES,
        "parties": parties,
        "entries": entries,
        "files": files,
        "tasks": tasks,
        "posts": {post.pk: post.name for post in Post.objects.filter(pk__in=post_ids)},
        "reason": reasons.explain(case.route, view),
        "reading": _reading(case, view),
    }


def _reading(case: Case, view: Snapshot) -> dict[str, Any]:
    """What was understood at intake, with the functions behind the codes."""
    stored = case.reading or {}
    others = [
        (view.function_by_code[code], share)
        for code, share in stored.get("others", [])
        if code in view.function_by_code
    ]
    return {
        "function": view.function_by_code.get(str(stored.get("function", ""))),
        "confidence": stored.get("confidence") or 0.0,
        "words": [*stored.get("words", []), *stored.get("urgency_words", [])],
        "others": others,
        "places": stored.get("places", []),
    }


def _supervising(actor: Actor, case: Case, subject: Subject) -> dict[str, bool]:
    """Which pages of supervision about this case are for this post."""
    return {
        "may_urge": case.state in OPEN_STATES and authority.may(actor, "supervision.urge", subject),
        "may_account": authority.may(actor, "supervision.see_accountability", subject),
        "may_exclude": authority.may(actor, "supervision.ask_exclusion", subject),
    }


def _offers(actor: Actor, case: Case, subject: Subject, failed: Failed | None, taken: str) -> dict[str, Any]:
    offered = verbs.offered(actor, case, subject)
    likely = failed.verb if failed else verbs.likely(case, offered)
    names = {form.verb for form in offered}
    if taken and not failed:
        likely = "reply" if "reply" in names and case.replied_at is None else "resolve"
        likely = likely if likely in names else "reply"
    offers = []
    for form in offered:
        mine = failed if failed and failed.verb == form.verb else None
        typed = mine.typed if mine else ({"text": taken} if taken and form.verb == likely else {})
        photos = mine.photos if mine else ()
        offers.append(Offer(form, form.verb == likely, typed, mine.error if mine else None, photos))
    lost = failed if failed and failed.verb not in names else None
    return {
        "offers": [o for o in offers if not o.form.is_apart],
        "apart": {o.form.verb for o in offers if o.form.is_apart},
        "names": names,
        "choices": verbs.choices(),
        "failed": failed,
        "error": failed.error if failed else None,
        "lost": lost,
    }
