"""Sessions as a page for keeping: one file that needs nothing else, and runs nothing.

Message text is rendered as on the pages of the site, and not cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from django.contrib.staticfiles import finders
from django.template.loader import get_template, render_to_string
from django.utils.html import escape
from django.utils.safestring import SafeString

from conversations.reading import Row
from conversations.rendering import render_markdown, render_plain
from conversations.transcript import Fold

from .chats import Chat
from .own import iso
from .turns import Call, Result, answering, as_text, turn

STYLES = ("css/export.css", "css/code.css")
# Nothing is loaded, run or sent, whatever a text holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def as_html(chats: Iterable[Chat]) -> Iterator[str]:
    """Yield a page of sessions; the list of them is at its end, since only then all are known."""
    titles = []
    yield head("Sessions")
    for chat in chats:
        titles.append(chat.title)
        yield from _session(chat, len(titles), has_list=True)
    yield render_to_string("exports/sessions.html", {"titles": titles})
    yield foot()


def as_html_of_one(chat: Chat) -> Iterator[str]:
    """Yield a page of one session."""
    yield head(chat.title)
    yield from _session(chat, 1)
    yield foot()


def head(title: str) -> str:
    """Return the beginning of a page that needs no other file, up to its body."""
    styles = "".join(Path(finders.find(name)).read_text("utf-8") for name in STYLES)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{styles}</style>
</head>
<body>
<main>
"""


def foot() -> str:
    """Return the end of such a page."""
    return "</main>\n</body>\n</html>\n"


def _session(chat: Chat, number: int, *, has_list: bool = False) -> Iterator[str]:
    """Yield a session; `number` tells the ids of its elements from those of others."""
    context = {"session": chat.session, "title": chat.title, "number": number}
    started = iso(chat.session["started_at"])
    yield render_to_string(
        "exports/session.html", {**context, "started": started, "has_list": has_list}
    )
    template = get_template("exports/message.html")
    for message in chat.messages():
        yield template.render({"number": number, **_entry(chat.session, message)})
    yield "</section>\n"


def _entry(session: Row, message: Row) -> Row:
    said = turn(message)
    thoughts = [Fold("Thinking", [("", thought)]) for thought in said.thinking]
    return {
        "message": message,
        "time": iso(message["timestamp"]),
        "model": answering(session, message)["model_name"],
        "text": _rendered(said.text, message["content_type"]),
        "before": thoughts,
        "after": [*map(_called, said.calls), *map(_given, said.results)],
        "attachments": said.attachments,
    }


def _rendered(text: str, content_type: str) -> SafeString | str:
    if not text.strip():
        return ""
    return render_plain(text) if content_type == "code" else render_markdown(text)


def _called(call: Call) -> Fold:
    given = call.arguments if isinstance(call.arguments, dict) else {"": call.arguments}
    label = f"Tool call: {call.name}" if call.name else "Tool call"
    return Fold(label, [(name, as_text(value)) for name, value in given.items()])


def _given(result: Result) -> Fold:
    return Fold("Result", [("", result.text)], is_error=result.is_error)
