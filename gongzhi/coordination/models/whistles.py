"""The street whistles, departments come (街乡吹哨、部门报到)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.models import Case
from gongzhi.registry.models import Organisation, Post


class Whistle(models.Model):
    """A street calls departments to a place."""

    class State(models.TextChoices):
        CALLED = "called", _("called")
        FINISHED = "finished", _("finished")

    street = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="whistles")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="whistles")
    text = models.TextField()
    address = models.CharField(max_length=300)
    lng = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    called_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.CALLED)
    finished_at = models.DateTimeField(null=True)
    result = models.TextField(blank=True)


class Call(models.Model):
    """One department that was called, and when it answered and arrived."""

    whistle = models.ForeignKey(Whistle, on_delete=models.CASCADE, related_name="calls")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="calls")
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    answer_by = models.DateTimeField()
    arrive_by = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True)
    """When it was recorded that it neither answered nor came in time."""
    mark = models.PositiveSmallIntegerField(null=True)
    """From 1 to 5, given by the street when it is finished."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["whistle", "organisation"], name="called_once"),
            models.CheckConstraint(
                condition=Q(mark=None) | Q(mark__gte=1, mark__lte=5), name="call_mark_one_to_five"
            ),
        ]
        indexes = [
            models.Index(
                fields=["answer_by"], condition=Q(arrived_at=None, missed_at=None), name="call_waiting"
            )
        ]
