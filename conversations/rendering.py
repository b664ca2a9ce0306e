"""Message text as HTML: Markdown, highlighted code, and a sanitiser last.

Message text is hostile. Raw HTML in it is shown as text; what Markdown makes of the rest passes
through nh3, which keeps the tags and attributes named below and no other.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape as quoted  # Django's makes an object of each text: three times the time
from typing import NamedTuple

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_block import table as parse_table
from markdown_it.token import Token as MarkdownToken
from pygments import format as format_tokens
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, Text

# All below were measured with inputs made to be slow (tests/test_rendering.py). Within them the
# parser takes at most 15 µs for a character, and for prose 3 µs.
LONGEST = 256 * 1024  # characters; a longer text is shown as it is
MOST_BRACKETS = 5_000  # "[" starts a search for the rest of a link: 20 µs each
MOST_CELLS = 10_000  # of tables; an empty row of two bytes can stand for hundreds
LONGEST_CODE = 20_000  # characters of one block of code that is coloured
LONGEST_CODE_LINE = 1_000  # on longer lines some lexers take seconds for a single token

# Those whose lexers were measured.
LANGUAGES = """
    bash c c++ clojure console cpp cs csharp css dart diff docker dockerfile elixir erlang go golang
    graphql groovy haskell hcl html http ini java javascript js json jsx julia kotlin latex less lua
    make makefile markdown md mysql nginx nix objective-c ocaml perl php postgresql powershell proto
    ps1 py python python3 r rb rs ruby rust sass scala scss sh shell sql sqlite3 swift terraform tex
    toml ts tsx typescript vim vue xml yaml yml zig zsh
"""
FORMATTER = HtmlFormatter(nowrap=True)  # to make one takes longer than most blocks of code
LEXERS = frozenset(LANGUAGES.split())
TAGS = """
    a blockquote br code del div em h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead
    tr ul
