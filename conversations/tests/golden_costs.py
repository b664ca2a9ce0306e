"""Usages as providers and programs write them, and what each costs, worked out by hand.

Every expected cost is an expression of tokens times published USD per million tokens, part by part:
fresh input, cache reads, cache writes, output. `at` is a day in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from conversations.importers.codex.counters import Meter
from conversations.importers.langfuse import usage as langfuse
from conversations.importers.otlp import spans
from conversations.importers.usage import Usage, anthropic, read_usage

M = 1_000_000


@dataclass(frozen=True)
class Case:
    """A usage, the reader that importers read it with, and the cost in USD (None is unknown)."""

    name: str
    read: Callable[[Any], Usage | None]
    payload: dict[str, Any]
    provider: str
    model: str
    cost: float | None
    at: str = "2026-03-01 12:00"
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.at).replace(tzinfo=UTC)


def of_codex(info: dict[str, Any]) -> Usage | None:
    return Meter().spent({"type": "token_count", "info": info})


def of_langfuse(details: dict[str, Any]) -> Usage:
    return langfuse.read_usage({"usageDetails": details})


def chat(sent: int, said: int, cached: int = 0, reasoning: int = 0, **more: Any) -> dict[str, Any]:
    """Return the `usage` of OpenAI's chat completions."""
    return {
        "prompt_tokens": sent,
        "completion_tokens": said,
        "total_tokens": sent + said,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
        **more,
    }  # fmt: skip


def responses(sent: int, said: int, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    """Return the `usage` of OpenAI's Responses API."""
    return {
        "input_tokens": sent,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": sent + said,
    }


def claude(
    fresh: int, said: int, read: int = 0, write_5m: int = 0, write_1h: int = 0, **more: Any
) -> dict[str, Any]:
    """Return the `usage` of Anthropic, which counts the cache beside the input."""
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": write_5m + write_1h,
        "cache_read_input_tokens": read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": write_5m,
            "ephemeral_1h_input_tokens": write_1h,
        },
        "output_tokens": said,
        "service_tier": "standard",
        **more,
    }


def gemini(sent: int, said: int, thoughts: int = 0, cached: int = 0, tool: int = 0) -> dict:
    """Return the `usageMetadata` of Gemini, which counts thoughts beside the output."""
    return {
        "promptTokenCount": sent,
        "candidatesTokenCount": said,
        "thoughtsTokenCount": thoughts,
        "cachedContentTokenCount": cached,
        "toolUsePromptTokenCount": tool,
        "totalTokenCount": sent + said + thoughts + tool,
    }


BATCH = {"service_tier": "batch"}

