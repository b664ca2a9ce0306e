"""Our prices, resolved once, beside what genai-prices itself makes of each request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import genai_prices
from genai_prices.data import providers
from genai_prices.types import Usage as TheirUsage
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.pricing import Usage
from conversations.pricing.rates import find, published

# Those that are found by their own name, which is nearly all.
NAMES = [
    (provider.id, model.id)
    for provider in providers
    for model in provider.models
    if (found := find(provider.id, model.id)) and found.model is model
]
CLOSE = Decimal("1e-15")


@st.composite
def usages(draw) -> Usage:
    """Draw counts that add up, often near the steps of long contexts."""
    steps = st.sampled_from([32_000, 128_000, 200_000, 256_000, 272_000])
    near = st.builds(lambda step, more: step + more, steps, st.integers(-1, 1))
    sent = draw(st.one_of(st.integers(0, 2000), st.integers(0, 3_000_000), near))
    read = draw(st.integers(0, sent))
    write_5m = draw(st.integers(0, sent - read))
    write_1h = draw(st.integers(0, sent - read - write_5m))
    said = draw(st.integers(0, 200_000))
    tier = draw(st.sampled_from(["", "", "flex", "priority", "fast"]))
    reasoning = draw(st.integers(0, said))
    return Usage(
        sent, said, read, write_5m, write_1h, reasoning, tier, False, draw(st.integers(0, 3))
    )


def theirs(provider: str, model: str, usage: Usage, at: datetime, **context: str) -> Decimal:
    """Return what genai-prices makes of it."""
    calculation = genai_prices.calc_price(
        TheirUsage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
            cache_write_5m_tokens=usage.cache_write_5m_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens,
            output_reasoning_tokens=usage.reasoning_tokens,
            web_searches=usage.web_searches,
        ),
        model,
        provider_id=provider,
        genai_request_timestamp=at,
        price_context=context or None,
    )
    return calculation.total_price


MOMENTS = st.datetimes(datetime(2023, 1, 1), datetime(2027, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC)
)


@given(name=st.sampled_from(NAMES), usage=usages(), at=MOMENTS)
@settings(max_examples=1500, deadline=None)
def test_prices_are_those_of_genai_prices(name, usage, at):
    context = {"service_tier": usage.service_tier, "speed": usage.service_tier}
    cost = published(*name, usage.service_tier, False).cost(usage, at)

    if cost.usd is None:  # a part has no price, which they take for nothing
        prices = find(*name).model.get_prices(at)
        assert not {"input_mtok", "output_mtok"} <= vars(prices).keys()
        return
    expected = theirs(*name, usage, at, **(context if usage.service_tier else {}))
    assert abs(cost.usd - expected) < CLOSE
    assert sum(cost.parts.values()) == cost.usd


def test_nearly_all_published_models_are_found_by_their_own_name():
    assert len(NAMES) > 0.9 * sum(len(provider.models) for provider in providers)


@given(usage=usages(), minutes=st.integers(0, 24 * 60))
@settings(max_examples=300, deadline=None)
def test_prices_that_depend_on_the_time_of_day_follow_it(usage, minutes):
    usage = usage._replace(service_tier="")
    at = datetime(2025, 7, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    elsewhere = at.astimezone(timezone(timedelta(hours=9)))
    schedule = published("deepseek", "deepseek-chat", "", False)

    assert (
        abs(schedule.cost(usage, at).usd - theirs("deepseek", "deepseek-chat", usage, at)) < CLOSE
    )
    assert schedule.cost(usage, elsewhere) == schedule.cost(usage, at)
    assert schedule.cost(usage, at.replace(tzinfo=None)) == schedule.cost(usage, at)


@given(name=st.sampled_from(NAMES), usage=usages())
@settings(max_examples=500, deadline=None)
def test_a_batch_costs_what_the_list_says_since_it_says_so(name, usage):
    at = datetime(2026, 11, 1, tzinfo=UTC)
    usage = usage._replace(service_tier="", is_batch=True)
    variants = find(*name).model.price_variants or ()
    if any(variant.when == {"processing": "batch"} for variant in variants):
        cost = published(*name, "", True).cost(usage, at)
        if cost.usd is None:  # of what has no price by the token, such as seconds of sound
            return
        assert abs(cost.usd - theirs(*name, usage, at, processing="batch")) < CLOSE


def test_counts_that_exceed_their_whole_are_cut_to_it():
    assert Usage(100, 10, 80, 50, 50, 30).parts() == (0, 80, 20, 0, 0, 10)
    assert Usage(None, None, 5, None, None, 5).parts() == (0, 0, 0, 0, 0, 0)
    assert Usage(100, 10, 80, 5, 5, 3).parts() == (10, 80, 5, 5, 7, 3)
