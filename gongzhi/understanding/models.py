"""Tables of understanding: trained models, and what alike matters are found by."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from gongzhi.cases.models import Case
from gongzhi.registry.models import Function
from gongzhi.understanding import sketches
from gongzhi.understanding.fields import BitString, Vector


class Model(models.Model):
    """A trained model; its weights lie in a file under the home folder."""

    version = models.CharField(max_length=40, unique=True)
    trained_at = models.DateTimeField()
    metrics = models.JSONField(default=dict)
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    in_use = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["in_use"], condition=Q(in_use=True), name="one_model_in_use")
        ]


class Fingerprint(models.Model):
    """What a likely duplicate of a case is found by; written with the case, never changed.

    Without constraints in the database towards the case: it is written in the same statement, and
    whoever reads it joins the case.
    """

    case = models.OneToOneField(
        Case, primary_key=True, on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    cell = models.BigIntegerField(null=True)
    """Number of the cell of about 445 m by 445 m (see `fingerprints.cell_of`)."""
    lng = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    opened_at = models.DateTimeField()
    function = models.ForeignKey(
        Function, null=True, on_delete=models.CASCADE, db_constraint=False, db_index=False,
        related_name="+",
    )  # fmt: skip
    sketch = BitString(bits=sketches.BITS)

    class Meta:
        indexes = [
            models.Index(
                fields=["cell", "-opened_at"],
                include=["case", "function", "sketch", "lng", "lat"],
                condition=Q(cell__isnull=False),
                name="fingerprint_cell",
            ),
            models.Index(fields=["function", "-opened_at"], name="fingerprint_function"),
        ]


EMBEDDING_DIMENSIONS = 128


class Embedding(models.Model):
    """An answered case as a vector, for finding similar ones; filled in the background."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="+")
    vector = Vector(dimensions=EMBEDDING_DIMENSIONS)


class Progress(models.Model):
    """How far background work has walked through the acts."""

    name = models.CharField(max_length=40, primary_key=True)
    act_id = models.BigIntegerField(default=0)
