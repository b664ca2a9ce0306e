"""What a rollout says of its session as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..records import MessageRecord
from ..values.fields import present, text_in
from ..values.inline import without_bytes
from .items import prompt_in
from .transcript import Speaker

PROVIDER = "openai"
SESSION_FIELDS = {
    "cwd": "cwd",
    "cli_version": "version",
    "originator": "originator",
    "source": "started_from",
    "git": "git",
    "agent_nickname": "agent_nickname",
    "agent_role": "agent_role",
}
MAPPED = {
    *SESSION_FIELDS,
    *("id", "session_id", "timestamp", "instructions", "base_instructions", "model_provider"),
    *("forked_from_id", "parent_thread_id"),
}
# Of the settings of a turn, what its messages say.
SAID_ELSEWHERE = {
    *("cwd", "model", "effort", "turn_id", "user_instructions", "developer_instructions"),
    "base_instructions",
}


class Description:
    """The first session_meta and the last turn_context so far."""

    def __init__(self) -> None:
        self.meta: dict[str, Any] = {}
        self._turn: dict[str, Any] = {}
        self.speaker = Speaker(PROVIDER)

    def take_meta(self, payload: dict[str, Any]) -> None:
        """Take what the session says of itself, once: what comes after is copied from another.

        Raises Unusable for a wrong type.
        """
        if not self.meta:
            self.meta = _checked(payload)
            provider = text_in(payload, "model_provider") or PROVIDER
            self.speaker = Speaker(provider, self.speaker.model, self.speaker.effort)

    def take_turn(self, payload: dict[str, Any]) -> None:
        """Take the settings that hold from here on; raises Unusable for a wrong type."""
        self._turn = _checked(payload)
        self.speaker = Speaker(
            self.speaker.provider, text_in(payload, "model"), text_in(payload, "effort")
        )

    @property
    def is_agent(self) -> bool:
        """Whether another session started this one to work for it."""
        source = self.meta.get("source")
        return isinstance(source, dict) and "subagent" in source

    @property
    def project(self) -> str:
        """The name of the folder that the model worked in."""
        path = text_in(self.meta, "cwd") or text_in(self._turn, "cwd")
        return re.split(r"[/\\]", path.rstrip("/\\"))[-1]

    @property
    def instructions(self) -> str:
        """The system prompt, as far as it was recorded."""
        for said in (self.meta.get("base_instructions"), self.meta.get("instructions")):
            text = said.get("text") if isinstance(said, dict) else said
            if isinstance(text, str) and text:
                return text
        return ""

    def metadata(self) -> dict[str, Any]:
        """Return what the session has no field for."""
        named = {new: self.meta.get(name) for name, new in SESSION_FIELDS.items()}
        rest = {name: value for name, value in self.meta.items() if name not in MAPPED}
        settings = {name: value for name, value in self._turn.items() if name not in SAID_ELSEWHERE}
        return present(named | {"settings": present(settings), "extra": present(rest)})


def first_prompt(messages: Iterable[MessageRecord]) -> str:
    """Return what the user typed first, or else what another agent asked; "" if nobody did."""
    prompts = [message for message in messages if message.role == "user"]
    typed = [message for message in prompts if not message.is_hidden and message.content]
    sent = [message for message in prompts if "author" in message.metadata]
    return next((prompt_in(message.content) for message in typed or sent), "")


def _checked(payload: dict[str, Any]) -> dict[str, Any]:
    for name in ("cwd", "model", "model_provider", "effort"):
        text_in(payload, name)
    return without_bytes(payload)
