"""Nouns of the cases room: case, party, task, message, attachment.

What the requester wrote stays in `text`; what anybody may read is in `public_text`, masked at
intake and never computed while a page is shown.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.lifecycle import Closure, State
from gongzhi.registry.models import Area, Function, Organisation, Person, Post


class Channel(models.TextChoices):
    WEB = "web", _("website")
    PHONE = "phone", _("hotline")
    COUNTER = "counter", _("service counter")
    APP = "app", _("mobile app")
    WECHAT = "wechat", _("WeChat")
    EMAIL = "email", _("email")
    API = "api", _("another system")
    OPEN311 = "open311", _("Open311 client")
    IMPORT = "import", _("imported history")


class Case(models.Model):
    """One public matter (办件)."""

    number = models.CharField(max_length=24)
    kind = models.CharField(max_length=20, default="concern")
    channel = models.CharField(max_length=12, choices=Channel.choices)
    language = models.CharField(max_length=10, default="zh-hans")
    state = models.CharField(max_length=12, choices=State.choices)
    closure = models.CharField(max_length=16, choices=Closure.choices, blank=True)
    version = models.PositiveIntegerField(default=1)

    text = models.TextField()
    public_text = models.TextField()
    is_public = models.BooleanField(default=True)
    attributes = models.JSONField(default=dict)

    function = models.ForeignKey(
        Function, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    area = models.ForeignKey(Area, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    organisation = models.ForeignKey(
        Organisation, null=True, on_delete=models.PROTECT, related_name="cases", db_index=False
    )
    """The organisation that holds the case now."""
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    """The post that took it up; empty until somebody accepts."""
    urgency = models.CharField(max_length=12, default="normal")

    lng = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    address = models.CharField(max_length=300, blank=True)
    public_address = models.CharField(max_length=300, blank=True)
    public_lng = models.FloatField(null=True)
    public_lat = models.FloatField(null=True)
    """Where everybody sees it (see `cases.public_places`)."""

    opened_at = models.DateTimeField()
    assigned_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    replied_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True)
    """Since when the clock stands still, because the requester was asked for more."""
    paused_until = models.DateTimeField(null=True)
    """When the clock starts again by itself."""
    bound_at = models.DateTimeField(null=True)
    """When an arbiter decided who does it; since then it cannot be returned or sent on."""
    updated_at = models.DateTimeField()

    reading = models.JSONField(default=dict)
    """What was understood at intake: function codes with confidence, words, model version."""
    route = models.JSONField(default=dict)
    """Why it went where it went: mandate, runner-up, rule."""
    returns = models.PositiveSmallIntegerField(default=0)
    transfers = models.PositiveSmallIntegerField(default=0)
    supporters = models.PositiveIntegerField(default=0)
    merged_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="merged", db_index=False
    )
    split_from = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="split_off", db_index=False
    )
    source = models.CharField(max_length=40, blank=True)
    source_id = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="case_number_once"),
            models.UniqueConstraint(
                fields=["source", "source_id"], condition=~Q(source=""), name="case_source_once"
            ),
            models.CheckConstraint(
                condition=(Q(state=State.CLOSED) & ~Q(closure="")) | ~Q(state=State.CLOSED),
                name="closed_case_has_a_reason",
            ),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="not_merged_into_itself"),
            models.CheckConstraint(
                condition=Q(paused_at=None, paused_until=None)
                | Q(paused_at__isnull=False, paused_until__gte=F("paused_at"), state=State.UNDER_WAY),
                name="only_work_under_way_is_paused",
            ),
        ]
        indexes = [
            # The place stands in the index, so that a map reads ten thousand without touching the rows.
            models.Index(
                fields=["-opened_at", "-id"],
                include=["public_lng", "public_lat"],
                condition=Q(is_public=True),
                name="case_public_recent",
            ),
            models.Index(
                fields=["updated_at", "id"], condition=Q(is_public=True), name="case_public_changed"
            ),
            models.Index(
                fields=["organisation", "due_at", "id"],
                condition=~Q(state=State.CLOSED) & ~Q(state=State.RESOLVED),
                name="case_worklist",
            ),
            models.Index(fields=["function", "-opened_at"], name="case_function_recent"),
            models.Index(fields=["area", "-opened_at"], name="case_area_recent"),
            models.Index(fields=["organisation", "-opened_at"], name="case_org_recent"),
            models.Index(
                fields=["state", "due_at", "id"],
                condition=~Q(state=State.CLOSED) & ~Q(state=State.RESOLVED),
                name="case_open_due",
            ),
            models.Index(fields=["post"], condition=Q(post__isnull=False), name="case_post"),
            models.Index(fields=["merged_into"], condition=Q(merged_into__isnull=False), name="case_merged"),
            models.Index(fields=["split_from"], condition=Q(split_from__isnull=False), name="case_split"),
            models.Index(
                fields=["paused_until"], condition=Q(paused_until__isnull=False), name="case_paused"
            ),
            models.Index(fields=["assigned_at"], condition=Q(state=State.ASSIGNED), name="case_unanswered"),
        ]

    def __str__(self) -> str:
        return self.number


class Party(models.Model):
    """A person on a case: the requester, or a supporter who said "me too" and has the same rights."""

    class Role(models.TextChoices):
        REQUESTER = "requester", _("requester")
        SUPPORTER = "supporter", _("supporter")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="parties", db_index=False)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.REQUESTER)
    person = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, db_index=False)
    name = models.CharField(max_length=100, blank=True)
    phone = models.CharField(max_length=32, blank=True)
    """Digits only, so that any way of typing it finds the case."""
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=10, default="zh-hans")
    secret_hash = models.BinaryField(max_length=32)
    """SHA-256 of the secret in the requester's link; the secret itself is not stored."""
    is_confidential = models.BooleanField(default=False)
    joined_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["case"], name="party_case"),
            models.Index(fields=["phone"], condition=~Q(phone=""), name="party_phone"),
            models.Index(fields=["person"], condition=Q(person__isnull=False), name="party_person"),
        ]


