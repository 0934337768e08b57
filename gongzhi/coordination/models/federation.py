"""Other places: their installations, and the matters that went there or came from there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.models import Case
from gongzhi.registry.models import Bilingual


class Neighbour(Bilingual):
    """A neighbouring city that matters are sent to or come from."""

    class Kind(models.TextChoices):
        GONGZHI = "gongzhi", _("has this system, too")
        OPEN311 = "open311", _("reached by Open311")

    code = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    base_url = models.URLField(max_length=300)
    public_key = models.CharField(max_length=64, blank=True)
    """Ed25519, in base64; what a gongzhi neighbour signs with."""
    api_key = models.CharField(max_length=200, blank=True)
    jurisdiction_id = models.CharField(max_length=100, blank=True)
    services = models.JSONField(default=dict)
    """Function code here → service code there; ``*`` for everything else."""
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="gongzhi") | ~Q(public_key=""), name="gongzhi_neighbour_has_a_key"
            )
        ]


class Passage(models.Model):
    """One matter that was sent to another city, or came from there."""

    class Direction(models.TextChoices):
        OUT = "out", _("sent")
        IN = "in", _("received")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be sent")
        THERE = "there", _("with the other city")
        ENDED = "ended", _("ended")
        FAILED = "failed", _("could not be sent")

    id = models.UUIDField(primary_key=True)
    """Made by the sender; the same matter sent again carries the same id."""
    neighbour = models.ForeignKey(Neighbour, on_delete=models.PROTECT, related_name="passages")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="passages")
    direction = models.CharField(max_length=3, choices=Direction.choices)
    state = models.CharField(max_length=8, choices=State.choices)
    number_there = models.CharField(max_length=100, blank=True)
    receipt = models.JSONField(default=dict)
    """The other city's receipt, as it came, with its signature."""
    problem = models.CharField(max_length=200, blank=True)
    began_at = models.DateTimeField()
    reached_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    """When an Open311 neighbour was asked last."""
    told_act = models.BigIntegerField(default=0)
    """The last act of the case that was taken over into `Told`."""
    heard = models.PositiveIntegerField(default=0)
    """How many messages of the other city were taken in, in order."""

    class Meta:
        indexes = [
            models.Index(fields=["case"], name="passage_case"),
            models.Index(fields=["direction", "began_at"], condition=~Q(state="ended"), name="passage_open"),
        ]


class Told(models.Model):
    """One message to the other city about a matter, waiting in order until it arrived."""

    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="told")
    sequence = models.PositiveIntegerField()
    body = models.JSONField()
    at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["passage", "sequence"], name="told_in_order")]
        indexes = [models.Index(fields=["at"], condition=Q(sent_at=None), name="told_waiting")]
