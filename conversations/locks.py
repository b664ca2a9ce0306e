"""Files that say that a process is alive: the lock goes with the process, however that ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from .errors import SessionsError

try:
    import fcntl
except ImportError:  # Windows: nobody is ever taken for dead there
    fcntl = None  # type: ignore[assignment]


def folder() -> Path:
    """Return the folder of what this installation keeps beside its database."""
    return Path(settings.DATA_DIR)


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold the lock `name`, which several processes may hold at once, and drop it at the end."""
    path = _path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            if _is_last(file):
                path.unlink(missing_ok=True)


class Taken(SessionsError):
    """Another process holds a lock that only one may hold."""


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold the lock `name` as the only process; raises `Taken` if another has it."""
    path = _path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a") as file:  # it stays: another process may be waiting at this very file
        if not _is_last(file):
            raise Taken(f"Another process is at it already ({path} is locked).")
        yield


def is_free(name: str) -> bool:
    """Say whether no living process holds the lock `name`."""
    try:
        file = _path(name).open()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    with file:
        return fcntl is not None and _is_last(file)


def _is_last(file: IO[str]) -> bool:
    """Say whether nobody else holds the lock that this open file is about."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _path(name: str) -> Path:
    return folder() / "locks" / f"{name}.lock"