class Task(models.Model):
    """One organisation's part of a case, with a deadline (任务)."""

    class Role(models.TextChoices):
        LEAD = "lead", _("leads")
        ASSIST = "assist", _("assists")
        DISPATCH = "dispatch", _("decides who does it")
        ARBITER = "arbiter", _("decides for good who does it")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        ACCEPTED = "accepted", _("accepted")
        DONE = "done", _("done")
        RETURNED = "returned", _("returned")
        TRANSFERRED = "transferred", _("transferred")
        CANCELLED = "cancelled", _("cancelled")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="tasks", db_index=False
    )
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    mandate_id = models.BigIntegerField(null=True)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.LEAD)
    request = models.TextField(blank=True, db_default="")
    """What an assisting organisation was asked for."""
    is_required = models.BooleanField(db_default=True)
    """Whether the case can only be resolved when this part is no longer open."""
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    result = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["case"], name="task_case"),
            models.Index(
                fields=["organisation", "due_at"],
                condition=Q(state__in=["open", "accepted"]),
                name="task_worklist",
            ),
            models.Index(fields=["post"], condition=Q(post__isnull=False), name="task_post"),
        ]


class Extension(models.Model):
    """More time that was asked for (延期申请), and what a supervisor decided."""

    class State(models.TextChoices):
        ASKED = "asked", _("waiting for a decision")
        GRANTED = "granted", _("granted")
        REFUSED = "refused", _("refused")
        VOID = "void", _("no longer wanted")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="extensions", db_index=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    """The organisation whose supervisor decides."""
    asked_by = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    working_days = models.PositiveSmallIntegerField()
    reason = models.TextField()
    decide_by = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    decided_by = models.ForeignKey(
        Post, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    """Empty when nobody decided in time."""
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.TextField(blank=True)
    due_before = models.DateTimeField()
    due_after = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(state="asked"), name="extension_asked_once_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["case"], condition=Q(state="granted"), name="extension_granted_once"
            ),
        ]
        indexes = [
            models.Index(fields=["case"], name="extension_case"),
            models.Index(
                fields=["organisation", "decide_by"], condition=Q(state="asked"), name="extension_waiting"
            ),
        ]


