"""Sessions of answers: the request of each is looked for among the files of the same import."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..chat import Response, Turn, read_request
from ..reading.files import SourceFile, UnreadableFile
from ..reading.json_values import line_value, lines
from ..records import Item, MessageRecord, Rejected, SessionRecord, Skipped
from ..values.fields import Unusable, present
from ..values.inline import without_bytes
from ..values.text import as_title
from .requests import Ids, Requests, closest, id_of, ids_in, requests_of

LONGEST_ID = 200
SERVICE_TIER = "batch"  # at half the price
# What the messages say already.
SAID = {"messages", "input", "contents", "prompt", "system", "instructions", "model", "tools"}
REQUESTS_ALONE = "requests of a batch; import them together with what was answered"


@dataclass(slots=True)
class Answer:
    """What a line says: the response, who gave it, what no message has a field for."""

    response: Response
    provider: str = ""
    latency_ms: int | None = None
    said: list[Turn] = field(default_factory=list)  # of the prompt, where the answer repeats it
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Format:
    """How a maker writes batches: the name of the request, those of the answer, how to read it.

    `read` takes a line and returns its answer, or in words what it is instead; raises Unusable.
    """

    request: str
    answers: tuple[str, ...]
    read: Callable[[dict[str, Any]], Answer | str]


def read_batches(files: Sequence[SourceFile], format: Format) -> Iterator[Item]:
    """Yield a session for each answer in the files, and what could not be read."""
    known: list[Ids] = []
    for file in files:
        try:
            known.append(ids_in(file, format.request, format.answers))
        except UnreadableFile as error:
            yield Rejected(error.name, error.reason)
    requests = [ids for ids in known if ids.is_requests]
    used: set[int] = set()
    for answers in known:
        if answers.is_requests:
            continue
        asked = closest(answers, requests)
        used.add(id(asked))
        try:
            with requests_of(asked and asked.file, format.request) as bodies:
                yield from _read_file(answers.file, bodies, format)
        except UnreadableFile as error:
            yield Rejected(error.name, error.reason)
        except OSError as error:  # no room for the requests
            yield Rejected(answers.file.name, str(error))
    for ids in requests:
        if id(ids) not in used:
            yield Skipped(ids.file.name, REQUESTS_ALONE)


def _read_file(file: SourceFile, requests: Requests, format: Format) -> Iterator[Item]:
    with file.open(counted=False) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    others: Counter[str] = Counter()
    times: Counter[str] = Counter()
    is_empty = True
    with file.open() as stream:
        for line in lines(stream):
            place, value = f"{file.name}, line {line.number}", None
            try:
                value = line_value(line)
                id = id_of(value)
                answer = format.read(value)
                if isinstance(answer, str):
                    others[answer] += 1
                    continue
                times[id] += 1
                name = id if times[id] == 1 else f"{id}#{times[id]}"
                session = SessionRecord(f"{digest}/{_short(name)}", place)
                _fill(session, id, answer, requests.body(id))
            except Unusable as error:
                # A last line without newline is still being written, unless it is whole.
                if line.is_whole or isinstance(value, dict):
                    is_empty = False
                    yield Rejected(place, str(error), line.content)
            else:
                is_empty = False
                yield session
    for what, count in others.items():
        yield Skipped(file.name, f"{count} {what}")
    if is_empty and not others:
        yield Skipped(file.name, "holds no answers")


def _fill(
    session: SessionRecord, custom_id: str, answer: Answer, request: dict[str, Any] | None
) -> None:
    """Put an answer into its session; without its request, what the answer repeats of that."""
    said = answer.said if request is None else read_request(request)
    messages: list[MessageRecord] = []
    for number, turn in enumerate(turn for turn in said if not turn.is_empty):
        message = turn.message(f"{session.external_id}/prompt/{number}")
        message.timestamp = answer.response.time
        message.parent_key = messages[-1].key if messages else None
        messages.append(message)
    asked = (m.content for m in messages if m.role == "user" and m.content.strip())
    system = (m.content for m in messages if m.role == "system")
    session.title = as_title(next(asked, "")) or as_title(custom_id)
    session.started_at = answer.response.time
    session.provider = answer.provider
    session.model = answer.response.model or _text(request, "model")
    session.system_prompt = next(system, "")
    session.metadata["custom_id"] = custom_id
    if request and (rest := _settings(request)):
        session.metadata["extra"] = {"request": rest}
    session.messages = [*messages, *_answers(session, answer, messages)]


def _answers(
    session: SessionRecord, answer: Answer, said: list[MessageRecord]
) -> Iterator[MessageRecord]:
    """Yield what was answered: the first of several choices has the counts and goes on the path."""
    response = answer.response
    turns = [turn for turn in response.turns if not turn.is_empty]
    for number, turn in enumerate(turns or [Turn("assistant")]):
        message = turn.message(f"{session.external_id}/answer/{number}")
        message.parent_key = said[-1].key if said else None
        message.timestamp = response.time
        message.provider, message.model = session.provider, session.model
        message.is_active_path = number == 0
        message.metadata["service_tier"] = SERVICE_TIER
        if number == 0:
            response.usage.give(message)
            message.latency_ms = answer.latency_ms
            message.error_message = message.error_message or response.error
            if extra := present({**message.metadata.get("extra", {}), **answer.extra}):
                message.metadata["extra"] = without_bytes(extra)
        yield message


def _settings(request: dict[str, Any]) -> dict[str, Any]:
    """Return what a request says beside its messages, of its tools the names."""
    settings = {name: request[name] for name in request.keys() - SAID}
    tools = request.get("tools")
    if isinstance(tools, list):
        named = (tool.get("function", tool) for tool in tools if isinstance(tool, dict))
        settings["tools"] = [_text(tool, "name") or _text(tool, "type") for tool in named]
    return without_bytes(present(dict(sorted(settings.items()))))


def _text(record: Any, name: str) -> str:
    value = record.get(name) if isinstance(record, dict) else None
    return value if isinstance(value, str) else ""


def _short(name: str) -> str:
    """Return an id, or its digest where it is longer than an id may be."""
    if len(name) <= LONGEST_ID:
        return name
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
