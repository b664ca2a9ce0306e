"""JSON as foreign files hold it: one value a line, or a stream of values in one long list.

Not ijson: its C backend reads a lone high surrogate together with the character after it, stops
the file at a lone low one, and raises SystemError for a number of 5 000 digits. Here such a value
costs at most the record that holds it.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import IO, Any, NamedTuple

import orjson

from ..values.fields import MAX_DEPTH, TOO_DEEP, Unusable
from ..values.text import clean

# The limits hold back what is no conversation; the greatest requests that model providers take
# are 32 MB, images included, and a ChatGPT export holds no images.
MAX_LINE_BYTES = 64 * 1024**2
MAX_VALUE_CHARACTERS = 64 * 1024**2
CHUNK_BYTES = 1024**2
LONGEST_CHUNK_BYTES = 8 * 1024**2
# An empty list takes two bytes in a file and thirty times that in memory.
MAX_VALUES = 4_000_000

WHITESPACE = " \t\n\r"
NO_SPACE = re.compile(f"[^{WHITESPACE}]")
TOO_LONG = f"longer than {MAX_LINE_BYTES // 1024**2} MB"
TOO_MANY = f"more than {MAX_VALUES:,} values"
# A value cut off by the end of the text fails this close to it, unless it is a string: the longest
# literal is -Infinity, the longest escape six characters.
LONGEST_LITERAL = 16


class Decoder:
    """Decodes one JSON value; a number too great for 64 bits stays the text it was written as."""

    def __init__(self) -> None:
        self._constant = ""
        self._json = json.JSONDecoder(
            parse_int=_whole_number, parse_float=_number, parse_constant=self._note_constant
        )

    def decode(self, text: str, start: int = 0) -> tuple[Any, int]:
        """Return the value at `start` and where it ends; raises JSONDecodeError, RecursionError."""
        self._constant = ""
        return self._json.raw_decode(text, start)

    def check(self) -> None:
        """Raise Unusable if the value decoded last holds what JSON does not know."""
        if self._constant:
            raise Unusable(f"not JSON: {self._constant} is no number")

    def _note_constant(self, name: str) -> None:
        # Not an exception: that would leave the end of the value unknown, and all after it lost.
        self._constant = name


def _whole_number(digits: str) -> int | str:
    # Python refuses to read integers of more than 4 300 digits, and nothing could store them.
    return int(digits) if len(digits) < 20 else digits


def _number(digits: str) -> float | str:
    number = float(digits)
    return number if isfinite(number) else digits


def _cleaned(value: Any) -> Any:
    if _is_too_deep(value):
        raise Unusable(TOO_DEEP)
    return clean(value)


def _is_too_deep(value: Any) -> bool:
    """Return whether lists and objects are nested in `value` more than MAX_DEPTH levels."""
    level = [value] if isinstance(value, list | dict) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, list | dict)
        ]
    return bool(level)


# -- one value a line ------------------------------------------------------------------------------


class Line(NamedTuple):
    """A line of a file, without judgement on what is in it."""

    number: int
    content: bytes
    is_whole: bool = True  # ends with a newline, so its writer had finished it
    is_too_long: bool = False


def lines(stream: IO[bytes]) -> Iterator[Line]:
    """Yield the lines of `stream` that are not blank, none of them held beyond MAX_LINE_BYTES."""
    read_line = partial(stream.readline, MAX_LINE_BYTES)
    for number, content in enumerate(iter(read_line, b""), start=1):
        if content.isspace():
            continue
        if content.endswith(b"\n"):
            yield Line(number, content)
        elif len(content) < MAX_LINE_BYTES:
            yield Line(number, content, is_whole=False)
        else:
            while (rest := stream.readline(CHUNK_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield Line(number, b"", is_too_long=True)


def line_value(line: Line) -> Any:
    """Return the JSON value of a line, cleaned; raises Unusable if it is none.

    It may still be nested some hundred levels: whoever keeps a part of it passes that part through
    `without_bytes`.
    """
    if line.is_too_long:
        raise Unusable(TOO_LONG)
    content = line.content
    if len(content) > CHUNK_BYTES and sum(map(content.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise Unusable(TOO_MANY)
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        # orjson is strict where files are not: byte order mark, lone surrogates, broken UTF-8.
        return _cleaned(_patient_value(content))
    return _cleaned(value) if b"\\u0000" in content else value


def _patient_value(content: bytes) -> Any:
    text = content.decode("utf-8-sig", errors="replace").strip(WHITESPACE)
    decoder = Decoder()
    try:
        value, end = decoder.decode(text)
    except json.JSONDecodeError as error:
        raise Unusable(f"not JSON: {error.msg}, character {error.pos + 1}") from None
    except RecursionError:
        raise Unusable(TOO_DEEP) from None
    if end < len(text):
        raise Unusable(f"not JSON: more text after the value, character {end + 1}")
    decoder.check()
    return value


# -- one long list ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refused:
    """An element that was read to its end and cannot be used."""

    reason: str


class Elements:
    """The elements of the list in a stream, cleaned, one held at a time.

    The list is the whole file or stands under `key` of an object; an object without that list is
    the one element. An element that is whole but unusable comes as Refused. Raises Unusable where
    the JSON breaks, after all elements before the break. Elements may still be nested some hundred
    levels: whoever keeps a part of one passes it through `without_bytes`. With `trailing_comma`
    one may stand before the end of the list.
    """

    def __init__(self, stream: IO[bytes], key: str, *, trailing_comma: bool = False) -> None:
        self._text = _Text(stream)
        self._key = key
        self._trailing_comma = trailing_comma
        self._whole: dict[str, Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        text = self._text
        if text.peek() == "[":
            yield from self._list()
        elif text.peek() == "{":
            yield from self._object()
        elif text.peek():
            raise Unusable("neither a list nor an object")
        if text.peek():
            raise text.broken("more text after the end")

    def verbatim(self) -> bytes:
        """Return the element that was yielded last as the file has it."""
        if self._whole is not None:
            return json.dumps(self._whole, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return self._text.last().encode("utf-8", "surrogatepass")

    def _list(self) -> Iterator[Any]:
        text = self._text
        text.take("[")
        if text.peek() != "]":
            yield text.value()
            while text.peek() == ",":
                text.take(",")
                if self._trailing_comma and text.peek() == "]":
                    break
                yield text.value()
        text.take("]")

    def _object(self) -> Iterator[Any]:
        text = self._text
        found = False
        whole: dict[str, Any] = {}
        refused = None
        text.take("{")
        separator = ""
        while text.peek() != "}" or separator:
            if separator:
                text.take(separator)
            if text.peek() != '"':
                raise text.broken("expecting a name in double quotes")
            name = text.value()
            text.take(":")
            if name == self._key and text.peek() == "[":
                found = True
                yield from self._list()
            else:
                value = text.value()
                if isinstance(value, Refused):
                    refused = value
                elif not found:
                    whole[name] = value
            if text.peek() != ",":
                break
            separator = ","
            if not found and text.place > MAX_VALUE_CHARACTERS:
                raise text.refused(TOO_LONG)
        text.take("}")
        if not found:
            self._whole = whole
            yield refused or whole


class _Text:
    """The text of a stream, of which only the part around the current place is held."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._decoder = Decoder()
        self._text = ""
        self._place = 0
        self._last = (0, 0)  # where the value begins and ends that was read last
        self._dropped = 0  # characters before `_text`
        self._at_end = False

    @property
    def place(self) -> int:
        """How many characters of the stream lie before the current place."""
        return self._dropped + self._place

    def peek(self) -> str:
        """Return the next character that is not white space, "" at the end."""
        while True:
            if found := NO_SPACE.search(self._text, self._place):
                self._place = found.start()
                return found[0]
            self._place = len(self._text)
            if self._at_end:
                return ""
            self._fill()

    def take(self, character: str) -> None:
        """Step over `character`, or raise Unusable if something else stands there."""
        if self.peek() != character:
            raise self.broken(f"expecting {character}")
        self._place += 1

    def value(self) -> Any:
        """Return the JSON value that stands here, or Refused if it is no value to use."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.decode(self._text, self._place)
            except RecursionError:
                raise self.refused(TOO_DEEP) from None
            except json.JSONDecodeError as error:
                if self._at_end or not self._is_cut(error):
                    raise self.broken(error.msg, error.pos) from None
            else:
                # At the very end of the text a number may go on in the next chunk.
                if end < len(self._text) or self._at_end:
                    break
            self._fill()
        is_dirty = any(
            self._text.find(escape, self._place, end) >= 0 for escape in ("\\u0000", "\\ud", "\\uD")
        )
        self._last = (self._place, end)
        self._place = end
        try:
            self._decoder.check()
            return _cleaned(value) if is_dirty else value
        except Unusable as error:
            return Refused(str(error))

    def last(self) -> str:
        """Return the text of the value read last; only until the next one is looked for."""
        start, end = self._last
        return self._text[start:end]

    def broken(self, message: str, place: int | None = None) -> Unusable:
        """Return the error for text that is no JSON from `place` on."""
        place = self.place if place is None else self._dropped + place
        return Unusable(f"not JSON from character {place + 1} on: {message}")

    def refused(self, message: str) -> Unusable:
        """Return the error for a value whose end is not looked for, so that nothing follows it."""
        return Unusable(f"{message}, from character {self.place + 1} on; the rest is not read")

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        is_at_end = error.pos >= len(self._text) - LONGEST_LITERAL
        return is_at_end or error.msg.startswith("Unterminated string")

    def _fill(self) -> None:
        pending = len(self._text) - self._place
        if pending > MAX_VALUE_CHARACTERS:
            raise self.refused(TOO_LONG)
        if pending > CHUNK_BYTES and sum(map(self._text.count, ",[{")) > MAX_VALUES:
            raise self.refused(TOO_MANY)
        # Twice as much each time: a value longer than a chunk is decoded a few times, not many.
        wanted = min(max(CHUNK_BYTES, pending), LONGEST_CHUNK_BYTES)
        chunk = self._stream.read(wanted)
        self._at_end = not chunk
        self._dropped += self._place
        self._text = self._text[self._place :] + self._utf8.decode(chunk, self._at_end)
        self._place = 0