class Message(models.Model):
    """Something said on a case: by the requester, to the requester, or inside the house."""

    class Audience(models.TextChoices):
        PUBLIC = "public", _("everybody")
        PARTIES = "parties", _("requester and supporters")
        INTERNAL = "internal", _("staff")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="messages", db_index=False)
    party = models.ForeignKey(Party, null=True, on_delete=models.SET_NULL)
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, db_index=False)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, db_index=False)
    audience = models.CharField(max_length=10, choices=Audience.choices)
    text = models.TextField()
    public_text = models.TextField(blank=True)
    salt = models.BinaryField(max_length=16)
    """Makes the digest of the text in the ledger unguessable, so that erasing the row erases all."""
    said_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["case", "said_at"], name="message_case")]


class Attachment(models.Model):
    """A checked and re-encoded file; the bytes lie under their SHA-256 in the attachment store."""

    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="attachments")
    message = models.ForeignKey(Message, null=True, on_delete=models.CASCADE, related_name="attachments")
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=100)
    size_bytes = models.PositiveIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    name = models.CharField(max_length=120)
    is_public = models.BooleanField(default=False)
    redactions = ArrayField(models.JSONField(), default=list)
    added_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["case"], name="attachment_case"),
            models.Index(fields=["sha256"], name="attachment_sha256"),
        ]


class Notice(models.Model):
    """One notice to one party about one act, and whether it has reached them."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("could not be sent")
        VOID = "void", _("no longer wanted")

    class By(models.TextChoices):
        EMAIL = "email", _("email")
        SMS = "sms", _("text message")

    id = models.UUIDField(primary_key=True)
    """Made from act and party (see `cases.notices.key`): the same notice cannot exist twice."""
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notices", db_index=False)
    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="notices", db_index=False)
    verb = models.CharField(max_length=12)
    channel = models.CharField(max_length=8, choices=By.choices, default=By.EMAIL, db_default=By.EMAIL)
    at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=60, blank=True)
    """The type of the last failure, never its words."""
    secret = models.CharField(max_length=64, blank=True)
    """Secret of the link in the first notice; emptied when the notice has left."""
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["case"], name="notice_case"),
            models.Index(fields=["party"], name="notice_party"),
            models.Index(fields=["at"], condition=Q(state="waiting"), name="notice_waiting"),
        ]


class StaffNotice(models.Model):
    """One notice to the holder of a post, and whether its mail has left (see `staff_notices`)."""

    class Kind(models.TextChoices):
        MENTION = "mention", _("You were mentioned")
        ORDER = "order", _("Directive")
        DUE = "due", _("Report due within a day")
        OVERDUE = "overdue", _("Report overdue")
        PART = "part", _("Your part is asked for")
        URGING = "urging", _("Urged: please answer")
        ERRAND = "errand", _("Given to you")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("could not be sent")
        VOID = "void", _("shown here only")

    key = models.CharField(max_length=32, unique=True)
    """Made from event and post: the same notice cannot exist twice."""
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    about = models.CharField(max_length=200)
    link = models.CharField(max_length=200)
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    problem = models.CharField(max_length=60, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["post", "-at"], name="staff_notice_post"),
            models.Index(fields=["post"], condition=Q(state="waiting"), name="staff_notice_waiting"),
        ]


class RefusedNumber(models.Model):
    """A telephone number whose holder wants no text messages (TD, 退订, STOP)."""

    phone = models.CharField(max_length=32, primary_key=True)
    """As `Party.phone` has it."""
    since = models.DateTimeField(auto_now_add=True)


class Figure(models.Model):
    """A figure over all cases that is kept for a while (see `cases.kept`)."""

    key = models.CharField(max_length=100, primary_key=True)
    value = models.JSONField()
    at = models.DateTimeField()


class ReplyWording(models.Model):
    """A wording of an organisation's own for answers, with fields in braces (see `reply_wordings`)."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=80)
    text = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "title"], name="reply_wording_title_once")
        ]


class SavedFilter(models.Model):
    """A narrowed worklist that somebody keeps under a name, for one post."""

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500)
    """The query of the worklist's address."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "name"], name="saved_filter_name_once")]
