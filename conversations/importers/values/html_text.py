"""The text of an answer that was saved as HTML, as Markdown."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Answers as they stood on the page of ChatGPT, which old collections of chats copied.
SAVED_ANSWER = re.compile(
    r"\s*(?:<!--.*?-->\s*)?<div class=\"[^\"]*\b(?:markdown|prose)\b", re.DOTALL
)
BLOCKS = {"p", "div", "ul", "ol", "table", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}
MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*"}
DROPPED = {"button", "svg", "style", "script"}
BLANK_LINES = re.compile(r"\n{3,}")


def text_of_html(text: str) -> str:
    """Return a saved answer as Markdown; `text` itself if it is none."""
    if not SAVED_ANSWER.match(text):
        return text
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._lists: list[int] = []  # the number of the last item of each open list, -1 for bullets
        self._dropped = 0
        self._code = 0  # how many <pre> are open
        self._is_code = False  # inside the <code> of a <pre>; what stands beside it is a caption

    def text(self) -> str:
        return BLANK_LINES.sub("\n\n", "".join(self._pieces)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self._dropped += 1
        elif tag == "pre":
            self._code += 1
        elif tag == "code" and self._code:
            self._is_code = True
            language = re.search(r"language-(\w+)", dict(attrs).get("class") or "")
            self._pieces.append(f"\n\n```{language[1] if language else ''}\n")
        elif self._code:
            pass
        elif tag == "code":
            self._pieces.append("`")
        elif tag == "br":
            self._pieces.append("\n")
        elif tag == "li":
            self._item()
        elif tag in MARKS:
            self._pieces.append(MARKS[tag])
        elif tag in BLOCKS:
            self._open_block(tag)
        elif tag == "tr":
            self._pieces.append("\n|")

    def handle_endtag(self, tag: str) -> None:
        if tag in DROPPED:
            self._dropped = max(0, self._dropped - 1)
        elif tag == "pre":
            self._code = max(0, self._code - 1)
        elif tag == "code" and self._is_code:
            self._is_code = False
            self._pieces.append("\n```\n\n")
        elif self._code:
            pass
        elif tag == "code":
            self._pieces.append("`")
        elif tag in MARKS:
            self._pieces.append(MARKS[tag])
        elif tag in BLOCKS:
            if tag in ("ul", "ol") and self._lists:
                self._lists.pop()
            self._pieces.append("\n" if self._lists else "\n\n")
        elif tag in ("td", "th"):
            self._pieces.append(" |")

    def handle_data(self, data: str) -> None:
        if self._dropped or (self._code and not self._is_code):
            return
        self._pieces.append(data if self._code else re.sub(r"\s+", " ", data))

    def _open_block(self, tag: str) -> None:
        if tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else -1)
        elif tag[0] == "h" and tag[1:].isdigit():
            self._pieces.append("\n\n" + "#" * int(tag[1]) + " ")
        elif not self._lists:
            self._pieces.append("\n\n")

    def _item(self) -> None:
        mark = "-"
        if self._lists and self._lists[-1] >= 0:
            self._lists[-1] += 1
            mark = f"{self._lists[-1]}."
        self._pieces.append("\n" + "  " * (len(self._lists) - 1) + f"{mark} ")
