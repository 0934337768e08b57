"""Nouns of supervision: clocks and what they set off, ratings and call-backs, figures, checks, draws."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from gongzhi.cases.models import Case, Message, Party
from gongzhi.registry.models import Organisation, Post


class Level(models.TextChoices):
    """Who is pushed, from below upwards."""

    WORKER = "worker", _("case worker")
    HEAD = "head", _("head of the organisation")
    SUPERIOR = "superior", _("superior organisation")
    LEADER = "leader", _("leader in charge")
    DISPATCHER = "dispatcher", _("dispatcher")


class Clock(models.Model):
    """The running time limit of an open case, and when it next pushes somebody (see `clocks`)."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="clock")
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    step = models.PositiveSmallIntegerField(default=0)
    """How many steps of the ladder are behind it."""
    next_at = models.DateTimeField(null=True)
    """When the next step is due; empty when the ladder has ended or stands still."""
    paused_at = models.DateTimeField(null=True)
    """Since when it stands still, because the requester was asked."""

    class Meta:
        indexes = [models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="clock_next")]


class Escalation(models.Model):
    """One step of the ladder (督办) that was taken, once for each clock."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="escalations", db_index=False)
    clock_due_at = models.DateTimeField()
    percent = models.PositiveSmallIntegerField()
    level = models.CharField(max_length=12, choices=Level.choices)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["case", "clock_due_at", "percent"], name="escalation_once")
        ]


class Watch(models.Model):
    """The clock of something with a deadline of its own: a part, a directive, a request for time."""

    class Kind(models.TextChoices):
        PART = "part", _("part of a case")
        EXTENSION = "extension", _("request for more time")
        ORDER = "order", _("directive")

    kind = models.CharField(max_length=12, choices=Kind.choices)
    about_id = models.BigIntegerField()
    """The task, request or order."""
    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=200)
    """The number of the case, or the title of the directive."""
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    step = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "about_id"], name="watched_once")]
        indexes = [models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="watch_next")]


class Push(models.Model):
    """One step of the ladder that was taken for something watched, once for each deadline."""

    kind = models.CharField(max_length=12, choices=Watch.Kind.choices)
    about_id = models.BigIntegerField()
    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="+")
    label = models.CharField(max_length=200)
    due_at = models.DateTimeField()
    percent = models.PositiveSmallIntegerField()
    level = models.CharField(max_length=12, choices=Level.choices)
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "about_id", "due_at", "percent"], name="pushed_once")
        ]
        indexes = [models.Index(fields=["post"], condition=Q(seen_at=None), name="push_unseen")]


class Urging(models.Model):
    """A supervisor's formal push (人工督办) that must be answered by a time of its own."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="urgings")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    by_post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField()
    answer_due_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField(null=True)
    """When it went to the superior organisation because nobody answered."""

    class Meta:
        indexes = [
            models.Index(
                fields=["answer_due_at"],
                condition=Q(answered_at=None, raised_at=None),
                name="urging_unanswered",
            )
        ]


class Repair(models.Model):
    """An open case, part or directive that was outside a clock; it was given one."""

    class Kind(models.TextChoices):
        NO_OWNER = "no_owner", _("no organisation held it")
        NO_TASK = "no_task", _("nobody had to do anything about it")
        NO_CLOCK = "no_clock", _("no next step of the ladder")

    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="repairs")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    about = models.CharField(max_length=40, blank=True, db_default="")
    """What of the case, or beside it: ``part 12``, ``order 7``; empty for the case itself."""
    at = models.DateTimeField()


class Rating(models.Model):
    """What a person says of one handling (好差评): five levels, once."""

    class Level(models.IntegerChoices):
        VERY_BAD = 1, _("very dissatisfied")
        BAD = 2, _("dissatisfied")
        MIDDLE = 3, _("basically satisfied")
        GOOD = 4, _("satisfied")
        VERY_GOOD = 5, _("very satisfied")

    class Channel(models.TextChoices):
        LINK = "link", _("link")
        TEXT = "text", _("text message")
        CALL = "call", _("follow-up call")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="ratings", db_index=False)
    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="ratings")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    """The organisation that handled it then."""
    handled_at = models.DateTimeField()
    """When it was resolved; a new handling can be rated anew."""
    level = models.PositiveSmallIntegerField(choices=Level.choices)
    reasons = ArrayField(models.CharField(max_length=20), default=list)
    text = models.TextField(blank=True)
    channel = models.CharField(max_length=5, choices=Channel.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["party", "handled_at"], name="rating_once"),
            models.CheckConstraint(condition=Q(level__gte=1, level__lte=5), name="rating_of_five_levels"),
        ]
        indexes = [models.Index(fields=["case"], name="rating_case")]

    @property
    def is_bad(self) -> bool:
        return self.level <= 2


