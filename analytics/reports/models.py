"""How models do: what they were used for, what they cost, how fast and how good they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from analytics import cube, histograms
from analytics.charts import Cell
from analytics.cube import Started, Sums
from analytics.figures import Number, Unit
from analytics.filters import AnalyticsFilter, Where
from analytics.tables import Line, Table
from conversations.models import CostBasis
from conversations.models.choices import Role

from . import ratings
from .names import namer
from .ratings import Ratings
from .series import STACKED, link_more
from .spread import Buckets, not_told_apart

MOST_COMPARED = 6  # side by side
MOST_ROWS = 15  # of a chart with a row for each model
UNPRICED_BASES = (CostBasis.SUBSCRIPTION, CostBasis.UNKNOWN)
ERRORS, REMARKS = "has:error", "has:annotation"
PERCENTILES_OF = "Latencies are of messages of"
FINISHES_OF = "Finish reasons are of"


@dataclass(slots=True)
class ModelFigures:
    """What is known of one model over a range; an id of 0 stands for no model."""

    id: int
    name: str = ""
    sums: Sums = field(default_factory=Sums)
    answers: Sums = field(
        default_factory=Sums
    )  # of the role assistant, or of the role that is asked for
    priced: Sums = field(default_factory=Sums)  # of messages whose cost is known
    started: Started = field(default_factory=Started)
    ratings: Ratings = field(default_factory=Ratings)
    latencies: Buckets = field(default_factory=dict)
    finishes: dict[str, int] = field(default_factory=dict)

    @property
    def cost(self) -> Decimal | None:
        """USD of the messages whose cost is known, None if there is none of them."""
        return None if self.sums.unpriced and not self.priced.messages else self.sums.cost

    def latency(self, share: float) -> float | None:
        """Return a percentile of the latency, in ms; `share` is from 0 to 1."""
        return histograms.percentile(self.latencies, share)


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the table of models; `better` is which way is the better one, if one is."""

    name: str
    unit: Unit
    value_of: Callable[[ModelFigures], Number | None]
    better: Literal["more", "less", ""] = ""
    searched: str = ""  # in the sessions behind the number


MEASURES = (
    Measure("Sessions", "count", lambda model: model.started.sessions),
    Measure("Messages", "count", lambda model: model.sums.messages),
    Measure("Tokens", "tokens", lambda model: model.sums.tokens),
    Measure("Cost", "usd", lambda model: model.cost),
    Measure("Unpriced", "count", lambda model: model.sums.unpriced),
    Measure("Cost per 1k output", "usd", lambda model: model.priced.cost_per_1k_output, "less"),
    Measure("Error rate", "percent", lambda model: model.answers.error_rate, "less", ERRORS),
    Measure("Latency p50", "ms", lambda model: model.latency(0.5), "less"),
    Measure("Latency p95", "ms", lambda model: model.latency(0.95), "less"),
    Measure("Latency p99", "ms", lambda model: model.latency(0.99), "less"),
    Measure(
        "Output tokens/s",
        "per_second",
        lambda model: model.sums.tokens_per_second,
        "more",
    ),
    Measure("Cache hit rate", "percent", lambda model: model.sums.cache_hit_rate, "more"),
    Measure("Rating, of 5", "count", lambda model: model.ratings.mean, "more", REMARKS),
    Measure("Ratings", "count", lambda model: model.ratings.count, "", REMARKS),
)


def is_answer(where: Where, role: str) -> bool:
    """Return whether messages of a role count for the error rate: a tool that fails does not."""
    return role == (where.role or Role.ASSISTANT)


def is_priced(basis: int, sums: Sums) -> bool:
    """Return whether the cost of these messages, all of one basis, is known."""
    return basis not in UNPRICED_BASES and not (sums.unpriced and not sums.cost_nanos)


