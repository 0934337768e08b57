"""Emergencies: an incident, the matters whose deadlines it changes, and what all levels report."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.models import Case
from gongzhi.registry.models import Area, Organisation, Post


class Incident(models.Model):
    """Something that puts an area into emergency mode (应急状态)."""

    class State(models.TextChoices):
        ON = "on", _("going on")
        REVIEW = "review", _("over, to be reviewed")
        REVIEWED = "reviewed", _("reviewed")

    class Level(models.IntegerChoices):
        """As in the national scheme, I is the gravest."""

        I = 1, _("level I")  # noqa: E741 – its name in the scheme
        II = 2, _("level II")
        III = 3, _("level III")
        IV = 4, _("level IV")

    title = models.CharField(max_length=200)
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField(choices=Level.choices)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    """Who leads the response."""
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    functions = ArrayField(models.CharField(max_length=60), default=list)
    """Codes of the functions, with all below them, whose matters become urgent; empty: all."""
    resolve_hours = models.PositiveSmallIntegerField()
    """Until when matters of these functions have to be done in the meantime."""
    report_hours = models.PositiveSmallIntegerField()
    """How often all levels report."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.ON)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    review_by = models.DateTimeField(null=True)
    review = models.TextField(blank=True)
    reviewed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["began_at"], condition=Q(state="on"), name="incident_on")]

    def __str__(self) -> str:
        return self.title


class Affected(models.Model):
    """A matter whose deadline an incident changed."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="affected")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    due_before = models.DateTimeField()
    due_during = models.DateTimeField()
    restored_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "case"], name="affected_once")]


class SituationEntry(models.Model):
    """One entry of the situation: for everybody, or for staff."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="entries")
    is_public = models.BooleanField()
    text = models.TextField()
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class SituationReport(models.Model):
    """What one organisation reports for one period."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="reports")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    period = models.PositiveIntegerField()
    """Counted from 1."""
    due_at = models.DateTimeField()
    text = models.TextField(blank=True)
    figures = models.JSONField(default=dict)
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "organisation", "period"], name="situation_reported_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(reported_at=None, missed_at=None),
                name="situation_report_waiting",
            )
        ]
