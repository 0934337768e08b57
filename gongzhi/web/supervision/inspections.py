"""Pages of inspection: plans, draws from them, and the checklist on the phone."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from django.http import FileResponse, HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from gongzhi.cases import attachments
from gongzhi.errors import Invalid, NotFound
from gongzhi.ledger import tree
from gongzhi.registry import authority, snapshot
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Organisation, Post
from gongzhi.supervision import drawing, inspecting
from gongzhi.supervision.inspecting import Countersigned
from gongzhi.supervision.models import Inspection, Plan
from gongzhi.web.portal import forms
from gongzhi.web.supervision.entering import SHOWN, page, staff

_MOST_BYTES: Final = 400_000
"""Of a drawn signature."""


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Inspections that were drawn for oneself, plans, and a new plan."""
    actor = staff(request)
    organisation = Organisation.objects.filter(pk=actor.organisation_id or 0).first()
    view = snapshot.current()
    may_plan = authority.may(actor, "inspection.plan", Subject(organisation_id=actor.organisation_id))

    def context() -> dict[str, Any]:
        mine = Inspection.objects.filter(posts__contains=[_code(actor)]).select_related("draw__plan")
        return {
            "mine": mine.filter(done_at=None).order_by("pk")[:SHOWN],
            "done": mine.exclude(done_at=None).order_by("-done_at")[:10],
            "plans": Plan.objects.select_related("organisation").order_by("-pk")[:SHOWN],
            "may_plan": may_plan,
            "functions": sorted((f for f in view.functions.values() if f.is_leaf), key=lambda f: f.code),
        }

    def do() -> tuple[str, str]:
        form = request.POST
        code = form.get("function", "")
        if code and code not in {f.code for f in view.functions.values()}:
            raise Invalid(fields={"function": _("Choose a function from the list.")})
        if organisation is None:
            raise NotFound()
        made = inspecting.plan(
            actor, organisation, form.get("name", ""), checklist_of(form.get("items", "")),
            name_en=form.get("name_en", ""), function_code=code,
        )  # fmt: skip
        return _("The plan was made. Now announce a draw."), f"/supervision/inspections/plans/{made.pk}/"

    return page(request, "supervision/inspections.html", context, do)


@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """One plan: announce a draw, see what was drawn."""
    actor = staff(request)
    found = Plan.objects.select_related("organisation").filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such plan."))
    subject = Subject(organisation_id=found.organisation_id)

    def context() -> dict[str, Any]:
        head = tree.head()
        return {
            "plan": found,
            "draws": found.draws.prefetch_related("inspections__finding").order_by("-pk")[:20],
            "may_plan": authority.may(actor, "inspection.plan", subject),
            "posts": _posts_of(found),
            "acts": head.size if head else 0,
            "chosen": request.POST.getlist("inspectors"),
        }

    def do() -> tuple[str, str]:
        form = request.POST
        if form.get("do") == "draw":
            draw = found.draws.filter(pk=_number(form.get("draw", ""), "draw")).first()
            if draw is None:
                raise NotFound(_("There is no such draw."))
            if inspecting.perform(draw) is None:
                raise Invalid(
                    _("The log has not reached the announced size yet; the draw then happens by itself.")
                )
            return _("Drawn."), ""
        allowed = {post.code for post in _posts_of(found)}
        chosen = form.getlist("inspectors")
        if not set(chosen) <= allowed:
            raise Invalid(fields={"inspectors": _("Choose inspectors from the list.")})
        inspecting.announce(
            actor, found, subjects_of(form.get("subjects", "")), inspectors_of(chosen, form.get("conflicts", "")),
            count=_number(form.get("count", ""), "count"),
            inspectors_each=_number(form.get("each", ""), "each"),
        )  # fmt: skip
        return _("Announced. It is drawn by itself when the log has reached the named size."), ""

    return page(request, "supervision/plan.html", context, do)


@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """The checklist of one inspection, made for the phone; what was found becomes a case."""
    actor = staff(request)
    found = Inspection.objects.select_related("draw__plan", "finding", "signed_by").filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such inspection."))

    def context() -> dict[str, Any]:
        answers = found.answers or {}
        items = [
            {
                **item,
                "answer": answers.get(item["code"]),
                "typed_ok": request.POST.get(f"ok-{item['code']}", ""),
                "typed_note": request.POST.get(f"note-{item['code']}", ""),
            }
            for item in found.draw.plan.checklist
        ]
        return {"inspection": found, "items": items, "is_mine": _code(actor) in found.posts}

    def do() -> tuple[str, str]:
        files = forms.photos_by_item(request, [item["code"] for item in found.draw.plan.checklist])
        answers = {
            item["code"]: {
                "ok": {"yes": True, "no": False}.get(request.POST.get(f"ok-{item['code']}", "")),
                "note": request.POST.get(f"note-{item['code']}", "")[:500],
                "photo": files[item["code"]].sha256 if item["code"] in files else "",
            }
            for item in found.draw.plan.checklist
        }
        finding = request.POST.get("finding", "")
        if not finding.strip() and any(answer["ok"] is False for answer in answers.values()):
            raise Invalid(fields={"finding": _("Say in words what is not in order; it becomes a case.")})
        lng, lat = forms.point_in(request.POST.get("lng", ""), request.POST.get("lat", ""))
        inspecting.record_result(
            actor,
            found,
            answers,
            finding=finding,
            photos=list(files.values()),
            signed=_signed(request.POST),
            lng=lng,
            lat=lat,
        )
        return _("Recorded and signed."), ""

    return page(request, "supervision/inspection.html", context, do)


