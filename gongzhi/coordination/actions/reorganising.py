"""Organisations merge, posts end, people move: open work goes on, what was done stays where it was done."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import actions, rules
from gongzhi.cases.lifecycle import State
from gongzhi.cases.models import Case
from gongzhi.cases.texts import checked_text
from gongzhi.coordination.actions._core import active, record
from gongzhi.coordination.models import Order
from gongzhi.errors import Invalid, NotFound, WrongState
from gongzhi.intake.counters import calling, setting_up
from gongzhi.registry import authority, queries, snapshot
from gongzhi.registry.authority import SYSTEM, Actor
from gongzhi.registry.models import City, Mandate, Organisation, Person, Post


def merge_organisations(
    actor: Actor, gone: Organisation, into: Organisation, *, reason: str, at: datetime | None = None
) -> dict[str, int]:
    """Merge an organisation into another: open work, mandates and posts move, its history stays.

    Returns:
        How many cases, parts, mandates and posts moved.

    Raises:
        Invalid: no reason, the same organisation, or `into` is below `gone` or no longer exists.
        WrongState: `gone` is the desk that receives first.
    """
    reason = checked_text(reason, field_name="reason")
    authority.require(actor, "registry.reorganise")
    now = at or timezone.now()
    with transaction.atomic():
        rows = Organisation.objects.select_for_update().in_bulk(sorted([gone.pk, into.pk]))
        gone, into = rows[gone.pk], rows[into.pk]
        if gone.pk == into.pk or into.pk in queries.organisations_below(gone.pk):
            raise Invalid(fields={"into": _("Choose an organisation that does not stand below it.")})
        active(gone, "gone"), active(into, "into")
        if snapshot.current().city.config.get("first_responsible") == gone.code:
            raise WrongState(_("Name another desk that receives first before merging this one."))
        Organisation.objects.filter(parent=gone).exclude(pk=into.pk).update(parent=into)
        moved = {
            "cases": _move_cases(gone, into, reason, now),
            "parts": actions.parts_go_to(gone.pk, into.pk),
            "mandates": _move_mandates(gone, into, now),
            "posts": Post.objects.filter(organisation=gone, is_active=True).count(),
        }
        for post in Post.objects.filter(organisation=gone, is_active=True).select_related("person"):
            _succeed(post, into, now)
        Order.objects.filter(organisation=gone, state__in=["sent", "acknowledged"]).exclude(
            directive__orders__organisation=into
        ).update(organisation=into)
        setting_up.hand_halls_over(gone.pk, into.pk)
        gone.is_active = False
        gone.save(update_fields=["is_active"])
        record(actor, "organisation.merge", gone.pk, {"into": into.pk, **moved}, reason=reason, at=now)
        _changed()
    return moved


def end_post(actor: Actor, post: Post, *, reason: str, at: datetime | None = None) -> Post:
    """End a post: whoever held it no longer acts through it, and its open cases get another owner.

    Raises:
        Invalid: no reason.
        WrongState: it has ended.
    """
    reason = checked_text(reason, field_name="reason")
    authority.require(actor, "registry.reorganise")
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(post)
        locked.is_active = False
        locked.save(update_fields=["is_active"])
        successor = _hand_on(locked, now)
        details = {"organisation": locked.organisation_id, "successor": successor}
        record(actor, "post.end", locked.pk, details, reason=reason, at=now)
        _changed()
    return locked


def move_person(
    actor: Actor, person: Person, post: Post, to: Organisation, *, reason: str, at: datetime | None = None
) -> Post:
    """Move a person to another organisation: a new post there, the old one is left to a successor.

    Acts stay with the post of their time.

    Returns:
        The new post.

    Raises:
        Invalid: no reason, the same organisation, or it no longer exists.
        NotFound: the person does not hold the post.
        WrongState: the post has ended.
    """
    reason = checked_text(reason, field_name="reason")
    authority.require(actor, "registry.reorganise")
    now = at or timezone.now()
    with transaction.atomic():
        locked = _locked(post)
        if locked.person_id != person.pk:
            raise NotFound(_("This person does not hold the post."))
        if active(to).pk == locked.organisation_id:
            raise Invalid(fields={"to": _("The person works there already.")})
        locked.person = None
        locked.is_active = False
        locked.save(update_fields=["person", "is_active"])
        new = _new_post(locked, to, person, now)
        successor = _hand_on(locked, now)
        details = {
            "organisation": to.pk,
            "from": locked.organisation_id,
            "new_post": new.pk,
            "successor": successor,
        }
        record(actor, "post.move", locked.pk, details, reason=reason, at=now)
        _changed()
    return new


def _move_cases(gone: Organisation, into: Organisation, reason: str, now: datetime) -> int:
    """Open cases go over as they are; one that was under way is under way at the successor, too."""
    count = 0
    for case in Case.objects.filter(organisation=gone, state__in=[State.ASSIGNED, State.UNDER_WAY]).order_by(
        "pk"
    ):
        was_under_way = case.state == State.UNDER_WAY
        actions.assign(SYSTEM, case, into, reason=reason, at=now)
        if was_under_way:
            worker = queries.first_post_for(into.pk)
            if worker is not None and worker.person is not None:
                actions.accept(authority.actor_of(worker.person, worker), case, at=now)
        count += 1
    return count


def _move_mandates(gone: Organisation, into: Organisation, now: datetime) -> int:
    today = now.astimezone(rules.calendar().zone).date()
    mandates = list(
        Mandate.objects.filter(organisation=gone, valid_from__lte=today).exclude(valid_until__lt=today)
    )
    for mandate in mandates:
        Mandate.objects.get_or_create(
            organisation=into,
            function_id=mandate.function_id,
            area_id=mandate.area_id,
            role=mandate.role,
            valid_from=today,
            defaults={
                "basis_zh": mandate.basis_zh,
                "basis_en": mandate.basis_en,
                "valid_until": mandate.valid_until,
            },
        )
        mandate.valid_until = max(mandate.valid_from, today - timedelta(days=1))
    Mandate.objects.bulk_update(mandates, ["valid_until"])
    return len(mandates)


def _succeed(post: Post, into: Organisation, now: datetime) -> None:
    """The same post at the successor; the old one stays for what was done in it."""
    person = post.person
    post.is_active = False
    post.save(update_fields=["is_active"])
    calling.vacate(post.pk)
    if person is not None:
        _new_post(post, into, person, now)


def _new_post(old: Post, to: Organisation, person: Person, now: datetime) -> Post:
    stem = f"{to.code}-{person.username}"[:48]
    return Post.objects.create(
        code=f"{stem}-{now:%y%m%d%H%M}"[:60] if Post.objects.filter(code=stem).exists() else stem,
        organisation=to,
        roles=list(old.roles),
        person=person,
        area=old.area,
        name_zh=old.name_zh,
        name_en=old.name_en,
    )


def successor_of(post: Post) -> Post | None:
    """Who gets the open work of a post that ends: another post of its organisation that does such work."""
    return (
        Post.objects.filter(organisation_id=post.organisation_id, is_active=True, person__isnull=False)
        .exclude(pk=post.pk)
        .filter(roles__overlap=["worker", "supervisor"])
        .order_by("pk")
        .first()
    )


def _hand_on(post: Post, now: datetime) -> int | None:
    """Give the open cases and tasks of a post to another one of its organisation; gives which."""
    successor = successor_of(post)
    pk = successor.pk if successor else None
    calling.vacate(post.pk)
    actions.posts_work_goes_to(post.pk, pk, now)
    return pk


def _locked(post: Post) -> Post:
    locked = (
        Post.objects.select_for_update(of=("self",)).select_related("organisation").filter(pk=post.pk).first()
    )
    if locked is None:
        raise NotFound(_("There is no such post."))
    if not locked.is_active:
        raise WrongState(_("This post has ended."))
    return locked


def _changed() -> None:
    """Let every process read the registry anew."""
    City.objects.update(revision=F("revision") + 1)
    transaction.on_commit(snapshot.forget)
    snapshot.forget()