class Invitation(models.Model):
    """A link to rate one handling; the secret is not stored and works once."""

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    handled_at = models.DateTimeField()
    secret_hash = models.BinaryField(max_length=32, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "handled_at"], name="invitation_once")]


class CallBack(models.Model):
    """A bad rating that must be put right, or answered with a reason and a date (差评整改)."""

    class Outcome(models.TextChoices):
        WAITING = "", _("waiting")
        PUT_RIGHT = "put_right", _("put right")
        PROMISED = "promised", _("reason given and date promised")

    rating = models.OneToOneField(Rating, on_delete=models.CASCADE, related_name="call_back")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    reason = models.TextField(blank=True)
    promised_on = models.DateField(null=True)
    done_at = models.DateTimeField(null=True)
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(outcome="promised") | (Q(promised_on__isnull=False) & ~Q(reason="")),
                name="promise_has_reason_and_date",
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(outcome=""), name="call_back_waiting")]


class HeardText(models.Model):
    """A text message that came in, and what came of it; its words stand where they were put, not here."""

    class Outcome(models.TextChoices):
        RATED = "rated", _("counted as a rating")
        CONTESTED = "contested", _("opened the matter again")
        ADDED = "added", _("added to the matter")
        STOPPED = "stopped", _("no more text messages wanted")
        STARTED = "started", _("text messages wanted again")
        ASKED = "asked", _("asked what is meant")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("could not be sent")
        VOID = "void", _("no longer wanted")

    gateway = models.CharField(max_length=100)
    message_id = models.CharField(max_length=150)
    """The gateway's own; the same one again has no further effect."""
    case = models.ForeignKey(Case, null=True, on_delete=models.CASCADE, related_name="+")
    outcome = models.CharField(max_length=9, choices=Outcome.choices)
    at = models.DateTimeField()
    phone = models.CharField(max_length=32, blank=True)
    """Whom to answer; emptied when the answer has left."""
    reply = models.TextField(blank=True)
    reply_state = models.CharField(max_length=8, choices=State.choices, default=State.VOID)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "message_id"], name="text_heard_once")]


class FollowUp(models.Model):
    """A call after a handling (回访) and what came of it."""

    class Outcome(models.TextChoices):
        RATED = "rated", _("rated")
        NOT_REACHED = "not_reached", _("not reached")
        DECLINED = "declined", _("did not want to say")

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="+")
    handled_at = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class Exclusion(models.Model):
    """A case that is left out of the rates (不合理诉求剔除): reason, evidence, a second person, appeal."""

    class State(models.TextChoices):
        ASKED = "asked", _("waiting for a second person")
        AGREED = "agreed", _("left out")
        REFUSED = "refused", _("not left out")
        APPEALED = "appealed", _("left out, appeal under way")
        LIFTED = "lifted", _("counted again after appeal")

    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="exclusion")
    reason_code = models.CharField(max_length=20)
    reason = models.TextField()
    evidence = models.TextField()
    asked_by = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    appeal = models.TextField(blank=True)
    appealed_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")), name="exclusion_by_two_people"
            )
        ]