"""


@dataclass(slots=True)
class Allowance:
    """What the texts of one page may cost together; a text beyond it is shown as it is."""

    characters: int = LONGEST
    highlighting_seconds: float = 0.3


class Entry(NamedTuple):
    """What stands in a cell of a table."""

    text: str
    title: str = ""
    address: str = ""  # of a link
    label: str = ""  # a word behind it


def render_markdown(text: str, allowance: Allowance | None = None) -> SafeString:
    """Return `text` as HTML that is safe to put into a page; its cost is taken off `allowance`."""
    allowance = allowance or Allowance()
    if len(text) > min(LONGEST, allowance.characters):
        return render_plain(text)
    allowance.characters -= len(text)
    html = MARKDOWN.render(text, {"allowance": allowance, "brackets": 0, "cells": 0})
    return mark_safe(SANITISER.clean(html))


def render_plain(text: str) -> SafeString:
    """Return `text` as it is, every line and space of it."""
    # The parser of a browser drops a line break right behind <pre>, so it gets one to drop.
    return format_html('<pre class="plain" dir="auto">\n{}</pre>', text)


def render_excerpt(text: str, marks: tuple[str, str]) -> SafeString:
    """Return an excerpt as HTML in which what stood between `marks` is marked."""
    start, stop = marks
    return mark_safe(escape(text).replace(start, "<mark>").replace(stop, "</mark>"))


def render_rows(rows: Iterable[Sequence[Entry]]) -> SafeString:
    """Return rows of a table as HTML, the first entry of each as its header.

    In one piece, because the table of a chart has thousands of entries and a template takes ten
    times as long for them. Whatever is in an entry, it is text.
    """
    return mark_safe("".join(map(_row, rows)))


def render_cells(entries: Iterable[Entry]) -> SafeString:
    """Return cells of numbers, in a row of a table that is drawn otherwise, as HTML."""
    return mark_safe("".join(map(_cell, entries)))


def _row(entries: Sequence[Entry]) -> str:
    head, *cells = entries
    pieces = [f'<tr><th scope="row">{_linked(head, f"<bdi>{quoted(head.text)}</bdi>")}</th>']
    return "".join([*pieces, *map(_cell, cells), "</tr>\n"])


def _cell(entry: Entry) -> str:
    title = f' title="{quoted(entry.title)}"' if entry.title else ""
    label = f' <span class="label">{quoted(entry.label)}</span>' if entry.label else ""
    return f'<td class="amount"{title}>{_linked(entry, quoted(entry.text))}{label}</td>'


def _linked(entry: Entry, inner: str) -> str:
    return f'<a href="{quoted(entry.address)}">{inner}</a>' if entry.address else inner


def highlight(code: str, language: str, allowance: Allowance) -> str | None:
    """Return `code` as HTML with a class for each kind of word, or None to leave it plain."""
    if (
        language not in LEXERS
        or len(code) > LONGEST_CODE
        or max(map(len, code.split("\n"))) > LONGEST_CODE_LINE
    ):
        return None
    return format_tokens(_tokens(code, language, allowance), FORMATTER)


def _tokens(code: str, language: str, allowance: Allowance) -> Iterator[tuple]:
    # Some lexers are quadratic or worse, so they may take their time and no more: when it is up,
    # the rest is one plain token.
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    started, done = time.monotonic(), 0
    for kind, text in lexer.get_tokens(code):
        yield kind, text
        done += len(text)
        if time.monotonic() - started > allowance.highlighting_seconds:
            yield Text, code[done:]
            break
    allowance.highlighting_seconds -= time.monotonic() - started


# -- what is done differently from the library ------------------------------------------------


def _parse_inlines(state) -> None:
    """Parse what stands inside paragraphs, cells and headings, up to a number of brackets."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        state.env["brackets"] += token.content.count("[")
        if state.env["brackets"] > MOST_BRACKETS:
            token.children.append(MarkdownToken("text", "", 0, content=token.content))
        else:
            state.md.inline.parse(token.content, state.md, state.env, token.children)


def _parse_table(state, start: int, end: int, silent: bool) -> bool:
    """Parse a table, unless the text has more cells than a page can show."""
    if state.env["cells"] > MOST_CELLS or not parse_table(state, start, end, True):
        return False
    if silent:
        return True
    last = next((line for line in range(start, end) if state.isEmpty(line)), end)
    header = state.src[state.bMarks[start] : state.eMarks[start]]
    state.env["cells"] += (header.count("|") + 1) * (last - start)
    return state.env["cells"] <= MOST_CELLS and parse_table(state, start, end, False)


def _fit_into_page(state) -> None:
    """Put headings below those of the page, and alignment into classes instead of styles."""
    for token in state.tokens:
        if token.type == "inline":
            _unlink(token.children)
            token.children = list(_with_links(token.children))
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        elif token.type in {"th_open", "td_open"} and (style := token.attrs.pop("style", None)):
            token.attrs["class"] = ALIGNED[str(style)]


def _unlink(tokens: list[MarkdownToken]) -> None:
    """Write the target of a link behind it where that is no address in the web."""
    target = None
    for token in tokens:
        if token.type == "link_open" and not ELSEWHERE.match(token.attrs["href"]):
            target = token.attrs["href"]
            token.hidden = True
        elif token.type == "link_close" and target is not None:
            token.type, token.tag, token.nesting, token.content = "text", "", 0, f" ({target})"
            target = None


def _with_links(tokens: list[MarkdownToken]) -> Iterator[MarkdownToken]:
    """Yield the tokens, with web addresses in plain text as links."""
    # Not by linkify-it, which takes a minute for 200 kB of addresses with quotes in them.
    inside = 0
    for token in tokens:
        inside += token.nesting if token.type.startswith("link_") else 0
        if token.type != "text" or inside or "://" not in token.content:
            yield token
            continue
        end = 0
        for found in ADDRESS.finditer(token.content):
            address = _without_end_of_sentence(found[0])
            yield MarkdownToken("text", "", 0, content=token.content[end : found.start()])
            yield MarkdownToken("link_open", "a", 1, attrs={"href": address})
            yield MarkdownToken("text", "", 0, content=address)
            yield MarkdownToken("link_close", "a", -1)
            end = found.start() + len(address)
        yield MarkdownToken("text", "", 0, content=token.content[end:])


def _without_end_of_sentence(address: str) -> str:
    """Return an address without the marks behind it, and a bracket only if it opens in it."""
    surplus = address.count(")") - address.count("(")
    end = len(address)
    while address[end - 1] in ".,;:!?'*_~" or (address[end - 1] == ")" and surplus > 0):
        surplus -= address[end - 1] == ")"
        end -= 1
    return address[:end]


def _table_open(renderer, tokens, index, options, env) -> str:
    # A wide table scrolls inside its own box, which the keyboard can reach.
    return '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table class="table">'


def _table_close(renderer, tokens, index, options, env) -> str:
    return "</table></div>\n"


def _code(renderer, tokens, index, options, env) -> str:
    token = tokens[index]
    language = (token.info.split(maxsplit=1) or [""])[0].lower()
    html = highlight(token.content, language, env["allowance"])
    label = f' data-language="{escapeHtml(language[:20])}"' if language else ""
    if html is None:
        html = escapeHtml(token.content)
    return f'<pre class="code" tabindex="0"{label}><code>{html}</code></pre>\n'


def _image(renderer, tokens, index, options, env) -> str:
    # A picture would tell its server who reads this message, and when.
    token = tokens[index]
    source = token.attrs["src"]
    name = escapeHtml(renderer.renderInlineAsText(token.children, options, env))
    if not ELSEWHERE.match(source):
        return f"<em>Image: {name or escapeHtml(source[:80])}</em>"
    return f'<a href="{escapeHtml(source)}">Image: {name or escapeHtml(source)}</a>'


ADDRESS = re.compile(r"\bhttps?://(?=\w)[^\s<>\"`|\\^{}\[\]]+", re.IGNORECASE)
ELSEWHERE = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
ALIGNED = {
    "text-align:left": "text-start",
    "text-align:center": "text-center",
    "text-align:right": "text-end",
}


def _markdown() -> MarkdownIt:
    # Line breaks are kept: people do not write paragraphs of one line into a chat.
    markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
    markdown.enable(["table", "strikethrough"])
    markdown.block.ruler.at("table", _parse_table, {"alt": ["paragraph", "reference"]})
    markdown.core.ruler.at("inline", _parse_inlines)
    markdown.core.ruler.push("fit_into_page", _fit_into_page)
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)
    markdown.add_render_rule("fence", _code)
    markdown.add_render_rule("code_block", _code)
    markdown.add_render_rule("image", _image)
    return markdown


MARKDOWN = _markdown()
SANITISER = nh3.Cleaner(
    tags=set(TAGS.split()),
    attributes={"a": {"href", "title"}, "ol": {"start"}, "pre": {"data-language"}},
    tag_attribute_values={
        "div": {"role": {"group"}, "aria-label": {"Table"}, "tabindex": {"0"}},
        "pre": {"tabindex": {"0"}},
    },
    allowed_classes={
        "div": {"scroll"},
        "pre": {"code"},
        "span": set(STANDARD_TYPES.values()) - {""},
        "table": {"table"},
        "td": set(ALIGNED.values()),
        "th": set(ALIGNED.values()),
    },
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow",
)
