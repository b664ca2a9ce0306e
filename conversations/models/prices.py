"""What tokens cost: the user's own prices, how each message got its cost, and changes of it."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from .constraints import in_range, one_of
from .fields import DateField, DateTimeField, ForeignKey, JSONField, MillionthsField

MOST_PRICE = 10**6  # USD per million tokens
MOST_TOKENS_OF_A_STEP = 10**9
PRICES = (
    "input_price",
    "cache_read_price",
    "cache_write_5m_price",
    "cache_write_1h_price",
    "output_price",
    "reasoning_price",
)


class BasisKind(models.TextChoices):
    """How a message got its cost."""

    RECORDED = "recorded"
    COMPUTED = "computed"
    LOCAL = "local"
    SUBSCRIPTION = "subscription"
    UNKNOWN = "unknown"


class CostBasis(models.Model):
    """How messages got their cost: by which rule, from where, at which prices.

    Rows are never changed. The first four are fixed and say nothing but their kind; the others
    are made when a price is first used, and are found again by `digest`.
    """

    RECORDED, LOCAL, SUBSCRIPTION, UNKNOWN = 1, 2, 3, 4
    FIXED = {
        RECORDED: BasisKind.RECORDED,
        LOCAL: BasisKind.LOCAL,
        SUBSCRIPTION: BasisKind.SUBSCRIPTION,
        UNKNOWN: BasisKind.UNKNOWN,
    }
    FIRST = 100  # id of the first that is not fixed

    kind = models.CharField(max_length=20, choices=BasisKind)
    rule = models.CharField(max_length=100, blank=True, db_default="")  # of matching the name
    origin = models.CharField(max_length=100, blank=True, db_default="")  # of the prices
    provider = models.CharField(max_length=100, blank=True, db_default="")  # as priced
    model = models.CharField(max_length=200, blank=True, db_default="")  # as priced
    rates = JSONField(blank=True, default=dict, db_default={})  # USD per million tokens, as text
    digest = models.CharField(max_length=64, unique=True)  # of all that; the kind of a fixed row

    class Meta:
        db_table = "cost_bases"
        constraints = [one_of("cost_bases", "kind", BasisKind)]

    def __str__(self):
        return self.in_words

    @property
    def in_words(self) -> str:
        """What people read: `computed, genai-prices 0.2.3, anthropic/claude-sonnet-4-5`."""
        if self.kind == BasisKind.RECORDED:
            return "recorded by the source"
        if self.kind == BasisKind.UNKNOWN:
            return "unpriced"
        name = f"{self.provider}/{self.model}" if self.provider else self.model
        return ", ".join(filter(None, [str(self.kind), self.origin, name]))

    @property
    def named_rates(self) -> list[tuple[str, str]]:
        """The prices it was computed with, USD per million tokens, by what they are for."""
        rates = self.rates if isinstance(self.rates, dict) else {}
        return [(str(name).replace("_", " "), str(rate)) for name, rate in rates.items()]

    @classmethod
    def store_fixed(cls, using: str) -> None:
        """Store the fixed rows, if they are not there."""
        cls.objects.using(using).bulk_create(
            [cls(id=id, kind=kind, digest=kind) for id, kind in cls.FIXED.items()],
            ignore_conflicts=True,
        )


class PriceKind(models.TextChoices):
    """What a row of the price book says of the requests it is for."""

    PER_TOKEN = "per_token", "Per token"
    LOCAL = "local", "Local, costs nothing"
    SUBSCRIPTION = "subscription", "Paid by a subscription, nothing per request"


def _price(**options) -> MillionthsField:
    return MillionthsField(null=True, blank=True, help_text="USD per million tokens.", **options)


class Price(models.Model):
    """A row of the user's own price book, which comes before every other price.

    It is for requests to `provider` (any, if empty) whose model's name matches the shell pattern
    `model_pattern`, from `valid_from` on and before `valid_to` (days in UTC), in `service_tier`
    (any, if empty), that send more than `above_input_tokens`. Prices are exact to a millionth of a
    dollar. One that is empty is that of the input for parts of the input, that of the output for
    reasoning.
    """

    provider = models.CharField(max_length=100, blank=True, db_default="")
    model_pattern = models.CharField(
        max_length=200, help_text="A name, or a pattern with * and ?, such as gpt-4o*."
    )
    valid_from = DateField(null=True, blank=True, help_text="First day (UTC).")
    valid_to = DateField(null=True, blank=True, help_text="Day (UTC) from which on it is not.")
    kind = models.CharField(max_length=20, choices=PriceKind, db_default=PriceKind.PER_TOKEN)
    input_price = _price(db_column="input_micros")
    cache_read_price = _price(db_column="cache_read_micros")
    cache_write_5m_price = _price(db_column="cache_write_5m_micros")
    cache_write_1h_price = _price(db_column="cache_write_1h_micros")
    output_price = _price(db_column="output_micros")
    reasoning_price = _price(db_column="reasoning_micros")
    batch_factor = MillionthsField(
        db_default=Decimal("0.5"),
        db_column="batch_factor_micros",
        help_text="What a token in a batch costs, in parts of the price.",
    )
    service_tier = models.CharField(max_length=50, blank=True, db_default="")
    above_input_tokens = models.BigIntegerField(db_default=0)
    note = models.TextField(blank=True, db_default="")
    created_at = DateTimeField(db_default=Now(), editable=False)
    updated_at = DateTimeField(db_default=Now(), editable=False)  # kept by a trigger

    class Meta:
        db_table = "prices"
        ordering = ["provider", "model_pattern", "valid_from", "above_input_tokens", "id"]
        constraints = [
            one_of("prices", "kind", PriceKind),
            models.CheckConstraint(
                condition=~Q(kind=PriceKind.PER_TOKEN)
                | Q(input_price__isnull=False, output_price__isnull=False),
                name="prices_per_token_complete",
                violation_error_message="A price per token needs those of input and output.",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__gt=F("valid_from")),
                name="prices_valid_from_before_to",
                violation_error_message="The price must end after the day on which it starts.",
            ),
            *in_range("prices", MOST_PRICE, *PRICES),
            *in_range("prices", 100, "batch_factor"),
            *in_range("prices", MOST_TOKENS_OF_A_STEP, "above_input_tokens"),
        ]

    def __str__(self):
        return f"{self.provider or 'any provider'}/{self.model_pattern}"


class RepriceStatus(models.TextChoices):
    """Where a run that prices messages anew stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # before its end; it can be continued or undone
    UNDOING = "undoing"
    UNDONE = "undone"


