"""The sessions at the top: those that cost most, used most tokens or ran longest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from django.db import connections
from django.db.models import IntegerField, QuerySet
from django.db.models.expressions import RawSQL

from analytics import cube, histograms
from analytics.filters import Where
from analytics.ranges import midnight
from conversations import databases
from conversations.filters import with_keys
from conversations.models import Session
from conversations.models.sessions import NANO

from . import conditions

# How pages show a value of each metric.
METRICS = {
    "cost_nanos": lambda value: Decimal(value) / NANO,  # USD
    "tokens": int,
    "seconds": lambda value: value * 1000,  # ms
}
VALUES = {
    "cost_nanos": "total_cost_nanos",
    "tokens": "total_input_tokens + total_output_tokens",
    "seconds": "strftime('%%s', completed_at) - strftime('%%s', started_at)",
}
MOST_CELLS = 2_000  # beyond them it is quicker to read all sessions of a tag
FEW = 10_000  # sessions of a tag, all of which are read at once
# The histograms tell in which bucket the greatest values of these days lie.
GREATEST = """
    SELECT low, day, project_id, model_id
    FROM rollup_project_histograms
    WHERE metric = %s AND project_id IN ({projects}) AND day BETWEEN %s AND %s {model} AND count > 0
    ORDER BY low DESC LIMIT %s
"""
# CROSS JOIN, so that each cell is a range of an index: as conditions with OR between them, SQLite
# goes through all sessions.
IN_CELLS = """
    WITH cells(project_id, model_id, begins_at, ends_at) AS (
        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
               json_extract(value, '$[2]'), json_extract(value, '$[3]')
        FROM json_each(%s)
    )
    SELECT session.id
    FROM cells CROSS JOIN sessions AS session
    WHERE session.project_id IS cells.project_id AND session.model_id IS cells.model_id
        AND session.started_at >= cells.begins_at AND session.started_at < cells.ends_at
        AND {value} >= %s AND {matching}
"""
HAS_FEW = "SELECT COUNT(*) < %s FROM (SELECT 1 FROM session_tags WHERE name = %s LIMIT %s)"
# One pass over the sessions, and the greatest of each metric from what it found.
OF_ALL = """
    SELECT '{metric}', id FROM (
        SELECT id FROM found WHERE of_{metric} > 0
        ORDER BY of_{metric} DESC, started_at DESC, id DESC LIMIT %s
    )
