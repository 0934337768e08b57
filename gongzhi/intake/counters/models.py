"""Nouns of the hall: hall, queue, counter, ticket, and the screens that stand in it."""

from __future__ import annotations

from datetime import time

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.models import Case
from gongzhi.intake.counters.lifecycle import AT_A_COUNTER, State
from gongzhi.registry.models import Area, Bilingual, Function, Organisation, Post


class Hall(Bilingual):
    """A place where people are served at counters; open on working days of the city's calendar."""

    code = models.SlugField(max_length=40, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="halls")
    area = models.ForeignKey(Area, null=True, blank=True, on_delete=models.SET_NULL)
    address = models.CharField(max_length=200, blank=True)
    opens_at = models.TimeField(default=time(8, 30))
    closes_at = models.TimeField(default=time(17, 30))
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(closes_at__gt=F("opens_at")), name="hall_hours_in_order")
        ]


class Queue(Bilingual):
    """One line of people with the same kind of matter; its letter stands before their numbers."""

    hall = models.ForeignKey(Hall, on_delete=models.CASCADE, related_name="queues")
    letter = models.CharField(max_length=1)
    function = models.ForeignKey(Function, null=True, blank=True, on_delete=models.SET_NULL)
    """What its matters are mostly about; offered when one is taken in from a number."""
    usual_minutes = models.PositiveSmallIntegerField(default=10)
    """How long one person takes, until enough of them were measured."""
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hall", "letter"], name="queue_letter_once"),
            models.CheckConstraint(condition=Q(letter__regex="^[A-Z]$"), name="queue_letter_is_one"),
            models.CheckConstraint(condition=Q(usual_minutes__gte=1), name="queue_takes_time"),
        ]


class Counter(Bilingual):
    """Where one clerk serves one person at a time, from the queues it is for."""

    hall = models.ForeignKey(Hall, on_delete=models.CASCADE, related_name="counters")
    queues = models.ManyToManyField(Queue, related_name="counters")
    post = models.OneToOneField(
        Post, null=True, blank=True, on_delete=models.SET_NULL, related_name="counter"
    )
    """Who sits there; nobody: the counter is closed."""
    opened_at = models.DateTimeField(null=True, blank=True)
    is_paused = models.BooleanField(default=False)
    last_was_priority = models.BooleanField(default=False)
    """Whether its last call was for somebody with priority (see `order`)."""
    is_active = models.BooleanField(default=True)


class Priority(models.TextChoices):
    """Why somebody is called before others (优先叫号)."""

    NONE = "", _("no priority")
    AGE = "age", _("70 or older")
    DISABILITY = "disability", _("with a disability")
    CHILD = "child", _("pregnant or with a small child")
    OTHER = "other", _("other reason, seen by the staff")


class Source(models.TextChoices):
    KIOSK = "kiosk", _("machine in the hall")
    PHONE = "phone", _("own phone")
    STAFF = "staff", _("staff")


class Ticket(models.Model):
    """A place in line: a letter and a number of one day. It knows no person."""

    hall = models.ForeignKey(Hall, on_delete=models.CASCADE, related_name="+")
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="tickets")
    day = models.DateField()
    """In the city's zone."""
    letter = models.CharField(max_length=1)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    priority = models.CharField(max_length=12, choices=Priority.choices, blank=True)
    """The reason; forgotten after the day, `is_priority` stays for the figures."""
    is_priority = models.BooleanField(default=False)
    language = models.CharField(max_length=10, default="zh-hans")
    source = models.CharField(max_length=8, choices=Source.choices)
    secret_digest = models.BinaryField(max_length=32)
    """SHA-256 of the secret in the link to its page."""
    taken_at = models.DateTimeField()
    place_at = models.DateTimeField()
    """Its place in line: who has the earlier one is before."""
    arrived_at = models.DateTimeField(null=True)
    first_called_at = models.DateTimeField(null=True)
    """Until then it waited, whoever it was passed on to later."""
    called_at = models.DateTimeField(null=True)
    calls = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    counter = models.ForeignKey(Counter, null=True, on_delete=models.SET_NULL, related_name="tickets")
    """Which counter called it last."""
    for_counter = models.ForeignKey(Counter, null=True, on_delete=models.SET_NULL, related_name="+")
    """The only counter that may call it, after it was passed on there."""
    case = models.ForeignKey(Case, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hall", "day", "letter", "number"], name="ticket_number_once"),
            models.UniqueConstraint(fields=["secret_digest"], name="ticket_secret_once"),
            models.UniqueConstraint(
                fields=["counter"],
                condition=Q(state__in=[s.value for s in AT_A_COUNTER]),
                name="ticket_one_at_a_counter",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[s.value for s in AT_A_COUNTER]) | Q(called_at__isnull=False),
                name="ticket_called_at_a_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "day", "place_at"],
                condition=Q(state="waiting"),
                name="ticket_waiting",
            ),
            models.Index(fields=["hall", "day", "called_at"], name="ticket_of_day"),
            models.Index(
                fields=["queue", "-ended_at"], condition=Q(state__in=["done", "no_show"]), name="ticket_ended"
            ),
        ]

    @property
    def label(self) -> str:
        """What is called out: ``A007``."""
        return f"{self.letter}{self.number:03d}"

    def __str__(self) -> str:
        return self.label


class Screen(models.Model):
    """A device that stands in a hall without a person signed in: the machine for numbers, or the display."""

    class Kind(models.TextChoices):
        KIOSK = "kiosk", _("machine for numbers")
        DISPLAY = "display", _("display in the waiting room")

    hall = models.ForeignKey(Hall, on_delete=models.CASCADE, related_name="screens")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    name = models.CharField(max_length=100)
    link_digest = models.BinaryField(max_length=32, null=True)
    """SHA-256 of the secret in the link that sets it up; gone once it was used."""
    cookie_digest = models.BinaryField(max_length=32, null=True)
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["link_digest"], name="screen_link_once"),
            models.UniqueConstraint(fields=["cookie_digest"], name="screen_cookie_once"),
        ]