class RepriceRun(models.Model):
    """One run that gave messages another cost, and what takes it back."""

    run_uuid = models.CharField(max_length=64, unique=True)
    user = ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    status = models.CharField(
        max_length=20, choices=RepriceStatus, db_default=RepriceStatus.WAITING
    )
    options = JSONField(blank=True, default=dict, db_default={})  # which messages were asked for
    last_message_id = models.BigIntegerField(db_default=0)  # up to which they have been looked at
    checked = models.BigIntegerField(db_default=0)  # messages with tokens that were looked at
    messages = models.BigIntegerField(db_default=0)  # that got another cost or basis
    left_alone = models.BigIntegerField(db_default=0)  # by its undoing: changed or deleted since
    nanos_before = models.BigIntegerField(db_default=0)  # nano-dollars, of those messages
    nanos_after = models.BigIntegerField(db_default=0)
    made_at = DateTimeField(db_default=Now())
    undone_at = DateTimeField(null=True)

    class Meta:
        db_table = "reprice_runs"
        ordering = ["-id"]
        constraints = [one_of("reprice_runs", "status", RepriceStatus)]

    def __str__(self):
        return self.run_uuid

    def get_absolute_url(self):
        return reverse("reprice-run", args=[self.run_uuid])

    @property
    def is_busy(self) -> bool:
        """Whether something will still happen to it by itself."""
        return self.status in (
            RepriceStatus.WAITING,
            RepriceStatus.RUNNING,
            RepriceStatus.UNDOING,
        )

    @property
    def can_be_undone(self) -> bool:
        """Whether it has changed something that can be taken back."""
        is_settled = self.status in (RepriceStatus.DONE, RepriceStatus.STOPPED)
        return is_settled and self.messages > 0

    @property
    def cost_before(self) -> Decimal:
        """USD, of the messages that it changed."""
        return Decimal(self.nanos_before).scaleb(-9)

    @property
    def cost_after(self) -> Decimal:
        """USD, of the messages that it changed."""
        return Decimal(self.nanos_after).scaleb(-9)


class RepriceChange(models.Model):
    """What a run changed of one message.

    Messages and bases are named by number alone: a reference would make each deletion of a message
    look here.
    """

    run = ForeignKey(RepriceRun, models.CASCADE, related_name="changes")
    message_id = models.BigIntegerField()
    old_cost = models.FloatField(null=True)  # USD
    new_cost = models.FloatField(null=True)  # USD
    old_basis_id = models.BigIntegerField(null=True)
    new_basis_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "reprice_changes"

    def __str__(self):
        return f"message {self.message_id}"
