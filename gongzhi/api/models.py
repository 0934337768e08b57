"""Nouns of the roof for programs: the keys that known senders hold."""

from __future__ import annotations

from django.db import models

from gongzhi.registry.models import Post


class SenderKey(models.Model):
    """A key of another system; of its secret only a hash is kept."""

    name = models.CharField(max_length=100, unique=True)
    """Who holds it, as staff knows them."""
    secret_hash = models.BinaryField(max_length=32, unique=True)
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    """The post in which it acts; without one it only relays what requesters say."""
    made_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
