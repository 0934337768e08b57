"""Telling requesters and supporters by mail and text message what happened to their matter.

The notice and the job that sends it are written in the transaction of the act (an outbox): there is
no act without its notices, and none about an act that was rolled back. Sending may be repeated after
a crash; every repetition carries the same Message-ID, so that a receiver counts it once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import F
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from gongzhi.cases import numbers, rules, text_messages
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.models import Message, Notice, RefusedNumber

TELLS: Final = frozenset(
    {
        Verb.OPEN,
        Verb.REPLY,
        Verb.RESOLVE,
        Verb.DECLINE,
        Verb.MERGE,
        Verb.UNMERGE,
        Verb.SPLIT,
        Verb.ASK,
        Verb.GRANT_TIME,
        Verb.REOPEN,
        Verb.PASS,
        Verb.MIRROR,
    }
)
"""The verbs that people are told of."""
_HISTORY: Final = timedelta(days=1)
"""What is recorded longer after it happened is history that is brought in; nobody is told of it now."""
COLUMNS: Final = ("id", "case_id", "party_id", "verb", "at", "state", "attempts", "problem", "secret")

_TO_ALL_PARTIES: Final = """
INSERT INTO cases_notice (id, case_id, party_id, verb, at, state, attempts, problem, secret)
SELECT md5(%(act)s || ':' || id)::uuid, case_id, id, %(verb)s, %(at)s, 'waiting', 0, '', ''
FROM cases_party WHERE case_id = %(case)s AND email <> ''
ON CONFLICT (id) DO NOTHING RETURNING id
"""

_TO_ALL_PHONES: Final = """
INSERT INTO cases_notice (id, case_id, party_id, verb, channel, at, state, attempts, problem, secret)
SELECT md5(%(act)s || ':' || id || ':sms')::uuid, case_id, id, %(verb)s, 'sms', %(at)s, 'waiting', 0, '', ''
FROM cases_party WHERE case_id = %(case)s AND phone <> ''
  AND phone NOT IN (SELECT phone FROM cases_refusednumber)
ON CONFLICT (id) DO NOTHING RETURNING id
"""


def key(act_id: int, party_id: int) -> UUID:
    """The id of the notice to a party about an act."""
    return UUID(hashlib.md5(f"{act_id}:{party_id}".encode(), usedforsecurity=False).hexdigest())


Link = Callable[[Notice], str]
_RATING_LINKS: list[Link] = []


def register_rating_link(link: Link) -> None:
    """Have the notice that a matter was dealt with carry a link to rate it: notice → address, "" for none."""
    if link not in _RATING_LINKS:
        _RATING_LINKS.append(link)


def _rating_links(notice: Notice) -> list[str]:
    if notice.verb != Verb.RESOLVE:
        return []
    return [address for link in _RATING_LINKS if (address := link(notice))]


def opened(
    act_id: int, case_id: int, party_id: int, secret: str, at: datetime
) -> tuple[UUID, int, int, str, datetime, str, int, str, str]:
    """The row (see `COLUMNS`) of the notice that a matter was received, with its secret link."""
    return (key(act_id, party_id), case_id, party_id, str(Verb.OPEN), at, "waiting", 0, "", secret)


def queue(ids: list[UUID]) -> None:
    """Have notices sent that are written in this transaction.

    Raises:
        RuntimeError: no transaction is open, so notice and job could come apart.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a notice is queued in the transaction of the act it tells of")
    if not ids:
        return
    from procrastinate.types import JSONValue

    from gongzhi.cases.jobs import deliver_notice

    jobs: list[dict[str, JSONValue]] = [{"notice_id": str(notice_id)} for notice_id in ids]
    deliver_notice.batch_defer(*jobs)


def after(verb: Verb, case_id: int, act_id: int, at: datetime) -> None:
    """Tell everybody on the case who left an address of mail; one statement when nobody did."""
    if verb not in TELLS or timezone.now() - at > _HISTORY:
        return
    with connection.cursor() as cursor:
        about: dict[str, Any] = {"act": str(act_id), "verb": str(verb), "at": at, "case": case_id}
        cursor.execute(_TO_ALL_PARTIES, about)
        ids = [row[0] for row in cursor.fetchall()]
        if settings.SMS_GATEWAY:
            cursor.execute(_TO_ALL_PHONES, about)
            ids += [row[0] for row in cursor.fetchall()]
    queue(ids)


@dataclass(frozen=True, slots=True)
class Wording:
    """A mail's subject and text, in the language of its reader."""

    subject: str
    text: str


def deliver(notice_id: UUID) -> bool:
    """Send one notice if it still waits; False when there was nothing to do.

    The row is locked until it is marked as sent, so that two workers cannot send it at once.

    Raises:
        OSError, SMTPException: it could not be handed over; it still waits.
    """
    with transaction.atomic():
        notice = (
            Notice.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("case", "party")
            .filter(pk=notice_id, state=Notice.State.WAITING)
            .first()
        )
        if notice is None:
            return False
        if notice.channel == Notice.By.SMS:
            return _deliver_texts(notice)
        address = notice.party.email
        if address:
            with translation.override(notice.party.language or settings.LANGUAGE_CODE):
                wording = _wording(notice)
            _send(notice.pk, address, wording)
        notice.state = Notice.State.SENT if address else Notice.State.VOID
        notice.secret, notice.settled_at = "", timezone.now()
        notice.attempts += 1
        notice.save(update_fields=["state", "secret", "settled_at", "attempts"])
    return True


class Quiet(Exception):  # noqa: N818 – nothing went wrong
    """Now is no time for text messages; `until` says when it is."""

    def __init__(self, until: datetime) -> None:
        super().__init__()
        self.until = until


