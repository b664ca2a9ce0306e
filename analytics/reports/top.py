"""The sessions at the top: those that cost most, used most tokens or ran longest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.db import connections
from django.db.models import F, IntegerField, QuerySet
from django.db.models.expressions import RawSQL

from analytics import cube, histograms
from analytics.filters import Where
from analytics.ranges import midnight
from conversations import databases
from conversations.filters import with_keys
from conversations.models import Session
from conversations.models.sessions import NANO

# How pages show a value of each metric.
METRICS = {
    "cost_nanos": lambda value: Decimal(value) / NANO,  # USD
    "tokens": int,
    "seconds": lambda value: value * 1000,  # ms
}
SECONDS = "strftime('%%s', completed_at) - strftime('%%s', started_at)"
# The histograms tell in which bucket the greatest values of these days lie.
GREATEST = """
    SELECT low, day, project_id, model_id, count
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
    WHERE session.deleted_at IS NULL
        AND session.project_id IS cells.project_id AND session.model_id IS cells.model_id
        AND session.started_at >= cells.begins_at AND session.started_at < cells.ends_at
"""
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
    those of the days, projects and models in which the greatest values lie are read; where a tag or
    a source is asked for, all that have it, once for all metrics.
    """
    metrics = tuple(metrics)
    if where.tag is None and where.source is None:
        keys = {
            metric: _in_cells(_cells(metric, where, first, last, limit, using), using)
            for metric in metrics
        }
    else:
        keys = _of_all(metrics, where, first, last, limit, using)
    return {metric: _greatest(metric, keys[metric], limit, using) for metric in metrics}


def _greatest(metric: str, keys: list[int], limit: int, using: str) -> list[Session]:
    sessions = Session.objects.using(using).with_names().annotate(value=_value(metric))
    found = with_keys(sessions, keys).filter(value__gt=0)
    top = list(found.order_by("-value", "-started_at", "-id")[:limit])
    for session in top:
        session.shown = METRICS[metric](session.value)
    return top


def _of_all(
    metrics: tuple[str, ...], where: Where, first: date, last: date, limit: int, using: str
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


def _value(metric: str):
    match metric:
        case "cost_nanos":
            return F("total_cost_nanos")
        case "tokens":
            return F("total_input_tokens") + F("total_output_tokens")
    return RawSQL(SECONDS, (), output_field=IntegerField())


def _cells(metric, where, first, last, limit, using) -> list[tuple[int, int, int, int]]:
    """Return bucket, day, project and model of the greatest values: `limit` of them or more."""
    model = "" if where.model_id is None else f"AND model_id = {int(where.model_id)}"
    sql = GREATEST.format(projects=histograms.projects_of(where), model=model)
    params = [metric, cube.day_number(first), cube.day_number(last), limit]
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        rows = cursor.fetchall()
    cells, seen = [], 0
    for low, day, project, model_id, count in rows:
        if seen >= limit and low < cells[-1][0]:  # all of the last bucket are looked at
            break
        cells.append((low, day, project, model_id))
        seen += count
    return cells


def _in_cells(cells: list[tuple[int, int, int, int]], using: str) -> list[int]:
    """Return the keys of the sessions of these days, projects and models."""
    time_text = databases.of(connections[using]).time_text
    listed = []
    for day, project, model in {cell[1:] for cell in cells}:
        begin, end = (midnight(cube.day_of(one)) for one in (day, day + 1))
        listed.append((project or None, model or None, time_text(begin), time_text(end)))
    with connections[using].cursor() as cursor:
        cursor.execute(IN_CELLS, [json.dumps(listed)])
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