"""


def top_sessions(
    metrics: Iterable[str],
    where: Where,
    first: date,
    last: date,
    *,
    limit: int = 10,
    using: str = "default",
) -> dict[str, list[Session]]:
    """Return for each metric the sessions started on these days with its greatest values.

    Metrics are cost_nanos, tokens and seconds (from start to completion). Each session has its
    value as `value`, and as `shown` in USD, tokens or ms. However many sessions there are, only
    those of the days, projects and models in which the greatest values lie are read; where few of
    them have the tag or source that is asked for, all that have it, once for all metrics.
    """
    keys: dict[str, list[int]] = {}
    rest = []
    is_rare = where.tag is not None and _has_few(where.tag, using)
    for metric in metrics:
        found = None if is_rare else _in_greatest(metric, where, first, last, limit, using)
        keys[metric] = found or []
        if found is None:
            rest.append(metric)
    if rest:
        keys |= _of_all(rest, where, first, last, limit, using)
    return {metric: _greatest(metric, found, limit, using) for metric, found in keys.items()}


def _has_few(tag: str, using: str) -> bool:
    with connections[using].cursor() as cursor:
        cursor.execute(HAS_FEW, [FEW, tag, FEW])
        return bool(cursor.fetchone()[0])


def _greatest(metric: str, keys: list[int], limit: int, using: str) -> list[Session]:
    sessions = Session.objects.using(using).with_names().annotate(value=_value(metric))
    found = with_keys(sessions, keys).filter(value__gt=0)
    top = list(found.order_by("-value", "-started_at", "-id")[:limit])
    for session in top:
        session.shown = METRICS[metric](session.value)
    return top


def _of_all(
    metrics: list[str], where: Where, first: date, last: date, limit: int, using: str
) -> dict[str, list[int]]:
    """Return the keys at the top of each metric, of all sessions that match."""
    begin, end = midnight(first), midnight(last + timedelta(days=1))
    sessions = _matching(Session.objects.using(using).order_by(), where)
    sessions = sessions.filter(started_at__gte=begin, started_at__lt=end)
    columns = {f"of_{metric}": _value(metric) for metric in metrics}
    sql, params = (
        sessions.annotate(**columns)
        .values_list("id", "started_at", *columns)
        .query.sql_with_params()
    )
    names = ", ".join(("id", "started_at", *columns))
    parts = " UNION ALL ".join(OF_ALL.format(metric=metric) for metric in metrics)
    keys: dict[str, list[int]] = {metric: [] for metric in metrics}
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"WITH found({names}) AS MATERIALIZED ({sql}) {parts}",
            [*params, *[limit] * len(metrics)],
        )
        for metric, key in cursor.fetchall():
            keys[metric].append(key)
    return keys


def _value(metric: str) -> RawSQL:
    return RawSQL(VALUES[metric], (), output_field=IntegerField())


def _in_greatest(
    metric: str, where: Where, first: date, last: date, limit: int, using: str
) -> list[int] | None:
    """Return keys of sessions, those with the greatest values among them; None if they are rare."""
    enough = limit * (2 if where.tag is None and where.source is None else 8)
    while True:
        cells, least = _cells(metric, where, first, last, enough, using)
        keys = _in_cells(cells, metric, least, where, using)
        if len(keys) >= limit or not least:
            return keys
        if enough == MOST_CELLS:
            return None
        # What was found tells how many more it takes.
        further = 3 * limit // (2 * len(keys)) if keys else MOST_CELLS
        enough = min(enough * max(2, further), MOST_CELLS)


Cell = tuple[int, int, int]  # day, project, model


def _cells(metric, where, first, last, enough, using) -> tuple[set[Cell], int]:
    """Return where the greatest values lie, and the least value of which all are in there.

    It is 0 if there are no more. Where more cells than are looked at have values within one per
    cent of each other, some of them must do.
    """
    model = "" if where.model_id is None else f"AND model_id = {int(where.model_id)}"
    sql = GREATEST.format(projects=histograms.projects_of(where), model=model)
    params = [metric, cube.day_number(first), cube.day_number(last), enough + 1]
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    least = 0
    if len(rows) > enough:
        least = rows[-1][0]
        whole = [row for row in rows if row[0] > least]
        if whole or enough < MOST_CELLS:
            least = whole[-1][0] if whole else least
            rows = whole
    return {row[1:] for row in rows}, least


def _in_cells(cells: set[Cell], metric: str, least: int, where: Where, using: str) -> list[int]:
    """Return the keys of the sessions of these cells that match, and have so much of a metric."""
    time_text = databases.of(connections[using]).time_text
    listed = []
    for day, project, model in cells:
        begin, end = (midnight(cube.day_of(one)) for one in (day, day + 1))
        listed.append((project or None, model or None, time_text(begin), time_text(end)))
    matching, params = conditions.of_session(replace(where, project_id=None, no_project=False))
    sql = IN_CELLS.format(value=VALUES[metric], matching=matching)
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [json.dumps(listed), least, *params])
        return [key for [key] in cursor.fetchall()]


def _matching(sessions: QuerySet, where: Where) -> QuerySet:
    if where.tag is not None:
        sessions = sessions.filter(tag_rows__name=where.tag)
    if where.source is not None:
        sessions = sessions.filter(source=where.source)
    if where.model_id is not None:
        sessions = sessions.filter(model=where.model_id)
    if where.project_id is not None or where.no_project:
        sessions = sessions.filter(project=where.project_id)
    return sessions
