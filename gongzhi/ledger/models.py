"""Tables of the ledger; a trigger in the database refuses to change or remove an act."""

from __future__ import annotations

from django.db import models


class Act(models.Model):
    """One recorded official act (行为记录); holds no personal data, only digests and references."""

    recorded_at = models.DateTimeField()
    verb = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=12)
    actor_id = models.BigIntegerField(null=True)
    post_id = models.BigIntegerField(null=True)
    mandate_id = models.BigIntegerField(null=True)
    organisation_id = models.BigIntegerField(null=True)
    subject_kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    subject_key = models.CharField(max_length=120)
    details = models.JSONField()
    reason = models.TextField()
    salt = models.BinaryField(max_length=16)
    commitment = models.BinaryField(max_length=32)

    class Meta:
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "id"], name="act_subject"),
        ]


class Pending(models.Model):
    """An act that the sequencer has not yet put into the tree."""

    act_id = models.BigIntegerField(primary_key=True)


class Position(models.Model):
    """Where an act stands in the log, counted from 0."""

    act_id = models.BigIntegerField(primary_key=True)
    position = models.BigIntegerField(unique=True)


class Tile(models.Model):
    """A tile of hashes (level ≥ 0) or a bundle of entries (level -1), in its newest width."""

    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    width = models.SmallIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "index"], name="tile_once")]


class Checkpoint(models.Model):
    """A signed head of the log."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    signed_at = models.DateTimeField()
