"""Fetching pages as a browser does, and asking what a page cost."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TypeVar

from django.db import connection
from django.test.utils import CaptureQueriesContext

LIST = "/sessions/"
# Every value on every page takes minutes; `THOROUGH=1 pytest ...` tries them all.
THOROUGH = bool(os.environ.get("THOROUGH"))
Item = TypeVar("Item")


def share(items: Iterable[Item], number: int, *, one_in: int) -> list[Item]:
    """Return one item of so many, others for other numbers; all of them if that is asked for."""
    return list(items) if THOROUGH else list(items)[number % one_in :: one_in]


def page(client, address: str, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, address
    return response.content.decode()


def queries(client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        page(client, address)
    return len(captured)


def plan_for_keys(client, address: str) -> str:
    """Return how the database finds the keys of a page."""
    with CaptureQueriesContext(connection) as captured:
        page(client, address)
    [keys] = [
        query["sql"]
        for query in captured
        if re.match(r'SELECT "\w+"\."id" .* LIMIT \d+( OFFSET \d+)?$', query["sql"])
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {keys}")
        return " ".join(str(row) for row in cursor.fetchall())
