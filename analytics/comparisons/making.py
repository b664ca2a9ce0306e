"""Making comparisons: their name, their plan, and the sessions that are their variants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.http import QueryDict
from django.utils.timezone import now

from analytics.models import (
    ComparisonGroup,
    ComparisonSession,
    ComparisonType,
    ComparisonVariant,
)
from analytics.models.comparisons import MOST_PROMPTS
from conversations import reading, values
from conversations.errors import AmbiguousId, InvalidValue, UnknownId
from conversations.filters import SessionFilter
from conversations.models import Project, Session
from conversations.writing import new_id

CHUNK = 500
PLANNED = {"primary_metric": "primary_set_at", "planned_prompts": "planned_at"}


def create_group(
    name: str,
    *,
    comparison_type: str = ComparisonType.MODEL,
    project: str = "",
    description: str = "",
    primary_metric: str = "",
    planned_prompts: int | None = None,
    is_paired: bool = True,
    baseline: str = "",
    metadata: Mapping[str, Any] | None = None,
    using: str = "default",
) -> ComparisonGroup:
    """Make a comparison and return it. Raises `InvalidValue`, and `UnknownId` for a project."""
    group = ComparisonGroup(
        group_uuid=new_id(), metadata=values.as_json("metadata", dict(metadata or {}), dict)
    )
    group._state.db = using
    _set(
        group,
        name=name,
        comparison_type=comparison_type,
        project=project,
        description=description,
        primary_metric=primary_metric,
        planned_prompts=planned_prompts,
        is_paired=is_paired,
        baseline=baseline,
    )
    group.save(using=using, force_insert=True)
    return group


def change_group(group: ComparisonGroup, **columns: Any) -> None:
    """Change what a comparison is called and planned as; `completed` (bool) sets its end.

    When the primary metric or the planned number changes, the time of it is noted: a choice made
    after the results is another thing than one made before.
    """
    _set(group, **columns)
    group.save(using=group._state.db)


def _set(group: ComparisonGroup, **columns: Any) -> None:
    using = group._state.db
    if "completed" in columns:
        done = columns.pop("completed")
        group.completed_at = (group.completed_at or now()) if done else None
    if "project" in columns:
        group.project = _project(columns.pop("project"), using)
    for column, value in columns.items():
        if column not in (
            *PLANNED,
            "name",
            "comparison_type",
            "description",
            "is_paired",
            "baseline",
        ):
            raise InvalidValue(f"a comparison has no {column!r:.50} to set")
        if column == "planned_prompts":
            values.integer(column, value, most=MOST_PROMPTS)
        elif column == "is_paired":
            value = bool(value)
        else:
            values.field_text(ComparisonGroup, column, value)
        if column in PLANNED and value != getattr(group, column):
            setattr(group, PLANNED[column], now() if value else None)
        setattr(group, column, value)
    if not group.name.strip():
        raise InvalidValue("name: a comparison needs a name")
    values.choice("comparison_type", group.comparison_type, ComparisonType)
    values.validated(group)


def _project(given: Project | str | None, using: str) -> Project | None:
    if not given or isinstance(given, Project):
        return given or None
    if found := Project.objects.using(using).filter(name=values.text("project", given)).first():
        return found
    raise UnknownId(f"There is no project “{given:.100}”.")


def find_group(identifier: str, *, using: str = "default") -> ComparisonGroup:
    """Return the comparison of this id, of a unique beginning of it, or of this name."""
    values.text(
        "comparison", identifier, longest=ComparisonGroup._meta.get_field("name").max_length
    )
    groups = ComparisonGroup.objects.using(using)
    end = identifier + "\U0010ffff"
    for found in (
        groups.filter(group_uuid=identifier),
        groups.filter(name=identifier),
        groups.filter(group_uuid__gte=identifier, group_uuid__lt=end)
        if identifier
        else groups.none(),
    ):
        match list(found[:3]):
            case [one]:
                return one
            case [_, _, *_] as several:
                listed = "".join(f"\n  {group.group_uuid}  {group.name[:60]}" for group in several)
                raise AmbiguousId(f"Several comparisons are “{identifier:.100}”:{listed}")
    raise UnknownId(f"There is no comparison “{identifier:.100}”.")


def name_variant(
    group: ComparisonGroup,
    variant_name: str,
    *,
    label: str = "",
    planned_share: float | None = None,
    config: Mapping[str, Any] | None = None,
) -> ComparisonVariant:
    """Give a variant a label, the share of the traffic that it is to get, or its settings."""
    name = variant_key("variant", variant_name)
    share = values.number("planned_share", planned_share, most=1)
    if share == 0:
        raise InvalidValue("planned_share must be above 0 and at most 1")
    row, _ = ComparisonVariant.objects.using(group._state.db).update_or_create(
        comparison_group=group,
        variant_name=name,
        defaults={
            "label": values.field_text(ComparisonVariant, "label", label),
            "planned_share": share,
            "config": values.as_json("config", dict(config or {}), dict),
        },
    )
    return row


def variant_key(what: str, name: Any) -> str:
    """Return a name if a variant can have it."""
    values.field_text(ComparisonSession, "variant_name", name)
    if not name.strip():
        raise InvalidValue(f"{what}: a variant needs a name")
    return name


def link_sessions(
    group: ComparisonGroup,
    variant_name: str,
    session_uuids: Iterable[str],
    *,
    config: Mapping[str, Any] | None = None,
) -> int:
    """Make sessions part of a variant; return how many are new.

    Raises `UnknownId`, and `InvalidValue` for a session that is part of another variant.
    """
    using = group._state.db
    ids = [reading.find_session(uuid, using=using).pk for uuid in session_uuids]
    return _link(group, variant_name, ids, config)


def link_query(group: ComparisonGroup, variant_name: str, query: str) -> int:
    """Make all sessions part of a variant that a filtered list shows; return how many are new.

    `query` is what stands behind the ? of the list's address. Raises `InvalidValue` for a filter
    that cannot be meant, and for one that leaves nothing out.
    """
    chosen = SessionFilter(QueryDict(query.lstrip("?")))
    if ignored := chosen.ignored():
        raise InvalidValue(f"filter: {ignored[0]}")
    if not chosen.query():
        raise InvalidValue(f"filter: nothing is filtered by in “{query:.100}”")
    found = chosen.qs.using(group._state.db).order_by()
    return _link(group, variant_name, list(found.values_list("pk", flat=True)), None)


def _link(group, variant_name: str, ids: list[int], config) -> int:
    using = group._state.db
    name = variant_key("variant", variant_name)
    config = None if config is None else values.as_json("config", dict(config), dict)
    links = ComparisonSession.objects.using(using).filter(comparison_group=group)
    with transaction.atomic(using):
        known = dict(links.values_list("session_id", "variant_name"))
        for id in ids:
            if (other := known.get(id, name)) != name:
                uuid = (
                    Session.with_trash.using(using)
                    .values_list("session_uuid", flat=True)
                    .get(pk=id)
                )
                raise InvalidValue(f"session {uuid} is part of the variant “{other}” already")
        new = [id for id in dict.fromkeys(ids) if id not in known]
        links.bulk_create(
            [
                ComparisonSession(
                    comparison_group=group, session_id=id, variant_name=name, variant_config=config
                )
                for id in new
            ],
            batch_size=CHUNK,
        )
        if not group.baseline and not known:
            # The first that is named is what the others are measured against.
            change_group(group, baseline=name)
    return len(new)


def unlink_sessions(group: ComparisonGroup, session_uuids: Iterable[str]) -> int:
    """Take sessions out of a comparison, whatever their variant; return how many were in it."""
    using = group._state.db
    ids = [reading.find_session(uuid, using=using).pk for uuid in session_uuids]
    links = ComparisonSession.objects.using(using).filter(comparison_group=group)
    return sum(
        links.filter(session_id__in=ids[at : at + CHUNK]).delete()[0]
        for at in range(0, len(ids), CHUNK)
    )
