"""What routing noticed about the mandates: overlaps, gaps, and what people had to decide."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Finding(models.Model):
    """A function and area that more than one organisation leads, or none, or that had to be decided."""

    class Kind(models.TextChoices):
        OVERLAP = "overlap", _("more than one organisation is responsible")
        GAP = "gap", _("no organisation is responsible")
        RULING = "ruling", _("an arbiter had to decide who is responsible")
        AGAINST = "against", _("a dispatcher decided otherwise than the mandates say")

    kind = models.CharField(max_length=8, choices=Kind.choices)
    function_id = models.BigIntegerField()
    area_id = models.BigIntegerField()
    mandate_ids = models.JSONField(default=list)
    organisation_id = models.BigIntegerField(null=True)
    """Of a decision (ruling, against): for whom it was decided last."""
    times = models.PositiveIntegerField(default=1, db_default=1)
    """Of a decision: how often it was made."""
    last_seen_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "function_id", "area_id"], name="finding_once")
        ]
