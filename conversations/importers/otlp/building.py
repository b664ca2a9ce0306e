"""A session that is put together from its calls, in the order they began."""

from __future__ import annotations

from typing import Any

from ..chat import Conversation, Turn
from ..records import SessionRecord
from ..values.fields import present
from ..values.inline import without_bytes
from ..values.text import as_title, read_time
from . import dialects
from .calls import call_of, definitions_in, result_of
from .dialects import decoded, first_text
from .envelope import Attributes, Span
from .spans import Kind, project_of

FACTS = (*dialects.USER, *dialects.TAGS, *dialects.TRACE_NAME)


def tells_of_session(span: Span) -> bool:
    """Say whether a span around calls names the user, tags or what else is of all of them."""
    return any(name in FACTS or name.startswith(dialects.OF_SESSION) for name in span.attributes)


class Building:
    """Takes the spans of one session."""

    def __init__(self, external_id: str) -> None:
        self._conversation = Conversation(external_id)
        self._place = ""
        self._facts = Facts()
        self._asked: list[dict[str, Any]] = []  # calls of tools
        self._answered: set[str] = set()  # the ids of those that have a result
        self._results: list[tuple[Turn, Span]] = []

    def add(self, kind: Kind, span: Span, around: list[Span]) -> None:
        """Take a span, with those around it that tell of the same call. Raises Unusable."""
        for each in (span, *around):
            self._facts.add(each.attributes)
        if kind is Kind.CALL:
            call = call_of(span, around)
            for each in (span, *around):
                self._facts.add_call(each)
            self._conversation.add(call)
            self._asked += [made for turn in call.answered for made in turn.tool_calls]
            self._place = self._place or span.place
        elif kind is Kind.TOOL:
            result = result_of(span)
            if not result.is_empty:
                self._results.append((result, span))

    def session(self) -> SessionRecord | None:
        """Return the session with all that was added, None if no call could be read."""
        if not self._place:
            return None
        for result, span in self._results:
            result.tool_call_ids = result.tool_call_ids or self._ids_of_call(result, span)
            self._conversation.add_tool_result(result, read_time(span.end or span.start or None))
        facts = self._facts
        session = self._conversation.session(
            self._place, project=facts.project, tags=facts.tags, metadata=facts.metadata()
        )
        session.title = session.title or as_title(facts.title)
        return session

    def _ids_of_call(self, result: Turn, span: Span) -> list[str]:
        """Return the id of the call that a result without one answers, by name and arguments.

        A result that no call is known of goes by its span; [] if all calls of the name have one.
        """
        named = [made for made in self._asked if made["name"] == result.name and made["id"]]
        if not named:
            return [span.span_id]
        left = [made for made in named if made["id"] not in self._answered]
        given = result.extra.get("arguments")
        same = (made["id"] for made in left if made["arguments"] == given)
        id = next(same, left[0]["id"] if left else "")
        self._answered.add(id)
        return [id] if id else []


class Facts:
    """What spans say of the whole session; of two that say different things, the first counts."""

    def __init__(self) -> None:
        self.project = ""
        self.title = ""
        self.tags: list[str] = []
        self._user = ""
        self._writers: dict[str, None] = {}
        self._resource: Attributes = {}
        self._tools: dict[str, Any] = {}
        self._rest: Attributes = {}

    def add_call(self, span: Span) -> None:
        """Take what the span of a call says of who wrote it, and the tools. Raises Unusable."""
        self.project = self.project or project_of(span)
        self._resource = self._resource or span.resource
        if span.scope:
            self._writers.setdefault(span.scope)
        for name, tool in definitions_in(span.attributes):
            self._tools.setdefault(name, tool)

    def add(self, attributes: Attributes) -> None:
        """Take what a span says of the session. Raises Unusable."""
        self._user = self._user or first_text(attributes, dialects.USER)
        self.title = self.title or first_text(attributes, dialects.TRACE_NAME)
        for name in dialects.TAGS:
            tags = decoded(attributes.get(name))
            for tag in tags if isinstance(tags, list) else [tags]:
                if isinstance(tag, str) and tag and tag not in self.tags:
                    self.tags.append(tag)
        read = {*dialects.SESSION, *FACTS}
        for name, value in attributes.items():
            if name.startswith(dialects.OF_SESSION) and name not in read:
                self._rest.setdefault(name, without_bytes(decoded(value)))

    def metadata(self) -> dict[str, Any]:
        """Return what has no column. Raises Unusable."""
        resource = {
            name: value
            for name, value in self._resource.items()
            if name not in dialects.PROJECT[:2]
        }
        return present(
            {
                "user": self._user,
                "writers": list(self._writers),
                "tools": list(self._tools.values()),
                "resource": without_bytes(present(resource)),
                "extra": present(self._rest),
            }
        )
