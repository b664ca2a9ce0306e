"""What the linked sessions of a comparison say: each prompt in them, and the answer to it.

A session may hold one prompt or many. A prompt is what the user says before an answer; the answer
is all that follows until the user speaks again, and what it took (latency, tokens, cost) is its sum
over that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Length

from analytics.models import ComparisonGroup
from conversations.models import Message
from conversations.models.choices import Role

from .data import Answer, Observation, iso, prompt_hash
from .recording import key_of

UNANSWERED = "no answer"
COLUMNS = (
    "session_id", "session__session_uuid", "session__metadata", "session__project__name", "role",
    "said", "length", "message_uuid", "latency_ms", "input_tokens", "output_tokens", "cost_nanos",
    "error_message", "timestamp", "id",
)  # fmt: skip
MEASURES = ("latency_ms", "input_tokens", "output_tokens", "cost_nanos")
ERROR_LENGTH = 200


@dataclass(slots=True)
class Turn:
    """A prompt in a session, and what answered it."""

    variant: str
    session_id: int
    session: str  # its uuid
    project: str = ""  # its name
    inputs: object = None  # what the prompt was filled with
    text: str = ""
    digest: str = ""  # of text and inputs
    prompt: str = ""  # its key
    message_ids: list[int] = field(default_factory=list)  # the prompt's, then the answer's
    message: str = ""  # uuid of the last message of the answer
    answer_id: int | None = None
    length: int = 0  # characters of the answer
    measures: dict[str, int] = field(default_factory=dict)
    error: str = ""
    time: str = ""
    repetition: int = 0

    def answer(self) -> Answer:
        """Return where the answer can be read, and its length."""
        return Answer(self.variant, self.prompt, self.length, self.session, self.message)

    def observations(self) -> Iterator[Observation]:
        """Yield what was measured; of a failed answer the failure alone."""
        shared = {
            "variant": self.variant,
            "prompt": self.prompt,
            "repetition": self.repetition,
            "time": self.time,
            "unit": self.session,
        }
        if self.error:
            yield Observation(metric="latency_ms", value=None, error=self.error, **shared)
            return
        for name, value in self.measures.items():
            if name == "cost_nanos":
                yield Observation(metric="cost", value=value / 1e9, **shared)
            else:
                yield Observation(metric=name, value=float(value), **shared)


def turns_of(group: ComparisonGroup) -> list[Turn]:
    """Return every prompt and answer of the linked sessions that are not in the trash.

    Prompts that the comparison knows by their hash get its key; others are called after theirs.
    """
    using = group._state.db
    variants = dict(
        group.variants.filter(session__deleted_at__isnull=True).values_list(
            "session_id", "variant_name"
        )
    )
    rows = (
        Message.objects.using(using)
        .filter(
            session__comparisons__comparison_group=group,
            session__deleted_at__isnull=True,
            is_active_path=True,
            is_hidden=False,
            is_sidechain=False,
        )
        .annotate(
            said=Case(
                When(role=Role.USER, then=F("content")), default=Value(""), output_field=TextField()
            ),
            length=Length("content"),
        )
        .order_by("session_id", "sequence_number")
        .values_list(*COLUMNS)
    )
    keys = dict(
        group.prompts.exclude(prompt_hash="")
        .order_by("-pk")
        .values_list("prompt_hash", "prompt_key")
    )
    found = [turn for turn in _turns(rows, variants) if turn.text]
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for turn in found:
        turn.prompt = keys.get(turn.digest) or key_of(turn.digest)
        turn.repetition = seen[turn.variant, turn.prompt]
        seen[turn.variant, turn.prompt] += 1
    return found


def _turns(rows, variants: dict[int, str]) -> Iterator[Turn]:
    turn, is_answered = None, False
    for row in rows.iterator(chunk_size=2000):
        session_id, uuid, metadata, project, role, said, length = row[:7]
        message_uuid, *measures, error, time, id = row[7:]
        if turn is None or turn.session_id != session_id or (role == Role.USER and is_answered):
            if turn is not None:
                yield _closed(turn)
            variant = variants.get(session_id, "")
            turn = Turn(variant, session_id, uuid, project or "", _inputs(metadata))
            is_answered = False
        if role == Role.USER:
            turn.text = f"{turn.text}\n\n{said}" if turn.text else said
            turn.message_ids.append(id)
        elif turn.text and role != Role.SYSTEM:
            is_answered = True
            turn.message_ids.append(id)
            if role == Role.ASSISTANT:
                turn.message, turn.answer_id = message_uuid, id
                turn.length += length or 0
                turn.time = iso(time)
            for name, value in zip(MEASURES, measures, strict=True):
                if value is not None:
                    turn.measures[name] = turn.measures.get(name, 0) + value
            turn.error = turn.error or error[:ERROR_LENGTH]
    if turn is not None:
        yield _closed(turn)


def _inputs(metadata: object) -> object:
    return metadata.get("inputs") if isinstance(metadata, dict) else None


def _closed(turn: Turn) -> Turn:
    turn.digest = prompt_hash(turn.text, turn.inputs)
    if not turn.answer_id and not turn.error:
        turn.error = UNANSWERED
    return turn
