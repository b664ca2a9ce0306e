"""Sessions of the demo by number: the same number and seed always give the same session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from conversations import storing
from conversations.importers.records import SessionRecord

from . import (
    topics_building,
    topics_data,
    topics_debugging,
    topics_languages,
    topics_machinery,
    topics_prose,
)
from .catalogue import DESCRIPTIONS, MODELS, SYSTEM_PROMPTS, TAGS, DemoModel
from .follow_ups import FOLLOW_UPS
from .rhythm import Rhythm
from .script import Length, Script
from .topic import Exchange, Topic, fill

SOURCE = "demo"
METADATA = {"demo": True}
FAMILIES = (
    topics_debugging.TOPICS,
    topics_building.TOPICS,
    topics_machinery.TOPICS,
    topics_data.TOPICS,
    topics_prose.TOPICS,
    topics_languages.TOPICS,
)
TOPICS = tuple(topic for family in FAMILIES for topic in family)
LONGEST = 60  # messages
LONG_SESSION, LONG_MESSAGES = 7, 200  # one session is much longer than all others
BRANCH_EVERY = 17
LATEST_BRANCHING = 24  # messages that a branch repeats, at most
TYPES = {"single": 92, "comparison": 4, "batch": 3, "workflow": 1}

Question = tuple[Exchange, dict[str, str]]


@dataclass(slots=True)
class Conversation:
    """A session, and what a record cannot say of it."""

    number: int
    record: SessionRecord
    model: DemoModel
    status: str
    session_type: str
    description: str
    temperature: float | None
    origin: Conversation | None = None
    branched_at: int = 0  # the message of the origin that it goes on from


def external_id(number: int) -> str:
    """Return what a session of the demo is called there."""
    return f"demo-{number:06}"


def converse(number: int, seed: int, rhythm: Rhythm) -> Conversation:
    """Return session `number`; every seventeenth is a branch of another."""
    rng = Random(f"{seed}/{number}")
    if number % BRANCH_EVERY == 0:
        origin = converse(number - rng.randrange(1, BRANCH_EVERY - 1), seed, rhythm)
        return _branch(number, origin, rng, rhythm)
    return _session(number, rng, rhythm)


def _session(number: int, rng: Random, rhythm: Rhythm) -> Conversation:
    # The first sessions take turns, so that a small demo has something of everything.
    topic = TOPICS[number - 1] if number <= len(TOPICS) else rng.choice(TOPICS)
    words = _words(topic, rng)
    length = _length(number, topic, rng)
    wished = rhythm.moment(rng)
    model = MODELS[number - 1] if number <= len(MODELS) else _model(rng, rhythm.share(wished))
    overhead = rng.choice((30, 400, 1900, 4200, 8800, 18_000, 36_000)) if topic.prompts else 30
    script = Script(external_id(number), rng, model, overhead, may_end_early=number != LONG_SESSION)
    prompt = ""
    if topic.prompts and rng.random() < 0.45:
        prompt = SYSTEM_PROMPTS[rng.choice(topic.prompts)]
    for exchange, slots in _questions(topic, words, length.exchanges, rng):
        if script.failed or len(script.messages) + 2 + 2 * len(exchange.calls) > length.messages:
            break
        script.play(exchange, slots)
    start = rhythm.fitted(wished, script.lasting)
    script.at(start)
    title = fill(rng.choice(topic.titles), words)
    record = SessionRecord(
        external_id(number),
        f"demo session {number}",
        title=title[0].upper() + title[1:],
        project="" if rng.random() < 0.07 else rng.choice(topic.projects),
        started_at=start,
        provider=model.provider,
        model=model.name,
        system_prompt=prompt,
        tags=_tags(topic, rng),
        metadata=dict(METADATA),
        messages=script.messages,
    )
    return _concluded(Conversation(
        number, record, model, "", rng.choices(list(TYPES), list(TYPES.values()))[0],
        rng.choice(DESCRIPTIONS) if rng.random() < 0.12 else "",
        rng.choice((None, None, 0.0, 0.2, 0.7, 1.0)),
    ), script.failed, rng, rhythm)  # fmt: skip


def _branch(number: int, origin: Conversation, rng: Random, rhythm: Rhythm) -> Conversation:
    """Go on from an answer of another session, perhaps with another model."""
    said = origin.record.messages
    answers = [
        place
        for place, message in enumerate(said, 1)
        if message.role == "assistant"
        and not message.tool_calls
        and not message.error_message
        and place <= LATEST_BRANCHING
    ]
    at = rng.choice(answers) if answers else 1
    ended = said[-1].timestamp or rhythm.since
    wished = min(ended + timedelta(minutes=rng.expovariate(1 / 600)), rhythm.until)
    model = origin.model if rng.random() < 0.5 else _model(rng, rhythm.share(wished))
    script = Script(external_id(number), rng, model, 30)
    script.repeat(said[:at], lambda key: storing.message_uuid(SOURCE, key))
    asked = {message.content for message in said[:at]}
    fresh = [exchange for exchange in FOLLOW_UPS if exchange.ask not in asked]
    for exchange in rng.sample(fresh, min(len(fresh), rng.randrange(1, 5))):
        if not script.failed:
            script.play(exchange, {})
    start = max(ended, min(wished, rhythm.until - script.lasting - timedelta(minutes=1)))
    script.at(start, squeezed_to=rhythm.until - start)
    record = SessionRecord(
        external_id(number),
        f"demo session {number}",
        title=f"{origin.record.title}, another way",
        project=origin.record.project,
        started_at=start,
        provider=model.provider,
        model=model.name,
        system_prompt=origin.record.system_prompt,
        parent_external_id=origin.record.external_id,
        tags=list(origin.record.tags),
        metadata={**METADATA, "branched_at": at},
        messages=script.messages,
    )
    return _concluded(Conversation(
        number, record, model, "", origin.session_type, "", origin.temperature, origin, at,
    ), script.failed, rng, rhythm)  # fmt: skip


def _concluded(
    conversation: Conversation, failed: bool, rng: Random, rhythm: Rhythm
) -> Conversation:
    """Give a conversation the status that fits its age."""
    record = conversation.record
    ended: datetime = record.messages[-1].timestamp or rhythm.since
    age = (rhythm.until - ended).days
    if failed:
        conversation.status = "failed"
    elif rng.random() < (0.5 if age < 14 else 0.05 if age < 120 else 0):
        conversation.status = "active"
    else:
        conversation.status = "archived" if age > 150 and rng.random() < 0.6 else "completed"
        record.completed_at = ended
    return conversation


def _words(topic: Topic, rng: Random) -> dict[str, str]:
    """Choose a word for each slot."""
    place = rng.random()
    return {
        name: words[int(place * len(words))] if topic.is_paired else rng.choice(words)
        for name, words in topic.slots.items()
    }


def _length(number: int, topic: Topic, rng: Random) -> Length:
    if number == LONG_SESSION:
        return Length(LONG_MESSAGES, LONG_MESSAGES)
    exchanges = max(1, round(rng.lognormvariate(1.5, 0.74)))
    if topic in topics_languages.TOPICS:  # what people say at the end is English
        exchanges = min(exchanges, len(topic.exchanges))
    return Length(exchanges, LONGEST)


def _model(rng: Random, share: float) -> DemoModel:
    weights = [m.popularity[0] * (1 - share) + m.popularity[1] * share for m in MODELS]
    return rng.choices(MODELS, weights)[0]


def _tags(topic: Topic, rng: Random) -> list[str]:
    count = rng.choices(range(4), (30, 35, 25, 10))[0]
    return list(dict.fromkeys([*rng.sample(topic.tags, len(topic.tags)), *rng.sample(TAGS, 3)]))[
        :count
    ]


def _questions(topic: Topic, words: dict[str, str], count: int, rng: Random) -> Iterator[Question]:
    """Yield `count` exchanges: the topic's, some of the common ones, and then what is related."""
    family = next(family for family in FAMILIES if topic in family)
    ready: list[Exchange] = []
    while count > 0:
        opening, *rest = topic.exchanges
        chosen = sorted(rng.sample(range(len(rest)), min(count - 1, len(rest))))
        for exchange in (opening, *(rest[place] for place in chosen)):
            yield exchange, words
        count -= 1 + len(chosen)
        for _ in range(min(count, rng.randrange(1, 4))):
            ready = ready or rng.sample(FOLLOW_UPS, len(FOLLOW_UPS))
            yield ready.pop(), {}
            count -= 1
        topic = rng.choice([other for other in family if other is not topic])
        words = _words(topic, rng)
