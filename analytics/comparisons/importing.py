"""Votes, ratings, metrics, prompts and answers from JSONL and CSV files.

What a row is, its fields tell. A row is known again by its id, or by what it says of which answer,
so that a file may be imported any number of times.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from django.db import connections, transaction
from django.db.models import F, JSONField, Model

from analytics.models import (
    ComparisonGroup,
    ComparisonPrompt,
    ComparisonResult,
    ComparisonVote,
    Evaluator,
)
from analytics.models.comparisons import MOST_REPETITIONS
from conversations import databases, values, writing
from conversations.errors import InvalidValue, SessionsError
from conversations.models import Session
from conversations.models.choices import SessionType

from . import recording
from .data import prompt_hash
from .rows import PROMPT_GROUPS, PROMPT_KEYS, PROMPT_TEXTS, ROW_IDS, first_of, of_csv, of_jsonl

MOST_FAILED = 1_000  # lines that are listed
CHUNK = 2_000
NO_METRICS = {
    "item", "repetition", "vote", "request_id", "id", "low", "high", "score_b", "score", "value",
    "judge_cost_usd", "judge_seconds",
}  # fmt: skip


@dataclass
class ImportOutcome:
    """How many rows were new, known and wrong, and which lines were wrong and why."""

    new: int = 0
    known: int = 0
    failed: list[tuple[int, str]] = field(default_factory=list)
    failed_count: int = 0
    prompts: int = 0
    votes: int = 0
    results: int = 0
    sessions: int = 0


def import_file(
    group: ComparisonGroup, file: Path | TextIO, *, name: str = "", is_strict: bool = False
) -> ImportOutcome:
    """Store all rows of a file in one transaction; a wrong line is told and the others stored.

    `name` ends in .csv for CSV, else lines of JSON are read. With `is_strict` a wrong line stores
    nothing and raises `InvalidValue`.
    """
    if isinstance(file, Path):
        name = name or file.name
        try:
            stream: TextIO = file.open(encoding="utf-8-sig", newline="")
        except OSError as error:
            raise InvalidValue(f"{file}: {error.strerror or error}") from error
        with stream:
            return _import(group, stream, name, is_strict)
    return _import(group, file, name, is_strict)


def import_text(group: ComparisonGroup, text: str, *, name: str, **options) -> ImportOutcome:
    """Store all rows of a file's text; see `import_file`."""
    return _import(group, io.StringIO(text.removeprefix("\ufeff"), newline=""), name, **options)


def _import(group, stream: TextIO, name: str, is_strict: bool = False) -> ImportOutcome:
    rows = of_csv(stream) if name.lower().endswith(".csv") else of_jsonl(stream)
    outcome, store = ImportOutcome(), _Store(group)
    with transaction.atomic(group._state.db):
        try:
            for line, row in rows:
                try:
                    if isinstance(row, str):
                        raise InvalidValue(row)
                    store.add(row)
                except SessionsError as error:
                    outcome.failed_count += 1
                    if len(outcome.failed) < MOST_FAILED:
                        outcome.failed.append((line, str(error)))
                    if is_strict:
                        raise InvalidValue(f"{name}, line {line}: {error}") from error
        except UnicodeDecodeError as error:
            raise InvalidValue(f"{name}: not UTF-8 ({error.reason} at {error.start})") from error
        store.flush()
    for what in ("new", "known", "prompts", "votes", "results", "sessions"):
        setattr(outcome, what, getattr(store, what))
    return outcome


