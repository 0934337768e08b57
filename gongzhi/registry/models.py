"""Nouns of the registry: areas, places, organisations, people, posts, functions and mandates.

Everything that a person reads carries `_zh` and `_en`. Geometry is GeoJSON in WGS 84 (RFC 7946);
shapely works on it in memory, so the database needs no spatial extension.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Bilingual(models.Model):
    """Something with a name in Chinese and in English."""

    name_zh = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200)

    class Meta:
        abstract = True

    @property
    def name(self) -> str:
        """The name in the reader's language, in the other one if that is missing."""
        if (get_language() or "zh").startswith("zh"):
            return self.name_zh or self.name_en
        return self.name_en or self.name_zh

    def __str__(self) -> str:
        return self.name


class City(Bilingual):
    """The one city of this installation, with its limits and thresholds (`config`, see city.yaml)."""

    code = models.CharField(max_length=12, unique=True)
    timezone = models.CharField(max_length=64, default="UTC")
    country = models.CharField(max_length=2, default="CN")
    config = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=1)
    """Rises with every change of the registry, so that processes know when to read it anew."""

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="only_one_city")]


class Area(Bilingual):
    """A part of the city, from the city itself down to a grid cell (网格)."""

    class Level(models.TextChoices):
        CITY = "city", _("City")
        DISTRICT = "district", _("District")
        STREET = "street", _("Street or town")
        GRID = "grid", _("Grid cell")

    code = models.CharField(max_length=40, unique=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    level = models.CharField(max_length=12, choices=Level.choices)
    kind = models.CharField(max_length=40, blank=True)
    population = models.PositiveIntegerField(null=True)
    geometry = models.JSONField(null=True)
    ancestors = ArrayField(models.BigIntegerField(), default=list)
    """Ids from the city down to this area itself."""

    class Meta:
        indexes = [GinIndex(fields=["ancestors"], name="area_ancestors")]


class Place(Bilingual):
    """A street or point of interest that people name in their texts."""

    code = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=40)
    aliases = ArrayField(models.CharField(max_length=200), default=list)
    geometry = models.JSONField()
    area = models.ForeignKey(Area, null=True, on_delete=models.SET_NULL)


