"""What a page shows of a message: its text, and what is folded until the reader opens it.

A session may have any number of messages of any size, and JSON columns may hold anything that is
JSON. So messages are read a page at a time, their text up to a limit, and nothing here expects a
certain shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.paginator import Page
from django.db.models import QuerySet
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Left
from django.urls import reverse
from django.utils.safestring import SafeString

from .importers.values.text import clean_text
from .models import Annotation, Message, Session
from .models.choices import AnnotatedEntity, Role
from .pages import KeyPaginator
from .rendering import LONGEST, Allowance, render_markdown, render_plain

PER_PAGE = 50
LONGEST_FOLD = 64 * 1024  # characters of one folded value; of text, rendering.LONGEST
PREVIEW = 120
PLAIN_ID = re.compile(r"[A-Za-z0-9_.:-]+")
MOST_ANNOTATIONS = 1_000  # of one page

FROM_METADATA = ("attachments", "thinking", "tool_results")


@dataclass(frozen=True, slots=True)
class Fold:
    """Something folded, with its first words beside the label."""

    label: str
    values: list[tuple[str, str]]  # name, text; the name is "" where there is only one
    is_error: bool = False

    @property
    def preview(self) -> str:
        text = self.values[0][1] if self.values else ""
        return next((line.strip() for line in text[:1000].splitlines() if line.strip()), "")[
            :PREVIEW
        ]


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as the page shows it."""

    message: Message
    text: SafeString | str = ""
    is_cut: bool = False
    before: list[Fold] = field(default_factory=list)
    after: list[Fold] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    address: str = ""  # of its own page, where its id can stand in one


def annotations_of(entity_type: str, ids: Iterable[int]) -> dict[int, list[Annotation]]:
    """Return what people said of these sessions or messages, by their keys, oldest first."""
    found: dict[int, list[Annotation]] = {}
    about = Annotation.objects.filter(entity_type=entity_type, entity_id__in=list(ids))
    for annotation in about.defer("metadata").order_by("id")[:MOST_ANNOTATIONS]:
        found.setdefault(annotation.entity_id, []).append(annotation)
    return found


def page_holding(session: Session, message_uuid: str) -> int | None:
    """Return the number of the page that shows this message, or None if it is not there."""
    messages = session.messages.order_by()
    place = messages.filter(message_uuid=message_uuid).values_list("sequence_number", flat=True)
    if (sequence_number := place.first()) is None:
        return None
    return messages.filter(sequence_number__lt=sequence_number).count() // PER_PAGE + 1


def page_of(session: Session, number: str | int) -> Page:
    """Return a page of the session's messages as a list of `Entry`, the nearest there is."""
    rows = _readable(Message.objects.using(session._state.db))
    paginator = KeyPaginator(session.messages.in_order(), PER_PAGE, rows=rows)
    paginator.count = session.total_messages  # kept by triggers: counting 50,000 takes a while
    page = paginator.get_page(number)
    allowance = Allowance()
    shown = list(page.object_list)
    annotations = annotations_of(AnnotatedEntity.MESSAGE, [message.pk for message in shown])
    # Not by `reverse`, which takes as long for each as its text.
    base = reverse("session", args=[session.session_uuid])
    page.object_list = [
        replace(
            entry(message, allowance, annotations.get(message.pk, ())),
            address=f"{base}messages/{message.message_uuid}/"
            if PLAIN_ID.fullmatch(message.message_uuid)
            else "",
        )
        for message in shown
    ]
    return page


def _readable(messages: QuerySet) -> QuerySet:
    """Fetch what a page shows, and of long texts no more than it shows."""
    return (
        messages.select_related("model", "cost_basis")
        .defer("content", "metadata", "model__metadata", "cost_basis__rates")
        .annotate(
            shown=Left("content", LONGEST + 1),
            **{f"its_{key}": KeyTransform(key, "metadata") for key in FROM_METADATA},
        )
    )


def entry(message: Message, allowance: Allowance, annotations: Sequence[Annotation] = ()) -> Entry:
    """Return what a page shows of a message; the cost of its text is taken off `allowance`."""
    text, is_cut = message.shown[:LONGEST], len(message.shown) > LONGEST
    before = [Fold("Thinking", [("", _text(thought))]) for thought in _list(message.its_thinking)]
    calls = [_call(call) for call in _list(message.tool_calls) + _list(message.function_call)]
    results = [_result(result) for result in _list(message.its_tool_results)]
    attachments = [_name(attached) for attached in _list(message.its_attachments)]
    if any(text == value for call in calls for _, value in call.values):
        text = ""  # the call itself says it
    elif text.strip() and (label := _folded_as(message)):
        before.append(Fold(label, [("", text)], is_error=bool(message.error_message)))
        text = ""
    return Entry(
        message,
        text=_rendered(message, text, is_cut, allowance),
        is_cut=is_cut,
        before=before,
        after=calls + results,
        attachments=attachments,
        annotations=list(annotations),
    )


def _folded_as(message: Message) -> str:
    if message.role in {Role.TOOL, Role.FUNCTION} or message.content_type == "tool_result":
        return "Result"
    return "Thinking" if message.content_type == "thinking" else ""


def _rendered(message: Message, text: str, is_cut: bool, allowance: Allowance) -> SafeString | str:
    if not text.strip():
        return ""
    if is_cut or message.content_type == "code":
        return render_plain(text)
    return render_markdown(text, allowance)


# -- JSON of unknown shape ----------------------------------------------------------------------


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(value: Any) -> str:
    """Return a JSON value as text for people, cut to what a page can hold."""
    if not isinstance(value, str):
        value = json.dumps(value, indent=2, ensure_ascii=False)
    if len(value) > LONGEST_FOLD:
        value = f"{value[:LONGEST_FOLD]}\n… cut: {len(value):,} characters"
    return clean_text(value)


def _call(call: Any) -> Fold:
    """Read `{"name", "arguments"}`, which OpenAI wraps into `{"function": …}`."""
    if not isinstance(call, dict):
        return Fold("Tool call", [("", _text(call))])
    inner = call.get("function")
    inner = inner if isinstance(inner, dict) else call
    name = inner.get("name")
    label = f"Tool call: {_text(name)[:PREVIEW]}" if name else "Tool call"
    arguments = inner.get("arguments", inner.get("input", call))
    return Fold(label, list(_named(arguments)))


def _named(arguments: Any) -> Iterator[tuple[str, str]]:
    if isinstance(arguments, str) and arguments.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):  # cut short, or no JSON after all
            arguments = json.loads(arguments)
    if isinstance(arguments, dict):
        yield from ((_text(key)[:PREVIEW], _text(value)) for key, value in arguments.items())
    elif arguments not in (None, ""):
        yield "", _text(arguments)


def _result(result: Any) -> Fold:
    if not isinstance(result, dict):
        return Fold("Result", [("", _text(result))])
    return Fold(
        "Result",
        [("", _text(result.get("text", result)))],
        is_error=result.get("is_error") is True,
    )


def _name(attached: Any) -> str:
    known: Iterable[str] = ("name", "title", "file_name", "pointer", "media_type", "type")
    if isinstance(attached, dict):
        attached = next((attached[key] for key in known if attached.get(key)), attached)
    return _text(attached)[:PREVIEW]
