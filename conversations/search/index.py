"""Looking after the search indexes, which otherwise look after themselves."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from django.db import connections, transaction


def _indexing(using: str) -> ModuleType:
    return import_module(f"conversations.search.{connections[using].vendor}.indexing")


def check(*, using: str = "default") -> list[str]:
    """Return what is wrong with the search indexes, compared with all texts; empty if nothing."""
    return _indexing(using).check(connections[using])


def rebuild(*, using: str = "default", on_progress: Callable[[int], None] | None = None) -> int:
    """Make the search indexes anew and return how many rows they were made of.

    In one transaction: others find what they found before, and cannot write until it ends.
    """
    with transaction.atomic(using), connections[using].cursor() as cursor:
        return _indexing(using).rebuild(cursor, on_progress=on_progress)


def optimize(*, using: str = "default") -> None:
    """Merge the parts in which the search indexes were written; they are read quicker then."""
    with connections[using].cursor() as cursor:
        _indexing(using).optimize(cursor)


def size(*, using: str = "default") -> dict[str, int]:
    """Return the bytes that each search index takes on disk, by name."""
    with connections[using].cursor() as cursor:
        return _indexing(using).size(cursor)