CASES = [
    # -- OpenAI, chat completions ----------------------------------------------------------------
    Case("chat", read_usage, chat(1000, 200), "openai", "gpt-4o", (1000 * 2.5 + 200 * 10) / M),
    Case("chat of a dated model", read_usage, chat(19, 10), "openai", "gpt-4o-2024-08-06",
         (19 * 2.5 + 10 * 10) / M),
    Case("chat with cache", read_usage, chat(2006, 300, cached=1920), "openai", "gpt-4o",
         (86 * 2.5 + 1920 * 1.25 + 300 * 10) / M),
    Case("small model", read_usage, chat(1117, 46), "openai", "gpt-4o-mini",
         (1117 * 0.15 + 46 * 0.60) / M),
    Case("small model with cache", read_usage, chat(4096, 1, cached=4096), "openai",
         "gpt-4o-mini-2024-07-18", (4096 * 0.075 + 1 * 0.60) / M),
    Case("reasoning is part of the output", read_usage, chat(75, 1186, reasoning=1024), "openai",
         "o1-2024-12-17", (75 * 15 + 1186 * 60) / M),
    Case("reasoning with cache", read_usage, chat(5000, 900, cached=4608, reasoning=640), "openai",
         "o3-mini", (392 * 1.10 + 4608 * 0.55 + 900 * 4.40) / M),
    Case("chat without details", read_usage,
         {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}, "openai", "gpt-4.1",
         (9 * 2 + 12 * 8) / M),
    Case("an embedding has no output", read_usage, {"prompt_tokens": 8000, "total_tokens": 8000},
         "openai", "text-embedding-3-small", 8000 * 0.02 / M),
    # -- OpenAI, Responses ------------------------------------------------------------------------
    Case("responses", read_usage, responses(328, 52), "openai", "gpt-4.1-2025-04-14",
         (328 * 2 + 52 * 8) / M),
    Case("responses with cache and reasoning", read_usage,
         responses(12_430, 2_310, cached=11_904, reasoning=1_920), "openai", "gpt-5-2025-08-07",
         (526 * 1.25 + 11_904 * 0.125 + 2_310 * 10) / M),
    Case("responses of a mini", read_usage, responses(81, 1035, reasoning=832), "openai",
         "o4-mini-2025-04-16", (81 * 1.10 + 1035 * 4.40) / M),
    Case("at the step of the long context", read_usage, responses(272_000, 1000), "openai",
         "gpt-5.4", (272_000 * 2.5 + 1000 * 15) / M, "2026-04-01"),
    Case("above the step of the long context", read_usage, responses(272_001, 1000), "openai",
         "gpt-5.4", (272_001 * 5 + 1000 * 22.5) / M, "2026-04-01"),
    Case("above the step with cache", read_usage, responses(300_000, 1000, cached=290_000),
         "openai", "gpt-5.4", (10_000 * 5 + 290_000 * 0.5 + 1000 * 22.5) / M, "2026-04-01"),
    Case("the day before a lower price", read_usage, responses(1000, 1000), "openai", "o3",
         (1000 * 10 + 1000 * 40) / M, "2025-06-09 23:59"),
    Case("the day of the lower price", read_usage, responses(1000, 1000), "openai", "o3",
         (1000 * 2 + 1000 * 8) / M, "2025-06-10 00:00"),
    Case("a newer price in mid-history", read_usage, responses(1000, 1000), "openai",
         "gpt-5.6", (1000 * 5 + 1000 * 30) / M, "2026-08-20 23:59"),
    Case("a newer price from its first day", read_usage, responses(1000, 1000), "openai",
         "gpt-5.6", (1000 * 4 + 1000 * 20) / M, "2026-08-21 00:00"),
    Case("cache writes that cost more", read_usage,
         chat(10_000, 100) | {"prompt_tokens_details": {"cached_tokens": 2_000,
                                                        "cache_write_tokens": 6_000}},
         "openai", "gpt-5.6", (2_000 * 4 + 2_000 * 0.4 + 6_000 * 5 + 100 * 20) / M, "2026-09-01"),
    Case("flex", read_usage, responses(1000, 500, cached=600), "openai", "gpt-5",
         (400 * 0.625 + 600 * 0.0625 + 500 * 5) / M, "2026-11-01", {"service_tier": "flex"}),
    Case("priority", read_usage, responses(1000, 500), "openai", "gpt-4o",
         (1000 * 4.25 + 500 * 17) / M, "2026-11-01", {"service_tier": "priority"}),
    Case("the default tier", read_usage, responses(1000, 500), "openai", "gpt-4o",
         (1000 * 2.5 + 500 * 10) / M, "2026-11-01", {"service_tier": "default"}),
    # -- Batches ----------------------------------------------------------------------------------
    Case("a batch of OpenAI", read_usage, chat(1000, 200), "openai", "gpt-4o-mini",
         (1000 * 0.15 + 200 * 0.60) / 2 / M, metadata=BATCH),
    Case("a batch after the list knows it", read_usage, responses(1000, 200, cached=500),
         "openai", "gpt-5", (500 * 1.25 + 500 * 0.125 + 200 * 10) / 2 / M, "2026-11-01", BATCH),
    Case("a batch of Anthropic", read_usage, claude(1000, 200, read=3000, write_5m=400,
                                                    service_tier="batch"),
         "anthropic", "claude-sonnet-4-5-20250929",
         (1000 * 3 + 3000 * 0.30 + 400 * 3.75 + 200 * 15) / 2 / M),
    Case("a batch of Anthropic before the list knew any", read_usage,
         claude(1000, 200, write_1h=500, service_tier="batch"), "anthropic",
         "claude-3-5-haiku-20241022", (1000 * 0.80 + 500 * 1.60 + 200 * 4) / 2 / M, "2025-02-01"),
    Case("a batch of Gemini", read_usage, gemini(1000, 200, 300), "google", "gemini-2.5-flash",
         (1000 * 0.30 + 500 * 2.50) / 2 / M, metadata=BATCH),
    # -- Anthropic ---------------------------------------------------------------------------------
    Case("messages", anthropic.read_usage, {"input_tokens": 2095, "output_tokens": 503},
         "anthropic", "claude-sonnet-4-20250514", (2095 * 3 + 503 * 15) / M),
    Case("cache read", read_usage, claude(50, 503, read=187_354), "anthropic",
         "claude-sonnet-4-20250514", (50 * 3 + 187_354 * 0.30 + 503 * 15) / M),
    Case("cache write for five minutes", read_usage, claude(21, 393, write_5m=188_086),
         "anthropic", "claude-sonnet-4-20250514", (21 * 3 + 188_086 * 3.75 + 393 * 15) / M),
    Case("cache write for an hour", read_usage, claude(21, 393, write_1h=188_086), "anthropic",
         "claude-sonnet-4-20250514", (21 * 3 + 188_086 * 6 + 393 * 15) / M),
    Case("both cache writes and a read", read_usage,
         claude(2048, 503, read=1800, write_5m=148, write_1h=100), "anthropic",
         "claude-opus-4-1-20250805",
         (2048 * 15 + 1800 * 1.50 + 148 * 18.75 + 100 * 30 + 503 * 75) / M),
    Case("a write that is not split is one for five minutes", read_usage,
         {"input_tokens": 10, "cache_creation_input_tokens": 1000, "cache_read_input_tokens": 0,
          "output_tokens": 20}, "anthropic", "claude-haiku-4-5",
         (10 * 1 + 1000 * 1.25 + 20 * 5) / M),
    Case("the cheapest", read_usage, claude(1000, 1000, read=1000, write_5m=1000), "anthropic",
         "claude-3-haiku-20240307", (1000 * 0.25 + 1000 * 0.03 + 1000 * 0.30 + 1000 * 1.25) / M),
    Case("long context at its step", read_usage, claude(20_000, 1000, read=180_000), "anthropic",
         "claude-sonnet-4-5", (20_000 * 3 + 180_000 * 0.30 + 1000 * 15) / M),
    Case("long context above its step, by the cache", read_usage,
         claude(20_000, 1000, read=180_001), "anthropic", "claude-sonnet-4-5",
         (20_000 * 6 + 180_001 * 0.60 + 1000 * 22.50) / M),
    Case("long context with both writes", read_usage,
         claude(1, 1000, read=100_000, write_5m=60_000, write_1h=40_000), "anthropic",
         "claude-sonnet-4-5",
         (1 * 6 + 100_000 * 0.60 + 60_000 * 7.50 + 40_000 * 12 + 1000 * 22.50) / M),
    Case("long context before its price fell", read_usage, claude(300_000, 1000), "anthropic",
         "claude-opus-4-6", (300_000 * 10 + 1000 * 37.50) / M, "2026-03-12"),
    Case("long context after its price fell", read_usage, claude(300_000, 1000), "anthropic",
         "claude-opus-4-6", (300_000 * 5 + 1000 * 25) / M, "2026-03-13"),
    Case("searches of the web", read_usage,
         claude(1000, 100, server_tool_use={"web_search_requests": 3, "web_fetch_requests": 0}),
         "anthropic", "claude-sonnet-4-5", (1000 * 3 + 100 * 15) / M + 3 * 10 / 1000),
    # -- Claude Code ------------------------------------------------------------------------------
    Case("Claude Code", anthropic.read_usage,
         claude(4, 1, read=13_360, write_5m=5_478, inference_geo="not_available", speed="standard"),
         "anthropic", "claude-sonnet-4-5-20250929",
         (4 * 3 + 13_360 * 0.30 + 5_478 * 3.75 + 1 * 15) / M),
    Case("Claude Code keeps its cache for an hour", anthropic.read_usage,
         claude(3, 249, read=15_718, write_1h=7_236), "anthropic", "claude-opus-4-5-20251101",
         (3 * 5 + 15_718 * 0.50 + 7_236 * 10 + 249 * 25) / M),
    Case("Claude Code's helper", anthropic.read_usage, claude(1_204, 88, read=512), "anthropic",
         "claude-haiku-4-5-20251001", (1_204 * 1 + 512 * 0.10 + 88 * 5) / M),
    Case("what Claude Code made up itself", anthropic.read_usage, claude(1, 1), "anthropic",
         "<synthetic>", None),
    # -- Codex ------------------------------------------------------------------------------------
    Case("Codex", of_codex,
         {"total_token_usage": {"input_tokens": 8_217, "cached_input_tokens": 6_016,
                                "output_tokens": 512, "reasoning_output_tokens": 384,
                                "total_tokens": 8_729}},
         "openai", "gpt-5-codex", (2_201 * 1.25 + 6_016 * 0.125 + 512 * 10) / M),
    Case("Codex with the last call", of_codex,
         {"total_token_usage": {"input_tokens": 3_800, "cached_input_tokens": 0,
                                "output_tokens": 54, "reasoning_output_tokens": 0,
                                "total_tokens": 3_854},
          "last_token_usage": {"input_tokens": 3_800, "cached_input_tokens": 0,
                               "output_tokens": 54, "reasoning_output_tokens": 0,
                               "total_tokens": 3_854}},
         "openai", "gpt-5.1-codex", (3_800 * 1.25 + 54 * 10) / M),
    Case("Codex counts cache writes", of_codex,
         {"total_token_usage": {"input_tokens": 10_000, "cached_input_tokens": 7_000,
                                "cache_write_input_tokens": 2_000, "output_tokens": 100,
                                "reasoning_output_tokens": 60, "total_tokens": 10_100}},
         "openai", "gpt-5.6", (1_000 * 4 + 7_000 * 0.4 + 2_000 * 5 + 100 * 20) / M, "2026-09-01"),
    # -- Gemini -----------------------------------------------------------------------------------
    Case("Gemini", read_usage, gemini(1000, 200), "google", "gemini-2.0-flash",
         (1000 * 0.10 + 200 * 0.40) / M),
    Case("thoughts are beside the output", read_usage, gemini(10, 600, thoughts=1_251), "google",
         "gemini-2.5-flash", (10 * 0.30 + 1_851 * 2.50) / M),
    Case("cached content is part of the prompt", read_usage, gemini(5_000, 100, cached=4_000),
         "google", "models/gemini-2.5-flash", (1_000 * 0.30 + 4_000 * 0.03 + 100 * 2.50) / M),
    Case("results of tools are sent too", read_usage, gemini(1000, 100, tool=500), "google",
         "gemini-2.5-pro", (1500 * 1.25 + 100 * 10) / M),
    Case("Gemini at its step", read_usage, gemini(200_000, 1000), "google", "gemini-2.5-pro",
         (200_000 * 1.25 + 1000 * 10) / M),
    Case("Gemini above its step", read_usage, gemini(200_001, 500, 500), "google",
         "gemini-2.5-pro-preview-06-05", (200_001 * 2.50 + 1000 * 15) / M),
    Case("Gemini above its step with cache", read_usage, gemini(250_000, 1000, cached=240_000),
         "vertex_ai", "publishers/google/models/gemini-2.5-pro",
         (10_000 * 2.50 + 240_000 * 0.25 + 1000 * 15) / M),
    Case("Gemini 1.5 has a lower step", read_usage, gemini(128_001, 100), "google",
         "gemini-1.5-pro-002", (128_001 * 2.50 + 100 * 10) / M, "2025-03-01"),
    Case("Gemini CLI", read_usage,
         {"input": 9_263, "output": 35, "cached": 8_000, "thoughts": 401, "tool": 0,
          "total": 9_699},
         "google", "gemini-2.5-pro", (1_263 * 1.25 + 8_000 * 0.125 + 436 * 10) / M),
    # -- Bedrock ----------------------------------------------------------------------------------
    Case("Converse", read_usage, {"inputTokens": 125, "outputTokens": 60, "totalTokens": 185},
         "aws", "anthropic.claude-3-haiku-20240307-v1:0", (125 * 0.25 + 60 * 1.25) / M),
    Case("Converse counts the cache beside the input", read_usage,
         {"inputTokens": 12, "outputTokens": 300, "cacheReadInputTokens": 9_000,
          "cacheWriteInputTokens": 2_000, "totalTokens": 11_312},
         "aws.bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0",
         (12 * 3 + 9_000 * 0.30 + 2_000 * 3.75 + 300 * 15) / M),
    Case("Converse with writes for an hour", read_usage,
         {"inputTokens": 12, "outputTokens": 300, "cacheReadInputTokens": 0,
          "cacheWriteInputTokens": 2_000, "totalTokens": 2_312,
          "cacheDetails": [{"ttl": "1h", "inputTokens": 1_500}, {"ttl": "5m", "inputTokens": 500}]},
         "bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
         (12 * 3 + 500 * 3.75 + 1_500 * 6 + 300 * 15) / M),
    Case("Claude on Bedrock as Anthropic writes it", read_usage, claude(100, 50, read=1000), "",
         "us.anthropic.claude-sonnet-4-20250514-v1:0", (100 * 3 + 1000 * 0.30 + 50 * 15) / M),
    Case("Nova", read_usage, {"inputTokens": 1000, "outputTokens": 100, "totalTokens": 1100},
         "bedrock", "us.amazon.nova-pro-v1:0", (1000 * 0.80 + 100 * 3.20) / M),
    Case("Llama on Bedrock", read_usage,
         {"inputTokens": 1000, "outputTokens": 100, "totalTokens": 1100}, "aws",
         "meta.llama3-1-70b-instruct-v1:0", (1000 * 0.72 + 100 * 0.72) / M),
    # -- OpenRouter and others that resell --------------------------------------------------------
    Case("OpenRouter says what it billed", read_usage,
         chat(194, 2, cost=0.95, cost_details={"upstream_inference_cost": None}), "openrouter",
         "openai/gpt-4o", 0.95),
    Case("OpenRouter with the user's own key", read_usage,
         chat(1000, 100, cost=0.0002, is_byok=True,
              cost_details={"upstream_inference_cost": 0.0035}),
         "openrouter", "openai/gpt-4o", 0.0002 + 0.0035),
    Case("OpenRouter without a cost", read_usage, chat(1000, 100, cached=400), "openrouter",
         "anthropic/claude-sonnet-4.5", (600 * 3 + 400 * 0.30 + 100 * 15) / M),
    Case("OpenRouter gives it away", read_usage, chat(1000, 100, cost=0), "openrouter",
         "deepseek/deepseek-r1:free", 0.0),
    Case("OpenRouter picks the model", read_usage, chat(10, 10), "openrouter", "auto", None),
    Case("Perplexity bills each request", read_usage, chat(1000, 100), "perplexity", "sonar-pro",
         (1000 * 3 + 100 * 15) / M + 14 / 1000),
    Case("Perplexity says what it billed", read_usage,
         chat(12, 315, cost={"input_tokens_cost": 0.0, "output_tokens_cost": 0.005,
                             "request_cost": 0.006, "total_cost": 0.011}),
         "perplexity", "sonar-pro", 0.011),
    # -- Others -----------------------------------------------------------------------------------
    Case("DeepSeek by day", read_usage,
         {"prompt_tokens": 1500, "completion_tokens": 100, "total_tokens": 1600,
          "prompt_cache_hit_tokens": 1024, "prompt_cache_miss_tokens": 476},
         "deepseek", "deepseek-chat", (476 * 0.27 + 1024 * 0.07 + 100 * 1.10) / M,
         "2025-07-01 12:00"),
    Case("DeepSeek by night", read_usage, chat(1500, 100, cached=1024), "deepseek",
         "deepseek-chat", (476 * 0.135 + 1024 * 0.035 + 100 * 0.55) / M, "2025-07-01 16:30"),
    Case("DeepSeek's reasoner", read_usage, chat(100, 900, reasoning=800), "deepseek",
         "deepseek-reasoner", (100 * 0.55 + 900 * 2.19) / M, "2025-07-01 00:30"),
    Case("Groq", read_usage,
         chat(120, 80, queue_time=0.01, prompt_time=0.002, completion_time=0.2), "groq",
         "llama-3.3-70b-versatile", (120 * 0.59 + 80 * 0.79) / M),
    Case("xAI", read_usage, chat(2000, 100, cached=1500), "xai", "grok-4",
         (500 * 3 + 1500 * 0.75 + 100 * 15) / M),
    Case("Azure", read_usage, chat(2000, 100, cached=1024), "azure.ai.openai",
         "gpt-4o-2024-08-06", (976 * 2.5 + 1024 * 1.25 + 100 * 10) / M),
    Case("Cohere", read_usage, {"input_tokens": 500, "output_tokens": 50}, "cohere",
         "command-r-plus-08-2024", (500 * 2.5 + 50 * 10) / M),
    Case("Ollama", read_usage,
         {"prompt_eval_count": 26, "eval_count": 298, "total_duration": 10_706_818_083}, "ollama",
         "llama3.2:latest", 0.0),
    Case("a model that nobody lists", read_usage, chat(10, 10), "acme", "roadrunner-1", None),
    Case("a name of ChatGPT's web page", read_usage, chat(10, 10), "openai", "gpt-5-2-thinking",
         None),
    # -- What programs between make of it --------------------------------------------------------
    Case("OpenTelemetry", spans.usage_of,
         {"gen_ai.provider.name": "anthropic", "gen_ai.usage.input_tokens": 5_000,
          "gen_ai.usage.output_tokens": 100, "gen_ai.usage.cache_read.input_tokens": 4_000,
          "gen_ai.usage.cache_creation.input_tokens": 500},
         "anthropic", "claude-sonnet-4-5",
         (500 * 3 + 4_000 * 0.30 + 500 * 3.75 + 100 * 15) / M),
    Case("OpenInference", spans.usage_of,
         {"llm.token_count.prompt": 1000, "llm.token_count.completion": 200,
          "llm.token_count.prompt_details.cache_read": 512,
          "llm.token_count.completion_details.reasoning": 128},
         "openai", "gpt-5", (488 * 1.25 + 512 * 0.125 + 200 * 10) / M),
    Case("Langfuse takes the parts out", of_langfuse,
         {"input": 488, "input_cached_tokens": 512, "output": 72, "output_reasoning_tokens": 128,
          "total": 1200},
         "openai", "gpt-5", (488 * 1.25 + 512 * 0.125 + 200 * 10) / M),
    Case("LangSmith", read_usage,
         {"input_tokens": 4_000, "output_tokens": 100, "total_tokens": 4_100,
          "input_token_details": {"cache_read": 3_000, "cache_creation": 500}},
         "anthropic", "claude-sonnet-4-5", (500 * 3 + 3_000 * 0.30 + 500 * 3.75 + 100 * 15) / M),
]  # fmt: skip
