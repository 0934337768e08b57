"""Nouns of the roof for programs: the keys that known senders hold."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from gongzhi.registry.models import Post


class SenderKey(models.Model):
    """A key of another system; of its secret only a hash is kept."""

    class Purpose(models.TextChoices):
        MATTERS = "matters", _("matters")
        TEXTS = "texts", _("text messages")

    name = models.CharField(max_length=100, unique=True)
    """Who holds it, as staff knows them."""
    secret_hash = models.BinaryField(max_length=32, unique=True)
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    """The post in which it acts; without one it only relays what requesters say."""
    purpose = models.CharField(
        max_length=8, choices=Purpose.choices, default=Purpose.MATTERS, db_default=Purpose.MATTERS
    )
    """What it opens: a gateway's key brings text messages in and nothing else, and no other key does."""
    made_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
