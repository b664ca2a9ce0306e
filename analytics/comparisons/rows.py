"""Rows of JSONL and CSV files, one at a time, with their line numbers."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

LONGEST_LINE = 5_000_000  # characters
PROMPT_KEYS = ("prompt_id", "prompt_key", "item_id")
PROMPT_TEXTS = ("prompt", "prompt_text", "question_text")
PROMPT_GROUPS = ("prompt_group", "suite", "template", "question", "group")
ROW_IDS = ("id", "key", "vote_id", "result_id", "request_id")
YES, NO = {"true", "yes", "1"}, {"false", "no", "0"}


def of_jsonl(stream: TextIO) -> Iterator[tuple[int, dict | str]]:
    """Yield line numbers and rows, or why a line is none."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            yield number, f"the line has more than {LONGEST_LINE:,} characters"
            while line and not line.endswith("\n"):
                line = stream.readline(LONGEST_LINE)
            continue
        if not line.strip():
            continue
        try:
            row = json.loads(line, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            yield number, f"no JSON: {error}"[:300]
            continue
        yield number, row if isinstance(row, dict) else "the line is no JSON object"


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def of_csv(stream: TextIO) -> Iterator[tuple[int, dict | str]]:
    """Yield line numbers and rows with numbers as numbers, or why a line is none."""
    try:
        reader = csv.DictReader(stream)
        for row in reader:
            if None in row or None in row.values():
                yield reader.line_num, "the line has not as many fields as the first"
                continue
            yield reader.line_num, {key: _cell(key, value) for key, value in row.items()}
    except csv.Error as error:
        yield reader.line_num, f"no CSV: {error}"


def _cell(key: str, value: str) -> Any:
    if value == "":
        return None
    if key in ("ok", "higher_is_better"):
        return True if value.lower() in YES else False if value.lower() in NO else value
    is_named = key in (*PROMPT_KEYS, *PROMPT_TEXTS, *PROMPT_GROUPS, *ROW_IDS, "a", "b", "variant")
    is_named = is_named or key in ("left", "right", "winner", "rater", "judge", "error", "first")
    if is_named:
        return value
    try:
        return float(value)
    except ValueError:
        return value


def first_of(row: dict, names: Iterable[str]) -> str:
    """Return the first of these fields that says something, as text, or ""."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return ""
