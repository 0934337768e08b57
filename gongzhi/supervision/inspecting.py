"""Double random inspection (双随机、一公开): announce, draw, inspect, publish; findings become cases."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases.attachments import StoredFile
from gongzhi.cases.models import Case
from gongzhi.cases.personal_text import masked
from gongzhi.errors import Invalid, NotAllowed, NotFound, WrongState
from gongzhi.intake.actions import receive
from gongzhi.intake.submission import Submission
from gongzhi.ledger import acts, keys, merkle, receipts, tree
from gongzhi.ledger.models import Pending
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor, Subject
from gongzhi.registry.models import Organisation
from gongzhi.supervision import drawing
from gongzhi.supervision.models import Draw, Inspection, Plan

MARGIN: Final = 16
"""So many acts beyond those known at announcement lie before the seed, so that nobody can foresee it."""
MOST_SUBJECTS: Final = 1_000


def plan(
    actor: Actor,
    organisation: Organisation,
    name_zh: str,
    checklist: Sequence[Mapping[str, Any]],
    *,
    name_en: str = "",
    function_code: str = "",
    at: datetime | None = None,
) -> Plan:
    """Make a plan of inspection with its checklist (items: code, name_zh, name_en, needs_photo).

    Raises:
        NotAllowed: the actor does not oversee the organisation.
        Invalid: no name, or an item without code or name.
    """
    authority.require(actor, "inspection.plan", Subject(organisation_id=organisation.pk))
    if not name_zh.strip():
        raise Invalid(fields={"name": _("Give the plan a name.")})
    codes = [str(item.get("code", "")) for item in checklist]
    if not codes or not all(codes) or len(set(codes)) != len(codes):
        raise Invalid(fields={"checklist": _("Every item of the checklist needs a code of its own.")})
    moment = at or timezone.now()
    with transaction.atomic():
        made = Plan.objects.create(
            name_zh=name_zh.strip(), name_en=name_en.strip(), organisation=organisation,
            checklist=[dict(item) for item in checklist], function_code=function_code, created_at=moment,
        )  # fmt: skip
        acts.record(
            actor, "inspection.plan", "inspection_plan", made.pk, str(made.pk), {"items": codes}, at=moment
        )
    return made


def announce(
    actor: Actor,
    plan_: Plan,
    subjects: Sequence[drawing.Subject],
    inspectors: Sequence[drawing.Inspector],
    *,
    count: int,
    inspectors_each: int = 2,
    at: datetime | None = None,
) -> Draw:
    """Announce a draw: fix what can be drawn and name the size of the log whose root will be the seed.

    Raises:
        NotAllowed: the actor does not oversee the organisation of the plan.
        Invalid: the inputs cannot be drawn from; the sentence says why.
    """
    authority.require(actor, "inspection.plan", Subject(organisation_id=plan_.organisation_id))
    if len(subjects) > MOST_SUBJECTS:
        raise Invalid(
            fields={"subjects": _("At most %(n)d can be drawn from at once.") % {"n": MOST_SUBJECTS}}
        )
    moment = at or timezone.now()
    with transaction.atomic():
        head = tree.head()
        size = (head.size if head else 0) + Pending.objects.count() + MARGIN
        inputs = drawing.Inputs(tuple(subjects), tuple(inspectors), count, inspectors_each, size)
        try:
            inputs.check()
        except ValueError as problem:
            raise Invalid(fields={"subjects": str(problem)}) from problem
        document = inputs.as_json()
        made = Draw.objects.create(
            plan=plan_, subjects=document["subjects"], inspectors=document["inspectors"], count=count,
            inspectors_each=inspectors_each, tree_size=size, announced_at=moment,
        )  # fmt: skip
        details = {"tree_size": size, "inputs_sha256": inputs.digest().hex(), "plan": plan_.pk}
        acts.record(
            actor, "inspection.announce", "inspection_draw", made.pk, str(made.pk), details, at=moment
        )
    return made


def inputs_of(draw: Draw) -> drawing.Inputs:
    """The inputs of a draw as they were announced."""
    return drawing.Inputs.from_json(
        {
            "subjects": draw.subjects,
            "inspectors": draw.inspectors,
            "count": draw.count,
            "inspectors_each": draw.inspectors_each,
            "tree_size": draw.tree_size,
        }
    )


def perform(draw: Draw, *, at: datetime | None = None) -> Draw | None:
    """Draw, once the log has reached the announced size; None while it has not. Done twice it is done once."""
    with transaction.atomic():
        held = Draw.objects.select_for_update().get(pk=draw.pk)
        if held.result is not None:
            return held
        head = tree.head()
        if head is None or head.size < held.tree_size:
            return None
        moment = at or timezone.now()
        root = merkle.range_root(tree.hash_reader(), 0, held.tree_size)
        held.result = drawing.draw(inputs_of(held), root)
        held.root, held.checkpoint_size, held.drawn_at = root, head.size, moment
        held.save()
        names = {s["id"]: s["name"] for s in held.subjects}
        Inspection.objects.bulk_create(
            Inspection(
                draw=held,
                subject_id=row["subject"],
                subject_name=names[row["subject"]],
                posts=row["inspectors"],
            )
            for row in held.result
        )
        details = {"root": root.hex(), "subjects": [row["subject"] for row in held.result]}
        acts.record(
            authority.SYSTEM, "inspection.draw", "inspection_draw", held.pk, str(held.pk), details, at=moment
        )
    return held


def perform_due() -> int:
    """Perform every announced draw whose seed exists; gives how many."""
    return sum(perform(draw) is not None for draw in Draw.objects.filter(result__isnull=True).order_by("pk"))


def published(draw: Draw) -> dict[str, Any]:
    """All that is needed to recompute the draw without this server, and to see that the seed is the log's."""
    document: dict[str, Any] = {
        "draw": draw.pk,
        "inputs": inputs_of(draw).as_json(),
        "inputs_sha256": inputs_of(draw).digest().hex(),
        "announced_at": draw.announced_at.isoformat(),
    }
    if draw.result is None or draw.root is None or draw.checkpoint_size is None:
        return document
    checkpoint = receipts.checkpoint_at(draw.checkpoint_size)
    return document | {
        "root": base64.b64encode(bytes(draw.root)).decode(),
        "result": draw.result,
        "checkpoint": checkpoint.note if checkpoint else "",
        "consistency": receipts.consistency(draw.tree_size, draw.checkpoint_size),
        "verifier_keys": [str(v) for v in keys.verifiers()],
        "origin": settings.LEDGER_ORIGIN,
    }


