"""The sessions at the top: those that cost most, used most tokens or ran longest."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db import connections
from django.db.models import F, IntegerField, Q, QuerySet
from django.db.models.expressions import RawSQL

from analytics import cube
from analytics.filters import Where
from analytics.ranges import midnight
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
    FROM rollup_histograms
    WHERE metric = %s AND project_id IN ({projects}) AND day BETWEEN %s AND %s {model} AND count > 0
    ORDER BY low DESC LIMIT %s
"""


def top_sessions(
    metric: str, where: Where, first: date, last: date, *, limit: int = 10, using: str = "default"
) -> list[Session]:
    """Return the sessions started on these days with the greatest value of `metric`.

    `metric` is cost_nanos, tokens or seconds (from start to completion). Each session has it as
    `value`, and as `shown` in USD, tokens or ms. However many sessions there are, only those of
    the days, projects and models in which the greatest values lie are read, unless tags or sources
    are asked for.
    """
    sessions = Session.objects.using(using).with_names().annotate(value=_value(metric))
    begin, end = midnight(first), midnight(last + timedelta(days=1))
    if where.tag is None and where.source is None:
        cells = _cells(metric, where, first, last, limit, using)
        if not cells:
            return []
        sessions = sessions.filter(_in_cells(cells), value__gte=min(low for low, *_ in cells))
    else:
        sessions = _matching(sessions, where).filter(started_at__gte=begin, started_at__lt=end)
    found = sessions.filter(value__gt=0).order_by("-value", "-started_at", "-id")
    top = list(found[:limit])
    for session in top:
        session.shown = METRICS[metric](session.value)
    return top


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
    sql = GREATEST.format(projects=cube.projects_of(where), model=model)
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


def _in_cells(cells: list[tuple[int, int, int, int]]) -> Q:
    condition = Q()
    for day, project, model in {cell[1:] for cell in cells}:
        begin = cube.day_of(day)
        condition |= Q(
            started_at__gte=midnight(begin),
            started_at__lt=midnight(begin + timedelta(days=1)),
            project=project or None,
            model=model or None,
        )
    return condition


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
