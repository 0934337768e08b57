"""Agreements with partners (公私协作), and what is settled with them each month."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from gongzhi.registry.models import Area, Organisation, Post


class Agreement(models.Model):
    """What a partner does for the city, where, how well, and how cost and benefit are shared.

    Money is in cents (分), shares are in thousandths.
    """

    partner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="agreements")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    """Who signs for the city."""
    title = models.CharField(max_length=200)
    functions = ArrayField(models.CharField(max_length=60))
    """Codes of functions, each with all below it."""
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="+")
    working_days = models.PositiveSmallIntegerField()
    """Service level: within how many working days a matter is done."""
    target_permille = models.PositiveSmallIntegerField(default=950)
    """Service level: what share is to be done in time."""
    fee_cents = models.PositiveIntegerField(default=0)
    """For every matter that is done."""
    penalty_cents = models.PositiveIntegerField(default=0)
    """For every matter that is done late."""
    cost_permille = models.PositiveSmallIntegerField(default=0)
    """The city's share of the costs that are entered."""
    benefit_permille = models.PositiveSmallIntegerField(default=0)
    """The partner's share of the benefits that are entered."""
    valid_from = models.DateField()
    valid_until = models.DateField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gte=F("valid_from")), name="agreement_dates_in_order"
            ),
            models.CheckConstraint(
                condition=Q(cost_permille__lte=1000, benefit_permille__lte=1000, target_permille__lte=1000),
                name="agreement_shares_at_most_all",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Entry(models.Model):
    """A cost or a benefit of an agreement in one month."""

    class Kind(models.TextChoices):
        COST = "cost", _("cost")
        BENEFIT = "benefit", _("benefit")

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    amount_cents = models.PositiveBigIntegerField()
    month = models.CharField(max_length=7)
    """Written 2026-11."""
    note = models.CharField(max_length=300)
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()


class Settlement(models.Model):
    """The statement of one partner for one month, as it was issued."""

    partner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="settlements")
    month = models.CharField(max_length=7)
    statement = models.JSONField()
    digest = models.CharField(max_length=64)
    """SHA-256 of the canonical JSON of the statement; it stands in the act, too."""
    issued_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "month"], name="settled_once")]
