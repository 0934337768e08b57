"""Files on a case: added with a message, shown to the public after somebody looked at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from gongzhi.cases.actions._core import Step, step
from gongzhi.cases.attachments import StoredFile
from gongzhi.cases.lifecycle import Verb
from gongzhi.cases.models import Attachment, Case, Message
from gongzhi.errors import Invalid
from gongzhi.registry.authority import Actor


def attach(current: Step, said: Message, files: Sequence[StoredFile]) -> None:
    """Add files to a message of the verb under way, and their hashes to its act."""
    if not files:
        return
    Attachment.objects.bulk_create(
        Attachment(
            case=current.case,
            message=said,
            sha256=file.sha256,
            content_type=file.content_type,
            size_bytes=file.size_bytes,
            width=file.width,
            height=file.height,
            name=file.name,
            added_at=current.at,
        )
        for file in files
    )
    current.details["photos"] = [file.sha256 for file in files]


def release(actor: Actor, case: Case, file_id: int, *, at: datetime | None = None) -> Case:
    """Show a file to the public; whoever does it has looked at it (公开照片).

    Raises:
        Invalid: the case has no such file.
    """
    return _set_public(actor, case, file_id, Verb.RELEASE, at)


def withhold(actor: Actor, case: Case, file_id: int, *, at: datetime | None = None) -> Case:
    """Take a file back from the public.

    Raises:
        Invalid: the case has no such file.
    """
    return _set_public(actor, case, file_id, Verb.WITHHOLD, at)


def _set_public(actor: Actor, case: Case, file_id: int, verb: Verb, at: datetime | None) -> Case:
    with step(actor, case, verb, at=at) as now:
        file = Attachment.objects.filter(case=now.case, pk=file_id).first()
        if file is None:
            raise Invalid(fields={"file": _("This file is not on the case.")})
        file.is_public = verb == Verb.RELEASE
        file.save(update_fields=["is_public"])
        now.details["files"] = [file.sha256]
    return case