class RateFact(models.Model):
    """What one case counts in the three rates; made anew whenever something happens to it."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="+")
    month = models.DateField()
    organisation_id = models.BigIntegerField()
    function_id = models.BigIntegerField()
    area_id = models.BigIntegerField()
    closure = models.CharField(max_length=16, blank=True)
    due = models.PositiveSmallIntegerField()
    responded = models.PositiveSmallIntegerField()
    resolved = models.PositiveSmallIntegerField()
    rated = models.PositiveSmallIntegerField()
    satisfied = models.PositiveSmallIntegerField()
    contested = models.PositiveSmallIntegerField()
    excluded = models.PositiveSmallIntegerField()
    decides_at = models.DateTimeField(null=True)
    """When its deadline will make it count, unless something happens before."""

    class Meta:
        indexes = [
            models.Index(fields=["decides_at"], condition=Q(decides_at__isnull=False), name="fact_decides"),
            models.Index(fields=["month", "organisation_id"], name="fact_month_organisation"),
        ]


class RateCell(models.Model):
    """Sums of `RateFact` by month, organisation, function, area, way of ending and exclusion."""

    month = models.DateField()
    organisation_id = models.BigIntegerField()
    function_id = models.BigIntegerField()
    area_id = models.BigIntegerField()
    closure = models.CharField(max_length=16, blank=True)
    excluded = models.PositiveSmallIntegerField()
    received = models.IntegerField()
    due = models.IntegerField()
    responded = models.IntegerField()
    resolved = models.IntegerField()
    rated = models.IntegerField()
    satisfied = models.IntegerField()
    contested = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["month", "organisation_id", "function_id", "area_id", "closure", "excluded"],
                name="rate_cell_once",
            )
        ]


class Progress(models.Model):
    """How far a background work has come along the log."""

    name = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(default=-1)
    at = models.DateTimeField(null=True)


class AnswerCheck(models.Model):
    """What the reply gate found about an answer that left, and whose decision that was."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    post = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    fingerprint = models.BigIntegerField()
    """Of the text without numbers, so that repeated answers meet."""
    scores = models.JSONField()
    held_for = ArrayField(models.CharField(max_length=20), default=list)
    override_reason = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "-at"], name="answer_check_recent"),
        ]


class Sample(models.Model):
    """An answer drawn at random for a look at its quality."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    organisation = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    week = models.DateField()
    scores = models.JSONField()
    judged = models.JSONField(null=True)
    """What a person thinks of it: aspect → 0 or 1."""
    judged_by = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    judged_at = models.DateTimeField(null=True)


class LatenessModel(models.Model):
    """A model of lateness, learned from the city's own cases; the newest is in use."""

    learned_at = models.DateTimeField()
    document = models.JSONField()
    figures = models.JSONField(default=dict)


class LateRisk(models.Model):
    """How likely an open case will be late, with the reasons."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="late_risk")
    probability = models.FloatField()
    at_intake = models.FloatField()
    reasons = models.JSONField(default=list)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["-probability"], name="late_risk_highest")]


class Plan(models.Model):
    """A plan of inspection (抽查计划): who can be inspected, who can inspect, what is looked at."""

    name_zh = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200, blank=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    checklist = models.JSONField(default=list)
    """Items: code, name_zh, name_en, needs_photo."""
    function_code = models.CharField(max_length=60, blank=True)
    """Under which function a finding becomes a case."""
    created_at = models.DateTimeField()


class Draw(models.Model):
    """A random draw (双随机): announced before the ledger checkpoint exists whose root will be its seed."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="draws")
    subjects = models.JSONField()
    """What can be drawn: id, name, weight (of risk), at most 1,000."""
    inspectors = models.JSONField()
    """Who can be drawn: id (post code), conflicts (ids of subjects)."""
    count = models.PositiveSmallIntegerField()
    inspectors_each = models.PositiveSmallIntegerField(default=2)
    tree_size = models.BigIntegerField()
    """The first checkpoint with at least so many acts gives the seed."""
    announced_at = models.DateTimeField()
    checkpoint_size = models.BigIntegerField(null=True)
    root = models.BinaryField(max_length=32, null=True)
    result = models.JSONField(null=True)
    drawn_at = models.DateTimeField(null=True)


class Inspection(models.Model):
    """One inspection that was drawn, and what was found; public."""

    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="inspections")
    subject_id = models.CharField(max_length=60)
    subject_name = models.CharField(max_length=200)
    posts = ArrayField(models.CharField(max_length=60))
    answers = models.JSONField(null=True)
    """Item → ok, note, photo (SHA-256)."""
    signed_by = models.ForeignKey(Post, null=True, on_delete=models.PROTECT, related_name="+")
    signer = models.CharField(max_length=100, blank=True, db_default="")
    """Who signed for the inspected, as typed; empty when nobody did. Not public."""
    signature = models.CharField(max_length=64, blank=True, db_default="")
    """SHA-256 of the stored picture of what was drawn; empty when the name was typed only."""
    unsigned_why = models.CharField(max_length=200, blank=True, db_default="")
    """Why nobody signed for the inspected."""
    done_at = models.DateTimeField(null=True)
    finding = models.ForeignKey(Case, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["draw", "subject_id"], name="inspected_once_a_draw")]