def _deliver_texts(notice: Notice) -> bool:
    """Send all that waits for the same person as one message: each event once, the newest last.

    Raises:
        Quiet: it is night; the notices wait and are then sent together.
        OSError: the gateway did not take it; all of them still wait.
    """
    until = text_messages.quiet_until()
    if until is not None:
        raise Quiet(until)
    waiting = list(
        Notice.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("case", "party")
        .filter(party_id=notice.party_id, channel=Notice.By.SMS, state=Notice.State.WAITING)
        .order_by("at", "pk")
    )
    gateway = text_messages.gateway()
    number = notice.party.phone
    if RefusedNumber.objects.filter(phone=number).exists():
        number = ""
    if gateway is not None and number and waiting:
        joined = "".join(str(n.pk) for n in waiting)
        message_key = hashlib.sha256(joined.encode()).hexdigest()[:32]
        with translation.override(notice.party.language or settings.LANGUAGE_CODE):
            gateway.send(message_key, number, _text_message(waiting))
    Notice.objects.filter(pk__in=[n.pk for n in waiting]).update(
        state=Notice.State.SENT if gateway is not None and number else Notice.State.VOID,
        settled_at=timezone.now(),
        attempts=F("attempts") + 1,
    )
    return True


def _text_message(waiting: list[Notice]) -> str:
    lines = [_subject(n) + _(".") for n in waiting]
    links = [address for n in waiting for address in _rating_links(n)]
    if links:
        lines.append(
            _("How satisfied are you? Answer with a number: 5 very satisfied … 1 very dissatisfied.")
        )
        lines.append(_("Not settled? Answer “not settled” and what is missing. No more texts: TD."))
        lines.append(_("Or here, once:") + " " + links[-1])
    lines.append(f"{settings.PUBLIC_URL}/follow/")
    return "\n".join(lines)


def failed(notice_id: UUID, problem: BaseException, *, for_good: bool) -> None:
    """Note that a try failed; `for_good`: there will be no other, and staff see it on the case."""
    changes: dict[str, object] = {"problem": type(problem).__name__[:60]}
    if for_good:
        changes |= {"state": Notice.State.FAILED, "secret": "", "settled_at": timezone.now()}
    Notice.objects.filter(pk=notice_id, state=Notice.State.WAITING).update(**changes)


def _send(notice_id: UUID, address: str, wording: Wording) -> None:
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    mail = EmailMessage(
        subject=wording.subject,
        body=wording.text,
        to=[address],
        headers={
            "Message-ID": f"<{notice_id}@{host}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    mail.send()


def _subject(notice: Notice) -> str:
    number = numbers.spoken(notice.case.number)
    subjects = {
        Verb.OPEN: _("Your matter %(number)s was received"),
        Verb.REPLY: _("There is an answer on your matter %(number)s"),
        Verb.RESOLVE: _("Your matter %(number)s was dealt with"),
        Verb.DECLINE: _("Your matter %(number)s cannot be dealt with here"),
        Verb.MERGE: _("Your matter %(number)s is dealt with together with another one"),
        Verb.UNMERGE: _("Your matter %(number)s is dealt with on its own again"),
        Verb.SPLIT: _("A part of your matter is now a matter of its own: %(number)s"),
        Verb.ASK: _("We need to know more about your matter %(number)s"),
        Verb.GRANT_TIME: _("Your matter %(number)s takes longer"),
        Verb.REOPEN: _("Your matter %(number)s was opened again"),
        Verb.PASS: _("Your matter %(number)s is dealt with by another city"),
        Verb.MIRROR: _("The other city has told something about your matter %(number)s"),
    }
    return subjects[Verb(notice.verb)] % {"number": number}


def _wording(notice: Notice) -> Wording:
    subject = _subject(notice)
    lines = [subject + _("."), ""]
    said = _said(notice)
    if said:
        lines += [said, ""]
    lines += _about_the_clock(notice)
    base = settings.PUBLIC_URL
    if notice.secret:
        link = f"{base}/follow/{notice.case.number}/{notice.secret}/"
        lines += [
            _("Follow it, say more or withdraw it with your own link. Keep the link to yourself:"),
            link,
        ]
    else:
        lines += [_("Follow it with your own link, or with number and telephone:"), f"{base}/follow/"]
    if notice.verb in (Verb.RESOLVE, Verb.DECLINE):
        lines += ["", _("If it is not settled, say so there: the clock then starts again.")]
    for address in _rating_links(notice):
        lines += ["", _("Please rate how it was dealt with; this link works once:"), address]
    lines += ["", _("This mail was written by a machine; answers to it are not read.")]
    return Wording(subject, "\n".join(lines))


def _about_the_clock(notice: Notice) -> list[str]:
    zone = rules.calendar().zone
    if notice.verb == Verb.ASK and notice.case.paused_until is not None:
        day = formats.date_format(notice.case.paused_until.astimezone(zone), "DATE_FORMAT")
        sentence = _("The clock stands still until you answer, at most until %(day)s; then we go on without.")
        return [sentence % {"day": day}, ""]
    if notice.verb in (Verb.GRANT_TIME, Verb.REOPEN, Verb.UNMERGE):
        day = formats.date_format(notice.case.due_at.astimezone(zone), "DATE_FORMAT")
        return [_("It is due by %(day)s now.") % {"day": day}, ""]
    return []


def _said(notice: Notice) -> str:
    """What was said with the act, in the form without personal data."""
    audiences = (Message.Audience.PUBLIC, Message.Audience.PARTIES)
    said = Message.objects.filter(
        case_id=notice.case_id, said_at=notice.at, audience__in=audiences, party=None
    )
    return said.values_list("public_text", flat=True).first() or ""