class Organisation(Bilingual):
    """A government body of any level, or a partner: utility, company, NGO, volunteer group."""

    code = models.CharField(max_length=40, unique=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    kind = models.CharField(max_length=20, default="government")
    level = models.CharField(max_length=12, default="city")
    uscc = models.CharField(max_length=18, blank=True)
    area = models.ForeignKey(Area, null=True, on_delete=models.PROTECT)
    phone = models.CharField(max_length=40, blank=True)
    address = models.CharField(max_length=200, blank=True)
    about_zh = models.TextField(blank=True)
    about_en = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uscc"], condition=~Q(uscc=""), name="organisation_uscc_unique")
        ]


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> Person:
        person = self.model(username=username, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who can sign in: a resident or a member of staff (who acts through posts)."""

    class Identity(models.IntegerChoices):
        """How surely the city knows who this is."""

        UNVERIFIED = 0, _("not verified")
        CONTACT = 1, _("phone or email verified")
        DOCUMENT = 2, _("identity document verified")
        IN_PERSON = 3, _("verified in person")

    username = models.CharField(max_length=150, unique=True)
    name_zh = models.CharField(max_length=100, blank=True)
    name_en = models.CharField(max_length=100, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=32, blank=True)
    language = models.CharField(max_length=10, default="zh-hans")
    identity = models.PositiveSmallIntegerField(choices=Identity.choices, default=0)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[PersonManager] = PersonManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["email"], condition=~Q(email=""), name="person_email_unique"),
            models.UniqueConstraint(fields=["phone"], condition=~Q(phone=""), name="person_phone_unique"),
        ]

    @property
    def name(self) -> str:
        chinese = (get_language() or "zh").startswith("zh")
        first, second = (self.name_zh, self.name_en) if chinese else (self.name_en, self.name_zh)
        return first or second or self.username

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a post is for; `authority` says what each may do."""

    WORKER = "worker", _("case worker")
    SUPERVISOR = "supervisor", _("supervisor")
    DISPATCHER = "dispatcher", _("dispatcher")
    OPERATOR = "operator", _("hotline or counter operator")
    LEADER = "leader", _("leader")
    ANALYST = "analyst", _("analyst")
    GRID = "grid", _("grid worker")
    ADMINISTRATOR = "administrator", _("administrator")


class Post(Bilingual):
    """A position in an organisation (岗位); people act through posts, and acts stay with the post."""

    code = models.CharField(max_length=60, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="posts")
    roles = ArrayField(models.CharField(max_length=20, choices=Role.choices), default=list)
    person = models.ForeignKey(Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="posts")
    area = models.ForeignKey(Area, null=True, blank=True, on_delete=models.SET_NULL)
    is_active = models.BooleanField(default=True)


class Crew(models.Model):
    """What a post can do on the spot (班组): a person or several who are sent to places.

    Being sent somewhere makes the post responsible for the task, so a crew is a post like any other.
    """

    post = models.OneToOneField(Post, on_delete=models.CASCADE, related_name="crew", primary_key=True)
    functions: models.ManyToManyField[Function, Any] = models.ManyToManyField("Function", related_name="+")
    """What it can do; a function stands for all under it."""
    lng = models.FloatField()
    lat = models.FloatField()
    """Where it sets out from (WGS 84)."""
    opens = models.TimeField()
    closes = models.TimeField()
    """Its hours on working days, in the city's zone."""
    capacity = models.PositiveSmallIntegerField()
    """So many tasks it may have at once."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(opens__lt=F("closes")), name="crew_hours_in_order"),
            models.CheckConstraint(
                condition=Q(lng__range=(-180, 180), lat__range=(-90, 90)), name="crew_base_on_earth"
            ),
        ]


class Function(Bilingual):
    """What has to be done (职能 / 事项), in a tree of three levels; only leaves classify cases."""

    class Kind(models.TextChoices):
        THING = "thing", _("thing")
        EVENT = "event", _("event")
        SERVICE = "service", _("service")
        CONSULTATION = "consultation", _("question")

    class Urgency(models.TextChoices):
        NORMAL = "normal", _("normal")
        URGENT = "urgent", _("urgent")
        EMERGENCY = "emergency", _("emergency")

    code = models.CharField(max_length=60, unique=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.EVENT)
    synonyms_zh = ArrayField(models.CharField(max_length=100), default=list)
    synonyms_en = ArrayField(models.CharField(max_length=100), default=list)
    examples_zh = ArrayField(models.TextField(), default=list)
    examples_en = ArrayField(models.TextField(), default=list)
    working_days = models.PositiveSmallIntegerField(default=5)
    urgency = models.CharField(max_length=12, choices=Urgency.choices, default=Urgency.NORMAL)
    is_public = models.BooleanField(default=True)
    is_leaf = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    attributes = models.JSONField(default=list)
    """Open311 attribute definitions: code, datatype, required, description_zh, description_en, values."""
    ancestors = ArrayField(models.BigIntegerField(), default=list)
    """Ids from the top of the tree down to this function itself."""

    class Meta:
        indexes = [GinIndex(fields=["ancestors"], name="function_ancestors")]


class Mandate(models.Model):
    """Who must handle what, where (权责): organisation × function × area, lead or assist."""

    class Role(models.TextChoices):
        LEAD = "lead", _("leads")
        ASSIST = "assist", _("assists")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="mandates")
    function = models.ForeignKey(Function, on_delete=models.PROTECT, related_name="mandates")
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="mandates")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.LEAD)
    basis_zh = models.CharField(max_length=300, blank=True)
    basis_en = models.CharField(max_length=300, blank=True)
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "function", "area", "role", "valid_from"],
                name="mandate_once",
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=F("valid_from")),
                name="mandate_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} – {self.function} – {self.area} ({self.role})"
