"""What people answer by text message: taken in once, put where it belongs, and answered in their language.

The message, its effect, the answer and the job that sends the answer are one transaction; a gateway
that delivers the same message again changes nothing. Words go to the matter or the rating alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import Case as When
from django.db.models import F, IntegerField, Value
from django.db.models import When as Then
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from gongzhi.cases import actions, numbers, rules, text_messages
from gongzhi.cases.actions.requesting import digits_of
from gongzhi.cases.lifecycle import OPEN_STATES
from gongzhi.cases.models import Case, Party, RefusedNumber
from gongzhi.cases.texts import checked_text
from gongzhi.errors import GongzhiError, Invalid
from gongzhi.intake import limits
from gongzhi.ledger import acts
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.supervision import rating, rating_words
from gongzhi.supervision.models import HeardText, Rating
from gongzhi.supervision.rating_words import Kind, Meant

Outcome = HeardText.Outcome
_SPACE = UUID("6f3b7a52-0f2e-4d0c-9c55-5a7d2b8f9e01")


@dataclass(frozen=True, slots=True)
class _Effect:
    """What came of a message, and what its sender is told."""

    outcome: str
    reply: str
    case: Case | None = None


def hear(
    actor: Actor, gateway: str, message_id: str, phone: str, words: str, *, at: datetime | None = None
) -> HeardText:
    """Take a text message in; the same message of the same gateway again has no further effect.

    Raises:
        NotAllowed: the actor does not speak for a gateway.
        Invalid: no id, no telephone number, no text.
        TooLarge: the text is too long. TooMany: this number has sent too much in this hour.
    """
    authority.require(actor, "text.hear")
    message_id, digits = message_id.strip(), digits_of(phone)
    if not 1 <= len(message_id) <= 150 or not message_id.isprintable():
        raise Invalid(fields={"id": _("Between 1 and %(n)d characters.") % {"n": 150}})
    if not 5 <= len(digits) <= 20:
        raise Invalid(fields={"from": _("A telephone number is expected.")})
    words = checked_text(words)
    moment = at or timezone.now()
    with transaction.atomic():
        heard, is_new = HeardText.objects.get_or_create(
            gateway=gateway[:100],
            message_id=message_id,
            defaults={"outcome": Outcome.ASKED, "at": moment, "phone": digits},
        )
        if not is_new:
            return heard
        limits.count("", digits)
        # Two answers of the same person at once are taken one after the other.
        people = list(Party.objects.select_for_update().filter(phone=digits).order_by("pk"))
        language = people[-1].language if people else _language_of(words)
        meant = rating_words.read(words)
        with translation.override(language or settings.LANGUAGE_CODE):
            effect = _effect(heard, digits, meant, words, moment)
        heard.outcome, heard.case = effect.outcome, effect.case
        is_refused = RefusedNumber.objects.filter(phone=digits).exists()
        if effect.reply and (not is_refused or effect.outcome == Outcome.STOPPED):
            heard.reply, heard.reply_state = effect.reply, HeardText.State.WAITING
        else:
            heard.phone = ""
        heard.save()
        if heard.reply:
            _queue(heard.pk)
    return heard


def send_reply(heard_id: int) -> bool:
    """Send the answer to a message if it still waits; at once, as its sender is awake.

    Raises:
        OSError: the gateway did not take it; it still waits.
    """
    with transaction.atomic():
        heard = (
            HeardText.objects.select_for_update(skip_locked=True)
            .filter(pk=heard_id, reply_state=HeardText.State.WAITING)
            .first()
        )
        if heard is None:
            return False
        gateway = text_messages.gateway()
        if gateway is not None:
            gateway.send(uuid5(_SPACE, str(heard.pk)).hex, heard.phone, heard.reply)
        _settled(heard, HeardText.State.SENT if gateway is not None else HeardText.State.VOID)
    return True


def give_up(heard_id: int) -> None:
    """Note that the answer could not be sent in all tries."""
    heard = HeardText.objects.filter(pk=heard_id, reply_state=HeardText.State.WAITING).first()
    if heard is not None:
        _settled(heard, HeardText.State.FAILED)


def _settled(heard: HeardText, state: str) -> None:
    heard.reply_state, heard.phone, heard.reply = state, "", ""
    heard.attempts += 1
    heard.save(update_fields=["reply_state", "phone", "reply", "attempts"])


def _queue(heard_id: int) -> None:
    from gongzhi.supervision.jobs import answer_text

    answer_text.defer(heard_id=heard_id)


def _effect(heard: HeardText, phone: str, meant: Meant, words: str, at: datetime) -> _Effect:
    if meant.kind == Kind.STOP:
        return _stop(heard, phone, at)
    if meant.kind == Kind.START:
        return _start(heard, phone, at)
    try:
        with transaction.atomic():
            if meant.kind == Kind.RATING and rating.asked_by(phone, at=at).exists():
                return _rated(rating.rate_by_text(phone, meant, at=at), phone, at)
            if meant.kind == Kind.NOT_SETTLED:
                contested = _contested(phone, meant, words, at)
                if contested is not None:
                    return contested
            is_saying = meant.kind in (Kind.WORDS, Kind.NOT_SETTLED) and len(meant.text) > 1
            party = _last_open(phone, meant.number) if is_saying else None
            if party is not None:
                return _added(party, words, at)
    except GongzhiError as problem:
        return _Effect(Outcome.ASKED, f"{problem.message}\n{_what_to_do(phone, meant, at)}")
    return _Effect(Outcome.ASKED, _what_to_do(phone, meant, at))


def _stop(heard: HeardText, phone: str, at: datetime) -> _Effect:
    _refused, is_new = RefusedNumber.objects.get_or_create(phone=phone)
    if not is_new:
        return _Effect(Outcome.STOPPED, "")
    acts.record(authority.ANONYMOUS, "text.stop", "text", heard.pk, heard.gateway, {}, at=at)
    return _Effect(
        Outcome.STOPPED,
        _("You get no more text messages from us about your matters. To get them again, answer START."),
    )


def _start(heard: HeardText, phone: str, at: datetime) -> _Effect:
    dropped, _each = RefusedNumber.objects.filter(phone=phone).delete()
    if dropped:
        acts.record(authority.ANONYMOUS, "text.start", "text", heard.pk, heard.gateway, {}, at=at)
    return _Effect(
        Outcome.STARTED,
        _("You get text messages about your matters. To get no more of them, answer TD."),
    )


def _rated(given: Rating, phone: str, at: datetime) -> _Effect:
    lines = [
        _("Thank you. “%(level)s” counts for your matter %(number)s.")
        % {"level": Rating.Level(given.level).label, "number": numbers.spoken(given.case.number)}
    ]
    if given.is_bad:
        day = given.call_back.due_at.astimezone(rules.calendar().zone)
        sentence = _("You are called back by %(day)s.")
        lines.append(sentence % {"day": formats.date_format(day, "DATE_FORMAT")})
    following = rating.asked_by(phone, at=at).order_by("-pk").first()
    if following is not None:
        sentence = _("And your matter %(number)s? Answer with 1 to 5 again.")
        lines.append(sentence % {"number": numbers.spoken(following.case.number)})
    return _Effect(Outcome.RATED, "\n".join(lines), given.case)


def _contested(phone: str, meant: Meant, words: str, at: datetime) -> _Effect | None:
    """Open the last matter again that this person was told was dealt with."""
    asked = rating.asked_by(phone, at=at)
    if meant.number:
        asked = asked.filter(case__number=meant.number)
    last = asked.order_by("-pk").first()
    if last is None:
        return None
    case = actions.contest(_as(last.party_id), last.case, words, at=at)
    day = formats.date_format(case.due_at.astimezone(rules.calendar().zone), "DATE_FORMAT")
    sentence = _("Your matter %(number)s was opened again. It is due by %(day)s now.")
    return _Effect(Outcome.CONTESTED, sentence % {"number": numbers.spoken(case.number), "day": day}, case)


def _last_open(phone: str, number: str) -> Party | None:
    """This person's open matter that moved last; one that waits for an answer comes first."""
    found = Party.objects.select_related("case").filter(phone=phone, case__state__in=OPEN_STATES)
    if number:
        found = found.filter(case__number=number)
    waits = When(Then(case__paused_at=None, then=Value(1)), default=Value(0), output_field=IntegerField())
    return found.order_by(waits, F("case__updated_at").desc(), "-pk").first()


