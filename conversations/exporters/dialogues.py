"""Sessions as examples for training: what was said and answered, in an order that APIs take."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from conversations.models.choices import Role
from conversations.reading import Row

from .chats import Chat
from .turns import Result, Turn, turn


def dialogue(chat: Chat) -> list[Turn]:
    """Return the turns of a session up to its last answer, [] if it has none.

    Of the messages only the path that the source shows counts, without hidden and empty ones and
    what sub-agents said. The system prompt comes first. A call of a tool has its results, one a
    turn, right behind it; calls that nothing answered are left out, but for those of the last
    turn, and so are results of unknown calls. Every call has an id. Files are not written.
    """
    turns = [turn(message) for message in chat.messages() if _is_shown(message)]
    last = max((place for place, said in enumerate(turns) if _is_answer(said)), default=-1)
    if last < 0:
        return []
    _give_ids(turns)
    found = list(_in_order(turns, last))
    prompt = chat.session["system_prompt"]
    if prompt.strip() and not any(said.role == Role.SYSTEM for said in found):
        found.insert(0, Turn(Role.SYSTEM, prompt))
    return found


def _is_shown(message: Row) -> bool:
    return message["is_active_path"] and not (message["is_hidden"] or message["is_sidechain"])


def _is_answer(said: Turn) -> bool:
    return said.role == Role.ASSISTANT and bool(said.text.strip() or said.calls)


def _give_ids(turns: list[Turn]) -> None:
    """Name the calls without an id, and give each result without one the oldest open call."""
    count, open = 0, []
    for said in turns:
        for call in said.calls:
            count += 1
            call.id = call.id or f"call_{count}"
            open.append(call.id)
        for result in said.results:
            result.call_id = result.call_id or next(iter(open), "")
            if result.call_id in open:
                open.remove(result.call_id)


def _in_order(turns: list[Turn], last: int) -> Iterator[Turn]:
    results: defaultdict[str, deque[Result]] = defaultdict(deque)  # ids may come again
    for said in turns:
        for result in said.results:
            results[result.call_id].append(result)
    for said in turns[:last]:
        answered = [(call, results[call.id].popleft()) for call in said.calls if results[call.id]]
        if said.text.strip() or answered:
            yield Turn(said.role, said.text, calls=[call for call, _ in answered])
        for _, result in answered:
            yield Turn(Role.TOOL, results=[result])
    yield Turn(turns[last].role, turns[last].text, calls=turns[last].calls)
