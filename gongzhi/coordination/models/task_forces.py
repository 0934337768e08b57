"""Task forces (专班): people of several organisations with one purpose and one page."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.models import Case
from gongzhi.registry.models import Organisation, Post


class TaskForce(models.Model):
    """Several organisations for one purpose and a limited time."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        ENDED = "ended", _("ended")

    name = models.CharField(max_length=200)
    purpose = models.TextField()
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    """Who leads it."""
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    cases = models.ManyToManyField(Case, related_name="task_forces")
    formed_at = models.DateTimeField()
    until = models.DateTimeField()
    """By when it has to be done; extended or ended by whoever leads it."""
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    ended_at = models.DateTimeField(null=True)
    result = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("formed_at")), name="task_force_has_a_term")
        ]

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A post in a task force; it stays listed when it has left."""

    task_force = models.ForeignKey(TaskForce, on_delete=models.CASCADE, related_name="members")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="memberships")
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task_force", "post"], condition=Q(left_at=None), name="member_once"
            )
        ]


class Comment(models.Model):
    """Something said inside a task force."""

    task_force = models.ForeignKey(TaskForce, on_delete=models.CASCADE, related_name="comments")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    said_at = models.DateTimeField()


class Mention(models.Model):
    """A post named in a comment, and when its holder has seen it."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="mentions")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="mentions")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "post"], name="mentioned_once")]
        indexes = [models.Index(fields=["post"], condition=Q(seen_at=None), name="mention_unseen")]
