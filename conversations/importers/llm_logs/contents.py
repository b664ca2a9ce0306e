"""What both kinds of log keep once and refer to: fragments, attachments, schemas, tools."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..values.fields import Unusable, count_of, kind, present, text_in
from ..values.text import joined
from .database import Database, json_in

KINDS = ("image", "audio", "video")


class Contents:
    """Looks up by id what messages refer to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fragment(self, id: Any) -> str:
        """Return the text of a fragment. Raises Unusable if there is none."""
        row = self._database.one("fragments", ("content",), "WHERE id = ?", _id(id))
        if row is None:
            raise Unusable(f"fragment {id} is missing")
        return text_in(row, "content")

    def sources(self, ids: list[Any]) -> list[dict[str, Any]]:
        """Return where fragments come from."""
        columns = ("hash", "source")
        rows = (self._database.one("fragments", columns, "WHERE id = ?", _id(id)) for id in ids)
        return [present(row) for row in rows if row]

    def linked(self, link: str, column: str, owner: Any, key: str = "response_id") -> list[Any]:
        """Return the ids that a table of links gives to a response or a turn, in their order."""
        if owner is None or not self._database.has(link, key):
            return []
        if not self._database.holds_rows(link):
            return []
        order = ' ORDER BY "order"' if self._database.has(link, "order") else ""
        rest = f"WHERE {key} = ?{order}"
        return [row[column] for row in self._database.select(link, (column,), rest, _id(owner))]

    def attachment(self, id: Any) -> dict[str, Any]:
        """Describe an attachment, whose bytes stay where they are. Raises Unusable."""
        columns = ("id", "type", "path", "url")
        row = self._database.one("attachments", columns, "WHERE id = ?", _id(id))
        if row is None:
            return {"type": "file", "id": str(id)}
        media_type, url = text_in(row, "type"), text_in(row, "url")
        path = text_in(row, "path") or url
        kind = media_type.partition("/")[0]
        described = {
            "type": kind if kind in KINDS else "file",
            "media_type": media_type,
            "name": re.split(r"[\\/]", path.rstrip("/"))[-1],
            "pointer": path,
            "size": self._database.length("attachments", "content", id),
        }
        if not url:
            described["sha256"] = text_in(row, "id")  # of an address it is not that of the file
        return present(described)

    def schema(self, id: str) -> Any:
        """Return the JSON schema that an answer had to follow, None if there was none."""
        row = id and self._database.one("schemas", ("content",), "WHERE id = ?", id)
        return json_in(row, "content") if row else None

    def tool_names(self, ids: list[Any]) -> list[str]:
        """Return the names of tools."""
        rows = (self._database.one("tools", ("name",), "WHERE id = ?", _id(id)) for id in ids)
        return [text_in(row, "name") for row in rows if row]

    def instance(self, id: Any) -> dict[str, Any]:
        """Return the configured tool that served a call, {} if it had no configuration."""
        columns = ("plugin", "name", "arguments")
        row = id and self._database.one("tool_instances", columns, "WHERE id = ?", _id(id))
        return present({**row, "arguments": json_in(row, "arguments")}) if row else {}


def combined(fragments: Iterable[str], system: str) -> str:
    """Return a system prompt with the fragments before it, as it was sent."""
    return joined(text.strip() for text in (*fragments, system))


def _id(value: Any) -> int | str:
    """Return an id that SQLite can look for; raises Unusable."""
    if isinstance(value, str) or count_of(value) is not None:
        return value
    raise Unusable(f"an id is {kind(value)}")