class _Store:
    """Rows of one group on their way into the database, looked up without asking it for each."""

    def __init__(self, group: ComparisonGroup) -> None:
        self.group, self.using = group, group._state.db
        self.prompts_by_key: dict[str, ComparisonPrompt] = {}
        self.by_hash: dict[str, ComparisonPrompt] = {}
        for prompt in group.prompts.order_by("-pk"):
            self._know(prompt)
        self.known_keys = {
            ComparisonVote: set(group.votes.values_list("external_key", flat=True)),
            ComparisonResult: set(group.results.values_list("external_key", flat=True)),
        }
        self.waiting: dict[type, list] = {ComparisonVote: [], ComparisonResult: []}
        self.new_prompts: list[ComparisonPrompt] = []
        self.outputs = {
            config.get("output"): True
            for config in group.variants.values_list("variant_config", flat=True)
            if isinstance(config, dict)
        }
        self.new = self.known = self.prompts = self.votes = self.results = self.sessions = 0

    def _know(self, prompt: ComparisonPrompt) -> None:
        self.prompts_by_key[prompt.prompt_key] = prompt
        if prompt.prompt_hash:
            self.by_hash[prompt.prompt_hash] = prompt

    def add(self, row: dict[str, Any]) -> None:
        """Take one row, whatever it is. Raises `InvalidValue`."""
        if "wins_a" in row and "wins_b" in row:
            self._counts(row)
        elif ("a" in row and "b" in row) or ("left" in row and "right" in row):
            self._vote(row)
        elif "variant" in row:
            self._results(row)
        elif first_of(row, PROMPT_KEYS) or first_of(row, PROMPT_TEXTS):
            before = self.prompts
            self._prompt(row)
            self.new += self.prompts - before
            self.known += self.prompts == before
        else:
            raise InvalidValue(
                "give a, b and winner for a vote, variant and metrics for a result,"
                " or prompt_id and prompt for a prompt"
            )

    def flush(self) -> None:
        """Write what is waiting, prompts first."""
        ComparisonPrompt.objects.using(self.using).bulk_create(self.new_prompts)
        self.new_prompts.clear()
        for model, rows in self.waiting.items():
            self._insert(model, rows)
            rows.clear()

    def _insert(self, model: type[Model], rows: list[dict[str, Any]]) -> None:
        # Not by bulk_create: with 999 parameters a statement it takes five times as long.
        if not rows:
            return
        connection = connections[self.using]
        fields = [model._meta.get_field(name) for name in rows[0]]
        quoted = ", ".join(connection.ops.quote_name(field.column) for field in fields)
        places = ", ".join(["%s"] * len(fields))
        # Each value was checked for its column; JSON alone is yet to be written as text.
        ready = [
            (field.name, partial(field.get_db_prep_save, connection=connection))
            if isinstance(field, JSONField)
            else (field.name, _key)
            for field in fields
        ]
        lines = ([prepare(row[name]) for name, prepare in ready] for row in rows)
        with connection.cursor() as cursor:
            # With the trigger that counts changes, each row would change the group as well.
            with databases.of(connection).bulk_load(cursor):
                cursor.executemany(
                    f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({quoted})"
                    f" VALUES ({places})",
                    lines,
                )
            ComparisonGroup.objects.using(self.using).filter(pk=self.group.pk).update(
                revision=F("revision") + 1
            )

    def _prompt(self, row: dict[str, Any], is_needed: bool = True) -> ComparisonPrompt | None:
        key, text = first_of(row, PROMPT_KEYS), first_of(row, PROMPT_TEXTS)
        if not key and not text:
            if is_needed:
                raise InvalidValue("prompt: give prompt_id or the text of the prompt")
            return None
        inputs = row.get("inputs") or {}
        digest = prompt_hash(text, inputs) if text else ""
        found = self.prompts_by_key.get(key) if key else self.by_hash.get(digest)
        prompt_group = first_of(row, PROMPT_GROUPS)
        if found is not None and not (
            (text and not found.text) or (prompt_group and not found.prompt_group)
        ):
            return found
        if found is None:
            found = recording.new_prompt(
                self.group, key, text=text, inputs=inputs, prompt_group=prompt_group
            )
            self.new_prompts.append(found)
            self._know(found)
            self.prompts += 1
            return found
        self.flush()
        found = recording.prompt_for(
            self.group, key, text=text, inputs=inputs, prompt_group=prompt_group
        )
        self._know(found)
        return found

    def _put(self, model: type, key: str, **columns: Any) -> None:
        if key in self.known_keys[model]:
            self.known += 1
            return
        self.known_keys[model].add(key)
        rows = self.waiting[model]
        rows.append({"comparison_group": self.group, "external_key": key, **columns})
        self.new += 1
        if model is ComparisonVote:
            self.votes += 1
        else:
            self.results += 1
        if len(rows) >= CHUNK:
            self.flush()

    # -- votes --

    def _vote(self, row: dict[str, Any]) -> None:
        names = ("left", "right") if "left" in row else ("a", "b")
        a, b = (_variant(row, name) for name in names)
        if a == b:
            raise InvalidValue(f"a and b are the same variant, “{a:.100}”")
        if "winner" not in row:
            raise InvalidValue("winner is missing: a, b, tie, the name of a variant, or null")
        winner = row["winner"]
        if names[0] == "left":
            winner = {"left": "a", "right": "b"}.get(winner, winner)
        if winner is not None:
            values.text("winner", winner)
        outcome = recording.outcome_of(winner, a, b)
        first = (
            "a" if names[0] == "left" else recording.side_of("first", row.get("first") or "", a, b)
        )
        score = row.get("score_b", row.get("score"))
        columns = {
            "variant_a": a, "variant_b": b, "outcome": outcome, "first_shown": first,
            "score": values.number("score", score, most=1),
            "rater": values.field_text(ComparisonVote, "rater", row.get("rater") or ""),
            "judge_version": values.field_text(
                ComparisonVote, "judge_version", row.get("judge") or ""
            ),
            "repetition": _repetition(row),
            "evaluator": self._evaluator(
                row, Evaluator.LLM_JUDGE if row.get("judge") else Evaluator.HUMAN
            ),
        }  # fmt: skip
        given = first_of(row, ("id", "key", "vote_id", "vote"))
        if given and not first_of(row, PROMPT_KEYS) and not first_of(row, PROMPT_TEXTS):
            row = {**row, "prompt_id": f"vote {given}"}
        prompt = self._prompt(row)
        key = recording.vote_key(prompt.prompt_key, **columns)
        if given:
            key = f"id:{given}"[: recording.LONGEST_KEY]
        elif key is None:
            key = recording.digest_of(
                "vote", prompt.prompt_key, sorted((a, b)), outcome, first, score
            )
        self._put(ComparisonVote, key, prompt=prompt, **columns)

    def _evaluator(self, row: dict[str, Any], usual: str) -> str:
        return values.choice("evaluator", row.get("evaluator") or usual, Evaluator)

    def _counts(self, row: dict[str, Any]) -> None:
        a, b = _variant(row, "a"), _variant(row, "b")
        label = first_of(row, ("set", "set_name"))
        for name, winner in (("wins_a", "a"), ("wins_b", "b"), ("ties", "tie")):
            count = values.integer(name, _whole(row.get(name)), most=1_000_000) or 0
            for number in range(count):
                place = f"{label} {a} / {b}, {winner} {number + 1}".strip()
                vote = {"a": a, "b": b, "winner": winner, "prompt_id": place[:300], "id": place}
                if row.get("first"):
                    vote["first"] = row["first"]
                self._vote(vote)

    # -- results --

    def _results(self, row: dict[str, Any]) -> None:
        variant = _variant(row, "variant")
        rater = values.field_text(ComparisonResult, "rater", row.get("rater") or "")
        usual = Evaluator.HUMAN if rater else Evaluator.AUTOMATED
        shared = {
            "variant_name": variant, "rater": rater, "evaluator": self._evaluator(row, usual),
            "repetition": _repetition(row),
            "scale_low": recording.finite("low", row.get("low")),
            "scale_high": recording.finite("high", row.get("high")),
            "metric_unit": values.field_text(
                ComparisonResult, "metric_unit", row.get("unit") or ""
            ),
            "higher_is_better": _flag(row.get("higher_is_better")),
            "notes": values.text("notes", row.get("notes") or ""),
        }  # fmt: skip
        error = row.get("error") or row.get("error_code")
        if row.get("ok") is False or error:
            error = str(error or "failed")[:1000]
        measured = self._metrics(row)
        if not measured and not error:
            if isinstance(row.get("output"), str):
                self._output(row, variant)
                return
            raise InvalidValue("there is no metric: give metric and value, or columns of numbers")
        prompt = self._prompt(row, is_needed=False)
        given = first_of(row, ROW_IDS)
        if error:
            measured = {next(iter(measured), row.get("metric") or "answered"): None}
        for metric, value in measured.items():
            if given:
                key = recording.digest_of("id", given, variant, metric)
            elif prompt:
                key = recording.digest_of(
                    "result", metric, variant, prompt.prompt_key, rater, shared["evaluator"],
                    shared["repetition"],
                )  # fmt: skip
            else:
                key = recording.digest_of("result", sorted(row.items(), key=str))
            self._put(
                ComparisonResult, key, metric_name=recording.metric_of(metric), metric_value=value,
                prompt=prompt, error=error or "",
                metadata={} if prompt else {"unit": given or key}, **shared,
            )  # fmt: skip
        if isinstance(row.get("output"), str):
            self._output(row, variant)

    def _metrics(self, row: dict[str, Any]) -> dict[str, float | None]:
        if "metric" in row:
            if row.get("value") is None:
                return {}
            return {row["metric"]: recording.finite("value", row["value"])}
        found = {}
        for name, value in row.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and name not in NO_METRICS and name not in PROMPT_KEYS:
                if isinstance(value, float) and not math.isfinite(value):
                    raise InvalidValue(f"{name} must be a number, not {value}")
                found[name] = recording.finite(name, value)
        return found

    def _output(self, row: dict[str, Any], variant: str) -> None:
        """Keep an answer as a session, so that people can read it and vote on it."""
        prompt = self._prompt(row, is_needed=False)
        if prompt is None or not prompt.text:
            return
        key = recording.digest_of("output", variant, prompt.prompt_key, row.get("repetition") or 0)
        if key in self.outputs:
            self.known += 1
            return
        self.outputs[key] = True
        self.flush()
        uuid = writing.create_session(
            prompt.text[:80], session_type=SessionType.COMPARISON, using=self.using
        )
        writing.add_messages(
            uuid,
            [
                {"role": "user", "content": prompt.text},
                {"role": "assistant", "content": values.text("output", row["output"])},
            ],
            using=self.using,
        )
        session = Session.objects.using(self.using).get(session_uuid=uuid)
        recording.link_sessions(self.group, variant, [session.session_uuid], config={"output": key})
        self.sessions += 1
        self.new += 1


def _key(value: Any) -> Any:
    return value.pk if isinstance(value, Model) else value


def _variant(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue(f"{name} must be the name of a variant, not {value!r:.50}")
    return values.text(name, value, longest=300)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _repetition(row: dict[str, Any]) -> int:
    return values.integer("repetition", _whole(row.get("repetition")), most=MOST_REPETITIONS) or 0


def _flag(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise InvalidValue(f"higher_is_better must be true or false, not {value!r:.50}")
