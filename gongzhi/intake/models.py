"""What the window remembers of a submission: its key, so that a repeated one gives the same case."""

from __future__ import annotations

from django.db import models

from gongzhi.intake.counters.models import Counter, Hall, Queue, Screen, Ticket

__all__ = ["Counter", "Hall", "ImportProgress", "Queue", "Quota", "Screen", "Submitted", "Ticket"]


class Submitted(models.Model):
    """An idempotency key that was used, with the answer that was given."""

    key = models.CharField(max_length=200, primary_key=True)
    body_digest = models.BinaryField(max_length=32)
    case_id = models.BigIntegerField()
    answer = models.JSONField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)


class Quota(models.Model):
    """How many submissions an address or phone has made in a window of time."""

    key = models.CharField(max_length=100, primary_key=True)
    window = models.BigIntegerField()
    count = models.IntegerField()


class ImportProgress(models.Model):
    """How far a file has been brought in; written in the transaction of the rows it counts."""

    file_digest = models.CharField(max_length=64, primary_key=True)
    """SHA-256 of the file and of the map it is read with."""
    source = models.CharField(max_length=40)
    rows = models.BigIntegerField(default=0)
    imported = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    is_finished = models.BooleanField(default=False)
    updated_at = models.DateTimeField(auto_now=True)
