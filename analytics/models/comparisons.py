"""Comparisons (A/B): variants that answer the same prompts, and what was found of their answers."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from conversations.models import Message, Project, Session
from conversations.models.constraints import in_range, one_of
from conversations.models.fields import DateTimeField, ForeignKey, JSONField, TextField

LONGEST_NAME = 300
MOST_VALUE = 10**18  # of a metric: its square, times a million, is still a number
MOST_PROMPTS = 10**7
MOST_REPETITIONS = 10**9
VALUES = ("metric_value", "scale_low", "scale_high")
VOTES = "votes"  # the primary metric that is no column of results


class ComparisonType(models.TextChoices):
    """What differs between the variants."""

    MODEL = "model"
    PROMPT = "prompt"
    PARAMETER = "parameter"
    MIXED = "mixed"


class Evaluator(models.TextChoices):
    """Who measured a result."""

    HUMAN = "human"
    LLM_JUDGE = "llm_judge"
    AUTOMATED = "automated"


class Outcome(models.TextChoices):
    """What a vote says of the two answers; `failed` is a judge that gave no verdict."""

    A = "a"
    B = "b"
    TIE = "tie"
    FAILED = "failed"


class ComparisonGroup(models.Model):
    """Sessions that answer the same prompts in different ways."""

    group_uuid = models.CharField(max_length=64, unique=True)
    project = ForeignKey(Project, models.SET_NULL, null=True, blank=True)
    name = models.CharField(max_length=LONGEST_NAME)
    description = models.TextField(blank=True, db_default="")
    comparison_type = models.CharField(
        max_length=20, choices=ComparisonType, db_default=ComparisonType.MODEL
    )
    created_at = DateTimeField(db_default=Now(), editable=False)
    completed_at = DateTimeField(null=True, blank=True)
    metadata = JSONField(blank=True, default=dict, db_default={})

    # The plan: what decides, set when, on how many prompts. Empty: votes if there are any, else the
    # first metric by name.
    primary_metric = models.CharField(max_length=200, blank=True, db_default="")
    primary_set_at = DateTimeField(null=True, blank=True, editable=False)
    planned_prompts = models.IntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MOST_PROMPTS)]
    )
    planned_at = DateTimeField(null=True, blank=True, editable=False)
    baseline = models.CharField(max_length=LONGEST_NAME, blank=True, db_default="")
    # Whether variants are to be compared prompt by prompt; if not, prompts are not looked at.
    is_paired = models.BooleanField(db_default=True, default=True)
    # Goes up with every change of the tables below, by triggers: a report of another one is old.
    revision = models.BigIntegerField(db_default=0, default=0, editable=False)

    class Meta:
        db_table = "comparison_groups"
        constraints = [
            one_of("comparison_groups", "comparison_type", ComparisonType),
            *in_range("comparison_groups", MOST_PROMPTS, "planned_prompts", least=1),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("comparison", args=[self.group_uuid])


class ComparisonVariant(models.Model):
    """What a variant is called, and the share of the traffic it was to get.

    A variant is known by the name that sessions, results and votes give it; it needs no row here.
    """

    comparison_group = ForeignKey(
        ComparisonGroup, models.CASCADE, related_name="variant_rows", db_index=False
    )
    variant_name = models.CharField(max_length=LONGEST_NAME)
    label = models.CharField(max_length=LONGEST_NAME, blank=True, db_default="")
    planned_share = models.FloatField(null=True, blank=True)
    config = JSONField(blank=True, default=dict, db_default={})

    class Meta:
        db_table = "comparison_variants"
        constraints = [
            models.UniqueConstraint(
                fields=["comparison_group", "variant_name"], name="comparison_variants_once"
            ),
            models.CheckConstraint(
                condition=Q(planned_share__isnull=True)
                | Q(planned_share__gt=0, planned_share__lte=1),
                name="comparison_variants_share_in_range",
            ),
        ]

    def __str__(self):
        return self.label or self.variant_name


class ComparisonSession(models.Model):
    """A session as one variant of a comparison."""

    comparison_group = ForeignKey(
        ComparisonGroup, models.CASCADE, related_name="variants", db_index=False
    )
    session = ForeignKey(Session, models.CASCADE, related_name="comparisons")
    variant_name = models.CharField(max_length=LONGEST_NAME, blank=True, db_default="")
    variant_config = JSONField(null=True, blank=True)
    created_at = DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "comparison_sessions"
        constraints = [
            models.UniqueConstraint(
                fields=["comparison_group", "session"], name="comparison_sessions_once"
            )
        ]

    def __str__(self):
        return self.variant_name


class ComparisonPrompt(models.Model):
    """A prompt that variants answer: known by its key, found by the hash of its text and inputs."""

    comparison_group = ForeignKey(
        ComparisonGroup, models.CASCADE, related_name="prompts", db_index=False
    )
    prompt_key = models.CharField(max_length=LONGEST_NAME)
    prompt_hash = models.CharField(max_length=64, blank=True, db_default="")
    text = TextField(blank=True, db_default="")
    inputs = JSONField(blank=True, default=dict, db_default={})
    prompt_group = models.CharField(max_length=LONGEST_NAME, blank=True, db_default="")

    class Meta:
        db_table = "comparison_prompts"
        constraints = [
            models.UniqueConstraint(
                fields=["comparison_group", "prompt_key"], name="comparison_prompts_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["comparison_group", "prompt_hash"], name="comparison_prompts_by_hash"
            )
        ]

    def __str__(self):
        return self.prompt_key


class ComparisonResult(models.Model):
    """One measured value of one answer in a comparison, or why there is none (`error`)."""

    comparison_group = ForeignKey(ComparisonGroup, models.CASCADE, related_name="results")
    session = ForeignKey(Session, models.CASCADE, null=True, blank=True)
    message = ForeignKey(Message, models.SET_NULL, null=True, blank=True)
    metric_name = models.CharField(max_length=200)
    metric_value = models.FloatField(null=True, blank=True)
    metric_unit = models.CharField(max_length=50, blank=True, db_default="")
    evaluator = models.CharField(max_length=20, choices=Evaluator, db_default=Evaluator.AUTOMATED)
    notes = models.TextField(blank=True, db_default="")
    evaluated_at = DateTimeField(db_default=Now())
    metadata = JSONField(blank=True, default=dict, db_default={})

    # Empty: the variant of the session, and the prompt that the message or the session answers.
    variant_name = models.CharField(max_length=LONGEST_NAME, blank=True, db_default="")
    prompt = ForeignKey(
        ComparisonPrompt, models.CASCADE, null=True, blank=True, related_name="results"
    )
    repetition = models.IntegerField(db_default=0, default=0)
    rater = models.CharField(max_length=200, blank=True, db_default="")
    error = models.CharField(max_length=1000, blank=True, db_default="")
    scale_low = models.FloatField(null=True, blank=True)
    scale_high = models.FloatField(null=True, blank=True)
    higher_is_better = models.BooleanField(null=True, blank=True)
    # What makes a replayed import find its row again.
    external_key = models.CharField(max_length=300, null=True, editable=False)  # noqa: DJ001

    class Meta:
        db_table = "comparison_results"
        constraints = [
            one_of("comparison_results", "evaluator", Evaluator),
            *in_range("comparison_results", MOST_VALUE, *VALUES, least=-MOST_VALUE),
            *in_range("comparison_results", MOST_REPETITIONS, "repetition"),
            models.UniqueConstraint(
                fields=["comparison_group", "external_key"], name="comparison_results_once"
            ),
        ]

    def __str__(self):
        return f"{self.metric_name} = {self.metric_value}"


class ComparisonVote(models.Model):
    """What one rater says of two answers to one prompt, and which of them was shown first."""

    comparison_group = ForeignKey(
        ComparisonGroup, models.CASCADE, related_name="votes", db_index=False
    )
    prompt = ForeignKey(ComparisonPrompt, models.CASCADE, related_name="votes")
    variant_a = models.CharField(max_length=LONGEST_NAME)
    variant_b = models.CharField(max_length=LONGEST_NAME)
    outcome = models.CharField(max_length=10, choices=Outcome)
    score = models.FloatField(null=True, blank=True)  # a graded preference for b, 0 to 1
    first_shown = models.CharField(max_length=1, blank=True, db_default="")  # "a", "b", not known
    rater = models.CharField(max_length=200, blank=True, db_default="")
    evaluator = models.CharField(
        max_length=20, choices=Evaluator, default=Evaluator.HUMAN, db_default=Evaluator.HUMAN
    )
    judge_version = models.CharField(max_length=200, blank=True, db_default="")
    message_a = ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="+")
    message_b = ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="+")
    repetition = models.IntegerField(db_default=0, default=0)
    voted_at = DateTimeField(db_default=Now())
    notes = models.TextField(blank=True, db_default="")
    external_key = models.CharField(max_length=300, null=True, editable=False)  # noqa: DJ001

    class Meta:
        db_table = "comparison_votes"
        constraints = [
            one_of("comparison_votes", "outcome", Outcome),
            one_of("comparison_votes", "evaluator", Evaluator),
            *in_range("comparison_votes", MOST_REPETITIONS, "repetition"),
            models.CheckConstraint(
                condition=Q(first_shown__in=["", "a", "b"]), name="comparison_votes_first_shown"
            ),
            models.CheckConstraint(
                condition=~Q(variant_a=F("variant_b")), name="comparison_votes_two_variants"
            ),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=0, score__lte=1),
                name="comparison_votes_score_in_range",
            ),
            models.UniqueConstraint(
                fields=["comparison_group", "external_key"], name="comparison_votes_once"
            ),
        ]

    def __str__(self):
        return f"{self.variant_a} / {self.variant_b}: {self.outcome}"


class ComparisonReport(models.Model):
    """The last report of a comparison, and what it was computed from."""

    comparison_group = ForeignKey(
        ComparisonGroup, models.CASCADE, related_name="reports", db_index=False
    )
    signature = models.CharField(max_length=200)
    input_hash = models.CharField(max_length=64)
    computed_at = DateTimeField()
    milliseconds = models.FloatField(db_default=0)
    report = models.JSONField()  # all but its prompts

    class Meta:
        db_table = "comparison_reports"
        constraints = [
            models.UniqueConstraint(fields=["comparison_group"], name="comparison_reports_once")
        ]

    def __str__(self):
        return f"report of {self.comparison_group_id}"


class ComparisonReportPrompt(models.Model):
    """What a report says of one prompt: a row each, since a page shows some of thousands."""

    report = ForeignKey(
        ComparisonReport, models.CASCADE, related_name="prompt_rows", db_index=False
    )
    place = models.PositiveIntegerField()  # the worst of the second variant first
    prompt_key = models.TextField()
    delta = models.FloatField(null=True)  # of the primary metric, second less first variant
    row = models.JSONField()

    class Meta:
        db_table = "comparison_report_prompts"
        constraints = [
            models.UniqueConstraint(
                fields=["report", "place"], name="comparison_report_prompts_once"
            )
        ]

    def __str__(self):
        return self.prompt_key
