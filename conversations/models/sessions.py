"""Sessions, their messages and their snapshots."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast, Now, Round
from django.urls import reverse

from .catalog import LanguageModel, Project
from .choices import Role, SessionStatus, SessionType, SnapshotType
from .constraints import in_range, one_of
from .fields import DateTimeField, ForeignKey, JSONField, TextField
from .prices import BasisKind, CostBasis

NANO = 1_000_000_000  # nano-dollars in a dollar
MOST_TOKENS = 10**9  # of one message
MOST_COST = 10**6  # USD, of one message
MOST_LATENCY = 10**10  # ms, four months
TOKEN_COLUMNS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
)


NOT_TRASHED = Q(deleted_at__isnull=True)
# `deleted_at` is in the end, though the condition says what it holds: to SQLite an index covers a
# query only if it has every column that the query names.
FIGURES = (
    "total_cost_nanos",
    "total_input_tokens",
    "total_output_tokens",
    "total_messages",
    "total_unpriced",
    "deleted_at",
)


class SessionQuerySet(models.QuerySet):
    def newest_first(self):
        return self.order_by("-started_at", "-id")

    def titled(self, text: str):
        """Those whose title holds `text`; letters A to Z count the same in both cases."""
        if not text:
            return self
        # Looked for in the index of titles alone: no row is read for it.
        titles = Session.objects.using(self.db).filter(title__icontains=text).order_by()
        return self.filter(pk__in=titles.values("pk"))

    def trashed(self):
        return self.filter(deleted_at__isnull=False)

    def with_names(self):
        """Fetch the project and the model along, so that a list costs one query."""
        return self.select_related("project", "model")

    def whose_id_starts_with(self, prefix: str):
        # A range, not LIKE: it uses the unique index, and `_` and `%` mean themselves.
        return self.filter(session_uuid__gte=prefix, session_uuid__lt=prefix + "\U0010ffff")


class KeptSessionManager(models.Manager.from_queryset(SessionQuerySet)):
    """Sessions that are not in the trash."""

    def get_queryset(self):
        return super().get_queryset().filter(deleted_at__isnull=True)


class Session(models.Model):
    """One conversation. Its totals are kept by triggers on its messages (sql/*/totals.sql).

    One with `deleted_at` lies in the trash: it is in no list, search or figure, and can be brought
    back. `Session.objects` leaves it out; `Session.with_trash` has all.
    """

    session_uuid = models.CharField(max_length=64, unique=True)
    project = ForeignKey(Project, models.SET_NULL, null=True, blank=True, db_index=False)
    session_type = models.CharField(
        max_length=20, choices=SessionType, db_default=SessionType.SINGLE
    )
    title = models.CharField(max_length=1000, blank=True, db_default="")
    description = models.TextField(blank=True, db_default="")
    model = ForeignKey(LanguageModel, models.SET_NULL, null=True, blank=True, db_index=False)
    system_prompt = TextField(blank=True, db_default="")
    temperature = models.FloatField(null=True, blank=True)
    max_tokens = models.IntegerField(null=True, blank=True)
    top_p = models.FloatField(null=True, blank=True)
    status = models.CharField(max_length=20, choices=SessionStatus, db_default=SessionStatus.ACTIVE)
    started_at = DateTimeField(db_default=Now())
    completed_at = DateTimeField(null=True, blank=True)
    total_messages = models.IntegerField(db_default=0, editable=False)
    total_input_tokens = models.BigIntegerField(db_default=0, editable=False)
    total_output_tokens = models.BigIntegerField(db_default=0, editable=False)
    total_cost = models.FloatField(db_default=0, editable=False)  # USD, total_cost_nanos / 1e9
    total_cost_nanos = models.BigIntegerField(db_default=0, editable=False)  # the exact sum
    # Messages that used tokens at an unknown price: what they cost is not in the sum.
    total_unpriced = models.IntegerField(db_default=0, editable=False)
    parent_session = ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="branches"
    )
    tags = JSONField(blank=True, default=list, db_default=[])
    metadata = JSONField(blank=True, default=dict, db_default={})

    # Where an imported session came from, and what it is called there.
    source = models.CharField(max_length=50, blank=True, db_default="", editable=False)
    external_id = models.CharField(max_length=300, null=True, editable=False)  # noqa: DJ001
    parent_external_id = models.CharField(max_length=300, null=True, editable=False)  # noqa: DJ001
    deleted_at = DateTimeField(null=True, editable=False)  # moved to the trash

    objects = KeptSessionManager()
    with_trash = SessionQuerySet.as_manager()

    class Meta:
        db_table = "sessions"
        indexes = [
            # Of the sessions that lists show, without the trash. As a condition of the index:
            # as its first column, SQLite without statistics takes `deleted_at IS NULL` for rare
            # and prefers it to the key of a row.
            models.Index(fields=["started_at"], name="sessions_by_time", condition=NOT_TRASHED),
            models.Index(
                fields=["status", "started_at"], name="sessions_by_status", condition=NOT_TRASHED
            ),
            # With what sessions are ranked by: those at the top are found in the index alone.
            models.Index(
                fields=[
                    "project",
                    "started_at",
                    "model",
                    "total_cost_nanos",
                    "total_input_tokens",
                    "total_output_tokens",
                    "completed_at",
                    "deleted_at",
                ],
                name="sessions_by_project",
                condition=NOT_TRASHED,
            ),
            models.Index(
                fields=["model", "started_at", *FIGURES],
                name="sessions_by_model",
                condition=NOT_TRASHED,
            ),
            models.Index(
                fields=["title", "deleted_at"], name="sessions_by_title", condition=NOT_TRASHED
            ),
            # All that lists filter, sort and sum by, so that no list reads rows to count them.
            models.Index(
                fields=[
                    "project",
                    "model",
                    "status",
                    "session_type",
                    "source",
                    "started_at",
                    *FIGURES,
                ],
                name="sessions_figures",
                condition=NOT_TRASHED,
            ),
            models.Index(
                fields=["deleted_at"],
                name="sessions_trashed",
                condition=Q(deleted_at__isnull=False),
            ),
            # The few imported sessions whose parent has not been seen yet.
            models.Index(
                fields=["source", "parent_external_id"],
                condition=Q(parent_external_id__isnull=False, parent_session__isnull=True),
                name="sessions_awaiting_parent",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"],
                condition=Q(external_id__isnull=False),
                name="sessions_imported_once",
            ),
            one_of("sessions", "session_type", SessionType),
            one_of("sessions", "status", SessionStatus),
        ]

    def __str__(self):
        return self.title[:200] or self.session_uuid

    def get_absolute_url(self):
        return reverse("session", args=[self.session_uuid])

    @property
    def total_tokens(self) -> int:
        return self.total_input_tokens + self.total_output_tokens

    @property
    def exact_cost(self) -> Decimal:
        """The cost of all messages in USD, without the rounding of `total_cost`."""
        return Decimal(self.total_cost_nanos) / NANO


class SessionTag(models.Model):
    """A tag of a session, kept by triggers from `sessions.tags` (sql/*/tags.sql): for finding."""

    session = ForeignKey(Session, models.CASCADE, related_name="tag_rows")
    name = models.CharField(max_length=1000)

    class Meta:
        db_table = "session_tags"
        constraints = [
            models.UniqueConstraint(fields=["name", "session"], name="session_tags_once")
        ]

    def __str__(self):
        return self.name


class MessageQuerySet(models.QuerySet):
    def in_order(self):
        return self.order_by("session_id", "sequence_number")


class Message(models.Model):
    """One message of a session.

    `input_tokens` counts everything sent, cache reads and writes included, and `output_tokens`
    everything generated, reasoning included; the detail columns are parts of them. NULL means
    that the source does not say, which is another thing than zero.
    """

    message_uuid = models.CharField(max_length=64, unique=True)
    session = ForeignKey(Session, models.CASCADE, related_name="messages", db_index=False)
    parent_message = ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="replies", db_index=False
    )
    sequence_number = models.IntegerField()
    role = models.CharField(max_length=20, choices=Role)
    content = TextField(blank=True, db_default="")
    content_type = models.CharField(max_length=50, db_default="text")
    model = ForeignKey(LanguageModel, models.SET_NULL, null=True, blank=True, db_index=False)
    timestamp = DateTimeField(db_default=Now())
    input_tokens = models.BigIntegerField(null=True, blank=True)
    output_tokens = models.BigIntegerField(null=True, blank=True)
    cache_read_tokens = models.BigIntegerField(null=True, blank=True)
    cache_write_5m_tokens = models.BigIntegerField(null=True, blank=True)
    cache_write_1h_tokens = models.BigIntegerField(null=True, blank=True)
    reasoning_tokens = models.BigIntegerField(null=True, blank=True)
    cost = models.FloatField(null=True, blank=True, help_text="USD.")
    # Sums run over this integer: floats of a million rows would drift.
    cost_nanos = models.GeneratedField(
        expression=Cast(Round(F("cost") * float(NANO)), models.BigIntegerField()),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )
    latency_ms = models.BigIntegerField(null=True, blank=True)
    finish_reason = models.CharField(max_length=50, blank=True, db_default="")
    function_call = JSONField(null=True, blank=True)
    tool_calls = JSONField(null=True, blank=True)
    error_message = models.TextField(blank=True, db_default="")
    metadata = JSONField(blank=True, default=dict, db_default={})

    external_id = models.CharField(max_length=300, null=True, editable=False)  # noqa: DJ001
    is_active_path = models.BooleanField(db_default=True)  # on the branch that the source shows
    is_hidden = models.BooleanField(db_default=False)  # context that the source does not show
    is_sidechain = models.BooleanField(db_default=False)  # said by or to a sub-agent
    # How it got its cost. NULL beside a cost: recorded by whoever wrote it.
    cost_basis = ForeignKey(
        CostBasis, models.SET_NULL, null=True, editable=False, related_name="+", db_index=False
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        db_table = "messages"
        indexes = [
            # Partial: most messages have none, and deleting a message looks its replies up.
            models.Index(
                fields=["parent_message"],
                condition=Q(parent_message__isnull=False),
                name="messages_by_parent",
            ),
            models.Index(fields=["timestamp"], name="messages_by_time"),
            # What lists of hits sort, filter and count by: thousands of rows are not read for it.
            models.Index(
                fields=["id", "timestamp", "session", "role", "model", "cost_nanos"],
                name="messages_facts",
            ),
            # Partial: what pages list and price anew is a small part of very many.
            models.Index(
                fields=["model", "session", "input_tokens", "output_tokens"],
                condition=Q(cost__isnull=True) & (Q(input_tokens__gt=0) | Q(output_tokens__gt=0)),
                name="messages_unpriced",
            ),
            # The newest failures, among very many messages that worked.
            models.Index(
                fields=["timestamp"],
                condition=Q(error_message__gt=""),
                name="messages_failed",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "sequence_number"], name="messages_sequence_once"
            ),
            one_of("messages", "role", Role),
            *in_range("messages", MOST_TOKENS, *TOKEN_COLUMNS),
            *in_range("messages", MOST_COST, "cost"),
            *in_range("messages", MOST_LATENCY, "latency_ms"),
            *in_range("messages", 2**31 - 1, "sequence_number"),
        ]

    def __str__(self):
        return f"{self.role} {self.sequence_number}"

    @property
    def is_unpriced(self) -> bool:
        """Whether it cost something that nobody knows."""
        is_used = bool(self.input_tokens or self.output_tokens)
        return self.cost is None and (is_used or self.cost_basis_id == CostBasis.SUBSCRIPTION)

    @property
    def cost_kind(self) -> str:
        """How the cost came about, in a word; "" for a message that costs nothing."""
        if self.cost is None:
            return "unpriced" if self.is_unpriced else ""
        return self.cost_basis.kind if self.cost_basis else BasisKind.RECORDED.value

    @property
    def cost_in_words(self) -> str:
        """How the cost came about: `computed, genai-prices 0.2.3, openai/gpt-4o`."""
        if self.cost_kind and self.cost_basis:
            return self.cost_basis.in_words
        return "recorded by whoever wrote it" if self.cost is not None else self.cost_kind


class SessionSnapshot(models.Model):
    """What a session was at one of its messages."""

    session = ForeignKey(Session, models.CASCADE, related_name="snapshots", db_index=False)
    snapshot_type = models.CharField(
        max_length=20, choices=SnapshotType, db_default=SnapshotType.CHECKPOINT
    )
    sequence_number = models.IntegerField()
    session_state = JSONField()
    context_window = JSONField(null=True, blank=True)
    created_at = DateTimeField(db_default=Now(), editable=False)
    description = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "session_snapshots"
        constraints = [
            models.UniqueConstraint(
                fields=["session", "sequence_number"], name="session_snapshots_once"
            ),
            one_of("session_snapshots", "snapshot_type", SnapshotType),
        ]

    def __str__(self):
        return f"{self.snapshot_type} at {self.sequence_number}"
