"""Where the tools of this machine keep their conversations."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder that holds what a tool has kept; `size` in bytes."""

    label: str
    path: Path
    files: int
    size: int


def find(folders: Mapping[str, str]) -> list[Place]:
    """Return the usual places that are there and hold files, each once. Nothing is opened.

    `folders` are the variables by which the tools are told of other places, where they are set.
    """
    found: dict[Path, Place] = {}
    for label, path in _usual(folders, Path.home()):
        try:
            resolved = path.expanduser().resolve()
            place = _measured(label, resolved)
        except OSError:
            continue
        if place and resolved not in found:
            found[resolved] = place
    return list(found.values())


def _usual(folders: Mapping[str, str], home: Path) -> Iterator[tuple[str, Path]]:
    config = Path(folders.get("XDG_CONFIG_HOME") or home / ".config")
    if several := folders.get("CLAUDE_CONFIG_DIR"):
        for folder in several.split(","):
            yield "Claude Code", Path(folder.strip()) / "projects"
    yield "Claude Code", home / ".claude" / "projects"
    yield "Claude Code", config / "claude" / "projects"
    codex = Path(folders.get("CODEX_HOME") or home / ".codex")
    yield "Codex", codex / "sessions"
    yield "Codex", codex / "archived_sessions"
    yield "Gemini CLI", home / ".gemini" / "tmp"
    if folder := folders.get("LLM_USER_PATH"):
        yield "llm", Path(folder) / "logs.db"
    if sys.platform == "darwin":
        yield "llm", home / "Library" / "Application Support" / "io.datasette.llm" / "logs.db"
    yield "llm", config / "io.datasette.llm" / "logs.db"
    downloads = home / "Downloads"
    for label, pattern in (("ChatGPT", "*-20??-??-??-*.zip"), ("Claude.ai", "data-20??-*.zip")):
        try:
            yield from ((label, file) for file in sorted(downloads.glob(pattern)))
        except OSError:
            continue


def _measured(label: str, path: Path) -> Place | None:
    if path.is_file():
        return Place(label, path, 1, path.stat().st_size)
    files = size = 0
    for folder, _, names in os.walk(path):
        for name in names[: MOST_FILES - files]:
            try:
                size += Path(folder, name).stat().st_size
            except OSError:
                continue
            files += 1
    return Place(label, path, files, size) if files else None