def _added(party: Party, words: str, at: datetime) -> _Effect:
    actions.say(_as(party.pk), party.case, words, at=at)
    sentence = _("It was added to your matter %(number)s.")
    return _Effect(Outcome.ADDED, sentence % {"number": numbers.spoken(party.case.number)}, party.case)


def _what_to_do(phone: str, meant: Meant, at: datetime) -> str:
    asked = rating.asked_by(phone, at=at).order_by("-pk").first()
    home = settings.PUBLIC_URL
    if asked is not None and not meant.number:
        lines = [
            _("We did not understand how satisfied you are with your matter %(number)s.")
            % {"number": numbers.spoken(asked.case.number)},
            _("Answer with one number: 5 very satisfied, 4, 3, 2, 1 very dissatisfied."),
            _("If it is not settled, answer “not settled” and what is missing."),
        ]
        return "\n".join(lines)
    if meant.number:
        sentence = _("With this telephone number there is nothing to answer on matter %(number)s.")
        return f"{sentence % {'number': numbers.spoken(meant.number)}}\n{home}/follow/"
    return _("We know of no open matter of this telephone number. Report a new one here: %(link)s") % {
        "link": f"{home}/report/"
    }


def _as(party_id: int) -> Actor:
    return Actor(kind="anonymous", party_ids=frozenset({party_id}))


def _language_of(words: str) -> str:
    """Of somebody unknown: as the message is written."""
    return "zh-hans" if re.search(r"[\u3400-\u9fff]", words) or not words.isascii() else "en"
