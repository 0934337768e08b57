"""Signing in with the identity provider of the city (OpenID Connect Core 1.0), where there is one.

Staff are recognised by the verified email address of their account here; their posts decide what
they may do. Anybody else who signs in becomes a resident's account without a post.
"""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

from gongzhi.registry.models import Person


class IdentityProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> Person:
        """A new account as the provider describes the person; an address only if it was verified there."""
        person: Person = super().populate_user(request, sociallogin, data)
        verified = {a.email.lower() for a in sociallogin.email_addresses if a.verified}
        if (person.email or "").lower() not in verified:
            person.email = ""
        name = str(data.get("name") or "")[:100]
        is_chinese = any("\u4e00" <= c <= "\u9fff" for c in name)
        person.name_zh, person.name_en = (name, "") if is_chinese else ("", name)
        person.identity = Person.Identity.CONTACT if person.email else Person.Identity.UNVERIFIED
        return person