@dataclass(frozen=True, slots=True)
class Countersigned:
    """The signature of somebody of the inspected; the typed name counts where nothing was drawn."""

    name: str = ""
    drawn: StoredFile | None = None
    why_not: str = ""


def record_result(
    actor: Actor,
    inspection: Inspection,
    answers: Mapping[str, Mapping[str, Any]],
    *,
    finding: str = "",
    photos: Sequence[StoredFile] = (),
    signed: Countersigned | None = None,
    lng: float | None = None,
    lat: float | None = None,
    at: datetime | None = None,
) -> Inspection:
    """Fill in the checklist and sign it by the act; what was found becomes a case.

    Args:
        answers: item → ``ok``, ``note``, ``photo`` (SHA-256 of a stored file).
        finding: what is wrong, in words; empty when nothing is.
        signed: who signed for the inspected, or why nobody did; None for what is inspected without people.
        photos: files that go with the case of the finding; those of the checklist are named in `answers`.

    Raises:
        NotAllowed: the actor's post was not drawn for it.
        Invalid: an item is missing, or its photo.
        WrongState: it was recorded already.
    """
    moment = at or timezone.now()
    with transaction.atomic():
        held = (
            Inspection.objects.select_for_update(of=("self",))
            .select_related("draw__plan")
            .get(pk=inspection.pk)
        )
        authority.require(actor, "inspection.record", Subject(organisation_id=held.draw.plan.organisation_id))
        if _post_code(actor) not in held.posts:
            raise NotAllowed(_("This inspection was drawn for somebody else."))
        if held.done_at is not None:
            raise WrongState(_("This inspection was recorded already."))
        wrong = {}
        for item in held.draw.plan.checklist:
            answer = answers.get(item["code"])
            if answer is None or not isinstance(answer.get("ok"), bool):
                wrong[item["code"]] = _("Say whether this is in order.")
            elif item.get("needs_photo") and not answer.get("photo"):
                wrong[item["code"]] = _("This needs a photo.")
        if wrong:
            raise Invalid(fields=wrong)
        held.answers = {
            code: {"ok": a["ok"], "note": masked(str(a.get("note", ""))), "photo": str(a.get("photo", ""))}
            for code, a in answers.items()
        }
        held.signed_by_id, held.done_at = actor.post_id, moment
        if signed is not None:
            held.signer, held.signature, held.unsigned_why = _checked_signature(signed)
        held.save()
        details = {
            "ok": all(a["ok"] for a in held.answers.values()),
            "subject": held.subject_id,
            "photos": sorted(a["photo"] for a in held.answers.values() if a["photo"]),
            "signature": held.signature,
            "signed": bool(held.signer),
        }
        acts.record(actor, "inspection.record", "inspection", held.pk, str(held.pk), details, at=moment)
    if finding.strip():
        receipt = receive(
            Submission(
                f"{held.subject_name}：{finding.strip()}",
                channel="api",
                lng=lng,
                lat=lat,
                function_code=held.draw.plan.function_code,
                # Sent again after a crash it is still one case.
                idempotency_key=f"inspection-{held.pk}",
                photos=tuple(photos),
            ),
            actor,
        )
        held.finding = Case.objects.get(pk=receipt.case_id)
        held.save(update_fields=["finding"])
    return held


def _checked_signature(signed: Countersigned) -> tuple[str, str, str]:
    name, why_not = signed.name.strip()[:100], signed.why_not.strip()[:200]
    if not name and not why_not:
        raise Invalid(fields={"signer": _("Let somebody of the inspected sign, or say why nobody does.")})
    if not name:
        return "", "", masked(why_not)
    return name, signed.drawn.sha256 if signed.drawn else "", ""


def evidence_of(actor: Actor, inspection: Inspection, sha256: str) -> str:
    """The file of a recorded inspection, when it is one: a photo of its checklist or its signature.

    Raises:
        NotAllowed: the actor is no member of staff.
        NotFound: the inspection has no such file.
    """
    authority.require(actor, "supervision.see")
    photos = {str(a.get("photo", "")) for a in (inspection.answers or {}).values()}
    if not sha256 or sha256 not in photos | {inspection.signature}:
        raise NotFound(_("There is no such file."))
    return sha256


def _post_code(actor: Actor) -> str:
    from gongzhi.registry.models import Post

    if actor.post_id is None:
        return ""
    return Post.objects.filter(pk=actor.post_id).values_list("code", flat=True).first() or ""