def _signed(form: QueryDict) -> Countersigned:
    """Who signed for the inspected: a typed name, with what was drawn where there was a script."""
    drawn = None
    written = form.get("signature", "")
    if written:
        head, _comma, data = written.partition(",")
        try:
            picture = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            picture = b""
        is_picture = (
            head == "data:image/png;base64" and picture.startswith(b"\x89PNG") and len(picture) <= _MOST_BYTES
        )
        if not is_picture:
            raise Invalid(fields={"signature": _("The signature cannot be read; clear it and sign again.")})
        drawn = attachments.store(picture, "signature.png")
    return Countersigned(form.get("signer", ""), drawn, form.get("unsigned_why", ""))


@require_safe
def evidence(request: HttpRequest, pk: int, sha256: str, size: str) -> FileResponse:
    """A photo of a checklist, or its signature, for staff."""
    actor = staff(request)
    found = Inspection.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such inspection."))
    digest = inspecting.evidence_of(actor, found, sha256)
    where = attachments.thumbnail_path if size == "small" else attachments.path
    try:
        opened = where(digest).open("rb")
    except OSError as problem:
        raise NotFound(_("There is no such file.")) from problem
    is_png = opened.peek(4).startswith(b"\x89PNG")
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
    }
    return FileResponse(opened, content_type="image/png" if is_png else "image/jpeg", headers=headers)


def checklist_of(text: str) -> list[dict[str, Any]]:
    """Items from lines such as ``证照齐全 | Licences valid | photo``."""
    items: list[dict[str, Any]] = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.replace("｜", "|").split("|")]
        needs_photo = parts[-1].lower() in ("photo", "照片", "拍照") and len(parts) > 1
        names = parts[:-1] if needs_photo else parts
        if not names[0]:
            continue
        items.append(
            {
                "code": f"i{len(items) + 1}", "name_zh": names[0][:200],
                "name_en": names[1][:200] if len(names) > 1 else "", "needs_photo": needs_photo,
            }
        )  # fmt: skip
    if not items:
        raise Invalid(fields={"items": _("Write at least one item of the checklist.")})
    return items


def subjects_of(text: str) -> list[drawing.Subject]:
    """What can be drawn, from lines such as ``老街饭店 | 3``; ids follow the order of the lines."""
    subjects: list[drawing.Subject] = []
    for line in text.splitlines():
        name, _bar, weight = line.replace("｜", "|").partition("|")
        if name.strip():
            subjects.append(
                drawing.Subject(f"s{len(subjects) + 1}", name.strip()[:200], weight.strip() or "1")
            )
    if not subjects:
        raise Invalid(fields={"subjects": _("Write at least one subject, one a line.")})
    return subjects


def inspectors_of(codes: list[str], conflicts: str) -> list[drawing.Inspector]:
    """The chosen posts with the subjects they must not inspect, from lines such as ``post-code: s1, s4``."""
    against: dict[str, tuple[str, ...]] = {}
    for line in conflicts.splitlines():
        code, colon, ids = line.replace("：", ":").partition(":")
        if not line.strip():
            continue
        if not colon or code.strip() not in codes:
            raise Invalid(
                fields={"conflicts": _("Name a chosen inspector, a colon, and the subjects' numbers.")}
            )
        named = [part.strip() for part in ids.replace("，", ",").split(",") if part.strip()]
        against[code.strip()] = tuple(part if part.startswith("s") else f"s{part}" for part in named)
    return [drawing.Inspector(code, against.get(code, ())) for code in codes]


def _posts_of(found: Plan) -> list[Post]:
    rows = Post.objects.filter(organisation_id=found.organisation_id, is_active=True)
    return list(rows.order_by("code"))


def _code(actor: Actor) -> str:
    return Post.objects.filter(pk=actor.post_id or 0).values_list("code", flat=True).first() or ""


def _number(text: str, field: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise Invalid(fields={field: _("Enter a whole number.")})
    return int(text)
