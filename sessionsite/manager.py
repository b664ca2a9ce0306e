"""`SessionManager`: everything a program does with sessions, one line per verb.

A manager works on one file. A file that is not there yet is made, whole; one of an older version or
of another program is left alone, with an error that says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from analytics import reports
from analytics.comparisons import recording, storing
from analytics.models import ComparisonGroup
from conversations import exporters, exporting, reading, search, writing
from conversations.databases import files
from conversations.errors import InvalidValue, explained
from conversations.models import Session
from conversations.reading import Row

Given = ParamSpec("Given")
Result = TypeVar("Result")


def verb(
    method: Callable[Concatenate[SessionManager, Given], Result],
) -> Callable[Concatenate[SessionManager, Given], Result]:
    """Let a method speak of the database's trouble in plain words."""

    @wraps(method)
    def call(self: SessionManager, *args: Given.args, **options: Given.kwargs) -> Result:
        with explained(self.alias):
            return method(self, *args, **options)

    return call


class SessionManager:
    """Sessions in one database file; without a path, in the one of DATABASE_URL.

    Rows are dicts with the names of the columns. Ids may be shortened to a unique beginning.
    Raises the errors of `conversations.errors`, each of which names the thing and the place.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.alias = "default" if path is None else files.connect(path)
        files.create_or_check(self.alias)

    def close(self) -> None:
        """Close this thread's connection; the next call opens it again."""
        files.close(self.alias)

    def __enter__(self) -> SessionManager:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @verb
    def add_model(self, provider: str, model_name: str, **columns: Any) -> int:
        """Return the number of a model, adding it if it is not known yet."""
        return writing.add_model(provider, model_name, using=self.alias, **columns)

    @verb
    def get_model(self, model_id: int) -> Row:
        """Return the columns of a model."""
        return reading.model_row(reading.find_model(model_id, using=self.alias))

    @verb
    def create_session(self, title: str = "", model_id: int | None = None, **columns: Any) -> str:
        """Make a session and return its id; see `writing.create_session`."""
        return writing.create_session(title, model_id, using=self.alias, **columns)

    @verb
    def get_session(self, session_uuid: str) -> Row:
        """Return the columns of a session, with `project_name` and `model_full_name`."""
        return reading.session_row(self._find(session_uuid))

    @verb
    def list_sessions(self, limit: int | None = 20, **filters: Any) -> list[Row]:
        """Return sessions, newest first; filters are `offset`, `status` and `project`."""
        return reading.list_sessions(limit=limit, using=self.alias, **filters)

    @verb
    def complete_session(self, session_uuid: str) -> None:
        """Mark a session as completed, now if it was not before."""
        writing.set_status(session_uuid, "completed", using=self.alias)

    @verb
    def archive_session(self, session_uuid: str) -> None:
        """Mark a session as archived."""
        writing.set_status(session_uuid, "archived", using=self.alias)

    @verb
    def trash_session(self, session_uuid: str) -> None:
        """Move a session to the trash: it leaves lists, search and figures, and can come back."""
        writing.trash_session(session_uuid, using=self.alias)

    @verb
    def restore_session(self, session_uuid: str) -> None:
        """Bring a session back from the trash."""
        writing.restore_session(session_uuid, using=self.alias)

    @verb
    def delete_session(self, session_uuid: str) -> int:
        """Delete a session for good, with all that hangs on it; return how many messages went."""
        return writing.delete_session(session_uuid, using=self.alias)

    @verb
    def branch_session(self, session_uuid: str, at: int | None = None, **options: Any) -> str:
        """Make a session that repeats another up to message number `at`; return its id."""
        return writing.branch_session(session_uuid, at, using=self.alias, **options)

    @verb
    def add_message(self, session_uuid: str, role: str, content: str, **columns: Any) -> str:
        """Append a message to a session and return its id; see `writing.add_message`."""
        return writing.add_message(session_uuid, role, content, using=self.alias, **columns)

    @verb
    def add_messages(self, session_uuid: str, messages: Iterable[Mapping[str, Any]]) -> list[str]:
        """Append many messages, all or none, and return their ids."""
        return writing.add_messages(session_uuid, messages, using=self.alias)

    @verb
    def get_conversation(self, session_uuid: str) -> list[Row]:
        """Return the messages of a session in order."""
        return reading.conversation(self._find(session_uuid))

    @verb
    def create_snapshot(self, session_uuid: str, **options: Any) -> int:
        """Keep what a session is now and return the snapshot's number."""
        return writing.create_snapshot(session_uuid, using=self.alias, **options)

    @verb
    def recover_session(
        self, session_uuid: str, sequence_number: int | None = None
    ) -> dict[str, Any]:
        """Return a session as its newest snapshot, or the one at a message, kept it."""
        return writing.recover_session(
            session_uuid, sequence_number=sequence_number, using=self.alias
        )

    @verb
    def annotate(
        self, entity_type: str, entity_uuid: str, annotation_type: str, **columns: Any
    ) -> str:
        """Attach a rating, tag, note or correction to a session or message; return its id."""
        return writing.annotate(
            entity_type, entity_uuid, annotation_type, using=self.alias, **columns
        )

    @verb
    def search(self, query: str, limit: int = 20, **options: Any) -> list[Row]:
        """Return what matches, a row for each message; options are those of `search.find`."""
        return search.search_messages(query, limit=limit, using=self.alias, **options)

    @verb
    def find(self, query: str, limit: int = 20, **options: Any) -> search.Found:
        """Return what matches, and how the query was read; see `search.find`."""
        return search.find(query, limit=limit, using=self.alias, **options)

    @verb
    def get_session_stats(self, session_uuid: str) -> Row:
        """Return what a session adds up to."""
        return reading.session_stats(self._find(session_uuid))

    @verb
    def get_cost_summary(self, days: int = 30) -> dict[str, Any]:
        """Return what the messages of the last `days` days cost, by day and by model."""
        return reports.cost_summary(days=days, using=self.alias)

    @verb
    def get_model_performance(self) -> list[Row]:
        """Return a row per model that answered."""
        return reports.model_performance(using=self.alias)

    @verb
    def create_comparison_group(self, name: str, **columns: Any) -> str:
        """Make a comparison and return its id; see `recording.create_group`."""
        return recording.create_group(name, using=self.alias, **columns).group_uuid

    @verb
    def link_comparison(
        self, group_uuid: str, session_uuid: str, variant_name: str, **config: Any
    ) -> None:
        """Make a session part of a variant of a comparison."""
        recording.link_sessions(
            self._comparison(group_uuid), variant_name, [session_uuid], config=config or None
        )

    @verb
    def record_result(
        self, group_uuid: str, metric_name: str, metric_value: float | None, **columns: Any
    ) -> int:
        """Write down a value of an answer, return its number; see `recording.record_result`."""
        group = self._comparison(group_uuid)
        return recording.record_result(group, metric_name, metric_value, **columns).pk

    @verb
    def record_vote(
        self, group_uuid: str, prompt: str, a: str, b: str, winner: str, **columns: Any
    ) -> int:
        """Write down a vote and return its number; see `recording.record_vote`."""
        group = self._comparison(group_uuid)
        vote = recording.record_vote(group, prompt=prompt, a=a, b=b, winner=winner, **columns)
        return vote.pk

    @verb
    def get_comparison_results(self, group_uuid: str) -> dict[str, Any]:
        """Return the report of a comparison: verdicts, effects, intervals, checks, prompts."""
        return storing.report_of(self._comparison(group_uuid)).whole()

    @verb
    def export_session(self, session_uuid: str, format: str = "json") -> str:
        """Return a session as text: `json`, `markdown`, `text` or another that `export` knows."""
        if format not in exporters.FORMATS:
            known = ", ".join(exporters.FORMATS)
            raise InvalidValue(f"format must be one of {known}, not {format!r:.50}")
        pieces = exporting.write_one(self._find(session_uuid), format)
        return "".join(p.decode() if isinstance(p, bytes) else p for p in pieces)

    def _comparison(self, group_uuid: str) -> ComparisonGroup:
        return recording.find_group(group_uuid, using=self.alias)

    def _find(self, session_uuid: str) -> Session:
        return reading.find_session(session_uuid, using=self.alias)
