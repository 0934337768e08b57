"""The small family of errors that rules raise; web and API turn them into pages and problem+json.

Nothing below the roof knows HTTP: `status` is only the class of the error, in the numbers that
everybody knows (RFC 9110), so that the roof needs no table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class GongzhiError(Exception):
    """Base of all errors that a person can do something about.

    Args:
        message: one sentence in the reader's language: what is wrong and what to do.
        fields: field name -> sentence, for input that can be put right field by field.
    """

    code = "error"
    status = 400
    title: Text = _("This did not work")

    def __init__(self, message: Text = "", *, fields: Mapping[str, Text] | None = None) -> None:
        self.message: Text = message or self.title
        self.fields: dict[str, Text] = dict(fields or {})
        super().__init__(str(message))

    def __str__(self) -> str:
        if not self.fields:
            return str(self.message)
        return f"{self.message} ({'; '.join(f'{k}: {v}' for k, v in self.fields.items())})"


class Invalid(GongzhiError):
    """The input breaks a rule; `fields` says which and how to put it right."""

    code, status, title = "invalid", 422, _("Some of what was entered needs to be corrected")


class NotAllowed(GongzhiError):
    """The actor's posts do not permit this act."""

    code, status, title = "not-allowed", 403, _("You are not permitted to do this")


class SignInNeeded(NotAllowed):
    """Nobody is signed in and the act needs a named person."""

    code, status, title = "sign-in-needed", 401, _("Please sign in first")


class NotFound(GongzhiError):
    """There is no such thing, or the actor may not know that there is."""

    code, status, title = "not-found", 404, _("This was not found")


class WrongState(GongzhiError):
    """The verb does not exist for the state the case is in (see `cases.lifecycle`)."""

    code, status, title = "wrong-state", 409, _("This is not possible in the present state")


class Conflict(GongzhiError):
    """Somebody else changed the same thing in the meantime."""

    code, status, title = "conflict", 409, _("Somebody else has changed this in the meantime")


class KeyReused(GongzhiError):
    """An idempotency key came again with another body."""

    code, status, title = (
        "idempotency-key-reused",
        422,
        _("This Idempotency-Key was already used for a different request"),
    )


class TooLarge(GongzhiError):
    """The body, file or text is larger than is accepted."""

    code, status, title = "too-large", 413, _("This is too large")


class TooMany(GongzhiError):
    """The rate limit of an address, phone or token is used up.

    Args:
        retry_after: seconds until the next try may succeed.
    """

    code, status, title = "too-many", 429, _("Too many requests; please wait a little")

    def __init__(self, message: Text = "", *, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(GongzhiError):
    """The database or disk cannot be reached now; the same request may be sent again."""

    code, status, title = (
        "unavailable",
        503,
        _("The service cannot be reached at the moment; nothing was lost, please try again"),
    )

    def __init__(self, message: Text = "", *, retry_after: int = 2) -> None:
        super().__init__(message)
        self.retry_after = retry_after
