"""Names of models as people and programs write them, and the rule by which each is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conversations.pricing import LOCAL, UNKNOWN, Pricer, Usage
from conversations.pricing.matching import candidates, normalised

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
USAGE = Usage(1000, 100)


@pytest.mark.parametrize(
    ("provider", "name", "rule", "priced_as"),
    [
        ("openai", "gpt-4o", "as written", "openai/gpt-4o"),
        ("", "GPT-4o", "as written", "openai/gpt-4o"),
        ("openai", "gpt-4o-2024-08-06", "as written", "openai/gpt-4o"),
        ("anthropic", "claude-sonnet-4-5-20250929", "as written", "anthropic/claude-sonnet-4-5"),
        ("vertex_ai", "claude-sonnet-4-5@20250929", "as written", "google/claude-sonnet-4-5"),
        ("azure.ai.openai", "gpt-4o", "as written", "azure/gpt-4o"),
        ("", "models/gemini-2.5-pro", "prefix left out", "google/gemini-2.5-pro"),
        (
            "vertex_ai",
            "projects/p/locations/l/publishers/google/models/gemini-2.5-pro",
            "prefix left out",
            "google/gemini-2.5-pro",
        ),
        (
            "google",
            "publishers/google/models/gemini-2.5-flash",
            "prefix left out",
            "google/gemini-2.5-flash",
        ),
        (
            "",
            "us.anthropic.claude-sonnet-4-20250514-v1:0",
            "Bedrock id",
            "aws/regional.anthropic.claude-sonnet-4-20250514-v1:0",
        ),
        (
            "",
            "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0",
            "Bedrock id",
            "aws/regional.anthropic.claude-3-5-sonnet-20240620-v1:0",
        ),
        ("", "openai/gpt-4o", "name of OpenRouter", "openrouter/openai/gpt-4o"),
        (
            "",
            "anthropic/claude-3.5-sonnet:beta",
            "name of OpenRouter",
            "openrouter/anthropic/claude-3.5-sonnet",
        ),
        ("openai", "openai/gpt-4o", "vendor before the slash", "openai/gpt-4o"),
        ("litellm", "azure/gpt-4o", "as written", "azure/gpt-4o"),
        ("", "azure/gpt-4o", "vendor before the slash", "azure/gpt-4o"),
        (
            "",
            "groq/llama-3.3-70b-versatile",
            "vendor before the slash",
            "groq/llama-3.3-70b-versatile",
        ),
        ("mistral", "magistral-medium-latest", "as written", "mistral/magistral-medium"),
        ("my-gateway", "claude-sonnet-4-5", "by its name alone", "anthropic/claude-sonnet-4-5"),
        ("openai", "claude-sonnet-4-5", "by its name alone", "anthropic/claude-sonnet-4-5"),
    ],
)  # fmt: skip
def test_a_name_is_found_and_its_rule_kept(provider, name, rule, priced_as):
    cost = Pricer().price(provider, name, USAGE, AT)

    assert cost.usd
    assert cost.basis.rule == rule
    assert f"{cost.basis.provider}/{cost.basis.model}" == priced_as
    assert cost.basis.origin == "genai-prices 0.2.3"


@pytest.mark.parametrize(
    "name",
    ["", " ", "auto", "unknown", "<synthetic>", "[trimmed]", "None", "text-davinci-002-render-sha",
     "gpt-5-2-thinking", "no-such-model", "deepseek-r1:8b", "llama3.1:latest"],
)  # fmt: skip
def test_what_is_no_model_with_a_price_is_unknown_and_never_free(name):
    cost = Pricer().price("", name, USAGE, AT)

    assert (cost.usd, cost.column, cost.basis, cost.parts) == (None, None, UNKNOWN, {})


@pytest.mark.parametrize(
    ("provider", "name"),
    [("ollama", "llama3.1:latest"), ("Ollama", "gpt-oss:20b"), ("llama.cpp", "x"),
     ("vllm", "gpt-4o"), ("LM Studio", "qwen3-8b"), ("llama_cpp", "any")],
)  # fmt: skip
def test_what_runs_on_the_own_machine_costs_nothing(provider, name):
    cost = Pricer().price(provider, name, USAGE, AT)

    assert (cost.usd, cost.basis) == (0, LOCAL)


def test_a_model_that_ollama_runs_in_its_cloud_is_not_local():
    assert Pricer().price("ollama", "gpt-oss:120b-cloud", USAGE, AT).basis == UNKNOWN


def test_a_free_variant_costs_nothing_and_says_so():
    cost = Pricer().price("openrouter", "somebody/some-model:free", USAGE, AT)

    assert (cost.usd, cost.kind, cost.basis.rule) == (0, "computed", "free variant")


def test_a_host_of_others_models_never_gets_the_price_of_their_maker():
    assert Pricer().price("groq", "gpt-4o", USAGE, AT).basis == UNKNOWN
    assert Pricer().price("together", "anthropic/claude-sonnet-4-5", USAGE, AT).basis == UNKNOWN


def test_a_date_is_left_out_after_all_else_failed():
    found = list(candidates("openai", "gpt-9-20290101"))

    assert found[0].model == "gpt-9-20290101"
    assert ("openai", "gpt-9", "as written, date left out") in found


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("models/Gemini-2.5-Pro", "gemini-2.5-pro"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "claude-sonnet-4"),
        ("anthropic/claude-3.5-sonnet:thinking", "claude-3.5-sonnet"),
        ("deepseek/deepseek-chat:free", "deepseek-chat"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("mistral-large-latest", "mistral-large"),
        ("gemini-2.5-pro-preview-06-05", "gemini-2.5-pro"),
    ],
)
def test_a_normalised_name_is_that_of_the_model_alone(name, plain):
    assert normalised(name) == plain
