"""Handing out stored files so that no browser takes them for a page."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from gongzhi.cases import attachments
from gongzhi.cases.actions._core import subject_of
from gongzhi.cases.models import Attachment
from gongzhi.errors import NotFound
from gongzhi.registry import authority
from gongzhi.web.accounts import actor_of


def file_response(attachment: Attachment, size: str) -> FileResponse:
    """The file itself, or its small picture; a PDF only as a download.

    Raises:
        NotFound: the file is gone from the store.
    """
    small = size == "small" and attachment.width is not None
    where = attachments.thumbnail_path if small else attachments.path
    try:
        opened = where(attachment.sha256).open("rb")
    except OSError as problem:
        raise NotFound() from problem
    response = FileResponse(
        opened,
        content_type="image/jpeg" if small else attachment.content_type,
        as_attachment=attachment.width is None,
        filename=attachments.safe_name(attachment.name),
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, max-age=3600"
    return response


@require_safe
def attachment(request: HttpRequest, pk: int, size: str) -> FileResponse:
    """A file of a public matter that was released, or of one that the reader's post may see."""
    found = get_object_or_404(Attachment.objects.select_related("case"), pk=pk)
    if found.case is None:
        raise NotFound()
    if not (found.is_public and found.case.is_public):
        actor = actor_of(request)
        if not authority.may(actor, "case.see_private", subject_of(found.case)):
            raise NotFound()
    return file_response(found, size)
