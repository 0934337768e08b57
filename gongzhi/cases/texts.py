"""What is required of every text that a person writes."""

from __future__ import annotations

from django.utils.translation import gettext as _

from gongzhi.errors import Invalid, TooLarge

TEXT_MAX_CHARACTERS = 10_000


def checked_text(text: str, *, field_name: str = "text") -> str:
    """The text without surrounding space.

    Raises:
        Invalid: empty, or with characters that cannot be stored.
        TooLarge: longer than is accepted.
    """
    cleaned = text.strip()
    if not cleaned:
        raise Invalid(fields={field_name: _("Please write a few words.")})
    if "\x00" in cleaned or any("\ud800" <= c <= "\udfff" for c in cleaned):
        raise Invalid(fields={field_name: _("The text holds characters that cannot be stored.")})
    if len(cleaned) > TEXT_MAX_CHARACTERS:
        raise TooLarge(_("The text is too long: at most %(n)d characters.") % {"n": TEXT_MAX_CHARACTERS})
    return cleaned
