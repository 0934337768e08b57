"""Task forces (专班): formed for a purpose and a time, with members, comments and mentions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases import staff_notices
from gongzhi.cases.models import Case
from gongzhi.cases.opening import utc_text
from gongzhi.cases.personal_text import masked
from gongzhi.cases.texts import checked_text
from gongzhi.coordination.actions._core import later, own_organisation, post_of, record, require
from gongzhi.coordination.models import Comment, Member, Mention, TaskForce
from gongzhi.errors import Invalid, NotAllowed, NotFound, WrongState
from gongzhi.registry.authority import Actor
from gongzhi.registry.models import Post

MENTION: Final = re.compile(r"@([A-Za-z0-9][A-Za-z0-9._-]{0,149})")
"""``@username`` of a person who holds a post in the task force."""


def form(
    actor: Actor,
    name: str,
    purpose: str,
    posts: Sequence[Post],
    *,
    until: datetime,
    cases: Sequence[Case] = (),
    at: datetime | None = None,
) -> TaskForce:
    """Form a task force; whoever forms it leads it and is a member.

    Raises:
        Invalid: no name or purpose, an end that has passed, a post that is not active, or members of
            one organisation only.
    """
    name, purpose = checked_text(name, field_name="name")[:200], checked_text(purpose, field_name="purpose")
    leading = own_organisation(actor)
    now = at or timezone.now()
    with transaction.atomic():
        require(actor, "task_force.form", leading, own=True)
        members = _checked_members(posts, leading)
        force = TaskForce.objects.create(
            name=name,
            purpose=purpose,
            organisation_id=leading,
            post_id=post_of(actor),
            formed_at=now,
            until=later(until, now, "until"),
        )
        force.cases.set(cases)
        ids = sorted({post_of(actor), *members})
        Member.objects.bulk_create(Member(task_force=force, post_id=pk, joined_at=now) for pk in ids)
        details = {"posts": ids, "until": utc_text(until), "cases": [c.number for c in cases]}
        record(actor, "task_force.form", force.pk, details, reason=name, at=now)
    return force


def add_member(actor: Actor, force: TaskForce, post: Post, *, at: datetime | None = None) -> Member:
    """Take another post in; taking it in twice changes nothing.

    Raises:
        Invalid: the post is not active.
        WrongState: the task force has ended.
    """
    now = at or timezone.now()
    with transaction.atomic():
        locked = _led(actor, force)
        if not post.is_active:
            raise Invalid(fields={"post": _("This post has ended.")})
        member, is_new = Member.objects.get_or_create(
            task_force=locked, post=post, left_at=None, defaults={"joined_at": now}
        )
        if is_new:
            record(actor, "task_force.add", locked.pk, {"post": post.pk}, at=now)
    return member


def remove_member(actor: Actor, force: TaskForce, post: Post, *, at: datetime | None = None) -> None:
    """Let a post leave; what it said stays.

    Raises:
        NotFound: it is no member.
        WrongState: the task force has ended, or the post leads it.
    """
    now = at or timezone.now()
    with transaction.atomic():
        locked = _led(actor, force)
        if post.pk == locked.post_id:
            raise WrongState(_("Who leads the task force cannot leave it."))
        if not Member.objects.filter(task_force=locked, post=post, left_at=None).update(left_at=now):
            raise NotFound(_("This post is no member."))
        record(actor, "task_force.remove", locked.pk, {"post": post.pk}, at=now)


def comment(actor: Actor, force: TaskForce, text: str, *, at: datetime | None = None) -> Comment:
    """Say something inside the task force; who is mentioned as ``@username`` finds it on their desk.

    Raises:
        Invalid: no text, or somebody is mentioned who is no member.
        NotAllowed: the actor is no member.
        WrongState: the task force has ended.
    """
    text = checked_text(text)
    now = at or timezone.now()
    with transaction.atomic():
        locked = _active(force)
        check_member(actor, locked)
        said = Comment.objects.create(task_force=locked, post_id=post_of(actor), text=text, said_at=now)
        mentioned = _mentioned(locked, text)
        Mention.objects.bulk_create(Mention(comment=said, post_id=pk) for pk in mentioned)
        staff_notices.tell(
            staff_notices.Kind.MENTION,
            locked.name,
            f"/desk/task-forces/{locked.pk}/",
            mentioned,
            key=f"mention:{said.pk}",
        )
        record(actor, "task_force.comment", locked.pk, {"comment": said.pk, "mentions": mentioned}, at=now)
    return said


def seen(actor: Actor, mention: Mention, *, at: datetime | None = None) -> None:
    """Note that the mentioned person has seen it.

    Raises:
        NotAllowed: somebody else was mentioned.
    """
    if mention.post_id != actor.post_id:
        raise NotAllowed()
    Mention.objects.filter(pk=mention.pk, seen_at=None).update(seen_at=at or timezone.now())


def end(actor: Actor, force: TaskForce, result: str, *, at: datetime | None = None) -> TaskForce:
    """End a task force with its result.

    Raises:
        Invalid: no result.
        WrongState: it has ended.
    """
    result = checked_text(result, field_name="result")
    now = at or timezone.now()
    with transaction.atomic():
        locked = _led(actor, force)
        locked.state, locked.ended_at, locked.result = TaskForce.State.ENDED, now, result
        locked.save()
        record(
            actor,
            "task_force.end",
            locked.pk,
            {"in_time": now <= locked.until},
            reason=masked(result),
            at=now,
        )
    return locked


def check_member(actor: Actor, force: TaskForce) -> None:
    """Pass silently or raise.

    Raises:
        NotAllowed: the actor is no member.
    """
    is_member = Member.objects.filter(task_force=force, post_id=actor.post_id or 0, left_at=None).exists()
    if not is_member:
        raise NotAllowed(_("Only members of the task force see its page."))


def _mentioned(force: TaskForce, text: str) -> list[int]:
    names = set(MENTION.findall(text))
    members = Post.objects.filter(memberships__task_force=force, memberships__left_at=None)
    found = dict(members.filter(person__username__in=names).values_list("person__username", "pk"))
    unknown = sorted(names - set(found))
    if unknown:
        sentence = _("No member is called: %(names)s.") % {"names": ", ".join(unknown)}
        raise Invalid(fields={"text": sentence})
    return sorted(set(found.values()))


def _checked_members(posts: Sequence[Post], leading: int) -> list[int]:
    for post in posts:
        if not post.is_active:
            raise Invalid(fields={"posts": _("This post has ended.")})
    if not {post.organisation_id for post in posts} - {leading}:
        raise Invalid(fields={"posts": _("A task force has members of at least two organisations.")})
    return [post.pk for post in posts]


def _led(actor: Actor, force: TaskForce) -> TaskForce:
    locked = _active(force)
    require(actor, "task_force.lead", locked.organisation_id)
    return locked


def _active(force: TaskForce) -> TaskForce:
    locked = TaskForce.objects.select_for_update().filter(pk=force.pk).first()
    if locked is None:
        raise NotFound(_("There is no such task force."))
    if locked.state != TaskForce.State.ACTIVE:
        raise WrongState(_("This task force has ended."))
    return locked
