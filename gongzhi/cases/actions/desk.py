"""What staff keep for their own work: wordings of answers, and narrowed worklists under a name."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from gongzhi.cases.actions._core import checked_text
from gongzhi.cases.models import ReplyWording, SavedFilter
from gongzhi.errors import Invalid, NotFound
from gongzhi.ledger import acts
from gongzhi.registry import authority
from gongzhi.registry.authority import Actor, Subject

MOST_FILTERS = 12
MOST_WORDINGS = 60


def keep_wording(actor: Actor, title: str, text: str, *, wording_id: int | None = None) -> ReplyWording:
    """Write a wording of the actor's organisation, a new one or one that is there.

    Raises:
        NotAllowed: the post neither works nor oversees in its organisation.
        Invalid: a part is missing or too long, or the title is taken.
    """
    organisation_id = _require(actor)
    title, text = checked_text(title, field_name="title"), checked_text(text)
    if len(title) > 80:
        raise Invalid(fields={"title": _("At most 80 characters.")})
    if len(text) > 3_000:
        raise Invalid(fields={"text": _("The text is too long: at most %(n)d characters.") % {"n": 3_000}})
    with transaction.atomic():
        mine = ReplyWording.objects.select_for_update().filter(organisation_id=organisation_id)
        if mine.filter(title=title).exclude(pk=wording_id or 0).exists():
            raise Invalid(fields={"title": _("There is a wording with this title already.")})
        row = mine.filter(pk=wording_id).first() if wording_id else None
        if wording_id and row is None:
            raise NotFound()
        if row is None:
            if mine.count() >= MOST_WORDINGS:
                raise Invalid(_("There are too many wordings; remove some first."))
            row = ReplyWording(organisation_id=organisation_id)
        row.title, row.text = title, text
        row.save()
        acts.record(actor, "wording.write", "wording", row.pk, str(row.pk), {"title": title})
    return row


def drop_wording(actor: Actor, wording_id: int) -> None:
    """Remove a wording of the actor's organisation.

    Raises:
        NotFound: the organisation has no such wording.
    """
    organisation_id = _require(actor)
    with transaction.atomic():
        row = ReplyWording.objects.filter(pk=wording_id, organisation_id=organisation_id).first()
        if row is None:
            raise NotFound()
        acts.record(actor, "wording.drop", "wording", row.pk, str(row.pk), {"title": row.title})
        row.delete()


def _require(actor: Actor) -> int:
    """The actor's organisation, for which it may write."""
    authority.require(actor, "wording.write", Subject(organisation_id=actor.organisation_id))
    return actor.organisation_id or 0


def keep_filter(actor: Actor, name: str, query: str) -> SavedFilter:
    """Keep a narrowed worklist under a name; the same name again replaces it.

    Raises:
        Invalid: no name, or too many are kept.
    """
    authority.require(actor, "case.keep_filter")
    name = checked_text(name, field_name="name")[:60]
    query = query.lstrip("?")[:500]
    others = SavedFilter.objects.filter(post_id=actor.post_id or 0).exclude(name=name)
    if others.count() >= MOST_FILTERS:
        raise Invalid(
            fields={"name": _("At most %(n)d lists can be kept; remove one first.") % {"n": MOST_FILTERS}}
        )
    row, _made = SavedFilter.objects.update_or_create(
        post_id=actor.post_id or 0, name=name, defaults={"query": query}
    )
    return row


def drop_filter(actor: Actor, filter_id: int) -> None:
    """Forget a kept list of one's own; that it is gone already is no error."""
    authority.require(actor, "case.keep_filter")
    SavedFilter.objects.filter(pk=filter_id, post_id=actor.post_id or 0).delete()
