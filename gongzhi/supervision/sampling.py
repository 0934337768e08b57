"""Random sampling of answers for their quality (答复质量抽查)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongzhi.cases.models import Message
from gongzhi.errors import Invalid
from gongzhi.ledger import acts
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor
from gongzhi.supervision import answers, settings
from gongzhi.supervision.models import Sample

_DRAW = """
SELECT id FROM (
  SELECT m.id, m.organisation_id, row_number() OVER (PARTITION BY m.organisation_id ORDER BY random()) AS place
  FROM cases_message m
  WHERE m.said_at >= %s AND m.said_at < %s AND m.post_id IS NOT NULL AND m.audience IN ('public', 'parties')
    AND NOT EXISTS (SELECT 1 FROM supervision_sample s WHERE s.message_id = m.id)) drawn
WHERE place <= %s
"""


def draw(week: date | None = None) -> int:
    """Draw so many answers of each organisation as the city wants, of the week that begins on `week`.

    A week is drawn once; gives how many were drawn.
    """
    today = timezone.now().date()
    first = week or today - timedelta(days=today.weekday() + 7)
    begin = datetime.combine(first, datetime.min.time(), UTC)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [0x676F6E6A])
        if Sample.objects.filter(week=first).exists():
            return 0
        cursor.execute(_DRAW, [begin, begin + timedelta(days=7), settings.current().sample_each_week])
        ids = [row[0] for row in cursor.fetchall()]
        drawn = Message.objects.filter(pk__in=ids).select_related("case")
        Sample.objects.bulk_create(
            Sample(
                message=m,
                case=m.case,
                organisation_id=m.organisation_id,
                week=first,
                scores=_scores(m),
            )
            for m in drawn
        )
    return len(ids)


def _scores(message: Message) -> dict[str, Any]:
    case = message.case
    days = (message.said_at - case.opened_at).total_seconds() / 86_400
    limit = max(0.5, (case.due_at - case.opened_at).total_seconds() / 86_400)
    return answers.score(case.text, message.text, days=days, limit_days=limit).as_json()


def judge(actor: Actor, sample: Sample, judged: dict[str, bool], *, at: datetime | None = None) -> Sample:
    """Write down what a person thinks of a drawn answer: aspect → good enough or not.

    Raises:
        NotAllowed: the actor does not judge answers of this organisation.
        Invalid: not all aspects, or unknown ones.
    """
    authority.require(
        actor, "supervision.judge_answer", authority.Subject(organisation_id=sample.organisation_id)
    )
    if set(judged) != set(answers.ASPECTS):
        raise Invalid(fields={"judged": _("Say of each aspect whether it is good enough.")})
    moment = at or timezone.now()
    with transaction.atomic():
        sample.judged = {name: int(value) for name, value in judged.items()}
        sample.judged_by_id, sample.judged_at = actor.post_id, moment
        sample.save(update_fields=["judged", "judged_by", "judged_at"])
        case = sample.case
        acts.record(
            actor,
            "supervision.judge_answer",
            "supervision",
            case.pk,
            case.number,
            dict(sample.judged),
            at=moment,
        )
    return sample
