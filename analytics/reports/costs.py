"""Costs over time by any key, added up, and the month to come."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate

from analytics.charts import Chart, Series
from analytics.cube import Sums
from analytics.filters import AnalyticsFilter
from conversations.models import CostBasis

from .forecast import Forecast, forecast
from .series import MEASURES, STACKS, Keyed, links_of, over_time, stacked, total, unpriced_note

KIND = "kind"
BY_HOUR = ("model", "project", "tag", "source")  # the others are kept by day only
BY = {**{name: label for name, (label, _) in STACKS.items()}, KIND: "Kind of token"}
# Kinds of tokens: the part of each in the sums, none counted twice. Reads and writes of caches
# are parts of the input, reasoning is one of the output.
KINDS = {
    "Input": lambda s: s.input_tokens - _cached(s),
    "Cache reads": lambda s: s.cache_read_tokens,
    "Cache writes, 5 min": lambda s: s.cache_write_5m_tokens,
    "Cache writes, 1 h": lambda s: s.cache_write_1h_tokens,
    "Output": lambda s: s.output_tokens - s.reasoning_tokens,
    "Reasoning": lambda s: s.reasoning_tokens,
}
# The price of each kind in a basis; where it has none, that of what the kind is part of.
RATES = (
    ("input",),
    ("cache_read", "input"),
    ("cache_write_5m", "cache_write", "input"),
    ("cache_write_1h", "cache_write", "input"),
    ("output",),
    ("reasoning", "output"),
)
NOT_SPLIT = "Recorded, not split"
MILLION = Decimal(1_000_000)


def _cached(sums: Sums) -> int:
    return sums.cache_read_tokens + sums.cache_write_5m_tokens + sums.cache_write_1h_tokens


def charts(
    filters: AnalyticsFilter,
    by: str,
    measure: str,
    *,
    is_cumulative: bool = False,
    keyed: Keyed | None = None,
) -> list[Chart]:
    """Return the measure stacked over the range, and the forecast of the month.

    `keyed` is the range by the same key, if it is at hand.
    """
    name = MEASURES[measure][0]
    title = f"{name} by {BY[by][0].lower()}{BY[by][1:]}{', added up' if is_cumulative else ''}"
    if by == KIND:
        main = by_kind(filters, measure, title, is_cumulative)
    else:
        main = stacked(
            filters,
            STACKS[by][1],
            measure,
            title=title,
            is_cumulative=is_cumulative,
            keyed=keyed,
        )
    return [main, month(filters)]


def by_kind(filters: AnalyticsFilter, measure: str, title: str, is_cumulative: bool) -> Chart:
    """Return tokens, or what they cost, by kind.

    A computed cost is split by the prices it was computed with; a recorded one is not.
    """
    unit = "tokens" if measure == "tokens" else "usd" if measure == "cost" else "count"
    keyed = over_time(filters, "basis_id")
    periods = filters.range.periods()
    held: dict[str, list] = {}
    rates = _rates(keyed) if unit == "usd" else {}
    for basis, columns in keyed.items():
        for place, sums in enumerate(columns):
            for kind, value in _split(sums, unit, rates.get(basis)).items():
                values = held.setdefault(kind, [0] * len(periods))
                values[place] += value
    series = [
        Series(kind, list(accumulate(held[kind])) if is_cumulative else held[kind])
        for kind in (*KINDS, "Fees", NOT_SPLIT, "Messages")
        if any(held.get(kind, ()))
    ]
    return Chart(
        "over-time",
        title,
        "area" if is_cumulative else "stacked",
        [period.label for period in periods],
        series,
        unit,
        links=links_of(filters, periods),
        note=unpriced_note(total(total(c) for c in keyed.values())) if unit == "usd" else "",
        label_name=filters.range.grain.capitalize(),
    )


def _split(sums: Sums, unit: str, rates: tuple[Decimal, ...] | None) -> dict[str, int | Decimal]:
    if unit == "count":
        return {"Messages": sums.messages}
    tokens = {kind: part(sums) for kind, part in KINDS.items()}
    if unit == "tokens":
        return tokens
    if rates is None:
        return {NOT_SPLIT: sums.cost}
    parts = {
        kind: count * rate / MILLION
        for (kind, count), rate in zip(tokens.items(), rates, strict=True)
    }
    # What is beside the tokens, and what rounding to the nano-dollar adds to a message.
    parts["Fees"] = sums.cost - sum(parts.values())
    return parts


def _rates(ids) -> dict[int, tuple[Decimal, ...]]:
    """Return the prices of the bases that say all of them, in the order of KINDS."""
    found = {}
    for basis in CostBasis.objects.in_bulk([id for id in ids if id]).values():
        rates = basis.rates if isinstance(basis.rates, dict) else {}
        if "input" in rates and "output" in rates:
            found[basis.id] = tuple(
                next(Decimal(rates[name]) for name in names if name in rates) for names in RATES
            )
    return found


def month(filters: AnalyticsFilter) -> Chart:
    """Return what this month costs so far, and where it is going."""
    found = forecast(filters.where, filters.range.today)
    return month_chart(found, filters)


def month_chart(found: Forecast, filters: AnalyticsFilter) -> Chart:
    """Return the drawing of a forecast: added up by day, the days to come with their interval."""
    first, today = found.month, found.today
    labels = [first.replace(day=day).isoformat() for day in range(1, found.days + 1)]
    so_far = list(accumulate(found.spent))
    ahead = found.days - len(so_far)
    series = [Series("So far", [*so_far, *[None] * ahead])]
    summary = f"{found.total:,.2f} USD so far."
    if found.likely and ahead:
        before = [None] * (len(so_far) - 1)
        series.append(
            Series(
                "Likely",
                [*before, *found.likely],
                low=[*before, *found.low],
                high=[*before, *found.high],
                is_forecast=True,
            )
        )
        summary = (
            f"{found.total:,.2f} USD by {today.isoformat()}; likely {found.likely[-1]:,.2f} by the"
            f" end of the month, and with 80 % certainty between {found.low[-1]:,.2f} and"
            f" {found.high[-1]:,.2f}."
        )
    return Chart(
        "month",
        f"This month, {first:%B %Y}",
        "line",
        labels,
        series,
        "usd",
        summary=summary,
        note="From the last 28 whole days, taken as independent of each other."
        if found.likely
        else "Seven whole days are needed for a forecast.",
    )
