"""Real usages cost what the published prices say, to a billionth of a dollar."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from conversations.importers.records import MessageRecord
from conversations.models import CostBasis, LanguageModel, Price
from conversations.pricing import ModelName, Priced, Pricer, priced

from .golden_costs import CASES, Case, M, claude, read_usage

pytestmark = pytest.mark.django_db

CLOSE = 1e-12  # USD


def priced_as_imported(case: Case) -> Priced:
    """Price a case as an import does: through its reader, into a record, at its time."""
    record = MessageRecord(key="a", role="assistant", metadata=dict(case.metadata))
    usage = case.read(case.payload)
    assert usage is not None
    usage.give(record)
    assert "usage_raw" not in record.metadata, "its counts do not add up"
    model = ModelName(case.provider, case.model)
    return priced(Pricer(), record, record.metadata, model, case.time)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_usage_costs_what_was_worked_out_by_hand(case):
    found = priced_as_imported(case)

    if case.cost is None:
        assert found == (None, CostBasis.UNKNOWN)
    else:
        assert found.cost == pytest.approx(case.cost, rel=0, abs=CLOSE)


def test_there_are_enough_cases_and_each_has_a_name():
    assert len(CASES) >= 60
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


SONNET = Case(
    "own price", read_usage, claude(1000, 100, read=4000, write_5m=500, write_1h=200), "anthropic",
    "claude-sonnet-4-5-20250929", None,
)  # fmt: skip


def book(**columns: object) -> None:
    prices = {"input_price": 2, "output_price": 8} | columns
    Price.objects.create(
        **{name: Decimal(str(v)) if name.endswith("_price") else v for name, v in prices.items()}
    )


def test_a_price_of_the_user_is_taken_before_the_published_one():
    book(
        model_pattern="claude-sonnet-4-5*", cache_read_price=0.2, cache_write_5m_price=2.5,
        cache_write_1h_price=4, valid_from=date(2026, 1, 1),
    )  # fmt: skip

    own = (1000 * 2 + 4000 * 0.20 + 500 * 2.50 + 200 * 4 + 100 * 8) / M
    assert priced_as_imported(SONNET).cost == pytest.approx(own, rel=0, abs=CLOSE)


def test_a_price_of_the_user_that_gives_no_price_of_the_cache_takes_that_of_the_input():
    book(model_pattern="*sonnet*")

    own = (5700 * 2 + 100 * 8) / M
    assert priced_as_imported(SONNET).cost == pytest.approx(own, rel=0, abs=CLOSE)


def test_a_price_in_the_row_of_the_model_is_taken_before_the_published_one():
    LanguageModel.objects.create(
        provider="anthropic",
        model_name="claude-sonnet-4-5-20250929",
        cost_per_1k_input_tokens=0.001,
        cost_per_1k_output_tokens=0.005,
    )

    own = (5700 * 1 + 100 * 5) / M
    assert priced_as_imported(SONNET).cost == pytest.approx(own, rel=0, abs=CLOSE)


def test_a_price_of_the_user_gives_an_unknown_model_one():
    unknown = next(case for case in CASES if case.name == "a model that nobody lists")
    book(model_pattern="roadrunner-*", provider="acme")

    own = (10 * 2 + 10 * 8) / M
    assert priced_as_imported(unknown).cost == pytest.approx(own, rel=0, abs=CLOSE)
