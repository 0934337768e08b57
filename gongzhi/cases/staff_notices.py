"""Telling staff by mail what waits for them: mentions, orders, parts, urgings; each once, with its state.

The notice is written in the transaction of the act it tells of, together with the job that sends it. What
gathers for one post within a few minutes, or in the quiet hours, leaves as one mail in its holder's
language. The desk shows every notice at once, whatever becomes of the mail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gongzhi.cases import text_messages
from gongzhi.cases.models import StaffNotice
from gongzhi.registry.models import Post, Role

Kind = StaffNotice.Kind
AT_ONCE: Final = frozenset({Kind.URGING, Kind.OVERDUE})
"""What does not wait for others to gather."""
GATHER: Final = timedelta(minutes=5)
MOST_RECIPIENTS: Final = 20


def heads(*organisation_ids: int) -> list[int]:
    """Posts that are told what concerns these organisations: of each its supervisors, else leaders,
    else workers."""
    posts: dict[int, list[tuple[int, list[str]]]] = {}
    rows = Post.objects.filter(organisation_id__in=organisation_ids, is_active=True).order_by("pk")
    for organisation_id, pk, roles in rows.values_list("organisation_id", "pk", "roles"):
        posts.setdefault(organisation_id, []).append((pk, roles))
    found: list[int] = []
    for held in posts.values():
        for role in (Role.SUPERVISOR, Role.LEADER, Role.WORKER):
            with_role = [pk for pk, roles in held if role in roles]
            if with_role:
                found += with_role[:MOST_RECIPIENTS]
                break
    return found


def tell(
    kind: str,
    about: str,
    link: str,
    posts: Iterable[int | None],
    *,
    key: str,
    at: datetime | None = None,
) -> int:
    """Write a notice to each post and have it sent; gives how many are new.

    Args:
        about: what it concerns, in a few words that may leave the house: a number or a title.
        key: names the event; the same one for the same post is written once.

    Raises:
        RuntimeError: no transaction is open, so notice and act could come apart.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a notice is written in the transaction of the act it tells of")
    moment = at or timezone.now()
    wanted = sorted({post for post in posts if post is not None})
    keys = {post: hashlib.sha256(f"{key}:{post}".encode()).hexdigest()[:32] for post in wanted}
    known = set(StaffNotice.objects.filter(key__in=keys.values()).values_list("key", flat=True))
    new = [post for post in wanted if keys[post] not in known]
    StaffNotice.objects.bulk_create(
        [
            StaffNotice(key=keys[post], post_id=post, kind=kind, about=about[:200], link=link, at=moment)
            for post in new
        ],
        ignore_conflicts=True,
    )
    from procrastinate.types import JSONValue

    from gongzhi.cases.jobs import deliver_staff_notices

    leaves = timezone.now() + (timedelta() if kind in AT_ONCE else GATHER)
    if new:
        jobs: list[dict[str, JSONValue]] = [{"post_id": post} for post in new]
        deliver_staff_notices.configure(schedule_at=leaves).batch_defer(*jobs)
    return len(new)


def deliver(post_id: int) -> int:
    """Send all that waits for a post as one mail; gives how many notices left with it.

    Raises:
        Quiet: it is night; they wait and then leave together.
        OSError, SMTPException: it could not be handed over; all of them still wait.
    """
    from gongzhi.cases.notices import Quiet

    until = text_messages.quiet_until()
    with transaction.atomic():
        waiting = list(
            StaffNotice.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("post__person", "post__organisation")
            .filter(post_id=post_id, state=StaffNotice.State.WAITING)
            .order_by("at", "pk")
        )
        if not waiting:
            return 0
        if until is not None:
            raise Quiet(until)
        post = waiting[0].post
        person = post.person
        address = person.email if person is not None and person.is_active and post.is_active else ""
        unseen = [notice for notice in waiting if notice.seen_at is None]
        if address and unseen:
            with translation.override(person.language if person else settings.LANGUAGE_CODE):
                _mail(address, unseen).send()
        StaffNotice.objects.filter(pk__in=[n.pk for n in waiting]).update(
            state=StaffNotice.State.SENT if address and unseen else StaffNotice.State.VOID,
            settled_at=timezone.now(),
        )
    return len(unseen) if address else 0


def failed(post_id: int, problem: BaseException, *, for_good: bool) -> None:
    """Note that a try failed; `for_good`: there will be no other, and the alarm rings."""
    waiting = StaffNotice.objects.filter(post_id=post_id, state=StaffNotice.State.WAITING)
    changes: dict[str, object] = {"problem": type(problem).__name__[:60]}
    if for_good:
        changes |= {"state": StaffNotice.State.FAILED, "settled_at": timezone.now()}
    waiting.update(**changes)


def see_all(post_id: int) -> None:
    """Note that the holder of a post has read its notices; what was read need not be mailed."""
    StaffNotice.objects.filter(post_id=post_id, seen_at=None).update(seen_at=timezone.now())


def _mail(address: str, notices: list[StaffNotice]) -> EmailMessage:
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    joined = hashlib.sha256("".join(n.key for n in notices).encode()).hexdigest()[:32]
    first = f"{notices[0].get_kind_display()}: {notices[0].about}"
    more = ngettext("%(n)d thing waits for you", "%(n)d things wait for you", len(notices))
    lines = [f"{n.get_kind_display()}: {n.about}\n{settings.PUBLIC_URL}{n.link}" for n in notices]
    lines.append(_("This mail was written by a machine; answers to it are not read."))
    return EmailMessage(
        subject=first if len(notices) == 1 else more % {"n": len(notices)},
        body="\n\n".join(lines),
        to=[address],
        headers={"Message-ID": f"<staff-{joined}@{host}>", "Auto-Submitted": "auto-generated"},
    )
