"""What can go wrong, each with a message that names the thing and the place.

Raised where it arises and translated at the edge: a `CommandError` on the command line, a page in
the browser, the exception itself in Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connections

from . import databases


class SessionsError(Exception):
    """Anything this program has an explanation for."""


class UnknownId(SessionsError, LookupError):
    """No session, message or model has this id."""


class AmbiguousId(SessionsError, LookupError):
    """Several sessions have an id that starts like this; the message lists them."""


class InvalidValue(SessionsError, ValueError):
    """A value that cannot be stored; the message names the field."""


class TooSlow(SessionsError):
    """A question was given up, since it took longer than it may."""


class DatabaseTrouble(SessionsError):
    """The database cannot be read or written now; the message says why and what helps."""


@contextmanager
def explained(using: str) -> Iterator[None]:
    """Turn the database errors that have an explanation into `DatabaseTrouble`."""
    connection = connections[using]
    try:
        yield
    except (DatabaseError, connection.Database.DatabaseError) as error:
        reason = databases.of(connection).explain(error, connection.settings_dict["NAME"])
        if reason is None:
            raise
        raise DatabaseTrouble(reason) from error
