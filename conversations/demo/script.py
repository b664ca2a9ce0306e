"""One conversation as it goes along: messages, tokens, prices, time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson

from conversations.importers.records import MessageRecord

from .catalogue import FAILURES, DemoModel
from .topic import Exchange, fill

FAILURE_RATE = 0.03
FAILURE_WEIGHTS = (4, 2, 1, 1, 2)  # in the order of FAILURES
CACHEABLE = 1024  # tokens; a shorter prompt is not cached
CACHE_LASTS = 300  # seconds
# What a cached token costs, in parts of the price of one that is sent.
READ_SHARE, WRITE_SHARE = 0.1, 1.25
NIGHT = 15 * 3600  # seconds
MESSAGES_A_DAY = 60


@dataclass(slots=True)
class Length:
    """How long a conversation is to become."""

    exchanges: int
    messages: int


class Script:
    """Gathers the messages of one conversation; time is in seconds until `at` places it."""

    def __init__(
        self,
        external_id: str,
        rng: Random,
        model: DemoModel,
        overhead: int,
        *,
        may_end_early: bool = True,
    ) -> None:
        self.external_id = external_id
        self.rng = rng
        self.model = model
        self.may_end_early = may_end_early
        self.context = overhead  # tokens that the next request sends
        self.cached = 0
        self.cached_at = 0.0
        self.uses_cache = model.provider != "ollama" and rng.random() < 0.75
        self.clock = 0.0
        self.failed = False
        self.since_night = 0  # the messages that were there when the day began
        self.messages: list[MessageRecord] = []
        self.seconds: list[float] = []

    @property
    def lasting(self) -> timedelta:
        return timedelta(seconds=self.clock)

    def at(self, start: datetime, *, squeezed_to: timedelta | None = None) -> None:
        """Place what was said here in time; `squeezed_to` is the longest that it may take."""
        pace = 1.0
        if squeezed_to is not None and self.lasting > squeezed_to:
            pace = squeezed_to / self.lasting
        spoken = self.messages[-len(self.seconds) :]
        for message, seconds in zip(spoken, self.seconds, strict=True):
            message.timestamp = start + timedelta(milliseconds=round(seconds * pace * 1000))

    def repeat(self, messages: list[MessageRecord], uuid_of: Callable[[str], str]) -> None:
        """Begin with what another conversation said: without tokens and cost, spent there."""
        for message in messages:
            self.messages.append(
                MessageRecord(
                    f"{self.external_id}/{len(self.messages) + 1}",
                    message.role,
                    message.content,
                    message.content_type,
                    parent_key=self.messages[-1].key if self.messages else None,
                    timestamp=message.timestamp,
                    provider=message.provider,
                    model=message.model,
                    finish_reason=message.finish_reason,
                    error_message=message.error_message,
                    tool_calls=message.tool_calls,
                    metadata={**message.metadata, "copied_from": uuid_of(message.key)},
                )
            )
            self.context += tokens_of(message.content)

    def play(self, exchange: Exchange, words: dict[str, str]) -> None:
        """Ask, let the model use its tools, and answer; the model may fail instead."""
        if self.messages:
            self._pause()
        self._add("user", fill(exchange.ask, words))
        for call in exchange.calls if self.model.calls_tools else ():
            arguments = orjson.loads(fill(call.arguments, words))
            self._call(call.name, arguments, fill(call.result, words))
        answer = fill(exchange.answer, words)
        if self.rng.random() < FAILURE_RATE:
            self._fail(answer)
            if self.failed:
                return
        self._answer(answer, exchange.thinking)

    def _pause(self) -> None:
        rng = self.rng
        if len(self.messages) - self.since_night > MESSAGES_A_DAY:
            self.since_night = len(self.messages)
            self.clock += NIGHT + rng.randrange(7200)
        elif rng.random() < 0.03:
            self.clock += rng.randrange(1500, 5400)
        else:
            self.clock += min(900, 8 + rng.lognormvariate(4.1, 0.8))

    def _add(self, role: str, content: str, content_type: str = "text", **fields: Any) -> None:
        self.messages.append(
            MessageRecord(
                f"{self.external_id}/{len(self.messages) + 1}",
                role,
                content,
                content_type,
                parent_key=self.messages[-1].key if self.messages else None,
                **fields,
            )
        )
        self.seconds.append(self.clock)
        self.context += tokens_of(content)

    def _call(self, name: str, arguments: dict[str, Any], result: str) -> None:
        id = f"call_{self.rng.getrandbits(48):012x}"
        request = {"id": id, "name": name, "arguments": arguments}
        self._respond(
            "",
            content_type="tool_call",
            written=tokens_of(str(request)),
            finish_reason="tool_use" if self.model.provider == "anthropic" else "tool_calls",
            tool_calls=[request],
        )
        self.clock += self.rng.uniform(0.2, 4)
        self._add("tool", result, "tool_result", metadata={"tool_call_ids": [id]})

    def _answer(self, text: str, thinking: str) -> None:
        shows = self.model.reasons or (
            self.model.provider == "anthropic" and self.rng.random() < 0.5
        )
        self._respond(
            text,
            thinking=thinking if shows else "",
            finish_reason="end_turn" if self.model.provider == "anthropic" else "stop",
        )

    def _respond(
        self,
        text: str,
        *,
        content_type: str = "text",
        written: int = 0,
        thinking: str = "",
        **fields: Any,
    ) -> None:
        """Add a response with all that it took."""
        rng, model = self.rng, self.model
        reasoning = tokens_of(thinking) if thinking else None
        if model.reasons:
            reasoning = (reasoning or 0) + int(rng.lognormvariate(6.1, 0.7))
        output = (tokens_of(text) if text else 0) + written + (reasoning or 0)
        latency = model.first_token * rng.lognormvariate(0, 0.3)
        latency += output / model.speed * 1000 * rng.lognormvariate(0, 0.15)
        sent = self.context
        read, write = self._cache(sent)
        self.clock += latency / 1000
        if thinking:
            fields["metadata"] = {"thinking": [thinking]}
        self._add(
            "assistant",
            text,
            content_type,
            provider=model.provider,
            model=model.name,
            input_tokens=sent,
            output_tokens=output,
            cache_read_tokens=read,
            cache_write_5m_tokens=write,
            reasoning_tokens=reasoning,
            cost=cost(model, sent, output, read or 0, write or 0),
            latency_ms=round(latency),
            **fields,
        )
        self.context += written

    def _cache(self, sent: int) -> tuple[int | None, int | None]:
        """Return how much of a prompt was read from a cache, and written to one."""
        if not self.uses_cache or sent < CACHEABLE:
            return None, None
        read = self.cached if self.clock - self.cached_at < CACHE_LASTS else 0
        self.cached, self.cached_at = sent - sent % 128, self.clock
        return read, self.cached - read if self.model.provider == "anthropic" else None

    def _fail(self, answer: str) -> None:
        rng, model = self.rng, self.model
        [kind] = rng.choices(list(FAILURES), FAILURE_WEIGHTS)
        finish_reason, text, ends = FAILURES[kind]
        words = {
            "seconds": str(rng.randrange(5, 60)),
            "timeout": str(rng.choice((60, 90, 120))),
            "tokens": f"{model.context_window + rng.randrange(500, 20_000):,}",
        }
        failure: dict[str, Any] = {
            "provider": model.provider,
            "model": model.name,
            "finish_reason": finish_reason,
            "error_message": fill(text, words),
            "latency_ms": rng.randrange(90, 900),
        }
        content = ""
        if kind in ("timeout", "content filter"):  # it was read, so it is paid for
            content = answer[: len(answer) // 3] if kind == "timeout" else ""
            written = tokens_of(content) if content else 0
            failure |= {
                "input_tokens": self.context,
                "output_tokens": written,
                "cost": cost(model, self.context, written, 0, 0),
            }
        if kind == "timeout":
            failure["latency_ms"] = int(words["timeout"]) * 1000
        self.clock += failure["latency_ms"] / 1000
        self._add("assistant", content, **failure)
        self.failed = rng.random() < ends and self.may_end_early
        self.clock += rng.uniform(4, 60)


def tokens_of(text: str) -> int:
    """Return about how many tokens a text has: four bytes each, and a few around it."""
    return len(text.encode()) // 4 + 4


def cost(model: DemoModel, sent: int, output: int, read: int, write: int) -> float:
    """Return the price of a request in USD."""
    plain = sent - read - write
    paid = plain + read * READ_SHARE + write * WRITE_SHARE
    return round((paid * model.price_in + output * model.price_out) / 1000, 9)
