"""How values are spread, and their percentiles, from the buckets that the roll-ups keep.

Buckets of any days, models and projects may be added; the middle of each is within one per cent of
all that were counted in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from . import cube, rollups
from .filters import Where


def histogram(
    metric: str,
    where: Where,
    first: date,
    last: date,
    by: Sequence[str] = (),
    *,
    models: Sequence[int] | None = None,
    using: str = "default",
) -> dict[tuple, dict[int, int]]:
    """Return how many values fell into each bucket, by "model_id", "project_id", "day" or "week".

    Metrics: latency_ms of messages; tokens, cost_nanos and seconds (of completed ones) of sessions.
    A bucket is named by its lowest value. Tags, sources and roles are not told apart. Without a
    project and without days long ranges are read several times as fast. `models` are those to ask
    for.
    """
    begin, end = cube.day_number(first), cube.day_number(last)
    if where.project_id is not None or where.no_project or "project_id" in by:
        parts = [("rollup_project_histograms", "day", begin, end)]
    elif "day" in by:
        parts = [("rollup_histograms", "day", begin, end)]
    else:
        # Whole weeks, and the days at both ends. Numbers of days: the last day that a calendar has
        # has no other after it.
        weeks = range((begin + cube.WEEK + 2) // cube.WEEK, (end + 4) // cube.WEEK)
        edge = (week * cube.WEEK - 3 for week in (weeks.start, weeks.stop))
        monday, after = edge if weeks else (end + 1, end + 1)
        parts = [
            ("rollup_histograms", "day", begin, monday - 1),
            ("rollup_histogram_weeks", "week", weeks.start, weeks.stop - 1),
            ("rollup_histograms", "day", after, end),
        ]
    found: dict[tuple, dict[int, int]] = {}
    for table, column, low, high in parts:
        if low > high:
            continue
        condition, params = f"metric = %s AND {column} BETWEEN %s AND %s", [metric, low, high]
        if table == "rollup_project_histograms":
            # By each project, which is how the table lies; so the days are a range in it.
            condition = f"project_id IN ({projects_of(where)}) AND {condition}"
        if where.model_id is not None:
            condition, params = f"{condition} AND model_id = %s", [*params, where.model_id]
        if models is not None:
            listed = ", ".join(str(int(model)) for model in models)
            condition = f"{condition} AND model_id IN ({listed})"
        columns = ", ".join((*by, "low"))
        if column == "day":
            columns = columns.replace("week", cube.LONGER["week"])
        sql = (
            f"SELECT {columns}, SUM(count) FROM {table} WHERE {condition}"
            f" GROUP BY {columns} HAVING SUM(count) <> 0"
        )
        buckets, before = {}, None  # rows of one key come one after the other, mostly
        for row in cube.ask(sql, params, using):
            if (key := row[:-2]) != before:
                buckets, before = found.setdefault(key, {}), key
            bucket = row[-2]
            buckets[bucket] = buckets.get(bucket, 0) + row[-1]
    return found


OVER_TIME = """
    WITH parts AS (
        SELECT {time} AS time, model_id, SUM(count) AS total
        FROM {table} WHERE {condition} GROUP BY 1, 2 HAVING SUM(count) > 0
    )
    SELECT time, model_id, (
        SELECT low FROM (
            SELECT low, SUM(count) OVER (ORDER BY low DESC ROWS UNBOUNDED PRECEDING) AS above
            FROM {table} AS bucket
            WHERE metric = %s AND bucket.{time} = parts.time AND bucket.model_id = parts.model_id
            ORDER BY low DESC
        ) WHERE above > total - MAX(%s * total, 1e-9) + 1e-9 LIMIT 1
    )
    FROM parts
"""


def percentiles_over_time(
    metric: str,
    share: float,
    where: Where,
    first: date,
    last: date,
    time: str,
    *,
    using: str = "default",
) -> dict[tuple[int, int], float]:
    """Return the percentile of each "day" or "week" and model, as `percentile` has it.

    The database looks for it from the greatest bucket down, so that few of them are read.
    """
    begin, end = cube.day_number(first), cube.day_number(last)
    table, low, high = "rollup_histograms", begin, end
    read_here: list[tuple[date, date]] = []
    if where.project_id is not None or where.no_project:
        read_here, low, high = [(first, last)], 1, 0
    elif time == "week":
        # Weeks of which the range has but a part are not in the table of weeks.
        weeks = range((begin + cube.WEEK + 2) // cube.WEEK, (end + 4) // cube.WEEK)
        table, low, high = "rollup_histogram_weeks", weeks.start, weeks.stop - 1
        if not weeks:
            read_here = [(first, last)]
        else:
            monday, after = cube.monday_of(weeks.start), cube.monday_of(weeks.stop)
            if first < monday:
                read_here.append((first, monday - timedelta(days=1)))
            if after <= last:
                read_here.append((after, last))
    found = {}
    if low <= high:
        condition, params = f"metric = %s AND {time} BETWEEN %s AND %s", [metric, low, high]
        if where.model_id is not None:
            condition, params = f"{condition} AND model_id = %s", [*params, where.model_id]
        sql = OVER_TIME.format(time=time, table=table, condition=condition)
        for at, model, bucket in cube.ask(sql, [*params, metric, share], using):
            found[at, model] = rollups.middle(bucket)
    for some_first, some_last in read_here:
        parts = histogram(metric, where, some_first, some_last, (time, "model_id"), using=using)
        found |= {key: percentile(buckets, share) for key, buckets in parts.items()}
    return found


def projects_of(where: Where) -> str:
    """Return, as SQL, the ids of the projects that are asked for."""
    if where.no_project:
        return "0"
    if where.project_id is not None:
        return str(int(where.project_id))
    return "SELECT 0 UNION ALL SELECT id FROM projects"


def percentile(buckets: dict[int, int], share: float) -> float | None:
    """Return the value below which `share` (0 to 1) of the counted values lie, to one per cent.

    By nearest rank, as `numpy.percentile(..., method="inverted_cdf")`; None of nothing.
    """
    total = sum(buckets.values())
    if not total:
        return None
    wanted, seen = max(share * total, 1e-9), 0
    for low in sorted(buckets):
        seen += buckets[low]
        if seen >= wanted - 1e-9:
            return rollups.middle(low)
    return None