def models(filters: AnalyticsFilter, compared: Sequence[int] = ()) -> list[ModelFigures]:
    """Return the figures of all models of the range, the dearest first, or of those compared.

    Those compared come in their order, with nothing in them if there is nothing.
    """
    where, first, last = filters.where, filters.range.first, filters.range.last
    found: dict[int, ModelFigures] = {id: ModelFigures(id) for id in compared}

    def of(id: int) -> ModelFigures:
        return found.setdefault(id, ModelFigures(id))

    # Two questions, not one by all three: each has a roll-up of its own.
    by_role = cube.by_day(where, first, last, ("model_id", "role"))
    for (id, role), sums in by_role.items():
        model = of(id)
        model.sums += sums
        model.answers += sums if is_answer(where, role) else Sums()
    by_basis = cube.by_day(where, first, last, ("model_id", "basis_id"))
    for (id, basis), sums in by_basis.items():
        of(id).priced += sums if is_priced(basis, sums) else Sums()
    for (id,), started in cube.sessions(where, first, last, ("model_id",)).items():
        of(id).started = started
    # What is kept without tags, sources and roles is only of models that are here for them.
    latencies = histograms.histogram("latency_ms", where, first, last, ("model_id",))
    for (id,), buckets in latencies.items():
        if id in found:
            found[id].latencies = buckets
    reasons = cube.finish_reasons(where, first, last, ("model_id", "finish_reason"))
    for (id, reason), count in reasons.items():
        if id in found:
            found[id].finishes[reason] = count
    for id, given in ratings.by_model(where, first, last).items():
        if id in found:
            found[id].ratings = given
    if compared:
        kept = [found[id] for id in compared]
    else:
        kept = sorted(
            found.values(), key=lambda one: (-one.sums.cost_nanos, -one.sums.messages, one.id)
        )
    name_of = namer("model_id", [model.id for model in kept])
    for model in kept:
        model.name = name_of(model.id)
    return kept


def _link(filters: AnalyticsFilter, model: ModelFigures, searched: str = "") -> str:
    more = link_more("model_id", model.id)
    return filters.sessions_url(**more, **({"q": searched} if searched else {}))


def _note(filters: AnalyticsFilter) -> str:
    return " ".join(
        filter(
            None,
            (
                "The error rate is that of answers; a tool that fails is no failed answer."
                if filters.where.role is None
                else "",
                not_told_apart(filters.where, PERCENTILES_OF),
                not_told_apart(filters.where, "Ratings are of", ["role"]),
            ),
        )
    )


def table(filters: AnalyticsFilter, found: Sequence[ModelFigures]) -> Table:
    """Return a line for each model."""
    lines = [
        Line(
            model.name,
            _link(filters, model),
            [Cell(m.value_of(model), m.unit, _link(filters, model, m.searched)) for m in MEASURES],
            pick=model.id or None,
        )
        for model in found
    ]
    heads = [(m.name, m.unit) for m in MEASURES]
    return Table("models", "Models", "Model", heads, lines, note=_note(filters))


def comparison(filters: AnalyticsFilter, found: Sequence[ModelFigures]) -> Table:
    """Return a line for each measure and a column for each model, the best ones marked."""
    lines = []
    for measure in MEASURES:
        values = [measure.value_of(model) for model in found]
        best = best_of(values, measure.better)
        cells = [
            Cell(
                value, measure.unit, _link(filters, model, measure.searched), is_best=value in best
            )
            for model, value in zip(found, values, strict=True)
        ]
        lines.append(Line(measure.name, None, cells))
    heads = [(model.name, None) for model in found]
    return Table("compared", "Side by side", "Measure", heads, lines, note=_note(filters))


def best_of(values: Sequence[Number | None], better: str) -> set[Number]:
    """Return the best of the values; none if there is no better or all that are known are equal."""
    known = {value for value in values if value is not None}
    if not better or len(known) < 2:
        return set()
    return {max(known) if better == "more" else min(known)}


def finishes(filters: AnalyticsFilter, found: Sequence[ModelFigures]) -> Table:
    """Return for which reasons the messages of each model ended, in percent of those that say."""
    totals: dict[str, int] = {}
    for model in found:
        for reason, count in model.finishes.items():
            totals[reason] = totals.get(reason, 0) + count
    order = sorted(totals, key=lambda reason: (-totals[reason], reason))
    shown, rest = order[:STACKED], order[STACKED:]
    lines = []
    for model in found:
        said = sum(model.finishes.values())
        if not said:
            continue
        counts = [model.finishes.get(reason, 0) for reason in shown]
        counts += [sum(model.finishes.get(reason, 0) for reason in rest)] if rest else []
        link = _link(filters, model)
        shares = [Cell(count / said * 100 if count else None, "percent", link) for count in counts]
        lines.append(Line(model.name, link, [Cell(said, "count", link), *shares]))
    heads = [("Messages", "count"), *((reason, "percent") for reason in shown)]
    heads += [("All others", "percent")] if rest else []
    note = not_told_apart(filters.where, FINISHES_OF)
    return Table("finishes", "Finish reasons", "Model", heads, lines, note=note)
