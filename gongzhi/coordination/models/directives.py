"""Orders from above and the reports from below (上下联动)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from gongzhi.registry.models import Organisation, Post


class Directive(models.Model):
    """What an organisation orders its subordinate ones to do (指令)."""

    class State(models.TextChoices):
        OPEN = "open", _("being carried out")
        CLOSED = "closed", _("carried out")
        WITHDRAWN = "withdrawn", _("no longer wanted")

    issuer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="directives")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey("Order", null=True, on_delete=models.PROTECT, related_name="passed_down")
    """The order from above that this one passes down."""
    title = models.CharField(max_length=200)
    text = models.TextField()
    form = models.JSONField(default=dict)
    """JSON Schema (2020-12) of what has to be reported."""
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(due_at__gt=F("issued_at")), name="directive_due_after_issue")
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="open"), name="directive_open_due")]

    def __str__(self) -> str:
        return self.title


class Order(models.Model):
    """One directive as it stands with one of its targets."""

    class State(models.TextChoices):
        SENT = "sent", _("not answered yet")
        ACKNOWLEDGED = "acknowledged", _("taken up")
        REPORTED = "reported", _("reported")
        CANCELLED = "cancelled", _("no longer wanted")

    directive = models.ForeignKey(Directive, on_delete=models.CASCADE, related_name="orders")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="orders")
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=14, choices=State.choices, default=State.SENT)
    acknowledged_at = models.DateTimeField(null=True)
    report = models.JSONField(null=True)
    reported_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True)
    """When it was recorded that no report came in time."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["directive", "organisation"], name="ordered_once")]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["sent", "acknowledged"], missed_at=None),
                name="order_waiting",
            )
        ]
