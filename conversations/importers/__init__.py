"""Reading conversations that other programs wrote. Knows no Django.

`find` looks at files and says which format each one is, `read` turns them into records. A format
is a module with `LABEL`, `recognises(sample)` and `read(files)`; to add one, add it to FORMATS.
What formats share: `reading` opens files and takes them apart, `values` reads single values,
`usage` token counts, `chat` messages of any dialect; `structure` makes conversations of messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import (
    chat_rows,
    chatgpt,
    claude_ai,
    claude_code,
    codex,
    gemini_cli,
    helicone,
    langfuse,
    langsmith,
    librechat,
    llm_logs,
    message_lists,
    open_webui,
    openassistant,
    otlp,
    own,
    sharegpt,
)
from .batches import anthropic_batch, openai_batch
from .reading.archives import Archive, Gzipped
from .reading.files import (
    GZIP_SIGNATURE,
    STANDARD_INPUT_NAME,
    ZIP_SIGNATURES,
    ByteCount,
    PlainFile,
    SourceFile,
    UnreadableFile,
    describe,
    sample_of,
    walk,
)
from .records import Item, Rejected, Skipped
from .values.text import clean_text

FORMATS = {
    "own": own,
    "claude-code": claude_code,
    "codex": codex,
    "gemini-cli": gemini_cli,
    "chatgpt": chatgpt,
    "claude-ai": claude_ai,
    "librechat": librechat,
    "open-webui": open_webui,
    "llm": llm_logs,
    "openai-batch": openai_batch,
    "anthropic-batch": anthropic_batch,
    "otlp": otlp,
    "langfuse": langfuse,
    "langsmith": langsmith,
    "helicone": helicone,
    # The loosest last: what the others take must not come to these.
    "openassistant": openassistant,
    "chat-rows": chat_rows,
    "sharegpt": sharegpt,
    "messages": message_lists,
}

EMPTY = "empty file"
NOTHING = "holds no conversation of a known format"
LISTED = "`manage.py import --help` lists the formats"
NESTED = "an archive inside an archive is not opened; unpack it first"


@dataclass(slots=True)
class Found:
    """The files of an import, sorted by format, and those that no importer takes."""

    files: dict[str, list[SourceFile]] = field(default_factory=dict)
    unrecognised: list[Skipped | Rejected] = field(default_factory=list)
    total_bytes: int = 0


def find(paths: Iterable[Path | str | SourceFile], *, on_bytes: ByteCount | None = None) -> Found:
    """Return the files at `paths` (files, folders, zip archives, `-`) by the format of each.

    A named path that cannot be read or holds nothing known is Rejected in the answer; nothing is
    raised. `on_bytes` is called with the number of bytes read whenever `read` reads some.
    """
    found = Found()
    seen: dict[int | None, bool] = {}
    for path in paths:
        some_known = False
        problems: list[Skipped | Rejected] = []
        for file in walk(path, on_bytes=on_bytes):
            inode = file.inode if isinstance(file, PlainFile) else None
            if inode is None or inode not in seen:
                seen[inode] = _sort_in(file, found, problems, on_bytes)
            some_known = some_known or seen[inode]
        found.unrecognised += problems if some_known else _explained(path, problems)
    return found


def read(found: Found) -> Iterator[tuple[str, Item]]:
    """Yield (format name, session or what could not be read), format by format."""
    for name, module in FORMATS.items():
        for item in module.read(found.files.get(name, [])):
            yield name, item


def _sort_in(
    file: SourceFile | Rejected | Skipped,
    found: Found,
    problems: list[Skipped | Rejected],
    on_bytes: ByteCount | None,
) -> bool:
    """Put a file, or all in an archive, where it belongs; return whether anything is known."""
    if isinstance(file, Rejected | Skipped):
        problems.append(file)
        return False
    try:
        file, sample = _unpacked(file)
        if not sample.startswith(ZIP_SIGNATURES):
            return _sort_in_one(file, sample, found, problems)
        archive = Archive(file, on_bytes=on_bytes)
    except UnreadableFile as error:
        problems.append(Rejected(error.name, error.reason))
        return False
    some_known = False
    for entry in archive.entries():
        try:
            member, sample = _unpacked(entry)
        except UnreadableFile as error:
            problems.append(Rejected(error.name, error.reason))
            continue
        if sample.startswith(ZIP_SIGNATURES):
            problems.append(Skipped(entry.name, NESTED))
        elif _sort_in_one(member, sample, found, problems):
            some_known = True
    if not some_known:
        archive.close()
    return some_known


def _unpacked(file: SourceFile) -> tuple[SourceFile, bytes]:
    """Return a file and its first bytes, without the gzip around it."""
    sample = sample_of(file)
    if sample.startswith(GZIP_SIGNATURE):
        file = Gzipped(file)
        sample = sample_of(file)
    return file, sample


def _sort_in_one(
    file: SourceFile, sample: bytes, found: Found, problems: list[Skipped | Rejected]
) -> bool:
    if not sample:
        problems.append(Skipped(file.name, EMPTY))
        return False
    for name, module in FORMATS.items():
        if module.recognises(sample):
            found.files.setdefault(name, []).append(file)
            found.total_bytes += file.size
            return True
    problems.append(Skipped(file.name, f"{describe(sample)}, of no known format"))
    return False


def _explained(
    path: Path | str | SourceFile, problems: list[Skipped | Rejected]
) -> list[Skipped | Rejected]:
    """Return `problems` with one Rejected at least, for a named path that holds nothing known."""
    name = clean_text(str(Path(path))) if isinstance(path, Path | str) else path.name
    match problems:
        case [Rejected()]:
            return problems
        case [Skipped(place=place, reason=reason)] if place in (name, STANDARD_INPUT_NAME):
            return problems if reason == EMPTY else [Rejected(place, f"{reason}; {LISTED}")]
    return [*problems, Rejected(name, f"{NOTHING}; {LISTED}")]
