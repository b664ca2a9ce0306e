"""What failed: how often, of which models, for what reason, and what was said of it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from django.db import connections
from django.db.models.functions import Left

from analytics import cube
from analytics.charts import Cell, Chart, Level, Series
from analytics.cube import Sums
from analytics.filters import AnalyticsFilter, Where
from analytics.ranges import Range, midnight
from analytics.tables import Line, Table
from conversations import databases
from conversations.models import Message
from conversations.models.choices import Role
from conversations.templatetags import conversations as show
from conversations.views.messages import address

from . import conditions
from .models import ERRORS, FINISHES_OF, MOST_ROWS, is_answer
from .names import namer
from .series import Keyed, link_more, stacked, total
from .spread import not_told_apart

NOT_TOOLS = "Results of tools that failed are not in it; they are on the page Tools."
NEWEST = 50  # messages that are shown
LOOKED_AT = 5_000  # failures, the newest of the range, among which filters look for them
LONGEST_TEXT = 300  # characters that are shown of an error
# Reasons for which an answer ends when all is well, as providers write them.
COMPLETE = {"stop", "end_turn", "stop_sequence", "tool_use", "tool_calls", "function_call",
            "completed", "complete", "eos", "success"}  # fmt: skip
Z = 1.959964  # of the normal distribution, for 95 per cent


def wilson(failures: int, count: int) -> tuple[float, float]:
    """Return the ends, in percent, between which the rate of failures lies with 95 % certainty.

    The score interval of E. B. Wilson, Probable inference, the law of succession, and statistical
    inference, J. Am. Stat. Assoc. 22 (1927), p. 209: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) /
    (1 + z²/n). It holds for few messages and for rates near 0 too.
    """
    if not count:
        return 0.0, 100.0
    rate, square = failures / count, Z * Z / count
    room = Z * sqrt(rate * (1 - rate) / count + square / (4 * count))
    middle, scale = rate + square / 2, 1 + square
    low, high = (middle - room) / scale, (middle + room) / scale
    # Rounding must not leave the rate itself outside.
    return max(min(low, rate), 0.0) * 100, min(max(high, rate), 1.0) * 100


Found = dict[tuple[int, int, str], Sums]  # by day, model and role


def sums_of(filters: AnalyticsFilter) -> Found:
    """Return what the other questions are answered from: what messages add up to."""
    days = filters.range
    return cube.by_day(filters.where, days.first, days.last, ("day", "model_id", "role"))


def by_model(filters: AnalyticsFilter, found: Found) -> Chart:
    """Return the failed messages of each period, stacked by model."""
    is_without_tools = filters.where.role is None
    periods = filters.range.periods()
    starts = [cube.day_number(period.first) for period in periods]
    failed: Keyed = {}
    for (day, id, role), sums in found.items():
        if sums.errors and not (is_without_tools and role == Role.TOOL):
            held = failed.setdefault(id, [Sums()] * len(periods))
            held[bisect_right(starts, day) - 1] += sums
    return stacked(
        filters,
        "model_id",
        "errors",
        title="Failed messages by model",
        keyed=failed,
        searched=ERRORS,
        note=NOT_TOOLS if is_without_tools else "",
    )


def rates(filters: AnalyticsFilter, found: Found) -> tuple[Chart, Table]:
    """Return the share of answers that failed, by model, and within what it lies."""
    answers: dict[int, Sums] = {}
    for (_, id, role), sums in found.items():
        if is_answer(filters.where, role):
            answers[id] = answers.get(id, Sums()) + sums
    order = sorted(answers, key=lambda id: (-(answers[id].error_rate or 0), -answers[id].messages))
    name_of = namer("model_id", order)
    most = sorted(order, key=lambda id: -answers[id].messages)[:MOST_ROWS]
    shown = [id for id in order if id in most]
    everything = total(answers.values())
    ends = [wilson(answers[id].errors, answers[id].messages) for id in shown]
    chart = Chart(
        "rates",
        "Error rate by model",
        "intervals",
        [name_of(id) for id in shown],
        [
            Series(
                "Error rate",
                [answers[id].error_rate for id in shown],
                [low for low, _ in ends],
                [high for _, high in ends],
            )
        ],
        "percent",
        links=[filters.sessions_url(q=ERRORS, **link_more("model_id", id)) for id in shown],
        note="With the interval in which the rate lies with 95 % certainty (Wilson).",
        label_name="Model",
        levels=[Level("All models", everything.error_rate)] if everything.errors else [],
    )
    lines = []
    for id in order:
        sums, link = answers[id], filters.sessions_url(q=ERRORS, **link_more("model_id", id))
        low, high = wilson(sums.errors, sums.messages)
        cells = [
            Cell(sums.messages, "count", filters.sessions_url(**link_more("model_id", id))),
            Cell(sums.errors, "count", link),
            Cell(sums.error_rate, "percent", link),
            Cell(low, "percent", link),
            Cell(high, "percent", link),
        ]
        lines.append(Line(name_of(id), link, cells))
    heads = [("Answers", "count"), ("Failed", "count"), ("Error rate", "percent"),
             ("95 % from", "percent"), ("95 % to", "percent")]  # fmt: skip
    return chart, Table("models", "Error rate of each model", "Model", heads, lines)


def finishes(filters: AnalyticsFilter) -> Table:
    """Return how many messages ended for each reason, and how that went."""
    days = filters.range
    periods = days.periods()
    starts = [cube.day_number(period.first) for period in periods]
    counts: dict[str, list[int]] = {}
    asked = cube.finish_reasons(filters.where, days.first, days.last, ("day", "finish_reason"))
    for (day, reason), count in asked.items():
        held = counts.setdefault(reason, [0] * len(periods))
        held[bisect_right(starts, day) - 1] += count
    whole = sum(map(sum, counts.values()))
    order = sorted(counts, key=lambda reason: (is_complete(reason), -sum(counts[reason]), reason))
    link = filters.sessions_url()
    lines = [
        Line(
            reason if is_complete(reason) else f"{reason} (cut short)",
            None,
            [
                Cell(sum(counts[reason]), "count", link),
                Cell(sum(counts[reason]) / whole * 100, "percent", link),
            ],
            trend=counts[reason],
        )
        for reason in order
    ]
    return Table(
        "finishes",
        "Finish reasons",
        "Reason",
        [("Messages", "count"), ("Share", "percent")],
        lines,
        note=not_told_apart(filters.where, FINISHES_OF),
        trend_name="Messages over time",
    )


def is_complete(reason: str) -> bool:
    """Return whether a message with this finish reason says all that it was to say."""
    return reason.strip().lower() in COMPLETE


# -- what was said ------------------------------------------------------------------------------

# The condition of the index, as the index has it; a parameter would not be known to match it.
FAILED = """
    SELECT failed.id
    FROM (
        SELECT id, timestamp, session_id, model_id FROM messages
        WHERE error_message > '' AND timestamp >= %s AND timestamp < %s {of_message}
        ORDER BY timestamp DESC LIMIT {looked_at}
    ) AS failed
    JOIN sessions AS session ON session.id = failed.session_id
    WHERE {of_session}
    ORDER BY failed.timestamp DESC, failed.id DESC LIMIT {limit}
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that failed: when, who, where, and the beginning of what it says of it."""

    timestamp: datetime
    role: str
    model: str
    session: str
    link: str  # to the message in its session, "" if its id can stand in no address
    text: str


def newest(
    where: Where, days: Range, *, limit: int = NEWEST, using: str = "default"
) -> list[Failure]:
    """Return the newest messages of the range that say what went wrong.

    Looked for among the `LOOKED_AT` newest of all: however many there are, it takes no longer. And
    mostly enough of them are among the first of these, which tell how many more it takes.
    """
    ids: list[int] = []
    looked_at, further = 0, LOOKED_AT // 10
    with connections[using].cursor() as cursor:
        while len(ids) < limit and looked_at < LOOKED_AT:
            looked_at = min(further, LOOKED_AT)
            cursor.execute(*newest_sql(where, days, limit, using, looked_at))
            ids = [id for [id] in cursor.fetchall()]
            further = looked_at * 3 * limit // (2 * len(ids)) if ids else LOOKED_AT
    rows = (
        Message.objects.using(using)
        .select_related("model", "session__model")
        .only(
            *("message_uuid", "timestamp", "role", "session__session_uuid", "session__title"),
            *(f"{of}{name}" for of in ("model__", "session__model__") for name in NAMES),
        )
        .annotate(text=Left("error_message", LONGEST_TEXT + 1))
        .in_bulk(ids)
    )
    return [_failure(rows[id]) for id in ids if id in rows]


NAMES = ("provider", "model_name", "model_version")


def _failure(message: Message) -> Failure:
    session, model = message.session, message.model or message.session.model
    link = show.address(session)
    text = message.text
    return Failure(
        message.timestamp,
        message.get_role_display(),
        str(model) if model else "",
        str(session),
        address(session, message.message_uuid) if link else "",
        text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}\N{HORIZONTAL ELLIPSIS}",
    )


def newest_sql(
    where: Where, days: Range, limit: int, using: str, looked_at: int = LOOKED_AT
) -> tuple[str, list]:
    """Return the question for the ids of these messages, and its parameters."""
    time_text = databases.of(connections[using]).time_text
    first, last = midnight(days.first), midnight(days.last + timedelta(days=1))
    params: list = [time_text(first), time_text(last)]
    of_message = ""
    if where.role is not None:
        of_message, params = "AND role = %s", [*params, where.role]
    of_session, values = conditions.of_session(where)
    params += values
    if where.model_id is not None:
        of_session += " AND COALESCE(failed.model_id, session.model_id) = %s"
        params.append(where.model_id)
    sql = FAILED.format(
        of_message=of_message, of_session=of_session, looked_at=looked_at, limit=int(limit)
    )
    return sql, params
