"""Examples for training in the form of ShareGPT, as LLaMA-Factory and others read it.

https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conversations.models.choices import Role
from conversations.reading import Row

from .chats import Chat
from .dialogues import dialogue
from .own import line
from .turns import Turn, json_text

SPEAKERS = {Role.SYSTEM: "system", Role.USER: "human", Role.ASSISTANT: "gpt"}


def as_sharegpt(chats: Iterable[Chat]) -> Iterator[bytes]:
    """Yield `{"id", "conversations": [{"from", "value"}]}` for each session that has an answer.

    What counts of a session, `dialogue` says. A call of a tool is JSON text, several at once a
    list; the form has no ids of calls.
    """
    for chat in chats:
        if turns := dialogue(chat):
            said = [part for turn in turns for part in _parts(turn)]
            yield line({"id": chat.session["session_uuid"], "conversations": said})


def _parts(turn: Turn) -> Iterator[Row]:
    if turn.text.strip():
        yield {"from": SPEAKERS[turn.role], "value": turn.text}
    if turn.calls:
        calls = [{"name": call.name, "arguments": call.arguments} for call in turn.calls]
        value = json_text(calls if len(calls) > 1 else calls[0])
        yield {"from": "function_call", "value": value}
    for result in turn.results:
        yield {"from": "observation", "value": result.text}
