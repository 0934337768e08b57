"""Files that come with a form."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from gongzhi.cases import attachments
from gongzhi.cases.attachments import MOST_A_MATTER, MOST_BYTES, StoredFile
from gongzhi.errors import Invalid


def files_in(request: HttpRequest) -> tuple[StoredFile, ...]:
    """All files of a form, whatever their fields are called, checked and stored.

    Raises:
        Invalid, TooLarge: see `cases.attachments.store`; or there are too many.
    """
    uploads = [f for _name, given in request.FILES.lists() for f in given if f.size]
    if len(uploads) > MOST_A_MATTER:
        raise Invalid(fields={"photos": _("At most %(n)d files.") % {"n": MOST_A_MATTER}})
    # One byte more than is accepted is enough for `store` to refuse it with its own sentence.
    return tuple(attachments.store(f.read(MOST_BYTES + 1), f.name or "") for f in uploads)
