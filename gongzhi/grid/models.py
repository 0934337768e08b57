"""Nouns of the grid: an entry of a cell's register, and a check of it."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.models import Case
from gongzhi.registry.models import Area, Bilingual, Function, Post

_MASK = "＊＊"


class Entry(Bilingual):
    """Something or somebody in a cell that is looked at from time to time.

    Of a person, name, address, telephone number and notes are personal data: lists show `label`,
    and who needs more asks for it (`actions.look`), which is recorded.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        PLACE = "place", _("place")
        THING = "thing", _("thing")
        EVENT = "event", _("event")
        ORGANISATION = "organisation", _("organisation")

    code = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="+", db_index=False)
    lng = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    address = models.CharField(max_length=300, blank=True)
    phone = models.CharField(max_length=32, blank=True)
    notes = models.TextField(blank=True)
    function = models.ForeignKey(
        Function, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    """What a fault of it is about, where that is always the same (a street lamp: its repair)."""
    every_days = models.PositiveSmallIntegerField(null=True)
    """How many days lie between two checks; None: it is looked at when somebody asks for it."""
    due_on = models.DateField(null=True)
    """The day of the next check in the city's calendar."""
    checked_at = models.DateTimeField(null=True)
    is_fine = models.BooleanField(null=True)
    """What the last check found; None before the first one."""
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(lng=None, lat=None) | Q(lng__isnull=False, lat__isnull=False),
                name="entry_place_whole",
            ),
            models.CheckConstraint(
                condition=Q(every_days=None) | Q(every_days__gte=1), name="entry_checked_every_day_at_most"
            ),
        ]
        indexes = [
            models.Index(fields=["area", "due_on", "id"], condition=Q(is_active=True), name="entry_due"),
        ]

    @property
    def is_personal(self) -> bool:
        """Whether what is written here is about one natural person."""
        return self.kind == self.Kind.PERSON

    @property
    def label(self) -> str:
        """What lists and messages call it: of a person no more than the first letter and the code."""
        name = self.name
        return f"{name[:1]}{_MASK} {self.code}" if self.is_personal else name

    def overdue_days(self, today: date) -> int:
        """How many days the check is late, 0 when it is not."""
        return max(0, (today - self.due_on).days) if self.due_on is not None else 0


class Check(models.Model):
    """One look at an entry (巡查): fine, or something wrong, which became a case."""

    key = models.CharField(max_length=100, unique=True)
    """Made where the check was written down, so that sent again it is still one."""
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="checks", db_index=False)
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    """When it was made; on a phone without a connection this is before it was sent."""
    recorded_at = models.DateTimeField()
    is_fine = models.BooleanField()
    note = models.TextField(blank=True)
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(is_fine=True, case=None) | Q(is_fine=False, case__isnull=False),
                name="what_is_wrong_is_a_case",
            )
        ]
        indexes = [
            models.Index(fields=["entry", "-at"], name="check_of_entry"),
            models.Index(fields=["post", "-at"], name="check_of_post"),
        ]
