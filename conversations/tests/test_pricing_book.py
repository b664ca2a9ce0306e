"""The user's own prices: which row holds for a request, and how its cost is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from conversations.models import CostBasis, LanguageModel, Price
from conversations.pricing import UNKNOWN, Basis, Pricer, Usage
from conversations.pricing.cost import FIXED_IDS

from .factories import add_message, make_session

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
USAGE = Usage(1_000_000, 1_000_000)


def row(pattern: str, input: object = 1, output: object = 2, **columns: object) -> Price:
    return Price.objects.create(
        model_pattern=pattern, input_price=D(str(input)), output_price=D(str(output)), **columns
    )


def usd(model: str, usage: Usage = USAGE, at: datetime = AT, provider: str = "openai") -> D | None:
    return Pricer().price(provider, model, usage, at).usd


def test_the_price_book_comes_before_published_prices():
    assert usd("gpt-4o") == D("12.5")
    row("gpt-4o", 1, 2)

    cost = Pricer().price("openai", "gpt-4o", USAGE, AT)
    assert cost.usd == 3
    assert (cost.kind, cost.basis.origin, cost.basis.rule) == (
        "computed", "price book", "name as written",
    )  # fmt: skip
    assert dict(cost.basis.rates) == {"input": "1", "output": "2"}


def test_a_pattern_matches_in_any_case_and_the_name_without_its_provider_and_date():
    row("GPT-4*", 1, 1)

    assert usd("gpt-4o") == 2
    assert usd("openai/gpt-4o-2024-08-06", provider="litellm") == 2
    assert Pricer().price("", "azure/gpt-4o", USAGE, AT).basis.rule == "normalised name"
    assert usd("gpt-5") != 2


def test_a_row_of_a_provider_holds_for_it_alone_and_comes_first():
    row("x-*", 1, 1)
    row("x-*", 5, 5, provider="Azure_OpenAI")

    assert usd("x-1", provider="azure") == 10
    assert usd("x-1", provider="openai") == 2


def test_the_likeliest_row_wins():
    row("*", 1, 0)
    row("gpt-*", 2, 0)
    row("gpt-4*", 3, 0)
    row("gpt-4o", 4, 0)

    assert [usd(name) for name in ("o3", "gpt-9", "gpt-4.1", "gpt-4o")] == [1, 2, 3, 4]


def test_a_row_holds_from_its_first_day_to_the_day_before_its_last_in_utc():
    row("x", 1, 0, valid_to=date(2026, 3, 1))
    row("x", 2, 0, valid_from=date(2026, 3, 1), valid_to=date(2026, 4, 1))

    ends = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
    assert [usd("x", at=at) for at in (ends, datetime(2026, 3, 1, tzinfo=UTC))] == [1, 2]
    assert usd("x", at=datetime(2026, 3, 31, 23, 59, tzinfo=UTC)) == 2
    assert usd("x", at=datetime(2026, 4, 1, tzinfo=UTC)) is None


def test_outside_its_days_the_published_price_holds():
    row("gpt-4o", 1, 0, valid_from=date(2026, 3, 2))

    assert usd("gpt-4o") == D("12.5")
    assert usd("gpt-4o", at=datetime(2026, 3, 2, tzinfo=UTC)) == 1


def test_of_two_rows_that_hold_the_later_one_wins():
    row("x", 1, 0, valid_from=date(2026, 1, 1))
    row("x", 2, 0, valid_from=date(2026, 2, 1))
    row("y", 3, 0)
    row("y", 4, 0)

    assert (usd("x"), usd("y")) == (2, 4)


def test_a_step_holds_for_requests_with_more_input_than_it_says():
    row("x", 1, 0)
    row("x", 2, 0, above_input_tokens=200_000)

    assert usd("x", Usage(200_000, 0)) == D("0.2")
    assert usd("x", Usage(200_001, 0)) == D("0.400002")


def test_a_step_alone_lies_over_the_published_price():
    row("gpt-4o", 20, 0, above_input_tokens=100_000)

    assert usd("gpt-4o", Usage(100_000, 0)) == D("0.25")
    assert usd("gpt-4o", Usage(100_001, 0)) == D("2.00002")


def test_published_steps_do_not_break_a_price_of_the_user():
    row("gemini-2.5-pro", 1, 1)

    assert usd("gemini-2.5-pro", Usage(500_000, 0), provider="google") == D("0.5")


def test_prices_that_are_not_given_are_those_of_the_whole():
    every = Usage(1_000_000, 500_000, 100_000, 200_000, 300_000, 100_000)
    row("bare", 1, 10)
    row(
        "full", 1, 10, cache_read_price=D("0.1"), cache_write_5m_price=D("1.25"),
        cache_write_1h_price=2, reasoning_price=20,
    )  # fmt: skip

    assert usd("bare", every) == 6
    parts = Pricer().price("", "full", every, AT).parts
    assert parts == {
        "input": D("0.4"), "cache_read": D("0.01"), "cache_write_5m": D("0.25"),
        "cache_write_1h": D("0.6"), "output": 4, "reasoning": 2, "request": 0, "web_search": 0,
    }  # fmt: skip
    assert sum(parts.values()) == usd("full", every)


def test_a_batch_costs_its_factor_of_the_price():
    row("x", 1, 3)
    row("y", 1, 3, batch_factor=D("0.25"))
    batch = USAGE._replace(is_batch=True)

    assert (usd("x", batch), usd("y", batch)) == (2, 1)


def test_a_row_of_a_tier_holds_for_it_alone():
    row("x", 1, 0)
    row("x", 9, 0, service_tier="Priority")
    row("x", "0.3", 0, service_tier="batch")

    assert usd("x") == 1
    assert usd("x", USAGE._replace(service_tier="priority")) == 9
    assert usd("x", USAGE._replace(is_batch=True)) == D("0.3")


@pytest.mark.parametrize("kind", ["local", "subscription"])
def test_a_row_may_say_that_requests_cost_nothing(kind):
    Price.objects.create(model_pattern="gpt-*", kind=kind)

    cost = Pricer().price("openai", "gpt-4o", USAGE, AT)
    assert (cost.usd, cost.kind) == (0, kind)


def test_what_runs_locally_costs_what_the_price_book_says():
    row("llama*", "0.01", "0.01", provider="ollama")

    assert usd("llama3:8b", provider="ollama") == D("0.02")


def test_prices_in_the_row_of_the_model_come_next():
    LanguageModel.objects.create(
        provider="openai",
        model_name="gpt-4o",
        cost_per_1k_input_tokens=0.003,
        cost_per_1k_output_tokens=0.0001,
    )
    LanguageModel.objects.create(
        provider="openai", model_name="gpt-4.1", cost_per_1k_input_tokens=1
    )
    cost = Pricer().price("openai", "gpt-4o", USAGE, AT)

    assert (cost.usd, cost.basis.origin) == (D("3.1"), "models row")
    assert usd("gpt-4.1") == 10, "half a price is none"
    assert Pricer().price("openai", "gpt-4o", USAGE, AT, version="2").usd == D("12.5")
    row("gpt-4o", 1, 0)
    assert usd("gpt-4o") == 1


def test_prices_are_exact_to_a_millionth_of_a_dollar():
    row("x", "0.000001", "123456.789012")
    price = Price.objects.get()

    assert (price.input_price, price.output_price) == (D("0.000001"), D("123456.789012"))
    assert usd("x", Usage(1, 1)) == D("0.123456789013")


@pytest.mark.parametrize(
    "columns",
    [
        {"input_price": None},
        {"output_price": -1},
        {"input_price": 1_000_001},
        {"valid_from": date(2026, 3, 1), "valid_to": date(2026, 3, 1)},
        {"kind": "dear"},
        {"batch_factor": -1},
        {"above_input_tokens": -1},
    ],
)
def test_the_database_refuses_what_is_no_price(columns):
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(
            **{"model_pattern": "x", "input_price": 1, "output_price": 1} | columns
        )


def test_how_a_cost_came_about_is_stored_once():
    pricer = Pricer()
    basis = pricer.price("openai", "gpt-4o", USAGE, AT).basis
    id = pricer.basis_id(basis)

    assert id >= CostBasis.FIRST
    assert Pricer().basis_id(basis) == id
    stored = CostBasis.objects.get(pk=id)
    assert Basis(
        stored.kind, stored.rule, stored.origin, stored.provider, stored.model,
        tuple(stored.rates.items()),
    ) == basis  # fmt: skip
    assert stored.in_words == "computed, genai-prices 0.2.3, openai/gpt-4o"
    other = pricer.price("openai", "gpt-4o-mini", USAGE, AT).basis
    assert pricer.basis_id(other) == id + 1


def test_fixed_bases_have_their_numbers():
    assert {basis.kind: id for basis, id in FIXED_IDS.items()} == {
        "recorded": 1, "local": 2, "subscription": 3, "unknown": 4,
    }  # fmt: skip
    assert Pricer().basis_id(UNKNOWN) == 4
    for basis, id in FIXED_IDS.items():
        assert CostBasis.objects.get(pk=id).digest == basis.digest


def test_a_writer_that_changes_a_cost_makes_it_one_of_its_own():
    message = add_message(make_session(), 9, cost=1.5, cost_basis_id=4)
    message.cost = 2.5
    message.save()
    message.refresh_from_db()
    assert message.cost_basis_id is None

    message.cost, message.cost_basis_id = 3.5, 4
    message.save()
    message.content = "Said anew"
    message.save()
    message.refresh_from_db()
    assert message.cost_basis_id == 4
