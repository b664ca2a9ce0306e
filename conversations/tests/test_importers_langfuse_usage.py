"""Tokens and costs of Langfuse, whose server takes the parts out of the whole."""

from __future__ import annotations

import pytest

from .langfuse_exports import answer_of


def test_parts_that_were_taken_out_are_added_again_and_the_total_is_not():
    answer = answer_of(
        usageDetails={
            "input": 100,
            "input_cached_tokens": 40,
            "input_cache_creation_5m": 7,
            "input_cache_creation_1h": 3,
            "output": 20,
            "output_reasoning_tokens": 30,
            "total": 200,
        }
    )
    assert (answer.input_tokens, answer.output_tokens) == (150, 50)
    assert (answer.cache_read_tokens, answer.reasoning_tokens) == (40, 30)
    assert (answer.cache_write_5m_tokens, answer.cache_write_1h_tokens) == (7, 3)


def test_anthropic_names_of_the_cache_count_as_input():
    answer = answer_of(
        usageDetails={
            "input": 10,
            "output": 5,
            "cache_read_input_tokens": 90,
            "cache_creation_input_tokens": 4,
        }
    )
    assert (answer.input_tokens, answer.cache_read_tokens) == (104, 90)
    assert answer.cache_write_5m_tokens == 4


def test_details_with_a_dot_are_part_of_the_input():
    answer = answer_of(
        usageDetails={
            "input": 85, "output": 29, "prompt_details.cache_read": 50,
            "completion_details.reasoning": 9,
        }
    )  # fmt: skip
    assert (answer.input_tokens, answer.output_tokens) == (85, 29)
    assert (answer.cache_read_tokens, answer.reasoning_tokens) == (50, 9)


def test_older_usage_is_read_if_it_counts_tokens():
    old = {"usageDetails": None, "usage": {"input": 5, "output": 2, "total": 7, "unit": "TOKENS"}}
    assert answer_of(**old).input_tokens == 5
    old["usage"]["unit"] = "CHARACTERS"
    assert answer_of(**old).input_tokens is None
    assert answer_of(usageDetails={}, promptTokens=3, completionTokens=1).output_tokens == 1
    assert answer_of(usageDetails={}, inputUsage=0, outputUsage=0).input_tokens is None


@pytest.mark.parametrize("cost", [0, None, "x", -1, True])
def test_a_cost_of_nothing_beside_tokens_is_none(cost):
    assert answer_of(totalCost=cost).cost is None


def test_a_cost_may_be_text():
    assert answer_of(totalCost="$0.125").cost == 0.125
